"""Unable is not failed: what a node cannot do it leaves to others, and says why."""

import re
import shutil
import signal
import sys

import pytest
from shots import blender, colours, make

from renderd.core.chunk import State
from renderd.spool import control

ADDON = """
bl_info = {"name": "Mine", "blender": (2, 80, 0), "version": (1, 0), "category": "Render"}
def register():
    print("MINE IS ON")
def unregister():
    pass
"""
UNTOUCHED = [(1, 0, 0)]


def records(farm, jid):
    """Attempt, failures and losses of the job's chunks, each combination once."""
    return sorted({(c.attempt, c.failures, c.losses) for c in farm.chunks(jid)})


def verdicts(farm, jid):
    """What `render why` says of each node."""
    return {v["node"]: v["reason"] for v in farm.ask("why", jid)["nodes"]}


def install(daemon):
    """Install the add-on for the user of a machine, in every Blender of PATH."""
    version = re.match(r"Blender (\d+\.\d+)", blender("-v"))[1]
    folder = daemon / "home" / ".config" / "blender" / version / "scripts" / "addons"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(ADDON)


@pytest.fixture
def shot(tmp_path):
    """A .blend of one plain colour."""
    folder = tmp_path / "made"
    folder.mkdir()
    return make(folder, "colours") / "red.blend"


@pytest.mark.blender
def test_a_node_without_the_farms_add_on_leaves_blender_jobs_to_the_one_that_has_it(farm, shot):
    (farm.root / "farm.toml").write_text('[blender]\naddons = ["mine"]\n')
    jid = farm.queue(shot, "--frames", "1-2", "--chunk", "1")
    poor = farm.up("poor")
    lacks = "lacks the add-on 'mine' in Blender 3.4"
    farm.until(lambda: lacks in verdicts(farm, jid)["poor"], "it says what it lacks")
    assert lacks in farm.render("nodes")
    assert records(farm, jid) == UNTOUCHED
    plain = farm.add(f"name: other\n\ntouch {farm.out}/other\n")
    assert farm.ended(plain) == "done", "other jobs need no add-on"
    install(farm.local / "hosts" / "rich")
    rich = farm.up("rich")
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert {c.owner for c in farm.chunks(jid)} == {rich.inc}
    farm.logged(jid, "MINE IS ON")
    assert colours(farm.out) == {"shot_0001": "red", "shot_0002": "red"}
    rich.kill()
    later = farm.queue(shot, "--frames", "1-2", "--out", farm.out / "later_####")
    install(farm.local / "hosts" / "poor")
    poor.signal(signal.SIGHUP)  # it would look by itself in some minutes, too
    assert farm.ended(later) == "done"
    assert {c.owner for c in farm.chunks(later)} == {poor.inc}


@pytest.mark.blender
def test_an_add_on_that_is_gone_since_the_node_looked_is_no_failure_of_the_job(farm, shot):
    (farm.root / "farm.toml").write_text('[blender]\naddons = ["mine"]\n')
    home = farm.local / "hosts" / "ws1"
    install(home)
    daemon = farm.up("ws1")
    farm.until(lambda: "3.4" in str(daemon.status()["blenders"]), "it has looked")
    shutil.rmtree(home / "home" / ".config")
    jid = farm.queue(shot, "--frames", "1-2")
    lacks = "lacks the add-on 'mine' in Blender 3.4"
    farm.until(lambda: farm.errors(jid), "it has tried")
    assert f"unable: this node {lacks}" in farm.errors(jid)
    farm.until(lambda: verdicts(farm, jid)["ws1"] == lacks, "it knows better now")
    assert {(c.failures, c.losses) for c in farm.chunks(jid)} == {(0, 0)}
    assert not list(farm.out.glob("*.png"))


