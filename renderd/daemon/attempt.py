"""One attempt at a chunk while its commands run: what they said, when, and what follows of it."""

from dataclasses import dataclass, field

from renderd.core.causes import COMPLAINTS, LICENCE, UNBAKED
from renderd.core.job import Writes
from renderd.core.progress import Event, Kind, Watch
from renderd.daemon.landing import Landing
from renderd.daemon.printout import Printout
from renderd.daemon.source import SourceWatch
from renderd.daemon.work import Work
from renderd.host.process_use import ProcessUse


@dataclass(slots=True)
class Attempt:
    """The state of an attempt; only its runner's thread touches it."""

    work: Work
    printout: Printout
    watch: Watch
    landing: Landing | None
    source: SourceWatch
    deadline: float | None
    cpu: float = 0.0
    began: float = 0.0
    last_sign: float = 0.0
    last_look: float = 0.0
    last_measure: float = 0.0
    use: ProcessUse | None = None
    saved: list[int] = field(default_factory=list)
    timed: int | None = None  #: the frame whose end was noted last
    made_before: int | None = None  #: frames that were made when its end was wished for
    is_blender: bool = False  #: only a renderer we know is judged by what it prints
    held: str = ""  #: why the job must wait for a person
    spoiled: Event | None = None  #: what makes all that comes worthless, whatever the exit status

    @property
    def is_condemned(self) -> bool:
        """Whether what it said decides, however it ends."""
        return bool(self.held) or self.spoiled is not None

    def feed(self, line: str, now: float) -> None:
        """Take in a line that the command printed."""
        event: Event | None = self.watch.feed(line)
        if event is None:
            return
        work, watch = self.work, self.watch
        work.frame, work.percent = watch.frame, round(100 * watch.fraction, 1)
        work.message = event.text[:200]
        is_missing = event.kind is Kind.FAILURE and event.cause in COMPLAINTS
        is_spoiling = event.is_fatal or (is_missing and work.job.info.missing == "fail")
        # A watermark is no picture of anybody's, whichever program puts it there.
        is_marked = event.cause == LICENCE and "watermark" in event.text.lower()
        if is_marked or (self.is_blender and is_spoiling):
            self.spoiled = self.spoiled or event
        if self.is_blender and event.cause == UNBAKED:
            what = event.text.partition("unbaked ")[2]
            self.held = self.held or f"{what} is not baked: bake it or use --whole"
        if event.kind is Kind.WARNING or is_missing:
            work.warnings += 1
        if is_missing and self.is_blender and not is_spoiling:
            work.lacking = work.lacking or event.text.removeprefix("renderd: ").strip()
        if event.kind in (Kind.SAVED, Kind.WHOLE) and watch.frame is not None:
            self._time(watch.frame, now - self.began)

    def _time(self, frame: int, after: float) -> None:
        """Note when a frame was saved; further files of it move that on."""
        self.saved.append(frame)
        if self.timed == frame:
            self.work.saved_after[-1] = after
        else:
            self.work.saved_after.append(after)
        self.timed = frame

    def is_last_frame_over(self) -> bool:
        """True when a frame was finished since the command was to end with its frame."""
        landed = self.landing
        if landed is None or not self.work.has_last_frame:
            self.made_before = None
            return False
        is_private = landed.output.writes is Writes.PRIVATE
        whole = {*landed.receipts, *landed.waiting}
        made = len(whole if is_private else self.watch.done)
        if self.made_before is None:
            self.made_before = made
        return made > self.made_before
