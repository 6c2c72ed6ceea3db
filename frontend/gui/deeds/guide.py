"""What the window tells of itself: keys, states, first steps, a report for who helps."""

import platform
from collections import Counter
from collections.abc import Sequence

from PyQt6.QtCore import PYQT_VERSION_STR, QT_VERSION_STR, QLocale
from PyQt6.QtGui import QGuiApplication, QKeySequence

import renderd
from frontend.gui.actions import Deed
from frontend.gui.asking import Report
from frontend.gui.desk import Desk
from frontend.words import STATES, shown_state
from renderd.core.label import label

_STEPS = (
    "Add: press Ctrl+O, or drop .blend files onto the window. Tick the scenes, look at the"
    " sentence that says where frames go, press Queue.",
    "Follow: select the job in the table. Its frames come in on the right as they are rendered,"
    " its chunks stand below. A chunk is a few frames that one machine renders in one go.",
    "It does not start? The column “Ready, or why not” says why; Ctrl+I says it for each machine.",
    "It failed? Double-click it: the log opens with what went wrong in plain words and what helps."
    " Then press Retry failed.",
    "Get the frames: Ctrl+Enter opens their folder. Verify looks at each, to its last pixel.",
    "You need your machine? The button below on the right pauses it; others take over.",
)

_MEANINGS = (
    ("running", "machines render it now"),
    ("queue", "it waits for a free machine that can take it; the column beside says what it lacks"),
    ("waiting", "another job must be done first"),
    ("held", "a person put it on hold: nothing more of it starts until Release"),
    ("failed", "some chunks failed too often and are given up: look at the log, then Retry failed"),
    ("done", "every frame was rendered"),
    ("cancelled", "a person ended it; the frames that were done stay"),
)
_MACHINES = (
    ("alive", "idle", "the machine is there and takes what it can"),
    ("run", "rendering", "the machine renders"),
    ("resting", "paused, yielding …", "it takes nothing now; its note says why and until when"),
    ("dead", "dead", "it is off, or was not heard for long: what it rendered goes to others"),
)


def keys(deeds: Sequence[Deed]) -> Report:
    """Each action that has a key, and what moves between the parts of the window."""
    rows = [(_native(d.shortcut), _plain(d.title), d.does) for d in deeds if d.shortcut]
    return Report(
        title="Keys",
        says="Every action is in a menu as well. F10 or Alt goes to the menus.",
        heads=("Key", "Action", "What it does"),
        rows=[*rows, *_OTHERS],
    )


_OTHERS = (
    ("Ctrl+1, 2, 3", "Pages", "Jobs, machines, history"),
    ("F6", "Next part", "Jobs, chunks, frames, log"),
    ("Enter", "Log", "Of the current job or chunk; on frames: opens the frame"),
    ("Ctrl+F", "Find", "Goes to the filter of jobs, or to the search of the log"),
    ("F2", "Edit", "Changes the priority of the current job in its cell"),
    ("F, 1, + and -", "Frame", "Fits the picture, shows its pixels, zooms"),
    ("Esc", "Sheet", "Changes between one frame and all of them"),
)


def show_states(desk: Desk) -> None:
    """Show what each state means."""
    jobs = [(f"{STATES[key][1]}  {STATES[key][0]}", "job", means) for key, means in _MEANINGS]
    machines = [(f"{STATES[key][1]}  {word}", "machine", means) for key, word, means in _MACHINES]
    desk.reported.emit(
        Report(
            title="What the states mean",
            says="A state has a glyph, a word and a colour; each says it alone.",
            heads=("State", "Of a", "Means"),
            rows=[*jobs, *machines],
        )
    )


def show_steps(desk: Desk) -> None:
    """Show how a shot gets rendered."""
    steps = "\n\n".join(f"{number}.  {step}" for number, step in enumerate(_STEPS, 1))
    desk.reported.emit(Report(title="First steps", says=steps))


def show_about(desk: Desk) -> None:
    """Show version, licence and farm."""
    says = (
        f"Render {renderd.__version__}, the window of neogeo-renderd\n"
        "Free software under the GNU General Public License, version 3 or later, without any"
        " warranty.\n\n"
        f"Farm: {label(desk.root, 200) or 'none is chosen yet'}\n{_daemon(desk)}"
    )
    desk.reported.emit(Report(title="About Render", says=says))


def copy_report(desk: Desk) -> None:
    """Copy what somebody who helps asks for first."""
    desk.ask.copy(report(desk))
    desk.said.emit("Copied a report of versions, farm and machines; paste it into a message")


def report(desk: Desk) -> str:
    """What runs here, and how the farm fares, as last read; no names of jobs."""
    jobs = Counter(map(shown_state, desk.jobs.records.values()))
    nodes = desk.machines.records.values()
    releases = Counter(str(node.facts.get("version") or "?") for node in nodes)
    lines = (
        f"render {renderd.__version__}, Python {platform.python_version()},"
        f" Qt {QT_VERSION_STR}, PyQt {PYQT_VERSION_STR}",
        f"{platform.platform()}, {QGuiApplication.platformName()}, {QLocale.system().name()}",
        f"farm: {desk.root or 'none'}",
        _daemon(desk),
        f"trouble: {desk.why or 'none'}",
        f"jobs: {_counted(jobs)}",
        f"machines: {_counted(Counter(node.state for node in nodes))}",
        f"releases: {_counted(releases)}",
    )
    return "\n".join(lines)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {label(name, 40)}" for name, number in counts.items()) or "none"


def _daemon(desk: Desk) -> str:
    found = desk.daemon
    if found is None:
        return "renderd here: does not answer"
    return f"renderd here: {label(found.node, 40)}, release {label(found.version, 20)}"


def _native(shortcut: str) -> str:
    return QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)


def _plain(title: str) -> str:
    return title.replace("&", "").rstrip("… ")
