"""May this machine work for the farm now, and if not, why.  Pure: readings in, verdict out.

What a person said comes first (never, office hours, only while nobody is there), then what hurts
who works here: short memory, battery, heat, processors that others' programs need.  What runs
is suspended while that is cheap for the person, and given back when it is not or lasts.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from renderd.core import amounts, hours
from renderd.core.hours import Hours

GIVE_UP_AFTER = 600.0  #: seconds for which a chunk is held suspended
AWAY = 900.0  #: seconds without a person's input after which a machine counts as left
SWAPPING = 20 * 2.0**20  #: bytes a second read back from swap
UNLOADED = 2 / 3  #: part of the limit below which others' load is over
LOADED_FOR = 15.0  #: seconds
COOLER = 5.0  #: degrees below the limit at which a hot machine goes on
OFTEN = 600.0  #: seconds within which yielding again doubles the calm that is asked for
MOST_DOUBLINGS = 4


class When(StrEnum):
    """When a machine works for the farm."""

    ALWAYS = "always"  #: in the background, beside whoever works there
    AWAY = "away"  #: only while nobody uses it
    OFF_HOURS = "off-hours"  #: only outside office hours
    NEVER = "never"


class Cause(StrEnum):
    """What a machine makes way for."""

    NEVER = "never"
    HOURS = "hours"
    PERSON = "person"
    MEMORY = "memory"
    BATTERY = "battery"
    HEAT = "heat"
    LOAD = "load"


YIELDS = (Cause.MEMORY, Cause.BATTERY, Cause.HEAT, Cause.LOAD)  #: those that may be switched off
#: causes that last: nothing is suspended for them
_LASTING = (Cause.NEVER, Cause.HOURS)
#: seconds without the cause before work goes on
_CALM = {Cause.MEMORY: 20.0, Cause.BATTERY: 5.0, Cause.HEAT: 20.0, Cause.LOAD: 15.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on a machine makes way, in percent."""

    load: int = 90  #: of the processors used by others' programs
    stall: int = 15  #: of the time in which something waited for memory, from there on
    free: int = 3  #: of the memory that is to be had, below that
    held: int = 25  #: of the memory: a renderer that holds as much is not suspended but ended
    battery: int = 100  #: left, up to that
    heat: int = 3  #: not percent but degrees below a sensor's own critical value, from there on


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a person said of this machine."""

    when: When = When.ALWAYS
    away: float = AWAY  #: seconds
    office: Hours = field(default_factory=lambda: hours.parse(hours.OFFICE))
    yields: frozenset[str] = frozenset(YIELDS)
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """One look at the machine and who uses it."""

    minute: int = 0  #: of the week in local time, Monday 0:00 being 0
    idle: float | None = None  #: seconds since a person's last input; None: nothing tells
    stalled: float = 0.0  #: share of the last second or so in which something waited for memory
    free: float = 1.0  #: share of the memory that is available
    swap_in: float = 0.0  #: bytes a second
    load: float = 0.0  #: share of the processors that programs of normal priority use
    battery: float | None = None  #: percent left where the machine runs on it
    celsius: float | None = None  #: the sensor nearest to its limit
    critical: float | None = None  #: that limit, which the sensor names itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a machine stands to work: the last verdict and what it was found from."""

    cause: Cause | None = None
    says: str = ""  #: the reason for a person; empty while it works
    since: float = 0.0  #: when it began to make way
    calm: float | None = None  #: since when the cause does not show
    loaded: float | None = None  #: since when others need the processors
    ended: float = float("-inf")  #: when it last went on
    times: int = 0  #: how often in a row it made way soon after it had gone on

    @property
    def may_work(self) -> bool:
        """True while nothing speaks against work."""
        return self.cause is None


class Treatment(StrEnum):
    """What is done with a chunk that runs."""

    GO_ON = "go on"
    SUSPEND = "suspend"
    GIVE_BACK = "give back"


