"""One daemon, one job: frames whole and in place, nothing left beside them."""

from farm import PYTHON, STANDIN
from PIL import Image


def number(path):
    """The frame that a picture of the stand-in renderer says it is."""
    with Image.open(path) as image:
        image.load()
        red, green, blue = image.getpixel((0, 0))
    return red << 16 | green << 8 | blue


def test_a_published_job_is_rendered_and_leaves_only_its_frames(farm):
    jid = farm.add(farm.info(chunk=5))
    daemon = farm.up("ws1", "--once")
    assert daemon.wait() == 0
    assert farm.state(jid) == "done"
    assert [number(p) for p in farm.frames()] == list(range(1, 21))
    assert farm.litter() == []
    assert (farm.root / "jobs" / jid / "frames.jsonl").read_text().count("\n") == 20


def test_a_program_that_writes_in_place_itself_is_verified(farm):
    out = f"{farm.out}/shot_####.png"
    line = f"{PYTHON} {STANDIN} {{start}} {{end}} {out[:-8]}####.png --torn=3 --until=1"
    jid = farm.add(f"frames: 1-4\nout: {out}\n\n{line}\n")
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert farm.chunks(jid)[0].failures == 1
    assert "bad-output: " in farm.errors(jid)
    assert [number(p) for p in farm.frames()] == [1, 2, 3, 4]


def test_frames_of_an_earlier_run_do_not_count(farm):
    first = farm.add(farm.info(frames="1-4"))
    daemon = farm.up("ws1")
    assert farm.ended(first) == "done"
    second = farm.add(f"frames: 1-4\nout: {farm.out}/shot_####.png\nretries: 0\n\ntrue\n")
    assert farm.ended(second) == "failed"
    assert "older than this run" in farm.errors(second)
    assert daemon.runs


def test_a_job_that_renders_into_a_new_folder_makes_it(farm):
    jid = farm.add(farm.info(frames="1-2", out="deep/er/shot_####.png"))
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert len(farm.frames("deep/er/*.png")) == 2
