"""Ages, sizes, times and states in words, alike on the command line and in the window."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from renderd.spool.records import JobView

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FEW_DAYS = 7  #: for which the name of a day is enough
#: what a state is called, its glyph, its plain glyph and its colour
STATES = {
    "running": ("running", "▶", ">", "cyan"),
    "queue": ("queued", "○", "o", ""),
    "held": ("held", "‖", "=", "yellow"),
    "waiting": ("waiting", "◔", ".", "blue"),
    "done": ("done", "✔", "+", "green"),
    "failed": ("failed", "✘", "x", "red"),
    "cancelled": ("cancelled", "⊘", "-", "grey"),
    "wait": ("queued", "○", "o", ""),
    "run": ("running", "▶", ">", "cyan"),
    "fail": ("failed", "✘", "x", "red"),
    "alive": ("alive", "●", "*", "green"),
    "resting": ("resting", "‖", "=", "yellow"),
    "dead": ("dead", "✘", "x", "red"),
}


def age(seconds: float | None) -> str:
    """Seconds in one or two units, for people."""
    if seconds is None:
        return ""
    whole = round(seconds)
    for unit, length, small, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60)):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length}{unit}" + (f"{rest}{small}" if rest else "")
    if whole >= 60:
        return f"{whole // 60}m" + (f"{whole % 60}s" if whole < 600 and whole % 60 else "")
    return f"{whole}s"


def ready(
    eta: float | None, low: float | None, high: float | None, now: float, dash: str = "–"
) -> str:
    """When something will be done and between when: `17:40 (17:25–18:10)`, `Tue 03:10 (…)`."""
    if eta is None:
        return ""
    at = moment(eta, now)
    first, last = (at if end is None else moment(end, now) for end in (low, high))
    if first == last:
        return at
    day, _, _ = at.rpartition(" ")
    if all(end.rpartition(" ")[0] == day for end in (first, last)):
        first, last = (end.rpartition(" ")[2] for end in (first, last))
    return f"{at} ({first}{dash}{last})"


def moment(at: float, now: float) -> str:
    """A moment as a clock shows it here; with its day where that is not today."""
    then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now).date()
    days = (then.date() - today).days
    if days == 0:
        return f"{then:%H:%M}"
    if abs(days) < _FEW_DAYS:
        return f"{_DAYS[then.weekday()]} {then:%H:%M}"
    return f"{then:%Y-%m-%d %H:%M}"


def size(bytes_: float | None) -> str:
    """Bytes in the nearest unit, for people."""
    if bytes_ is None:
        return ""
    value = float(bytes_)
    for unit in ("B", "K", "M", "G"):
        if abs(value) < 1024:
            return f"{value:.0f}{unit}" if value >= 10 or unit == "B" else f"{value:.1f}{unit}"
        value /= 1024
    return f"{value:.1f}T"


def shown_state(job: "JobView") -> str:
    """The key of a job's state: a queued job with running chunks runs."""
    return "running" if job.state == "queue" and job.running else job.state
