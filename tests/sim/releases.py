"""The programs of a past release, beside the present ones in one process.

A release lies in `tests/golden/releases/` as git archived it.  Its modules are loaded under a
name of their own, with their imports changed to that name, and so are those modules of the
simulation that build daemons and tools: each simulated program is of one release throughout.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
import traceback
import zipimport
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from renderd import errors
from renderd.core.names import parse_ticket
from renderd.spool.layout import ADOPTING, HELD
from tests.sim import farm
from tests.sim.farm import IDENTITY, Farm, Plan
from tests.sim.node import Daemon
from tests.sim.share import SimShare
from tests.sim.world import ROOT, Actor, Violation, World

HERE = Path(__file__).parents[1]
#: modules of the simulation whose programs run the code of a release
_OURS = ("drops", "node", "people", "hand")
_IMPORT = re.compile(r"^(\s*)(from|import) renderd(?=[\s.])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Known:
    """A fault of a release that was mended since: pardoned where that release did it."""

    sentence: str  #: how the violation begins, as a regular expression; `jid`: whose it is
    mended: str  #: what was changed since


KNOWN: dict[str, tuple[Known, ...]] = {
    "0.1.0": (
        Known(r"\S+ runs .*, not ", "the start of a torn chunk is no command (6280fb4)"),
        Known(
            r"I6: p\d\d~(?P<jid>\w+)~\S+ is still in queue/",
            "who adopts a file whose output another job has leaves that job's mark (da720d3)",
        ),
    ),
}


class Pardoned(Violation):
    """An old release did what it is known to do, and what was mended since."""

    def __init__(self, message: str, known: Known) -> None:
        super().__init__(message)
        self.known = known


@dataclass(frozen=True, slots=True)
class _Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a release's modules under its own name."""

    package: str
    archive: zipimport.zipimporter

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name.partition(".")[0] != self.package:
            return None
        if name.startswith(f"{self.package}.sim_"):
            return importlib.machinery.ModuleSpec(name, self)
        is_package = self.archive.is_package(self._inside(name))
        return importlib.machinery.ModuleSpec(name, self, is_package=is_package)

    def _inside(self, name: str) -> str:
        return name.replace(self.package, "renderd", 1).replace(".", "/")

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        ours = name.partition(".sim_")[2]
        if ours:
            path = HERE / "sim" / f"{ours}.py"
            text = path.read_text("utf-8")
            for other in _OURS:
                text = text.replace(f"from tests.sim.{other} ", f"from {self.package}.sim_{other} ")
        else:
            text = self.archive.get_source(self._inside(name)) or ""
        said = _IMPORT.sub(rf"\1\2 {self.package}", text)
        # `import renderd` alone binds that name, which the code then goes on to use
        said = re.sub(
            rf"^import {self.package}$", rf"import {self.package} as renderd", said, flags=re.M
        )
        exec(compile(said, f"<{name}>", "exec"), module.__dict__)


@dataclass(frozen=True, slots=True)
class Release:
    """What the simulation needs of a past release."""

    version: str
    node: ModuleType
    people: ModuleType
    layout: ModuleType

    @staticmethod
    def load(version: str) -> "Release":
        """The release that is kept under a version.  Raises FileNotFoundError."""
        path = HERE / "golden" / "releases" / f"renderd-{version}.zip"
        if not path.is_file():
            raise FileNotFoundError(f"{path}: its README says how it is made")
        package = "renderd_" + version.replace(".", "_")
        if package not in sys.modules:
            sys.meta_path.insert(0, _Loader(package, zipimport.zipimporter(str(path))))
            # One tree of errors: who acts for a program need not know its release.
            sys.modules[f"{package}.errors"] = errors
        take = importlib.import_module
        for name in ("core.chunk", "spool.survey", "spool.listing"):  # as farm.make_small
            take(f"{package}.{name}").CHUNKS_A_GROUP = 3  # type: ignore[attr-defined]
        take(f"{package}.spool.nodes").SHARD_SIZE = 2  # type: ignore[attr-defined]
        take(f"{package}.host.load").available_bytes = lambda: 16 << 30  # type: ignore[attr-defined]
        take(f"{package}.sim_node").Daemon.release = version  # type: ignore[attr-defined]
        return Release(
            version,
            take(f"{package}.sim_node"),
            take(f"{package}.sim_people"),
            take(f"{package}.spool.layout"),
        )


