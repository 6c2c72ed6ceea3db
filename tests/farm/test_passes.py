"""Passes of File Output nodes belong to one open job, wherever they lie."""

import pytest
from shots import pictures

pytestmark = pytest.mark.blender


def test_a_job_whose_passes_another_job_writes_is_held_and_goes_on_when_that_is_over(farm, project):
    first = farm.queue(project / "passes.blend", "--chunk", 1, "--name", "first")
    farm.up("ws1", "--slots", "1")
    farm.until(lambda: pictures(project / "passes"), "the first job's passes land")
    farm.render("hold", first)
    second = farm.queue(
        project / "passes.blend", "--chunk", 6, "--name", "second", "--out", farm.out / "other_####"
    )
    farm.until(lambda: farm.state(second) == "held", "the second job is held")
    said = farm.render("why", second)
    assert "File Output node" in said
    assert first in said
    assert not list(farm.out.glob("other_*.png"))
    farm.render("cancel", first)
    farm.render("release", second)
    assert farm.ended(second) == "done", farm.errors(second)
    assert len(list(farm.out.glob("other_*.png"))) == 6
