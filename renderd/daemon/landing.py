"""An attempt's frames: verified and put in place as soon as each is whole."""

import contextlib
import errno
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from renderd.core.job import Writes
from renderd.errors import BrokenImage, RenderdError
from renderd.spool import frames, image, movies
from renderd.spool.frames import MOVIE, Output, Receipt
from renderd.spool.layout import Spool
from renderd.spool.moves import PASSING, names

#: kinds whose structure proves that a file is whole, also while its program still runs
PROVEN = frozenset({"png", "exr", "jpeg", "webp"})
MARK_LOOKS = 3  #: at the job's marks before its output counts as gone


class OutputGone(RenderdError):
    """The output is no longer this job's, or not seen here: nothing may be put in place."""


class NoSpace(RenderdError):
    """The output's file system, or the spool's, is full."""


@dataclass(slots=True)
class Landing:
    """Puts the frames of one attempt in place; knows which are there and what is wrong."""

    spool: Spool
    output: Output
    stem: str
    wanted: Sequence[int]
    confirm_alive: Callable[[], bool]  #: False: we are certified dead, or cannot tell
    receipts: dict[int, Receipt] = field(default_factory=dict)
    complaints: dict[int, str] = field(default_factory=dict)  #: frame → why it is not whole
    size: tuple[int, int] = (0, 0)  #: pixels of the job's frames, once one is known
    started_at: int = 0  #: server time in ns of the attempt's start

    def begin(self) -> list[int]:
        """Find the frames that are this job's already; those still to be rendered.

        Raises OSError.
        """
        self.receipts = frames.receipted(self.spool, self.output, self.wanted)
        self.size = next((r.size for r in self.receipts.values() if r.size != (0, 0)), (0, 0))
        missing = [f for f in self.wanted if f not in self.receipts]
        if missing and self.size == (0, 0):
            self.size = frames.first_size(self.spool, self.output)
        if missing or self.output.writes is Writes.MOVIE:
            self.started_at = frames.started_at(self.spool, self.output, self.stem)
        if self.output.writes is Writes.MOVIE:
            done = frames.read_receipt(self.spool, self.output, self.movie)
            self.receipts = dict.fromkeys(self.wanted, done) if done is not None else {}
            return [] if done is not None else list(self.wanted)
        return missing

    @property
    def movie(self) -> str:
        """The receipt's key of a movie: a job has one for each of its runs."""
        return f"{MOVIE}.{self.wanted[0]}~{self.wanted[-1]}"

    def sweep(self, *, is_final: bool, saved: Collection[int] = ()) -> int:
        """Put in place every whole frame found; how many landed.

        While the command runs a frame counts when the program said that it `saved` it, or when
        its kind proves it whole; what cannot be read now is looked for again.  Raises OutputGone,
        NoSpace, OSError where the share fails.
        """
        if self.output.writes is Writes.ITSELF:
            return self._accept() if is_final else 0
        if self.output.writes is Writes.MOVIE:
            return self._land_movie() if is_final else 0
        landed = 0
        try:
            found = frames.fresh_files(self.spool, self.output.private(self.stem), self.output)
        except OSError as error:
            if is_final or not _is_passing(error):
                raise
            return 0
        for frame, files in found.items():
            if frame in self.wanted and frame not in self.receipts:
                is_said = is_final or frame in saved
                landed += self.land(frame, files, is_said=is_said, is_final=is_final)
        return landed

    def salvage(self, saved: Collection[int]) -> int:
        """Keep what is whole of an attempt that failed; how many frames landed.

        Its exit proves nothing, so a frame counts only where the program said that it `saved`
        it or its kind proves it whole; a movie of a failed run never does.  Raises as `sweep`.
        """
        if self.output.writes is Writes.MOVIE:
            return 0
        if self.output.writes is Writes.ITSELF:
            return self._accept(saved)
        return self.sweep(is_final=False, saved=saved)

    def land(self, frame: int, files: Sequence[str], *, is_said: bool, is_final: bool) -> bool:
        """Verify one frame's files and put them in place; False with a complaint otherwise."""
        folder = self.output.private(self.stem)
        try:
            size = self._verify([f"{folder}/{name}" for name in files], is_said=is_said)
        except BrokenImage as error:
            self.complaints[frame] = error.message
            return False
        except OSError as error:
            # Its program may have taken it away again, the share may hang: no reason to stop both.
            if is_final or not (_is_passing(error) or isinstance(error, FileNotFoundError)):
                raise
            return False
        self._confirm()
        try:
            self.receipts[frame] = frames.place(
                self.spool, self.output, self.stem, frame, files, size
            )
        except OSError as error:
            raise _named(error, self.output) from error
        self.complaints.pop(frame, None)
        return True

    def _verify(self, paths: Sequence[str], *, is_said: bool = True) -> tuple[int, int]:
        size = (0, 0)
        for path in paths:
            found = image.verify_file(self.spool.share, path)
            if not is_said and found.kind not in PROVEN:
                raise BrokenImage(f"{path.rpartition('/')[2]} may still be written")
            size = (found.width or 0, found.height or 0)
            if self.size != (0, 0) and size not in ((0, 0), self.size):
                raise BrokenImage(
                    f"{path.rpartition('/')[2]} has {size[0]}×{size[1]} pixels,"
                    f" the job's other frames have {self.size[0]}×{self.size[1]}"
                )
        self.size = size if self.size == (0, 0) else self.size
        return size

    def _confirm(self) -> None:
        if not self.confirm_alive():
            raise OutputGone("this node was declared dead meanwhile")
        reason = ""
        for _ in range(MARK_LOOKS):  # one that was replaced is stale for a moment on NFS
            reason = frames.why_not_able(self.spool, self.output)
            if not reason:
                return
        raise OutputGone(f"this node {reason}")

    def _accept(self, saved: Collection[int] | None = None) -> int:
        """Frames that the program wrote in place itself: whole, and not older than the start.

        With `saved` an unproven kind counts for those frames only.
        """
        found = frames.fresh_files(self.spool, self.output.folder, self.output)
        landed = 0
        for frame in self.wanted:
            if frame in self.receipts or frame not in found:
                continue
            files = found[frame]
            newest = max(self._mtime(name) for name in files)
            if newest < self.started_at:
                self.complaints[frame] = f"{files[-1]} is older than this run"
                continue
            try:
                is_said = saved is None or frame in saved
                self._verify([f"{self.output.folder}/{n}" for n in files], is_said=is_said)
                self.receipts[frame] = frames.accept(self.spool, self.output, frame, files)
                landed += 1
            except BrokenImage as error:
                self.complaints[frame] = error.message
        return landed

    def _mtime(self, name: str) -> int:
        return self.spool.share.stat(f"{self.output.folder}/{name}").mtime_ns

    def _land_movie(self) -> int:
        folder = self.output.private(self.stem)
        stem = self.output.pattern.split("#")[0]
        files = []
        for name in names(self.spool, folder):
            found = self.spool.share.stat(f"{folder}/{name}")
            if name.startswith(stem) and found.is_file and found.size > 0:
                files.append(name)
        if not files:
            return 0
        try:
            for name in files:
                movies.check(self.spool.share, folder, name)
        except BrokenImage as error:
            self.complaints = dict.fromkeys(self.wanted, error.message)
            return 0
        self._confirm()
        try:
            receipt = frames.place(
                self.spool, self.output, self.stem, self.movie, sorted(files), (0, 0)
            )
        except OSError as error:
            raise _named(error, self.output) from error
        self.receipts = dict.fromkeys(self.wanted, receipt)
        return len(self.receipts)

    def missing(self) -> str:
        """Which wanted frames are not in place, and why, in one sentence; empty when none."""
        gone = [f for f in self.wanted if f not in self.receipts]
        if not gone:
            return ""
        some = ", ".join(map(str, gone[:8])) + (" …" if len(gone) > 8 else "")
        why = next((self.complaints[f] for f in gone if f in self.complaints), "")
        return f"frame {some} was not written" if not why else f"frame {some}: {why}"


def _named(error: OSError, output: Output) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(f"no space left in {output.folder}", "free some; work goes on by itself")
    return error


def _is_passing(error: OSError) -> bool:
    return error.errno in PASSING


def is_full(spool: Spool, path: str, *, below_bytes: int = 1 << 20) -> bool:
    """True when less than a megabyte, or as said, is free where a path lies."""
    with contextlib.suppress(OSError):
        space = spool.share.space(path)
        return space.free_bytes < below_bytes or 0 <= space.free_inodes < 2
    return False
