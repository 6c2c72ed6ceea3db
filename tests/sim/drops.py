"""Scripts and editors that drop files into the spool, and take them away again."""

import contextlib
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from renderd.core.names import parse_ticket
from renderd.spool.layout import DONE
from tests.sim.laws import DROPS
from tests.sim.server import File
from tests.sim.world import ROOT, Actor

if TYPE_CHECKING:
    from tests.sim.farm import Farm

_EDITORS = ("rename over", "backup first", "in place")


@dataclass(eq=False)
class Droppers:
    """Who drops files; `rng` of each act decides the particulars."""

    farm: "Farm"
    dropped: dict[str, int] = field(default_factory=dict)  #: files that were dropped, by slug
    writing: list[File] = field(default_factory=list)  #: by slow scripts and editors, now

    def __post_init__(self) -> None:
        self.world = self.farm.world
        self.server = self.world.server

    def drop(self, rng: Random) -> None:
        """A script drops an info file; names come again once the first is taken."""
        name = f"drop{rng.randrange(3)}"
        if self._is_there(name) or self.server.is_full:
            return
        text = rng.choice(DROPS)
        self._count_drop(name, 1)
        self._write(name, text, rng, is_slow=rng.random() < 0.5)

    def drop_row(self, rng: Random) -> None:
        """A script drops file after file of one name, each when the one before was taken."""
        name, count, text = f"drop{rng.randrange(3)}", rng.randrange(2, 5), rng.choice(DROPS)

        def write(actor: Actor) -> None:
            for _ in range(count):
                while self._is_there(name):
                    actor.sleep(self.world.now + rng.choice((0.01, 0.2, 2.0)))
                    if self.farm.is_calm:
                        return
                if not self.server.is_full:
                    self._count_drop(name, 1)
                    self._write(name, text, rng, is_slow=False)

        self.farm.program("script", write).is_exposed = False

    def _is_there(self, name: str) -> bool:
        return f"{name}.info" in self.server.folder(ROOT).names

    def _count_drop(self, name: str, more: int) -> None:
        self.dropped[name] = self.dropped.get(name, 0) + more

    def _write(self, name: str, text: bytes, rng: Random, *, is_slow: bool) -> None:
        file = self.server.create(f"{ROOT}/{name}.info", b"" if is_slow else text)
        self._write_on(file, text if is_slow else b"", rng)

    def _write_on(self, file: File, text: bytes, rng: Random) -> None:
        """Pieces through a descriptor that follows the file wherever it is moved."""

        def write(actor: Actor) -> None:
            file.is_synced, file.writer = False, actor.machine
            for piece in (text[:9], text[9:20], text[20:]):
                actor.sleep(self.world.now + rng.choice((0.001, 0.5)))
                file.data += piece
                file.mtime_ns = self.server.now_ns()
            self.writing.remove(file)

        if text:
            self.writing.append(file)
            self.world.count("slow writer")
            self.farm.program("script", write).is_exposed = False

    def remove_drop(self, rng: Random) -> None:
        """`rm` of a file that nobody took yet."""
        name = f"drop{rng.randrange(3)}"
        if self._is_there(name):
            self.server.unlink(f"{ROOT}/{name}.info")
            self._count_drop(name, -1)
            self.world.count("drop removed")

    def edit_drop(self, rng: Random) -> None:
        """An editor saves a file in the root that may be taken meanwhile."""
        name, how, text = f"drop{rng.randrange(3)}", rng.choice(_EDITORS), rng.choice(DROPS)
        if self.server.is_full or (how == "in place" and not self._is_there(name)):
            return
        server, path = self.server, f"{ROOT}/{name}.info"

        def save(actor: Actor) -> None:
            if how == "in place" and not self._is_there(name):
                return
            self.world.count(f"editor: {how}")
            self.farm.laws.edited.add(name)
            if how == "in place":  # truncates, then writes: what was opened may be taken by now
                file = server.file(path)
                if file in self.writing:
                    return  # two at once make a text that neither of them meant
                file.data = b""
                self._write_on(file, text, rng)
                return
            if how == "backup first" and self._is_there(name):
                server.rename(path, f"{path}~")
                self._count_drop(name, -1)
            beside = path if how == "backup first" else f"{ROOT}/.{name}.info.{self.farm.act}.tmp"
            actor.sleep(self.world.now + rng.choice((0.001, 0.5, 3.0)))
            if server.is_full or (how == "backup first" and self._is_there(name)):
                return  # somebody dropped another meanwhile
            with contextlib.suppress(FileExistsError):
                server.create(beside, text if how == "rename over" else b"")
            if how == "backup first":
                self._count_drop(name, 1)
                self._write_on(server.file(path), text, rng)
                return
            actor.sleep(self.world.now + rng.choice((0.001, 0.5)))
            self._count_drop(name, 0 if self._is_there(name) else 1)
            server.rename(beside, path)

        self.farm.program("editor", save).is_exposed = False

    def drop_again(self, rng: Random) -> None:
        """`cp` of a done job's ticket into the root: it runs once more."""
        names = sorted(self.server.folder(f"{ROOT}/{DONE}").names)
        name = f"again{rng.randrange(3)}"
        found = [n for n in names if parse_ticket(n)]
        if not found or self._is_there(name) or self.server.is_full:
            return
        text = self.server.file(f"{ROOT}/{DONE}/{rng.choice(found)}").data
        if b"name:" in text:
            return  # it would come under that name
        self._count_drop(name, 1)
        self.server.create(f"{ROOT}/{name}.info", text)
