"""An attempt's frames: verified and put in place as soon as each is whole."""

import contextlib
import errno
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from renderd.core.frameset import UNKNOWN
from renderd.core.job import Writes
from renderd.daemon.gathering import Gathering, OutputGone, size_of
from renderd.daemon.work import Work
from renderd.errors import BrokenImage, RenderdError
from renderd.spool import frames, movies, placing
from renderd.spool.frames import MOVIE
from renderd.spool.layout import Spool
from renderd.spool.moves import PASSING
from renderd.spool.output import Output, Receipt
from renderd.spool.placing import Piece

AGAIN_EVERY = 2.0  #: seconds between two tries to give a refused frame its name
WHOLE_TIMES = 12  #: times the patience for what would have to be rendered from its start
GONE_FOR = 20.0  #: seconds for which a full or absent share keeps an attempt waiting, at most
MARK_LOOKS = 3  #: at the job's marks before its output counts as gone


class NotNow(RenderdError):
    """Whole frames cannot get their names at present, by no fault of the job."""

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__(message)
        self.number = number  #: the errno, 0 where the job's mark is not seen


#: what a target that a reader holds open answers, on SMB shares for one
HELD_OPEN = frozenset({errno.EBUSY, errno.ETXTBSY, errno.EACCES, errno.EPERM})


