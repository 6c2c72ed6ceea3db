"""Machines that differ: each renders what it can, where it sees it, with the right Blender."""

import signal
import sys

import pytest
from shots import pictures
from test_disks import needs_mount

from renderd.core.chunk import State

pytestmark = pytest.mark.blender


@needs_mount
def test_two_nodes_that_mount_the_project_at_different_places_render_the_same_job(
    farm, project, plain
):
    """To each, farm.toml says where its own kind of machine has it, as with two platforms."""
    here, there = farm.folder / "here", farm.folder / "there"
    toml = farm.root / "farm.toml"
    of_there = farm.folder / "there.toml"
    of_there.write_text(f'[roots]\nproj = {{ {sys.platform} = "{there}" }}\n')
    toml.write_text(f'[roots]\nproj = {{ {sys.platform} = "{here}" }}\n')
    for place in (here, there):
        place.mkdir()
    (project / "out").mkdir()

    def at(place, *also):
        lines = [f"mount --bind {project} {place}", *also, 'exec "$@"']
        return ["unshare", "-m", "sh", "-c", " && ".join(lines), "sh"]

    mounted_here = at(here)
    mounted_there = at(there, f"mount --bind {of_there} {toml}")
    out = here / "out" / "shot_####"
    jid = farm.queue(here / "motion.blend", "--out", out, "--chunk", 2, prefix=mounted_here)
    first = farm.up("ws1", prefix=mounted_here)
    farm.until(lambda: farm.tally(jid)[State.DONE], "the first has rendered a part")
    first.signal(signal.SIGTERM)
    first.wait()
    second = farm.up("ws2", prefix=mounted_there)
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert {c.owner for c in farm.chunks(jid)} == {first.inc, second.inc}
    assert pictures(project / "out") == plain("motion")
    assert "{proj}" in (farm.root / "jobs" / jid / "job.info").read_text()
    assert list(here.iterdir()) == list(there.iterdir()) == [], "nothing beside the mounts"
