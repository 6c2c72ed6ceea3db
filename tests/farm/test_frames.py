"""One daemon, one job: frames whole and in place, nothing left beside them."""

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