@pytest.mark.blender
def test_a_farm_of_gpus_leaves_machines_without_one_alone(farm, shot):
    (farm.root / "farm.toml").write_text('[blender]\ndevice = "gpu"\n')
    jid = farm.queue(shot, "--frames", "1-2")
    farm.up("ws1")
    farm.until(lambda: "finding out" not in verdicts(farm, jid).get("ws1", "finding out"), "said")
    if not verdicts(farm, jid)["ws1"]:
        pytest.skip("there is a GPU here")
    assert verdicts(farm, jid)["ws1"] == "has no GPU that Cycles can use"
    assert records(farm, jid) == UNTOUCHED
    told = farm.ask("jobs")["jobs"][0]["reason"]
    assert told.startswith("no live node can take it: ws1 has no GPU that Cycles can use")


@pytest.mark.blender
def test_a_farm_of_processors_renders_what_asks_for_a_gpu_on_them(farm, shot):
    (farm.root / "farm.toml").write_text('[blender]\ndevice = "cpu"\n')
    wish = "import bpy; bpy.context.scene.cycles.device = 'GPU'; bpy.ops.wm.save_mainfile()"
    blender(shot, "--python-expr", wish)
    jid = farm.queue(shot, "--frames", "1-2")
    farm.up("ws1")
    assert farm.ended(jid) == "done", farm.errors(jid)
    farm.logged(jid, "renderd: renders on CPU, as farm.toml says")
    assert colours(farm.out) == {"shot_0001": "red", "shot_0002": "red"}


TATTLE = """
import bpy, os
text = bpy.data.texts.new("startup.py")
text.write("import os; open(os.environ['RENDERD_X_MARK'], 'a').write('ran')")
text.use_module = True
bpy.ops.wm.save_mainfile()
"""


@pytest.mark.blender
@pytest.mark.parametrize(
    ("said", "runs"),
    [("off", False), ("on", True), ("trusted", True), ("trusted elsewhere", False)],
)
def test_scripts_in_files_run_only_as_the_farm_says_whatever_the_command_says(
    farm, shot, said, runs
):
    folder = shot.parent if said == "trusted" else farm.folder / "elsewhere"
    root = f'[roots]\nproj = {{ {sys.platform} = "{folder}" }}\n'
    rule = f'[blender]\nautoexec = "{said.split()[0]}"\ntrusted = ["{{proj}}"]\n'
    (farm.root / "farm.toml").write_text(root + rule)
    blender(shot, "--python-expr", TATTLE)
    mark = farm.folder / "mark"
    farm.up("ws1")
    line = f"blender --factory-startup -y -b {shot} -s 1 -e 1 -o {farm.out}/own_#### -a"
    dropped = farm.add(f"env: RENDERD_X_MARK={mark}\nframes: 1\n\n{line}\n")
    assert farm.ended(dropped) == "done", farm.errors(dropped)
    assert mark.exists() == runs
    mark.unlink(missing_ok=True)
    queued = farm.queue(shot, "--frames", "1", "--env", f"RENDERD_X_MARK={mark}")
    assert farm.ended(queued) == "done", farm.errors(queued)
    farm.logged(queued, f".{queued}.blend")  # it rendered a copy beside the original
    assert mark.exists() == runs


def test_a_blend_that_no_node_sees_shows_the_job_stuck_and_costs_nothing(farm):
    hidden, line = farm.folder / "p.blend", "blender -b {} -s 1 -e 2 -P {}"
    script = farm.folder / "draw.py"
    script.write_text("")
    farm.up("ws1")
    farm.up("ws2")
    text = f"name: shot\nframes: 1-2\nout: {farm.out}/o_####.png\n\n"
    jid = farm.add(text + line.format(hidden, script) + " -- {out}\n")
    unseen = f"does not see {hidden}: is its share mounted?"
    farm.until(lambda: set(verdicts(farm, jid).values()) == {unseen}, "both say it")
    stuck = f"no live node can take it: each of 2 nodes {unseen}; see: render why {jid}"
    assert farm.ask("jobs")["jobs"][0]["reason"] == stuck
    assert "no live node can take it" in farm.render("jobs")
    assert records(farm, jid) == UNTOUCHED
    hidden.write_bytes(b"BLENDER-v304")
    farm.until(lambda: farm.tally(jid)[State.WAIT] == 0, "it is taken when it is there")


