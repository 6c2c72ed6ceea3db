"""What would make a .blend render wrongly or not at all on this farm, before it is queued."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from renderd import blend, plan
from renderd.blend import Graphs, Reference
from renderd.blend.paths import is_of_windows, is_relative
from renderd.core import policy
from renderd.core.farm import Farm
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.core.label import label
from renderd.core.names import Ticket
from renderd.errors import BlendError, UsageError
from renderd.spool import frames
from renderd.spool.ground import Ground, Sight
from renderd.spool.layout import Spool

_PATH_SHOWN = 1000
_NUMBERED = re.compile(r"(.*?)([0-9]+)(\.[^.]*|)")


class Severity(StrEnum):
    """What a finding means for the job."""

    STOP = "stop"  #: some frames would be wrong or missing
    WARN = "warn"  #: they may be
    NOTE = "note"


class Kind(StrEnum):
    """What a finding is about; the words people and programs see."""

    MISSING = "missing"
    LOCAL = "local"  #: on a disk that other nodes do not see
    UNREADABLE = "unreadable"
    PATH = "path"  #: a path that means nothing on the farm's machines, or not the same
    ABSOLUTE = "absolute"
    LIBRARY = "library"  #: there and damaged
    CAMERA = "camera"
    OUTPUT = "output"
    OWNED = "owned"  #: an open job writes the same frames
    MOVIE = "movie"
    UNBAKED = "unbaked"
    VERSION = "version"
    UNUSED = "unused"  #: missing, and nothing that is rendered leads to it
    UNKNOWN = "unknown"  #: could not be looked into
    REFUSED = "refused"  #: no job can be made of it as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a person should know before the job is queued."""

    severity: Severity
    kind: Kind
    sentence: str
    remedy: str = ""
    block: str = ""  #: what in the file: image 'Wood'
    file: str = ""  #: the .blend it stands in
    written: str = ""  #: the path as it stands there
    path: str = ""  #: as this machine resolves it

    def to_dict(self) -> dict[str, str]:
        """Stable keys, for JSON; texts are made safe to show."""
        names = ("severity", "kind", "block", "file", "written", "path", "sentence", "remedy")
        return {name: label(str(getattr(self, name)), _PATH_SHOWN) for name in names}


