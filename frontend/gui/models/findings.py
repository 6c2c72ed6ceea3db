"""What speaks against a request, as rows that can be acted on."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from frontend.gui.models.blends import Sheet
from frontend.request import Choices, Examined
from fs_browser.column import Column
from fs_browser.table import Table
from renderd import preflight
from renderd.core.label import label
from renderd.preflight import Finding, Kind, Severity

_SHOWN = 1000
#: a severity's word, its glyph and its colour in the theme
LOOKS = {
    Severity.STOP: ("stops it", "✘", "failed"),
    Severity.WARN: ("warning", "▲", "warning"),
    Severity.NOTE: ("note", "·", "faint"),
}


class Act(StrEnum):
    """What can be done about a finding, on a button."""

    OUTPUT = "Choose another output …"
    SCENE_OUT = "Put the scene's name into the output"
    REPLACE = "Replace the open job"
    WARN = "Render a preview without them"
    WHOLE = "Render as one chunk"
    ANY_BLENDER = "Take any Blender"
    HOLD = "Queue it held"
    FOLDER = "Open its folder"
    UNTICK = "Untick the scene"
    LEAVE_OUT = "Leave the file out"


@dataclass(frozen=True, slots=True)
class Row:
    """A finding and the jobs it speaks of."""

    number: int
    finding: Finding
    jobs: tuple[tuple[str, str], ...]  #: paths and scenes

    @property
    def remedy(self) -> str:
        """What helps, in the window's words."""
        return label(_remedy(self.finding), _SHOWN)


def rows(found: Examined, broken: Sequence[Sheet] = ()) -> dict[Hashable, Row]:
    """All findings, worst first, each once."""
    of: dict[Finding, list[tuple[str, str]]] = {}
    for path, finding in found.refused:
        of.setdefault(finding, []).append((path, ""))
    for job in found.jobs:
        for finding in job.found:
            of.setdefault(finding, []).append((job.shot.path, job.draft.info.scene))
    for sheet in broken:
        of.setdefault(_unread(sheet), []).append((sheet.path, ""))
    ranked = preflight.merged(of)
    return {i: Row(i, one, tuple(of[one])) for i, one in enumerate(ranked)}


def _unread(sheet: Sheet) -> Finding:
    return Finding(
        severity=Severity.STOP,
        kind=Kind.REFUSED,
        sentence=sheet.error,
        remedy="save it again in Blender, or leave it out",
        file=sheet.path,
    )


def table() -> Table[Row]:
    """The findings for a view."""
    columns: tuple[Column[Row], ...] = (
        Column(
            key="severity",
            title="",
            text=lambda row: LOOKS[row.finding.severity][0],
            paint=lambda row: row.finding.severity,
            width=11,
        ),
        Column(
            key="file",
            title="File",
            text=lambda row: label(row.jobs[0][0].rpartition("/")[2] if row.jobs else "", 60),
            tip=lambda row: "\n".join(dict.fromkeys(label(p, _SHOWN) for p, _ in row.jobs)),
            width=22,
        ),
        Column(
            key="finding",
            title="Finding",
            text=lambda row: label(row.finding.sentence, _SHOWN),
            tip=lambda row: f"{label(row.finding.sentence, _SHOWN)}\n→ {row.remedy}",
            width=60,
        ),
    )
    return Table(columns, lambda row: row.number)


def acts(row: Row, choices: Choices) -> tuple[Act, ...]:
    """What can be done about it in the dialog."""
    kind, found = row.finding.kind, list(_ACTS.get(row.finding.kind, ()))
    if kind is Kind.REFUSED and "--out" in row.finding.remedy:
        found = [Act.SCENE_OUT, Act.OUTPUT]
    if kind is Kind.VERSION and "any" not in row.finding.remedy:
        found.remove(Act.ANY_BLENDER)
    if choices.holds and Act.HOLD in found:
        found.remove(Act.HOLD)
    if row.finding.path and kind in (Kind.MISSING, Kind.LIBRARY, Kind.LOCAL, Kind.UNREADABLE):
        found.append(Act.FOLDER)
    if row.finding.severity is not Severity.NOTE and row.jobs:
        names_scene = any(scene for _, scene in row.jobs)
        found.append(Act.UNTICK if names_scene else Act.LEAVE_OUT)
    return tuple(found)


_ACTS = {
    Kind.MISSING: (Act.WARN,),
    Kind.OUTPUT: (Act.OUTPUT,),
    Kind.OWNED: (Act.OUTPUT, Act.REPLACE),
    Kind.UNBAKED: (Act.WHOLE, Act.HOLD),
    Kind.VERSION: (Act.ANY_BLENDER, Act.HOLD),
}


def chosen(act: Act, choices: Choices) -> Choices | None:
    """The choices as an act changes them; None for one that does something else."""
    changes: dict[Act, dict[str, object]] = {
        Act.REPLACE: {"replaces": True},
        Act.WARN: {"warns": True},
        Act.WHOLE: {"is_whole": True},
        Act.ANY_BLENDER: {"blender": "any"},
        Act.HOLD: {"holds": True},
        Act.SCENE_OUT: {"out": _with_scene(choices.out)},
    }
    return replace(choices, **changes[act]) if act in changes else None  # type: ignore[arg-type]


def _with_scene(out: str) -> str:
    folder, slash, base = out.rpartition("/")
    return f"{folder}{slash}{{scene}}_{base}"


def _remedy(one: Finding) -> str:
    if one.kind is Kind.REFUSED and "--out" in one.remedy:
        return "put {scene} into the output, or tick one scene only"
    if one.kind is Kind.REFUSED and "--frames" in one.remedy:
        return "type the frames into its row, or untick it"
    if one.kind is Kind.UNBAKED and "--whole" not in one.remedy:
        return one.remedy
    if one.kind is Kind.VERSION and "any" not in one.remedy:
        return one.remedy
    return _REMEDIES.get(one.kind, one.remedy)


#: where the command line's words name its options
_REMEDIES = {
    Kind.OUTPUT: "write to a share that every machine sees",
    Kind.OWNED: "wait for that job, replace it, or write elsewhere",
    Kind.UNBAKED: "bake it, or render all frames as one chunk; as it is, the job is queued held",
    Kind.VERSION: "install it on a machine, or take any Blender that is there",
    Kind.MOVIE: "choose an image format in Blender, and have a movie made of the frames",
}
