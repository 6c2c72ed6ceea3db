"""Which scenario is tried on which network: in CI, by `make nfs`, and by `make soak`."""

import time
from dataclasses import dataclass, replace

from tests.nfs import scenarios
from tests.nfs.lab import LabError
from tests.nfs.networks import Present
from tests.nfs.scenarios import Outcome, Scenario


@dataclass(frozen=True, slots=True)
class Trial:
    """One scenario on one network."""

    network: str
    scenario: Scenario

    def __str__(self) -> str:
        return f"{self.network}-{self.scenario.name}"


def _on(network: str, *names: str | Scenario) -> list[Trial]:
    found = [scenarios.named(name) if isinstance(name, str) else name for name in names]
    return [Trial(network, scenario) for scenario in found]


def _short(name: str, befall: scenarios.Befall) -> Scenario:
    return replace(scenarios.named(name), befall=befall, frames=120)


#: at most 12 minutes on two cores
SHORT = [
    *_on("v4.2", _short("restarts", scenarios.restarts(3))),
    *_on("v4.2", _short("server-power", scenarios.server_power_cuts(1)), "zombie"),
    *_on("v3", _short("pause", scenarios.pause(30)), "partition"),
    *_on("v3", _short("full", scenarios.full_export(25))),
    *_on("v3", _short("skew", scenarios.clock_skew)),
    *_on("v3-soft", _short("restarts", scenarios.restarts(2)), "client-power"),
    *_on("uids", "calm"),
    *_on("all-squash", "calm"),
]

_FAULTS = [one.name for one in scenarios.ALL if one.name not in ("swap", "blender", "viewer")]
WHOLE = [
    *_on("v4.2", *_FAULTS),
    *_on("v3", *_FAULTS),
    *_on("v3-soft", *_FAULTS),
    *_on("v4.2-soft", *_FAULTS),
    *_on("uids", "calm", "restarts", "zombie"),
    *_on("root-squash", "calm", "restarts", "zombie"),
    *_on("all-squash", "calm", "restarts", "zombie"),
    *_on("samba", "viewer", "calm", "restarts", "pause", "server-power", "partition"),
    *_on("samba", "client-power", "zombie", "full"),
    *_on("v4.2", "viewer"),
    *_on("swap", "swap"),
    *_on("blender", "blender"),
]


def play(present: Present, trial: Trial, slug: str = "") -> Outcome:
    """Play one trial; a network that a fault broke is not used again."""
    began = time.monotonic()
    try:
        fleet = present.fleet(trial.network)
        outcome = scenarios.play(fleet, trial.scenario, slug)
    except LabError as error:
        seconds = time.monotonic() - began
        outcome = Outcome(trial.scenario.name, seconds, (f"{error}", *present.evidence()))
    if outcome.complaints:
        present.end()
    return outcome