class Preflight:
    """The examination of one command's jobs: every file and folder is looked at once."""

    def __init__(
        self, farm: Farm, platform: str, ground: Ground, spool: Spool | None = None
    ) -> None:
        self._farm, self._platform, self._spool = farm, platform, spool
        self._sight = Sight(ground)
        self._graphs = Graphs()

    def check(self, draft: Draft, *, replaces: bool = False) -> list[Finding]:
        """What speaks against a job made from a .blend; nothing for one of other programs.

        `replaces`: it takes its output from the open job that has it.
        """
        if draft.source is None:
            return []
        path = self._farm.expand_roots(draft.source.path, self._platform)
        scenes = (draft.info.scene,) if draft.info.scene else ()
        found = self._check_file(path, scenes, has_sound=draft.writes is Writes.MOVIE)
        found = [_fitted(one, draft) for one in found]
        if draft.out:
            found += self._output(self._farm.expand_roots(draft.out, self._platform))
            found += self._owned(draft, replaces=replaces)
        found += _movie(draft)
        return merged([*found, *self._version(draft.info)])

    def check_blend(self, path: str) -> list[Finding]:
        """What speaks against the jobs that a .blend makes by itself.  Raises BlendError."""
        try:
            drafts = plan.from_blend(path, plan.Wish(), self._farm, self._platform)
        except UsageError as error:
            refused = _finding(Severity.STOP, Kind.REFUSED, error.message, error.remedy, file=path)
            return merged([refused, *self._check_file(os.path.abspath(path), ())])
        return merged(one for draft in drafts for one in self.check(draft))

    def _check_file(
        self, path: str, scenes: tuple[str, ...], *, has_sound: bool = False
    ) -> list[Finding]:
        try:
            scenes = scenes or tuple(scene.name for scene in blend.read(path).scenes)
            needed = blend.read_dependencies(path, scenes, self._graphs)
        except BlendError as error:
            words = f"what it needs cannot be told: {error.message}"
            return [_finding(Severity.WARN, Kind.UNKNOWN, words, error.remedy, file=path)]
        found = list(self._reach(_Subject(_itself(path), path)))
        found += [_no_camera(path, scene) for scene in needed.blind]
        self._sight.expect(path for one in needed.references for path in one.paths)
        for reference in needed.references:
            found += self._reference(_Subject(reference, path), has_sound=has_sound)
        found += [_damaged(library, error) for library, error in needed.broken]
        found += [_unbaked(one) for one in needed.unbaked]
        return [*found, *_absolute(path, needed.references)]

    def _reference(self, one: "_Subject", *, has_sound: bool) -> Iterator[Finding]:
        reference = one.reference
        missing = self._missing(reference)
        if not reference.is_used:
            if missing:
                words = f"{one} is missing, and nothing that is rendered uses it"
                yield one.finding(Severity.NOTE, Kind.UNUSED, words, "", missing[0])
        elif is_of_windows(reference.written) or not _has_beginning(reference.written):
            yield one.finding(Severity.STOP, Kind.PATH, *one.strange())
        elif missing:
            is_heard = reference.kind != "sound" or has_sound
            severity = Severity.STOP if is_heard else Severity.NOTE
            yield one.finding(severity, Kind.MISSING, *one.missing(missing), missing[0])
        else:
            yield from self._reach(one)

    def _missing(self, one: Reference) -> Sequence[str]:
        gone = [path for path in one.paths if not self._sight.is_there(path)]
        if gone and one.is_sequence and self._has_others(gone[0]):
            return ()  # which of its files are needed the frames say
        return gone

    def _has_others(self, path: str) -> bool:
        """Whether a folder holds other numbers of a numbered file."""
        folder, name = os.path.split(path)
        match = _NUMBERED.fullmatch(name)
        if match is None:
            return False
        others = (_NUMBERED.fullmatch(other) for other in self._sight.names(folder))
        return any(other and other.group(1, 3) == match.group(1, 3) for other in others)

    def _reach(self, one: "_Subject") -> Iterator[Finding]:
        """Whether other machines and other users get at a file that is there."""
        path, sight = one.reference.paths[0], self._sight
        if disk := sight.local_disk(path):
            words = f"{one} is on this machine's own disk ({disk}): {_show(path)}"
            remedy = "move it to a share that every node sees" + one.or_packed()
            yield one.finding(Severity.STOP, Kind.LOCAL, words, remedy)
        elif sight.is_there(path) and not sight.may_read(path):
            words = f"you may not read {one}: {_show(path)}"
            yield one.finding(Severity.STOP, Kind.UNREADABLE, words, f"chmod a+r {_show(path)}")
        elif sight.is_there(path) and (place := sight.barred(path)):
            words = f"the farm's users may not read {one}: {_show(place)}"
            right = "a+rx" if os.path.isdir(place) else "a+r"
            remedy = f"chmod {right} {_show(place)}"
            yield one.finding(Severity.WARN, Kind.UNREADABLE, words, remedy)

    def _output(self, out: str) -> list[Finding]:
        disk = self._sight.ground.local_disk(os.path.dirname(out))
        if not disk:
            return []
        words = f"frames would go to each node's own disk ({disk}): {_show(out)}"
        remedy = "write to a share that every node sees: --out /share/shot_####"
        return [_finding(Severity.STOP, Kind.OUTPUT, words, remedy, path=out)]

    def _owned(self, draft: Draft, *, replaces: bool) -> Iterator[Finding]:
        job = Job(jid="", info=draft.info, chunks=1, out=draft.out, writes=draft.writes)
        writing: list[Ticket] = []
        if self._spool is not None:
            with contextlib.suppress(OSError):  # whoever queues it is told
                writing = frames.writers(self._spool, job)
        out = self._farm.expand_roots(draft.out, self._platform)
        for one in writing:
            other = f"job {one.jid} ({one.slug})"
            if replaces:
                words = f"{other}, which is open and writes {_show(out)}, is cancelled first"
                yield _finding(Severity.NOTE, Kind.OWNED, words, "", path=out)
            else:
                words = f"{_show(out)} is being written by {other}, which is open"
                remedy = "wait for it or cancel it; else choose another --out, or --replace it"
                yield _finding(Severity.STOP, Kind.OWNED, words, remedy, path=out)

    def _version(self, info: Info) -> list[Finding]:
        job = Job(jid="", info=info, chunks=1)
        nodes = self._sight.ground.nodes
        known = sorted({version for node in nodes for version in node.blenders})
        is_known = any(node.knows_blenders for node in nodes)
        if not is_known or any(policy.may_open(policy.numbers(v), job) for v in known):
            return []
        have = f"they have {', '.join(known)}" if known else "they have none"
        made = policy.saved_by(job)
        wanted = info.needs.blender.removeprefix("==") or made
        words = f"no live node has Blender {wanted}, which the job needs; {have}"
        return [_finding(Severity.WARN, Kind.VERSION, words, _other_blender(known, made))]


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, worst first; what one scene leaves unused may be another's need."""
    unique = list(dict.fromkeys(findings))
    missed = {(one.file, one.block) for one in unique if one.kind is Kind.MISSING}
    kept = [o for o in unique if o.kind is not Kind.UNUSED or (o.file, o.block) not in missed]
    return sorted(kept, key=lambda one: _rank(one.severity))


def _rank(severity: Severity) -> int:
    return list(Severity).index(severity)


def _other_blender(known: Iterable[str], made: str) -> str:
    newer = [v for v in known if policy.numbers(v) >= policy.numbers(made)]
    if newer:
        return "install it on a node, or take what is there: --blender any"
    return "install it on a node: an older Blender loses what a later one saved"


def _movie(draft: Draft) -> list[Finding]:
    if draft.writes is not Writes.MOVIE:
        return []
    words = "it writes a movie, one file: one node renders all frames, from the start if it fails"
    remedy = "choose an image format, then: render video"
    return [_finding(Severity.NOTE, Kind.MOVIE, words, remedy)]


