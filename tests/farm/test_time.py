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


def test_an_unbaked_cloth_is_held_and_nothing_of_it_is_rendered(farm, project):
    jid = farm.queue(project / "cloth.blend", "--chunk", 10)
    farm.up()
    farm.until(lambda: farm.state(jid) == "held", "it is held")
    said = farm.render("why", jid)
    assert "sheet" in said
    assert "bake it or use --whole" in said
    farm.render("release", jid)
    farm.until(lambda: "cloth of 'sheet'" in farm.render("why", jid), "Blender itself says so")
    farm.until(lambda: farm.state(jid) == "held", "it is held again")
    assert pictures(farm.out) == {}
    assert sum(c.failures for c in farm.chunks(jid)) == 0


def test_an_unbaked_cloth_in_one_piece_is_the_baked_one_to_the_pixel(farm, project, plain):
    found = rendered(farm, project / "cloth.blend", "--whole")
    assert len(set(found.values())) > 15, "it falls"
    assert found == plain("settled")


def test_a_baked_cache_that_lost_a_file_fails_the_frames_that_need_it(farm, project):
    jid = farm.queue(project / "baked.blend", "--chunk", 10, "--retries", 0)
    (lost,) = (project / "blendcache_baked").glob("*_000015_*.bphys")
    lost.unlink()
    farm.up()
    assert farm.ended(jid) == "failed"
    assert "_000015.bphys" in farm.errors(jid)
    assert sorted(pictures(farm.out)) == [f"shot_{n:04d}.png" for n in range(1, 11)]