class _Side:
    """The farm as the tools of an old release have it."""

    def __init__(self, farm: Farm, release: Release) -> None:
        self._farm, self._release = farm, release

    def __getattr__(self, name: str) -> Any:
        return getattr(self._farm, name)

    def program(self, name: str, act: Callable[[Actor], None]) -> Actor:
        actor = self._farm.program(name, act)
        actor.machine.release = self._release.version
        return actor

    def spool(self, actor: Actor) -> Any:
        share = SimShare(self._farm.world.server, actor)
        who = actor.machine.name.replace(".", "-")
        identity = self._release.layout.Identity(IDENTITY.id)
        return self._release.layout.Spool(share, ROOT, identity, actor.rng, who)


class Mixed(Farm):
    """A farm on which about half of the programs are of an old release."""

    def __init__(self, world: World, plan: Plan, release: Release) -> None:
        self.release = release
        self.old_hosts: set[str] = set()
        super().__init__(world, plan)
        mine = self.people

        class Tools(release.people.People):  # type: ignore[misc]
            """What people do with old tools; what they keep in mind is one."""

            undone = property(lambda _: mine.undone, lambda _, new: setattr(mine, "undone", new))
            jobs = property(lambda _: mine.jobs, lambda _, new: setattr(mine, "jobs", new))

        self.tools = (mine, Tools(_Side(self, release), mine.dropped))
        self.held_at_adoption: set[str] = set()  #: jobs that an old daemon took in and held
        world.server.told.append(self._moved)

    def _moved(self, old: str, new: str, _held: object) -> None:
        is_adopted = old.startswith(f"{ROOT}/{ADOPTING}/") and new.startswith(f"{ROOT}/{HELD}/")
        turn, ticket = self.world.turn, parse_ticket(new.rpartition("/")[2])
        if is_adopted and ticket and turn and turn.machine.release:
            self.held_at_adoption.add(ticket.jid)

    def known(self, said: str) -> Known | None:
        """The fault of the old release that a violation is, where that release did the act."""
        turn = self.world.turn
        for known in KNOWN.get(self.release.version, ()):
            found = re.match(known.sentence, said)
            if found is None:
                continue
            by = found.groupdict().get("jid")
            if by in self.held_at_adoption or (by is None and turn and turn.machine.release):
                return known
        return None

    def daemon_of(self, host: str, like: Daemon | None) -> type[Daemon]:
        """The release of a daemon: a copy's is its origin's, and who starts again may upgrade."""
        rng = self.world.detail(f"release {host}", self.starts[host])
        if like is not None:
            is_old = isinstance(like, self.release.node.Daemon)
        else:
            is_old = rng.random() < 0.5 and (self.starts[host] == 1 or host in self.old_hosts)
        (self.old_hosts.add if is_old else self.old_hosts.discard)(host)
        self.world.count(f"daemon of {self.release.version}" if is_old else "daemon of now")
        return self.release.node.Daemon if is_old else Daemon

    def _happen(self, weights: Any) -> None:
        self.people = self.tools[self.world.detail("tool", self.act).random() < 0.5]
        super()._happen(weights)


def simulate_beside(version: str, seed: int, plan: Plan) -> World:
    """Run one schedule of present and old programs to its end.

    Raises Pardoned where the old release did what it is known to do, Violation for all else.
    """
    farm.make_small()
    world = World(seed)
    mixed = Mixed(world, plan, Release.load(version))
    try:
        mixed.run()
    except Violation as error:
        if known := mixed.known(str(error)):
            raise Pardoned(str(error), known) from error
        raise
    finally:
        for actor in list(world.actors):
            actor.end()
    return world


def main(version: str, seeds: range, plan: Plan) -> int:
    """Run a row of mixed schedules; 1 where a rule was broken by what was not known."""
    bad, counts = 0, Counter[str]()
    for seed in seeds:
        try:
            counts.update(simulate_beside(version, seed, plan).counts)
        except Pardoned as error:
            counts[f"pardoned: {error.known.mended}"] += 1
        except Exception as error:
            bad += 1
            kind = "" if isinstance(error, Violation) else traceback.format_exc()
            print(f"seed {seed}: {kind}{error}", flush=True)
    print(f"{len(seeds)} schedules beside {version}; {bad} violations")
    for what, count in sorted(counts.items()):
        print(f"  {count:>9,} {what}")
    return 1 if bad else 0
