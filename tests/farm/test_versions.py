"""Three Blenders side by side: Debian's, and two as Python packages in a folder on the share."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from shots import colours, make, packaged, pictures

pytestmark = pytest.mark.blender
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def saved(tmp_path_factory, all_shots):
    """Folders of shots by the version of the Blender that saved them."""
    made = {
        version: make(tmp_path_factory.mktemp(f"by-{version}"), "colours", python=python)
        for version, python in packaged().items()
    }
    return {"3.4": all_shots, **made}


@pytest.fixture
def mixed(farm):
    """A farm whose farm.toml finds the packages in a folder on the share; versions on it."""
    for version, python in packaged().items():
        program = farm.folder / "apps" / f"blender-{version}" / "blender"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {python} -m renderd.blender "$@"\n')
        program.chmod(0o755)
    (farm.root / "farm.toml").write_text(
        f'[roots]\napps = {{ {sys.platform} = "{farm.folder}/apps" }}\n'
        '[blender]\nglobs = ["{apps}/blender-*/blender"]\n'
    )
    return farm


def without_debians(farm):
    """The PATH of a node on which nobody has installed a Blender."""
    tools = farm.folder / "bin"
    tools.mkdir(exist_ok=True)
    for name in ("sh", "env"):
        (tools / name).symlink_to(shutil.which(name))
    return {"PATH": str(tools)}


def rendered_by(farm, jid):
    """The versions that the job's logs name, in the form major.minor."""
    return set(re.findall(r"^Blender (\d+\.\d+)", farm.logs(jid), re.MULTILINE))


def test_each_file_is_rendered_by_the_version_that_saved_it(mixed, saved):
    mixed.up("ws1")
    for version, folder in saved.items():
        jid = mixed.queue(folder / "red.blend", "--no-snapshot", "--frames", "1-2")
        assert mixed.ended(jid) == "done", mixed.errors(jid)
        assert rendered_by(mixed, jid) == {version}
        assert colours(mixed.out) == {"shot_0001": "red", "shot_0002": "red"}


def test_a_node_without_the_files_version_leaves_it_to_others_and_says_why(mixed, saved):
    jid = mixed.queue(saved["3.4"] / "red.blend", "--no-snapshot", "--frames", "1-2")
    mixed.up("poor", env=without_debians(mixed))
    mixed.until(
        lambda: (
            "the job needs 3.4 (the file's own; --blender any takes others)"
            in mixed.render("why", jid)
        ),
        "it says what it lacks",
    )
    assert [(c.attempt, c.failures) for c in mixed.chunks(jid)] == [(1, 0)]
    rich = mixed.up("rich")
    assert mixed.ended(jid) == "done"
    assert {c.owner for c in mixed.chunks(jid)} == {rich.inc}


def test_an_older_file_with_any_blender_is_rendered_by_the_nearest_newer_one(mixed, saved):
    jid = mixed.queue(
        saved["3.4"] / "blue.blend", "--no-snapshot", "--frames", "1-2", "--blender", "any"
    )
    mixed.up("poor", env=without_debians(mixed))
    assert mixed.ended(jid) == "done", mixed.errors(jid)
    assert rendered_by(mixed, jid) == {"4.2"}
    assert colours(mixed.out) == {"shot_0001": "blue", "shot_0002": "blue"}


def test_a_newer_file_is_never_given_to_an_older_blender(mixed, saved):
    """Not even to any: 3.4 crashes on files of 4.2 and renders others with parts missing."""
    jid = mixed.queue(
        saved["4.2"] / "red.blend", "--no-snapshot", "--frames", "1-2", "--blender", "any"
    )
    shutil.rmtree(mixed.folder / "apps")
    daemon = mixed.up("old", "--once")
    assert daemon.wait() == 1
    assert [(c.attempt, c.failures) for c in mixed.chunks(jid)] == [(1, 0)]
    assert os.listdir(mixed.root / "jobs" / jid / "log") == []


def test_passes_and_eyes_of_every_version_land_with_their_frame(mixed, monkeypatch):
    monkeypatch.setenv("SHOT_SAMPLES", "1")
    mixed.up("ws1")
    for version, python in packaged().items():
        folder = mixed.folder / f"by {version}"
        folder.mkdir()
        make(folder, "passes", "stereo", python=python)
        jids = [
            mixed.queue(folder / f"{name}.blend", "--frames", "1-2", "--out", f"{folder}/{name}_##")
            for name in ("passes", "stereo")
        ]
        assert [mixed.ended(jid) for jid in jids] == ["done", "done"], mixed.errors(jids[0])
        eyes = {f"stereo_{frame}_{eye}.png" for frame in ("01", "02") for eye in "LR"}
        image = {"passes_01.png", "passes_02.png"}
        files = {f"passes/{name}_000{n}.png" for name in ("beauty", "alpha") for n in (1, 2)}
        assert set(pictures(folder)) == eyes | image | files
