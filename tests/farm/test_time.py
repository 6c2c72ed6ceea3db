"""Frames that hang on the frames before them: the cut into chunks is never seen."""

import pytest
from shots import pictures

pytestmark = pytest.mark.blender


def rendered(farm, path, *words):
    """Queue a file, let one daemon render it; its pictures."""
    jid = farm.queue(path, *words)
    farm.up()
    assert farm.ended(jid) == "done", farm.errors(jid)
    return pictures(farm.out)


@pytest.mark.parametrize("shot", ["motion", "baked", "sparks"])
@pytest.mark.parametrize("chunk", [20, 10], ids=["one run", "two chunks"])
def test_motion_blur_and_baked_caches_are_a_plain_runs_to_the_pixel(
    farm, project, plain, shot, chunk
):
    found = rendered(farm, project / f"{shot}.blend", "--chunk", chunk)
    assert found == plain(shot)
    assert len(set(found.values())) > 15, "the frames differ among themselves"