@dataclass(slots=True)
class Landing:
    """Puts the frames of one attempt in place; knows which are there and what is wrong."""

    spool: Spool
    output: Output
    stem: str
    wanted: Sequence[int]
    confirm_alive: Callable[[], bool]  #: False: we are certified dead, or cannot tell
    is_whole: bool = False  #: made in one piece: no attempt goes on where another ended
    receipts: dict[int, Receipt] = field(default_factory=dict)
    complaints: dict[int, str] = field(default_factory=dict)  #: frame → why it is not whole
    started_at: int = 0  #: server time in ns of the attempt's start
    #: whole frames that are refused their names: where their files lie, their receipts
    waiting: dict[int | str, tuple[Sequence[str], Receipt]] = field(default_factory=dict)
    refusal: NotNow | None = None  #: why, as the last sweep found
    forerunners: list[str] = field(default_factory=list)  #: attempts that left such frames
    allows: Callable[[str], bool] = lambda _: True  #: whether passes may go into a folder
    files: Gathering = field(init=False)

    def __post_init__(self) -> None:
        self.files = Gathering(self.spool, self.output, self.stem, self.allows)

    def begin(self) -> list[int]:
        """Find the frames that are this job's already; those still to be rendered.

        Raises OSError.
        """
        self.receipts = frames.receipted(self.spool, self.output, self.wanted)
        self._inherit()
        missing = [f for f in self.wanted if f not in self.receipts and f not in self.waiting]
        if self.output.writes is Writes.ITSELF and missing:
            self._demand_no_way_out(missing)
        if missing or self.output.writes is Writes.MOVIE:
            self.started_at = frames.started_at(self.spool, self.output, self.stem)
        if self.output.writes is Writes.MOVIE:
            done = frames.read_receipt(self.spool, self.output, self.movie)
            self.receipts = dict.fromkeys(self.wanted, done) if done is not None else {}
            return [] if done is not None else list(self.wanted)
        return missing

    def _demand_no_way_out(self, missing: Collection[int]) -> None:
        """Raise OutputGone where a frame's name is a link to what this node must not write."""
        there = frames.fresh_files(self.spool, self.output.folder, self.output)
        for name in (name for frame in missing for name in there.get(frame, ())):
            path = f"{self.output.folder}/{name}"
            if not self.allows(path):
                raise OutputGone(f"this node does not allow output in {path}, which is a link")

    @property
    def movie(self) -> str:
        """The receipt's key of a movie: a job has one for each of its runs."""
        return f"{MOVIE}.{self.wanted[0]}~{self.wanted[-1]}"

    def sweep(self, *, is_final: bool, saved: Collection[int] = ()) -> int:
        """Put in place every whole frame found; how many landed.

        While the command runs a frame counts when the program said that it `saved` it, or when
        its kind proves it whole; what cannot be read now is looked for again, and what is refused
        its name now is `waiting`.  Raises OutputGone, OSError where the share fails.
        """
        self._try_again()
        if self.output.writes is Writes.ITSELF:
            return self._accept() if is_final else 0
        if self.output.writes is Writes.MOVIE:
            return self._land_movie() if is_final else 0
        landed = 0
        try:
            found = self.files.found()
        except OSError as error:
            if is_final or not _is_passing(error):
                raise
            return 0
        for frame, pieces in sorted(found.items()):
            if frame in self.wanted and frame not in self.receipts and frame not in self.waiting:
                is_said = is_final or frame in saved
                landed += self.land(frame, pieces, is_said=is_said, is_final=is_final)
        return landed

    def settle(self, work: Work, patience: float, clock: Callable[[], float]) -> None:
        """Put the last frames in place, waiting for what is refused; then raises NotNow.

        The `patience` in seconds is for targets that are held open; a full or absent share gets
        less, as others can use the slot.  The work tells meanwhile what it waits for.
        """
        began = clock()
        while (refusal := self.finish()) is not None:
            longest = patience if refusal.number in HELD_OPEN else min(patience, GONE_FOR)
            longest = WHOLE_TIMES * patience if self.is_whole else longest
            is_over = clock() - began >= longest
            if is_over or work.last_frame or work.stopping.wait(AGAIN_EVERY):
                raise refusal
            work.message = f"waits: {refusal.message}"

    def finish(self) -> NotNow | None:
        """Sweep for the last time; why something still has no name, or cannot be read now.

        May be repeated.  Raises OutputGone, OSError for what does not pass.
        """
        try:
            self.sweep(is_final=True)
        except OSError as error:
            if not _is_passing(error):
                raise
            return NotNow(f"{error.filename or ''} answers: {error.strerror}", error.errno or 0)
        return self.refusal

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

    def land(self, frame: int, pieces: Sequence[Piece], *, is_said: bool, is_final: bool) -> bool:
        """Verify one frame's files and put them in place; False with a complaint otherwise."""
        try:
            found = self.files.verify(frame, pieces, is_said=is_said)
        except BrokenImage as error:
            self.complaints[frame] = error.message
            return False
        except OSError as error:
            # Its program may have taken it away again, the share may hang: no reason to stop both.
            if is_final or not (_is_passing(error) or isinstance(error, FileNotFoundError)):
                raise
            return False
        try:
            self.files.enter(found)
            receipt = placing.measure(self.spool, pieces, size_of(found))
        except OSError as error:
            self._refuse(error)
            return False
        self.complaints.pop(frame, None)
        return self._put(frame, [piece.path for piece in pieces], receipt)

    def _put(self, key: int | str, sources: Sequence[str], receipt: Receipt) -> bool:
        """Give a whole frame its name and receipt; False while that is refused: it waits."""
        self.waiting[key] = sources, receipt
        try:
            self._confirm()
            placed = placing.place(self.spool, self.output, key, receipt, sources)
        except NotNow as refusal:
            self.refusal = refusal
            return False
        except OSError as error:
            if not _may_be_placed_later(error):
                del self.waiting[key]
            self._refuse(error)
            return False
        del self.waiting[key]
        for frame in self.wanted if key == self.movie else [int(key)]:
            self.receipts[frame] = placed
        return True

    def _refuse(self, error: OSError) -> None:
        """Remember why a frame waits; raises the error where waiting is no use."""
        if not _may_be_placed_later(error):
            raise error
        where = error.filename2 or error.filename or self.output.folder
        why = f"{where} {_REFUSALS.get(error.errno or 0) or f'answers: {error.strerror}'}"
        self.refusal = NotNow(why, error.errno or 0)

    def _try_again(self) -> None:
        """Give the frames that wait their names, as far as that is possible now."""
        self.refusal = None
        for key, (sources, receipt) in list(self.waiting.items()):
            if not self._put(key, sources, receipt) and self._is_refused_all():
                return

    def _is_refused_all(self) -> bool:
        """Whether what refused one frame refuses all; a target held open is one frame's own."""
        return self.refusal is not None and self.refusal.number not in HELD_OPEN

    def _inherit(self) -> None:
        """Take over the whole frames that earlier attempts could not put in place."""
        for stem in frames.earlier_attempts(self.spool, self.output, self.stem):
            self.forerunners.append(stem)
            before = replace(self, stem=stem, waiting={}, forerunners=[])
            if self.output.writes is Writes.PRIVATE and not self.is_whole:
                before.sweep(is_final=False)
            self.waiting |= before.waiting

    def largest_bytes(self) -> int:
        """Bytes of the largest frame seen, also of one that found no room for all of itself."""
        whole = [r.files for r in (*self.receipts.values(), *(r for _, r in self.waiting.values()))]
        most = max((sum(size for _, size, _ in files) for files in whole), default=0)
        with contextlib.suppress(OSError, RenderdError):
            most = max(most, self.files.largest_bytes())
        return most

    @property
    def keeps(self) -> bool:
        """True while the private folder holds whole frames that found no way out of it."""
        return bool(self.waiting) or self.refusal is not None

    def clear(self) -> None:
        """Remove the private folders of this attempt and of those whose frames it took over."""
        for stem in (*self.forerunners, self.stem):
            frames.clear_attempt(self.spool, self.output, stem)

    def _confirm(self) -> None:
        if not self.confirm_alive():
            raise OutputGone("this node was declared dead meanwhile")
        reason = ""
        for _ in range(MARK_LOOKS):  # one that was replaced is stale for a moment on NFS
            reason = frames.why_not_able(self.spool, self.output)
            if not reason:
                self.files.confirm(len(self.receipts))
                return
        with contextlib.suppress(OSError):
            if frames.other_owner(self.spool, self.output):
                raise OutputGone(f"this node {reason}")
        raise NotNow(f"this node {reason}")

    def _accept(self, saved: Collection[int] | None = None) -> int:
        """Frames that the program wrote in place itself: whole, and not older than the start.

        With `saved` an unproven kind counts for those frames only.
        """
        found = self.files.lying(self.output.folder)
        landed = 0
        for frame in self.wanted:
            if frame in self.receipts or frame not in found:
                continue
            pieces = found[frame]
            newest = max(self.spool.share.stat(piece.path).mtime_ns for piece in pieces)
            if newest < self.started_at:
                self.complaints[frame] = f"{pieces[-1].name} is older than this run"
                continue
            try:
                is_said = saved is None or frame in saved
                made = self.files.verify(frame, pieces, is_said=is_said)
                self.files.enter(made)
                files = [piece.name for piece in pieces]
                self.receipts[frame] = placing.accept(
                    self.spool, self.output, frame, files, size_of(made)
                )
                landed += 1
            except BrokenImage as error:
                self.complaints[frame] = error.message
            except OSError as error:
                self._refuse(error)
        return landed

    def _land_movie(self) -> int:
        if self.movie in self.waiting:
            return 0
        pieces = self.files.of_movie()
        if not any(piece.is_main for piece in pieces):
            return 0
        try:
            for piece in pieces:
                if piece.is_main:
                    movies.check(self.spool.share, self.files.private, piece.name)
        except BrokenImage as error:
            self.complaints = dict.fromkeys(self.wanted, error.message)
            return 0
        receipt = placing.measure(self.spool, pieces, UNKNOWN)
        self._put(self.movie, [piece.path for piece in pieces], receipt)
        return len(self.receipts)

    def missing(self) -> str:
        """Which wanted frames are not in place, and why, in one sentence; empty when none."""
        gone = [f for f in self.wanted if f not in self.receipts]
        if not gone:
            return ""
        some = ", ".join(map(str, gone[:8])) + (" …" if len(gone) > 8 else "")
        why = next((self.complaints[f] for f in gone if f in self.complaints), "")
        return f"frame {some} was not written" if not why else f"frame {some}: {why}"


