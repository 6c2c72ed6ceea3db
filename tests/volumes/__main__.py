"""The farm tests on real volumes, and the doctor on a Samba share.

`python -m tests.volumes [moosefs] [glusterfs] [samba] [-- WORDS OF PYTEST]`
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "farm"))

from gluster import GlusterFS
from moosefs import MooseFS
from volume import Volume, why_not

from tests.nfs import samba

FARM = Path(__file__).parents[1] / "farm"
KINDS: dict[str, type[Volume]] = {"moosefs": MooseFS, "glusterfs": GlusterFS}
#: Those that a share has a say in; disks and people make mounts and users of their own.
TESTS = ("frames", "jobs", "drops", "failures", "litter", "restart", "sets", "targets", "life")
#: These mount something on their output; a daemon of another client keeps that for ever.
OWN_MOUNTS = (
    "test_targets.py::test_a_disk_that_is_full_at_frame_7_is_waited_for",
    "test_targets.py::test_a_target_that_cannot_be_replaced_now_is_waited_for",
)


def main() -> int:
    """Run them on each kind; 0 when all passed on all."""
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    more = words[cut + 1 :]
    status = 0
    for kind in words[:cut] or (*KINDS, "samba"):
        if kind == "samba":
            with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
                samba.report(Path(folder))
            continue
        if reason := why_not(KINDS[kind]):
            sys.exit(f"{kind}: {reason}")
        with KINDS[kind]() as volume:
            print(f"== {kind}", flush=True)
            status |= farm_tests(volume, more)
    return status


def farm_tests(volume: Volume, more: list[str]) -> int:
    """The farm tests with spools and frames on a volume, the daemons on both its clients."""
    environ = {
        **os.environ,
        "FARM_SHARE": str(volume.share),
        "FARM_CLIENTS": ":".join(map(str, volume.clients)),
        "FARM_PATIENCE": os.environ.get("FARM_PATIENCE", "300"),
    }
    files = [str(FARM / f"test_{name}.py") for name in TESTS]
    without = [f"--deselect=tests/farm/{name}" for name in OWN_MOUNTS]
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *without, *files, *more]
    return subprocess.run(line, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
