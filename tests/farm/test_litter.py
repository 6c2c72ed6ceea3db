"""Nothing stays of what is over: beside the frames, in the folder for temporary files."""

import json
import os
import signal

from farm import PYTHON, STANDIN

from renderd.core.chunk import State
from renderd.spool import history, listing, orders


def attempts(farm, jid):
    """The incarnations whose private folders lie beside the frames."""
    folder = farm.out / ".renderd" / jid
    names = os.listdir(folder) if folder.exists() else []
    return {owner for name in names if (owner := listing.owner_of(name))}


def temporary(farm):
    """The daemons' folders for temporary files."""
    return {p.name for p in (farm.local / "tmp").glob("renderd-tmp-*")}


def test_a_cancelled_job_leaves_its_frames_and_nothing_beside_them(farm):
    jid = farm.add(farm.info("--seconds=0.2", frames="1-2000", chunk=1000))
    daemons = [farm.up(name) for name in ("ws1", "ws2")]
    farm.until(lambda: attempts(farm, jid) == {d.inc for d in daemons}, "both render")
    farm.until(lambda: len(list(farm.out.glob("*.png"))) > 4, "frames are in place")
    orders.cancel(farm.spool, jid)
    farm.until(lambda: not (farm.out / ".renderd").exists(), "nothing is left beside the frames")
    kept = (farm.root / "jobs" / jid / "frames.jsonl").read_text().splitlines()
    files = {name for line in kept for name, _, _ in json.loads(line)["files"]}
    assert files == set(os.listdir(farm.out))
    assert len(files) > 4


def test_a_killed_daemon_leaves_nothing_when_its_chunk_runs_again(farm):
    render = f"exec {PYTHON} {STANDIN} {{start}} {{end}} {{out}} --hang"
    words = f"sh -c 'mkdir $TMPDIR/blender_a1b2c3; {render}'"
    jid = farm.add(f"frames: 1-4\nout: {farm.out}/shot_####.png\n\n{words}\n")
    first = farm.up("ws1")
    left = farm.local / "tmp"
    farm.until(lambda: list(left.glob("*/*/blender_a1b2c3")), "the command has temporary files")
    farm.until(lambda: attempts(farm, jid) == {first.inc}, "it has a private folder")
    [before] = temporary(farm)
    first.kill()
    second = farm.up("ws1")
    farm.until(lambda: attempts(farm, jid) == {second.inc}, "only the second's folder is there")
    farm.until(lambda: before not in temporary(farm), "the first's temporary files are gone")
    farm.until(lambda: list(left.glob("*/*/blender_a1b2c3")), "the second has temporary files")
    second.signal(signal.SIGTERM)
    second.wait()
    assert temporary(farm) == set()
    assert attempts(farm, jid) == set()
    assert farm.tally(jid)[State.WAIT] == 1


def test_a_farm_works_between_the_litter_of_a_nas_box(farm):
    for folder in (".", "queue", "jobs", "beat", "beat/00", "history", "tmp", "nodes", "done"):
        (farm.root / folder / "@eaDir").mkdir(parents=True)
        (farm.root / folder / "x.info@SynoEAStream").write_text("x")
    (farm.out / "@eaDir").mkdir()
    jid = farm.add(farm.info(frames="1-40"))
    for folder in (farm.root / "jobs" / jid, farm.out / ".renderd", farm.out / ".renderd" / jid):
        (folder / "@eaDir").mkdir()
        (folder / "@eaDir" / "shot_0001.png").write_text("x")
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    farm.until(lambda: not (farm.out / ".renderd").exists(), "nothing is left beside the frames")
    assert len(list(farm.out.glob("*.png"))) == 40


def test_frame_times_are_known_again_after_a_restart(farm):
    jid = farm.add(farm.info("--seconds=0.1", frames="1-2000", chunk=5))
    first = farm.up("ws1")
    farm.until(lambda: farm.tally(jid)[State.DONE] >= 2, "chunks are done")
    farm.until(lambda: list(history.frame_times(farm.spool, "ws1")), "the journal tells it")
    first.kill()
    orders.hold(farm.spool, jid, "test")  # nothing of it is rendered any more
    second = farm.up("ws1")
    frames, mean, _ = farm.until(lambda: second.status().get("paces"), "it says so")[jid]
    assert frames >= 5
    assert mean >= 0.1