def is_split(draft: Draft) -> bool:
    """Whether several nodes may render the job's frames, each from its own start."""
    return draft.count() > 1


def _fitted(one: Finding, draft: Draft) -> Finding:
    """The finding as it bears on a job.

    One chunk may simulate, if it begins at the beginning; `missing: warn` wants no stop.
    """
    if one.kind is Kind.MISSING and draft.info.missing == "warn":
        return replace(one, severity=max(one.severity, Severity.WARN, key=_rank))
    if one.kind is not Kind.UNBAKED or is_split(draft):
        return one
    return replace(one, remedy="one chunk simulates it: begin where the simulation begins")


def hold_reason(findings: Iterable[Finding], draft: Draft) -> str:
    """Why a job must wait for a person's word; empty where it may run."""
    unbaked = [one for one in findings if one.kind is Kind.UNBAKED]
    if not unbaked or not is_split(draft):
        return ""
    more = f", and {len(unbaked) - 1} more" if len(unbaked) > 1 else ""
    return f"{unbaked[0].sentence}{more}: bake it or use --whole"


def _finding(
    severity: Severity, kind: Kind, sentence: str, remedy: str, *, file: str = "", path: str = ""
) -> Finding:
    return Finding(
        severity=severity, kind=kind, sentence=sentence, remedy=remedy, file=file, path=path
    )


@dataclass(frozen=True, slots=True)
class _Subject:
    """A reference as it is spoken of by somebody who asked about a .blend."""

    reference: Reference
    asked: str  #: the .blend asked about

    @property
    def block(self) -> str:
        return f"{self.reference.kind} '{label(self.reference.name, 80)}'"

    def __str__(self) -> str:
        is_own = self.asked == self.reference.file
        return self.block if is_own else f"{self.block} of {self.holder}"

    @property
    def holder(self) -> str:
        return label(os.path.basename(self.reference.file))

    def finding(
        self, severity: Severity, kind: Kind, sentence: str, remedy: str, path: str = ""
    ) -> Finding:
        return Finding(
            severity=severity,
            kind=kind,
            sentence=sentence,
            remedy=remedy,
            block=self.block,
            file=self.reference.file,
            written=self.reference.written,
            path=path or self.reference.paths[0],
        )

    def or_packed(self) -> str:
        """What else helps with a file that other nodes do not see."""
        packable = ("image", "sound", "font", "volume")
        return ", or pack it into the .blend" if self.reference.kind in packable else ""

    def missing(self, paths: Sequence[str]) -> tuple[str, str]:
        """Sentence and remedy for files that are not there."""
        count = len(self.reference.paths)
        lacks = f"lacks {len(paths)} of {count} files" if count > 1 else "is missing"
        words = f"{self} {lacks}: {_show(paths[0])}"
        if self.reference.is_folder:
            return words, "bake it again"
        return words, f"put it there, or mend the path in {self.holder}"

    def strange(self) -> tuple[str, str]:
        """Sentence and remedy for a path that means nothing here."""
        is_foreign = is_of_windows(self.reference.written)
        what = "has a Windows path" if is_foreign else "has a path that begins nowhere"
        words = f"{self} {what}: {_show(self.reference.written)}"
        where = f"in {self.holder} (File, External Data, Make All Paths Relative)"
        return words, f"make it relative {where}"


def _itself(path: str) -> Reference:
    """The .blend asked about, as something the job needs too."""
    name = os.path.basename(path)
    return Reference(kind="file", name=name, file=path, written=path, paths=(path,))


def _has_beginning(written: str) -> bool:
    return is_relative(written) or written.startswith("/")


def _show(path: str) -> str:
    return label(path, _PATH_SHOWN)


def _damaged(library: str, error: BlendError) -> Finding:
    words = f"library {label(os.path.basename(library))} cannot be read: {error.message}"
    return _finding(Severity.STOP, Kind.LIBRARY, words, error.remedy, file=library, path=library)


def _unbaked(one: blend.Unbaked) -> Finding:
    words = f"{one.what} '{label(one.holder, 80)}' of {label(os.path.basename(one.file))}"
    return Finding(
        severity=Severity.WARN,
        kind=Kind.UNBAKED,
        sentence=f"{words} is not baked",
        remedy="bake it, or render all frames as one chunk: --whole",
        block=f"{one.what} '{label(one.holder, 80)}'",
        file=one.file,
    )


def _no_camera(path: str, scene: str) -> Finding:
    words = f"scene '{label(scene, 80)}' has no camera, so it renders nothing"
    remedy = "choose one in the scene's properties"
    return _finding(Severity.STOP, Kind.CAMERA, words, remedy, file=path)


def _absolute(path: str, references: Iterable[Reference]) -> list[Finding]:
    used = (one for one in references if one.is_used)
    whole = [o for o in used if o.written.startswith("/") and not is_relative(o.written)]
    if not whole:
        return []
    some = "path is" if len(whole) == 1 else "paths are"
    words = f"{len(whole)} {some} absolute, like {_show(whole[0].written)}"
    remedy = "right where every node mounts the share in the same place; else make them relative"
    return [_finding(Severity.NOTE, Kind.ABSOLUTE, words, remedy, file=path)]