def test_a_root_whose_share_is_not_mounted_keeps_its_jobs_away(farm):
    root = farm.folder / "proj"
    root.mkdir()
    (farm.root / "farm.toml").write_text(f'[roots]\nproj = {{ {sys.platform} = "{root}" }}\n')
    daemon = farm.up("ws1")
    jid = farm.add("name: shot\n\nsh -c 'echo here >{proj}/made'\n")
    unseen = f"{root} is empty: is its share mounted?"
    farm.until(lambda: verdicts(farm, jid).get("ws1") == f"does not see {{proj}}: {unseen}", "why")
    assert daemon.status()["unseen"] == {"proj": unseen}
    assert f"does not see {{proj}}: {unseen}" in farm.render("nodes")
    assert (list(root.iterdir()), records(farm, jid)) == ([], UNTOUCHED)
    (root / "shot").mkdir()
    assert farm.ended(jid) == "done"
    assert (root / "made").read_text() == "here\n"


def test_what_runs_out_of_memory_goes_to_the_larger_node_and_is_no_failure(farm):
    large = farm.up("large", "--memory", "1G")
    farm.render("node", "pause", "large")
    farm.until(lambda: large.status()["state"] == "paused", "it is paused")
    jid = farm.add(farm.info("--eat=300", "--room=small:150", frames="1-2", retries=0))
    farm.up("small", "--memory", "100M")
    farm.until(lambda: records(farm, jid) == [(2, 0, 0)], "it is given back")
    need = control.read(farm.spool, jid).needs_ram
    assert need > 100 << 20
    farm.until(lambda: farm.errors(jid), "it is told")
    assert "memory: the program ran out of memory" in farm.errors(jid)
    farm.until(lambda: "has 100 MB of memory, the job needs" in verdicts(farm, jid)["small"], "why")
    farm.render("node", "resume", "large")
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert {(c.owner, c.attempt, c.failures) for c in farm.chunks(jid)} == {(large.inc, 2, 0)}
    assert len(farm.frames()) == 2


def test_a_job_that_no_node_has_the_memory_for_is_held_until_one_comes(farm):
    farm.up("large", "--memory", "1G", "--pools", "other")
    said = farm.info("--eat=300", "--room=small:150", frames="1-2", retries=0, pool="film")
    jid = farm.add(said)
    farm.up("small", "--memory", "100M", "--pools", "film")
    farm.until(lambda: farm.state(jid) == "held", "it is held")
    reason = control.read(farm.spool, jid).reason
    assert re.fullmatch(r"needs 1\d\d(\.\d)? MB, the largest node has 100 MB", reason)
    assert reason in farm.render("jobs")
    assert records(farm, jid) == [(2, 0, 0)]
    larger = farm.up("larger", "--memory", "1G", "--pools", "film")
    farm.render("release", jid)
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert {c.owner for c in farm.chunks(jid)} == {larger.inc}


def test_memory_that_is_promised_is_not_given_twice(farm):
    farm.up("ws1", "--slots", "2", "--memory", "1G")
    jids = [
        farm.add(f"name: job{number}\nneeds: ram>=600M\n\nsleep 86400\n") for number in range(2)
    ]
    farm.until(lambda: any(map(farm.commands, jids)), "one of them runs")
    [waiting] = [jid for jid in jids if not farm.running(jid)]
    [running] = [jid for jid in jids if jid != waiting]
    farm.until(lambda: "1 GB free now, the job needs 600 MB" in verdicts(farm, waiting)["ws1"], "")
    free = farm.add(f"name: free\n\ntouch {farm.out}/free\n")
    assert farm.ended(free) == "done", "the other slot takes what fits"
    assert not farm.running(waiting)
    farm.render("cancel", running)
    farm.until(lambda: farm.commands(waiting), "it runs when there is room")
