"""Three Blenders side by side: Debian's, and two as Python packages in a folder on the share."""

import os
import re
import shutil
import subprocess
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
        version: make(
            tmp_path_factory.mktemp(f"by-{version}"), "colours", "passes", "stereo", python=python
        )
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
    line = re.compile(r"(?:^|in an open )Blender (\d+\.\d+)", re.MULTILINE)
    return farm.until(lambda: set(line.findall(farm.logs(jid))), "the log names it")


def test_each_file_is_rendered_by_the_version_that_saved_it(mixed, saved):
    mixed.up("ws1")
    for version, folder in saved.items():
        jid = mixed.queue(folder / "red.blend", "--no-snapshot", "--frames", "1-2")
        assert mixed.ended(jid) == "done", mixed.errors(jid)
        assert rendered_by(mixed, jid) == {version}
        assert colours(mixed.out) == {"shot_0001": "red", "shot_0002": "red"}


def test_blenders_of_three_versions_stay_open_side_by_side(mixed, saved):
    words = ("--no-snapshot", "--chunk", 1, "--blender")
    outs = {version: mixed.out / version / "f_####" for version in saved}
    jids = {
        version: mixed.queue(
            folder / "blue.blend", *words, f"=={version}", "--name", version, "--out", outs[version]
        )
        for version, folder in saved.items()
    }
    mixed.up("ws1", "--slots", "3")
    for version, jid in jids.items():
        assert mixed.ended(jid) == "done", mixed.errors(jid)
        assert rendered_by(mixed, jid) == {version}
        uses = re.findall(r"in an open Blender.* \(process (\d+), use (\d+)\)", mixed.logs(jid))
        assert len(uses) == 6, "one a frame"
        assert max(int(use) for _, use in uses) > 1
        assert list(colours(outs[version].parent).values()) == ["blue"] * 6


def test_a_node_without_the_files_version_leaves_it_to_others_and_says_why(mixed, saved):
    words = ("--no-snapshot", "--frames", "1-2", "--chunk", 2)
    jid = mixed.queue(saved["3.4"] / "red.blend", *words)
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
    words = ("--no-snapshot", "--frames", "1-2", "--chunk", 2, "--blender", "any")
    jid = mixed.queue(saved["4.2"] / "red.blend", *words)
    shutil.rmtree(mixed.folder / "apps")
    daemon = mixed.up("old", "--once")
    assert daemon.wait() == 1
    assert [(c.attempt, c.failures) for c in mixed.chunks(jid)] == [(1, 0)]
    assert os.listdir(mixed.root / "jobs" / jid / "log") == []


@pytest.mark.parametrize("version", ["4.2", "5.0"])
@pytest.mark.parametrize("shot", ["passes", "stereo"])
def test_passes_and_eyes_of_every_version_land_as_a_plain_run_writes_them(
    mixed, saved, version, shot
):
    here, plain = mixed.folder / "project", mixed.folder / "plain"
    for folder in (here, plain):
        shutil.copytree(saved[version], folder)
    jid = mixed.queue(here / f"{shot}.blend", "--out", here / "out/##", "--frames", "1-2")
    mixed.up("ws1")
    assert mixed.ended(jid) == "done", mixed.errors(jid)
    program = mixed.folder / "apps" / f"blender-{version}" / "blender"
    words = ["--factory-startup", "-b", plain / f"{shot}.blend", "-o", plain / "out/##"]
    subprocess.run([program, *words, "-s", "1", "-e", "2", "-a"], check=True, capture_output=True)
    files = {"passes": 2 * 3, "stereo": 2 * 2}
    assert pictures(here) == pictures(plain)
    assert len(pictures(here)) == files[shot]


@pytest.mark.parametrize("version", ["4.2", "5.0"])
def test_what_the_button_in_blender_sends_is_rendered(mixed, version):
    blender = ROOT / "tests" / "blender" / "session.py", ROOT / "packaging" / "blender"
    lines = f"""
sent = [scene_of(name, 1, 2, f"//{{name}}/f_##") for name in ("A", "B")]
only(*sent)
for scene in sent:
    scene.renderd.is_sent = True
save({str(mixed.folder / "shot.blend")!r})
send()
watch = extension("watch").last
assert watch.ended.wait(120), "a daemon takes them in"
print("SAID", watch.said)
"""
    mixed.up("ws1")
    own = {"HOME": str(mixed.local), "BLENDER_USER_RESOURCES": str(mixed.local / "blender")}
    own |= {"RENDERD_SPOOL": str(mixed.root), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [packaged()[version], *blender, lines]
    said = subprocess.check_output(words, text=True, env=os.environ | own)
    assert "2 jobs, 4 frames sent; see: render" in said
    assert "SAID The farm has taken in 2 jobs" in said
    for scene in ("a", "b"):
        jid = mixed.until(lambda name=f"shot-{scene}": mixed.named(name), "the file is taken in")
        assert mixed.ended(jid) == "done", mixed.errors(jid)
        assert rendered_by(mixed, jid) == {version}
        made = sorted(path.name for path in (mixed.folder / scene.upper()).glob("*.png"))
        assert made == ["f_01.png", "f_02.png"]
