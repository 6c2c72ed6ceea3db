"""Which path roots of farm.toml this machine does not see now, and why."""

import sys
from functools import partial

from renderd.core.farm import Farm
from renderd.core.policy import SCRIPTS
from renderd.daemon.sight import Sight
from renderd.spool.mount import why_not_seen


def unseen(farm: Farm, sight: Sight) -> dict[str, str]:
    """Name and reason of each root, and of the script folder, that is not there; never blocks
    longer than the sight does."""
    places = farm.roots_on(sys.platform)
    if farm.scripts:
        places[SCRIPTS] = farm.expand_roots(farm.scripts, sys.platform)
    asked = {
        name: sight.ask(("root", path), partial(why_not_seen, path))
        for name, path in places.items()
    }
    return {name: reason for name, reason in asked.items() if reason}
