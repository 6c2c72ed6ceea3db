"""Which path roots of farm.toml this machine does not see now, and why."""

import os
import sys
from functools import partial

from renderd.core.farm import Farm
from renderd.core.policy import SCRIPTS
from renderd.daemon.sight import Sight


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


def why_not_seen(path: str) -> str:
    """Why a folder on a share is not seen; empty where it is.

    An empty folder that is no mount point itself is one whose share is not mounted: a job that
    uses a root has put at least its mark there.
    """
    try:
        with os.scandir(path) as entries:
            is_empty = next(entries, None) is None
    except FileNotFoundError:
        return f"{path} is not there"
    except NotADirectoryError:
        return f"{path} is no folder"
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    if is_empty and not os.path.ismount(path):
        return f"{path} is empty: is its share mounted?"
    return ""
