"""Nothing stays of what is over: beside the frames, in the folder for temporary files."""

import json
import os
import signal

from farm import PYTHON, STANDIN

from renderd.core.chunk import State
from renderd.spool import listing, orders


def attempts(farm, jid):
    """The incarnations whose private folders lie beside the frames."""
    folder = farm.out / ".renderd" / jid
    names = os.listdir(folder) if folder.exists() else []
    return {owner for name in names if (owner := listing.owner_of(name))}


def temporary(farm):
    """The daemons' folders for temporary files."""
    return {p.name for p in (farm.folder / "tmp").glob("renderd-tmp-*")}


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
    left = farm.folder / "tmp"
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
