"""What is rendered is what was queued, with every file it needs, or it is said."""

import pytest
from shots import colours

pytestmark = pytest.mark.blender
GREEN = {"shot_0001": "green", "shot_0002": "green"}


def test_a_texture_and_a_library_that_are_there_are_rendered(farm, project):
    farm.up()
    for shot in ("textured", "linked"):
        jid = farm.queue(project / f"{shot}.blend")
        assert farm.ended(jid) == "done", farm.errors(jid)
        assert colours(farm.out) == GREEN


MISSING = {"textured": "tex/wall.png", "linked": "lib/prop.blend"}


@pytest.mark.parametrize("shot", MISSING)
def test_a_file_that_went_missing_after_queuing_fails_the_frame(farm, project, shot):
    jid = farm.queue(project / f"{shot}.blend", "--retries", 0)
    (project / MISSING[shot]).unlink()
    farm.up()
    assert farm.ended(jid) == "failed"
    assert MISSING[shot].split("/")[1] in farm.errors(jid)
    assert colours(farm.out) == {}, "no pink frame is in place"