def step(policy: Policy, seen: Readings, before: Standing, now: float) -> Standing:
    """The verdict after one more look; `now` is any clock in seconds that does not jump."""
    loaded = _loaded_since(policy.limits.load, seen, before, now)
    found = _why(policy, seen, replace(before, loaded=loaded), now)
    if found is not None:
        cause, says = found
        if before.cause is not None:
            return replace(before, cause=cause, says=says, calm=None, loaded=loaded)
        times = before.times + 1 if now - before.ended < OFTEN else 0
        return Standing(cause=cause, says=says, since=now, loaded=loaded, times=times)
    if before.cause is None:
        return replace(before, loaded=loaded)
    calm = now if before.calm is None else before.calm
    doublings = min(before.times, MOST_DOUBLINGS)
    if now - calm >= _CALM.get(before.cause, 0.0) * 2**doublings:
        return Standing(ended=now, times=before.times, loaded=loaded)
    return replace(before, calm=calm, loaded=loaded)


def treat(
    standing: Standing, *, held_bytes: int, room_bytes: float, has_gpu: bool, now: float
) -> Treatment:
    """What is to be done with a chunk whose processes hold memory that may be up to a room."""
    if standing.cause is None:
        return Treatment.GO_ON
    is_large = has_gpu or held_bytes >= room_bytes
    if is_large or standing.cause in _LASTING or now - standing.since >= GIVE_UP_AFTER:
        return Treatment.GIVE_BACK
    return Treatment.SUSPEND


def _loaded_since(percent: int, seen: Readings, before: Standing, now: float) -> float | None:
    least = percent / 100 * (UNLOADED if before.cause is Cause.LOAD else 1)
    if seen.load < least:
        return None
    return now if before.loaded is None else before.loaded


def _why(policy: Policy, seen: Readings, before: Standing, now: float) -> tuple[Cause, str] | None:
    """The first thing that speaks against work, and the words for it."""
    if said := _forbidden(policy, seen):
        return said
    checks = (
        (Cause.MEMORY, _short_memory(seen, policy.limits)),
        (Cause.BATTERY, _battery(seen, policy.limits)),
        (Cause.HEAT, _heat(seen, policy.limits, before)),
        (Cause.LOAD, _load(seen, before, now)),
    )
    return next((c for c in checks if c[1] and c[0] in policy.yields), None)


def _forbidden(policy: Policy, seen: Readings) -> tuple[Cause, str] | None:
    match policy.when:
        case When.NEVER:
            return Cause.NEVER, "this machine never renders: its courtesy says so"
        case When.OFF_HOURS:
            end = policy.office.end(seen.minute)
            if end is not None:
                return Cause.HOURS, f"office hours until {hours.clock(end)}"
        case When.AWAY:
            if seen.idle is None:
                return Cause.PERSON, "works only while nobody uses it, and nothing tells whether"
            if seen.idle < policy.away:
                after = amounts.duration_text(policy.away)
                return Cause.PERSON, f"somebody uses this machine; it works {after} after that"
    return None


def _short_memory(seen: Readings, limits: Limits) -> str:
    if seen.swap_in >= SWAPPING:
        return f"memory is short, swapping in {_rate(seen.swap_in)}"
    if 100 * seen.stalled >= limits.stall:
        return f"memory is short, programs wait for it {seen.stalled:.0%} of the time"
    return f"memory is short, {seen.free:.0%} is free" if 100 * seen.free < limits.free else ""


def _battery(seen: Readings, limits: Limits) -> str:
    if seen.battery is None or seen.battery > limits.battery:
        return ""
    return f"runs on battery, {seen.battery:.0f}% left"


def _heat(seen: Readings, limits: Limits, before: Standing) -> str:
    if seen.celsius is None or seen.critical is None:
        return ""
    most = seen.critical - limits.heat
    if seen.celsius < most - (COOLER if before.cause is Cause.HEAT else 0.0):
        return ""
    return f"too hot: {seen.celsius:.0f} °C of at most {most:.0f}"


def _load(seen: Readings, before: Standing, now: float) -> str:
    if before.loaded is None:
        return ""
    if before.cause is not Cause.LOAD and now - before.loaded < LOADED_FOR:
        return ""
    return f"other programs use {seen.load:.0%} of the processors"


def _rate(bytes_per_s: float) -> str:
    return f"{amounts.size_about(int(bytes_per_s), up=True)}/s"
