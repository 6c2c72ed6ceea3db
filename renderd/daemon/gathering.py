"""Which files of an attempt lie in its private folder, whose frames they are, where they belong.

A Blender with our prologue tells it by folders: `passes.json` says what File Output nodes write
and where it belongs, `frame.<n>/` holds all files of a written frame.  Of other programs the names
tell, by the output's pattern.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from renderd.core.frameset import UNKNOWN, FrameSet, Size, abstract
from renderd.errors import BrokenImage, RenderdError
from renderd.spool import image, movies, passes, sets
from renderd.spool.layout import Spool
from renderd.spool.moves import names
from renderd.spool.output import Output
from renderd.spool.passes import Pass, PassUnseen
from renderd.spool.placing import Piece

#: kinds whose structure proves that a file is whole, also while its program still runs
PROVEN = frozenset({"png", "exr", "jpeg", "webp"})
MAIN = "main"  #: the folder of a frame's own image, beside the folders of its passes
#: what is no film, whatever the film is called
OURS = frozenset({passes.TABLE, movies.LIST, "started"})
_FRAME = re.compile(r"frame\.(-?\d{1,9})")


class OutputGone(RenderdError):
    """The output is no longer this job's, or not seen here: nothing may be put in place."""


@dataclass(slots=True)
class Gathering:
    """Finds the frames in one attempt's folder and holds them against the job's frame set."""

    spool: Spool
    output: Output
    stem: str
    allows: Callable[[str], bool]  #: whether this machine may write into a folder
    table: dict[str, Pass] | None = None  #: None: no prologue said where passes belong
    known: FrameSet | None = None
    kept: FrameSet | None = None  #: what frames of before are, which the job keeps
    owned: list[tuple[str, str]] = field(default_factory=list)  #: folders and patterns of passes

    @property
    def private(self) -> str:
        """The attempt's private folder."""
        return self.output.private(self.stem)

    def declare(self) -> None:
        """Read where the passes belong and make the job their owner.

        Raises OutputOwned where another open job writes there, OutputGone, OSError.
        """
        if self.table is None:
            self.table = passes.read_table(self.spool, self.private)
            self._own([one for one in (self.table or {}).values() if one.is_used])

    def _own(self, wanted: Sequence[Pass]) -> None:
        for one in wanted:
            if not self.allows(one.folder):
                raise OutputGone(f"this node does not allow output in {one.folder}")
        try:
            passes.claim(self.spool, self.output, wanted)
        except PassUnseen as unseen:
            raise OutputGone(f"this node {unseen.message}") from unseen
        self.owned += [(one.folder, pattern) for one in wanted for pattern in one.patterns]

    def confirm(self, turn: int) -> None:
        """Be sure that one of the passes still is this job's; each in its turn.

        Raises OutputOwned, OutputGone, OSError.
        """
        if not self.owned:
            return
        folder, pattern = self.owned[turn % len(self.owned)]
        if not passes.confirm(self.spool, self.output, folder, pattern):
            raise OutputGone(f"this node does not see the job's mark in {folder} any more")

    def found(self) -> dict[int, list[Piece]]:
        """The files of each frame that is written, the main image last.  Raises as `declare`."""
        listed = names(self.spool, self.private)
        if passes.TABLE in listed:
            self.declare()
            whole = [(name, m) for name in listed if (m := _FRAME.fullmatch(name))]
            return {int(m[1]): self._told(int(m[1]), name) for name, m in whole}
        return self.lying(self.private, listed)

    def lying(self, folder: str, listed: Iterable[str] | None = None) -> dict[int, list[Piece]]:
        """The files of each frame in a folder by their names alone.  Raises OSError."""
        pieces: dict[int, list[Piece]] = {}
        for name in sorted(names(self.spool, folder) if listed is None else listed):
            frame = self.output.frame_of(name)
            if frame is not None:
                key = abstract(name, frame, (self.output.pattern,)) or name
                pieces.setdefault(frame, []).append(Piece(f"{folder}/{name}", name, key))
        return pieces

    def _told(self, frame: int, folder: str) -> list[Piece]:
        """The pieces of a frame whose folder the prologue filled."""
        pieces: list[Piece] = []
        home = f"{self.private}/{folder}"
        keys = sorted(names(self.spool, home), key=lambda key: (key == MAIN, key))
        unowned = [one for key in keys if (one := self._pass(key)) and not self._owns(one)]
        if unowned:
            self._own(unowned)
        for key in keys:
            listed = sorted(names(self.spool, f"{home}/{key}"))
            listed.sort(key=lambda name: self.output.frame_of(name) == frame)
            pieces += [self._piece(frame, key, f"{home}/{key}", name) for name in listed]
        return pieces

    def _pass(self, key: str) -> Pass | None:
        return (self.table or {}).get(key)

    def _owns(self, one: Pass) -> bool:
        return all((one.folder, pattern) in self.owned for pattern in one.patterns)

    def _piece(self, frame: int, key: str, folder: str, name: str) -> Piece:
        one = self._pass(key)
        if one is None:
            known = abstract(name, frame, (self.output.pattern,))
            return Piece(f"{folder}/{name}", name, known or name)
        known = abstract(name, frame, one.patterns) or ""
        if one.folder == self.output.folder:
            return Piece(f"{folder}/{name}", name, known, is_main=False)
        final = passes.rooted(self.spool, f"{one.folder}/{name}")
        known = known and passes.rooted(self.spool, f"{one.folder}/{known}")
        return Piece(f"{folder}/{name}", final, known, is_main=False)

    def verify(self, frame: int, pieces: Sequence[Piece], *, is_said: bool = True) -> FrameSet:
        """The set that these files are; raises BrokenImage where it is not whole or another one.

        Raises OSError.
        """
        is_told = self.table is not None
        sizes: dict[str, Size] = {}
        for piece in pieces:
            if not piece.abstract:
                raise BrokenImage(f"the name of {piece.base!r} does not hold the frame's number")
            if piece.abstract in sizes:
                raise BrokenImage(
                    f"two of its files want the name {piece.name!r}: give one of the File Output"
                    " nodes another name"
                )
            found = image.verify_file(self.spool.share, piece.path)
            if not is_said and not is_told and found.kind not in PROVEN:
                raise BrokenImage(f"{piece.base} may still be written")
            sizes[piece.abstract] = (found.width or 0, found.height or 0)
        if is_told and not any(piece.is_main for piece in pieces):
            raise BrokenImage("it has files of File Output nodes and no image of its own")
        if self.known is None:
            self.known = sets.read(self.spool, self.output)
            self.kept = sets.read_kept(self.spool, self.output)
        why = self.known.why_not(sizes, frame) if self.known is not None else ""
        if self.kept is not None and not why:
            why = self.kept.why_fewer(sizes, frame) or self.kept.why_not(sizes, frame)
        if why:
            raise BrokenImage(why)
        return FrameSet(sizes, is_told)

    def enter(self, found: FrameSet) -> None:
        """Make the first frame's set the job's.  Raises OSError, BrokenImage as `verify`."""
        if self.known is None:
            self.known = sets.enter(self.spool, self.output, found)

    def of_movie(self) -> list[Piece]:
        """The film of a run that ended well, and whatever passes it wrote.  Raises as `declare`."""
        start = self.output.pattern.split("#")[0]
        pieces: list[Piece] = []
        if passes.TABLE in names(self.spool, self.private):
            for frame, told in sorted(self.found().items()):
                pieces += [piece for piece in told if not piece.is_main]
                for piece in pieces:
                    if not piece.abstract:
                        raise BrokenImage(f"frame {frame}: {piece.base!r} holds no frame number")
        for name in sorted(names(self.spool, self.private)):
            path = f"{self.private}/{name}"
            there = self.spool.share.stat(path)
            if name.startswith(start) and name not in OURS and there.is_file and there.size > 0:
                pieces.append(Piece(path, name, name))
        return pieces

    def clear_parts(self) -> None:
        """Remove what a Blender that died left half-written: the next would not touch it.

        Only what lies in a whole frame's folder stays.  Raises OSError.
        """
        share, listed = self.spool.share, names(self.spool, self.private)
        keys = names(self.spool, f"{self.private}/passes") if "passes" in listed else []
        folders = [self.private, *(f"{self.private}/passes/{key}" for key in keys)]
        for folder in folders:
            for name in names(self.spool, folder):
                path = f"{folder}/{name}"
                if name not in OURS and share.stat(path).is_file:
                    share.unlink(path)

    def largest_bytes(self) -> int:
        """Bytes of the largest frame that lies here.  Raises OSError."""
        found = self.found() if self.table is not None else self.lying(self.private)
        stat = self.spool.share.stat
        return max((sum(stat(p.path).size for p in pieces) for pieces in found.values()), default=0)


def size_of(found: FrameSet) -> Size:
    """The pixels of the main image, which is the last of the set."""
    return list(found.sizes.values())[-1] if found.sizes else UNKNOWN