_REFUSALS = {
    errno.ENOSPC: "finds no space left on its disk",
    errno.EDQUOT: "is over the quota of its disk",
    errno.EBUSY: "is held open by another program",
    errno.ETXTBSY: "is held open by another program",
    errno.EACCES: "cannot be replaced: it is open in another program, or somebody else's",
    errno.EPERM: "cannot be replaced: it is open in another program, or somebody else's",
}


def open_landing(
    spool: Spool, work: Work, confirm: Callable[[], bool], allows: Callable[[str], bool]
) -> Landing | None:
    """The landing of an attempt; None for a job without output.

    What must be made in one piece loses the receipts of its parts.  Raises OutputGone, OSError.
    """
    if work.output is None:
        return None
    if reason := frames.why_not_able(spool, work.output):
        raise OutputGone(f"this node {reason}")
    is_whole = work.job.info.whole and work.output.writes is not Writes.MOVIE
    if is_whole:
        frames.forget_parts(spool, work.output, work.frames)
    stem = work.stem
    return Landing(spool, work.output, stem, work.frames, confirm, is_whole, allows=allows)


def _may_be_placed_later(error: OSError) -> bool:
    return _is_passing(error) or error.errno in HELD_OPEN


def _is_passing(error: OSError) -> bool:
    return error.errno in PASSING


def is_full(spool: Spool, path: str, *, below_bytes: int = 1 << 20) -> bool:
    """True when less than a megabyte, or as said, is free where a path lies."""
    with contextlib.suppress(OSError):
        space = spool.share.space(path)
        return space.free_bytes < below_bytes or 0 <= space.free_inodes < 2
    return False
