"""`render verify`: every kind of wrong frame is found, and no right one is called wrong."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from frontend import picture
from frontend.cli import app
from renderd.core import frames as ranges
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.errors import BrokenImage
from renderd.spool import closing, frames, inspection, jobs, orders, placing, tickets
from renderd.spool.layout import Spool
from renderd.spool.placing import Piece
from renderd.spool.share import READ_LIMIT, PosixShare

ROOT = Path(__file__).parents[2]
STEM = "00001.1.ws07-0123abcd"


@pytest.fixture
def verify(spool: Spool, capsys, monkeypatch):
    """Run `render verify`; its status, its JSON and its stderr."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")

    def run(*words: object):
        status = app.main(["--spool", spool.root, "verify", "--json", *map(str, words)])
        said = capsys.readouterr()
        return status, json.loads(said.out), said.err

    return run


@pytest.fixture
def add(spool: Spool, tmp_path: Path):
    """Publish a job of frames, ten a chunk, into a folder; the job."""

    def put(span: str = "1-6", name: str = "shot", out: str = "shot_####", **info) -> Job:
        runs = ranges.parse(span)
        said = Info(commands=(("prog", "{out}"),), frames=runs, **info)
        draft = Draft(
            name=name,
            slug=name,
            info=said,
            runs=runs,
            size=2,
            out=f"{tmp_path}/out/{out}",
            writes=Writes.PRIVATE,
        )
        return jobs.read(spool, jobs.publish(spool, draft, jobs.Order("me@here")))

    return put


def noise(path: Path, size: tuple[int, int] = (32, 24), seed: int = 1) -> None:
    """A picture that does not pack."""
    dice = random.Random(seed)
    image = Image.frombytes("RGB", size, dice.randbytes(size[0] * size[1] * 3))
    image.save(path)


def land(
    spool: Spool,
    job: Job,
    frame: int,
    *endings: str,
    size: tuple[int, int] = (32, 24),
    elsewhere: Path | None = None,
):
    """Put a frame in place as a daemon does: the passes first, the main image last.

    A pass named `/…` goes into the folder `elsewhere`.
    """
    output = frames.locate(spool, job)
    assert output
    folder = Path(frames.open_private(spool, output, STEM))
    pieces = []
    for ending in (*endings, ".png"):
        name = f"shot_{frame:04d}{ending}"
        if ending.startswith("/"):
            assert elsewhere
            name = f"{elsewhere}/{ending[1:]}_{frame:04d}.png"
        source = folder / Path(name).name
        noise(source, size, frame)
        pieces.append(Piece(str(source), name, ""))
    whole = placing.measure(spool, pieces, size)
    placing.place(spool, output, frame, whole, [piece.path for piece in pieces])


def close(spool: Spool, job: Job, folder: str = "done") -> None:
    tickets.turn_surely(spool, job.jid, folder)
    closing.collect(spool, job)


def test_each_kind_of_wrong_frame_of_a_closed_job_is_found(spool: Spool, add, verify, tmp_path):
    job = add("1-20")
    for frame in range(1, 21):
        land(spool, job, frame)
    close(spool, job)
    out = tmp_path / "out"
    assert verify(job.jid)[:1] == (0,)
    (out / "shot_0003.png").unlink()
    whole = (out / "shot_0005.png").read_bytes()
    (out / "shot_0005.png").write_bytes(whole[:-30])
    noise(out / "shot_0007.png", (40, 24))
    Image.new("RGB", (32, 24), (9, 9, 9)).save(out / "shot_0010.png")
    Image.new("RGB", (32, 24)).save(out / "shot_0011.png")
    status, value, _ = verify(job.jid)
    assert status == 1
    assert value["summary"] == {
        "missing": "3",
        "broken": "5",
        "differing": "7",
        "small": "10-11",
        "black": "11",
    }
    assert value["redo"] == f"render redo {job.jid} --frames 3-7x2"


class Ending(PosixShare):
    """A share on which a job's receipts are kept, and taken away, just after somebody looked."""

    def __init__(self, at: str, end: Callable[[], None]) -> None:
        super().__init__()
        self.at, self.end = at, end

    def read(self, path: str, limit: int = READ_LIMIT, start: int = 0) -> bytes:
        try:
            return super().read(path, limit, start)
        finally:
            if path.endswith(self.at) and self.at:
                self.at = ""
                self.end()


@pytest.mark.parametrize("at", ["frames.jsonl", "ok/1", "ok/3"])
def test_the_receipts_of_a_job_are_found_in_the_moment_of_its_end(spool: Spool, add, at):
    job = add("1-3")
    for frame in (1, 2, 3):
        land(spool, job, frame)
    output = frames.locate(spool, job)
    assert output
    looked = replace(spool, share=Ending(at, lambda: closing.collect(spool, job)))
    assert sorted(inspection.receipts(looked, output)) == [1, 2, 3]


def test_only_the_frames_that_are_asked_for_are_looked_at(spool: Spool, add, verify, tmp_path):
    job = add()
    for frame in (1, 2, 4):
        land(spool, job, frame)
    close(spool, job)
    assert verify(job.jid, "--frames", "1-2")[0] == 0
    assert verify(job.jid, "--frames", "2-3")[1]["summary"] == {"missing": "3"}
    status, value, _ = verify(job.jid, "--frames", "6-9")
    assert (status, value["error"]) == (2, "the job has no frame 7")


def test_frames_an_open_job_still_renders_are_not_missing(spool: Spool, add, verify, worker):
    job = add()
    land(spool, job, 1)
    worker.finish(job.jid, 1)  # frames 1 and 2
    land(spool, job, 5)
    status, value, _ = verify("shot")
    assert (status, value["summary"]) == (1, {"missing": "2"})
    assert (value["frames"], value["unrendered"]) == (3, "3-4,6")


def test_a_pass_is_a_part_of_its_frame(spool: Spool, add, verify, tmp_path):
    job = add("1-6")
    for frame in range(1, 6):
        land(spool, job, frame, "_depth.png")
    close(spool, job, "failed")
    (tmp_path / "out" / "shot_0002_depth.png").unlink()
    _, value, _ = verify(job.jid)
    said = [(f["frame"], f["fault"], f["file"]) for f in value["findings"]]
    assert said == [
        (2, "missing", "shot_0002_depth.png"),
        (6, "missing", "shot_0006.png"),
        (6, "missing", "shot_0006_depth.png"),
    ]


def test_a_pass_in_another_folder_is_a_part_of_its_frame_too(spool: Spool, add, verify, tmp_path):
    job = add("1-6")
    passes = tmp_path / "passes"
    passes.mkdir()
    for frame in (1, 2, 3, 4, 6):
        land(spool, job, frame, "/depth", elsewhere=passes)
    assert len(list(passes.glob("depth_*.png"))) == 5
    close(spool, job)
    (passes / "depth_0003.png").write_bytes(b"x")
    _, value, _ = verify(job.jid)
    said = [(f["frame"], f["fault"], Path(f["file"]).name) for f in value["findings"]]
    assert said == [
        (3, "broken", "depth_0003.png"),
        (5, "missing", "depth_0005.png"),
        (5, "missing", "shot_0005.png"),
    ]


def test_a_pass_that_is_missing_or_broken_is_told_by_its_name(
    spool: Spool, add, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    job = add("1-4")
    passes = tmp_path / "passes"
    passes.mkdir()
    for frame in (1, 2, 3):
        land(spool, job, frame, "/depth", elsewhere=passes)
    close(spool, job)
    (passes / "depth_0001.png").write_bytes(b"x")
    (passes / "depth_0002.png").unlink()
    app.main(["--spool", spool.root, "verify", job.jid])
    said = capsys.readouterr().out
    assert f"'{passes}/depth_0001.png' is not whole" in said
    assert f"{passes}/depth_0002.png is not there" in said
    assert "_0004.png" not in said  # that all of it is missing its number says


def test_a_black_pass_is_no_fault(spool: Spool, add, verify, tmp_path):
    job = add("1-3")
    for frame in range(1, 4):
        land(spool, job, frame, "_glow.png")
        Image.new("RGB", (32, 24)).save(tmp_path / "out" / f"shot_{frame:04d}_glow.png")
    close(spool, job)
    assert verify(job.jid)[0] == 0


def test_numbers_too_far_apart_for_one_range_want_frames(verify, tmp_path):
    for frame in (1, 9_999_999):
        noise(tmp_path / f"a_{frame:04d}.png")
    status, value, _ = verify(tmp_path / "a_####.png")
    assert status == 2
    assert "9999999" in value["error"]
    assert verify(tmp_path / "a_####.png", "--frames", "1,9999999")[0] == 0


def test_a_picture_of_another_kind_among_the_others_is_told(verify, tmp_path):
    for frame in (1, 2, 3):
        noise(tmp_path / f"shot_{frame:04d}.{'jpg' if frame == 2 else 'png'}", seed=frame)
    status, value, _ = verify(tmp_path / "shot_####")
    assert (status, value["summary"]) == (1, {"differing": "2"})
    assert value["findings"][0]["says"] == "is JPEG, most are PNG"


def test_a_pattern_is_looked_at_from_its_first_frame_to_its_last(verify, tmp_path):
    for frame in (-2, -1, 1, 2):
        name = f"v2_{'-' * (frame < 0)}{abs(frame):04d}.png"
        noise(tmp_path / name, seed=frame)
    status, value, _ = verify(tmp_path / "v2_####.png")
    assert (status, value["summary"], value["redo"]) == (1, {"missing": "0"}, "")
    assert verify(tmp_path / "v2_####.png", "--frames=-2--1,1-2")[0] == 0
    status, value, _ = verify(tmp_path / "other_####.png")
    assert status == 2
    assert "is a frame of other_####.png" in value["error"]


def test_a_patterns_newest_job_is_named_for_the_redo(spool: Spool, add, verify, tmp_path):
    older, job = add("1-3"), None
    orders.cancel(spool, older.jid)
    job = add("1-3")
    os.utime(spool.job(older.jid, "job.info"), ns=(1, 1))
    for frame in (1, 3):
        land(spool, job, frame)
    close(spool, job)
    _, value, _ = verify(tmp_path / "out" / "shot_####.png")
    assert value["redo"] == f"render redo {job.jid} --frames 2"


def test_a_job_without_frames_is_refused_with_a_sentence(publish, verify):
    status, value, _ = verify(publish())
    assert status == 2
    assert value["remedy"] == "name a pattern instead"


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp", "tga", "bmp"])
def test_pixels_are_read_without_a_display(tmp_path, ending):
    kind = {"jpg": "jpeg", "tif": "tiff"}.get(ending, ending)
    noise(tmp_path / f"some.{ending}")
    Image.new("RGB", (33, 7)).save(tmp_path / f"black.{ending}")
    assert picture.is_black(str(tmp_path / f"some.{ending}"), kind) is False
    assert picture.is_black(str(tmp_path / f"black.{ending}"), kind) is True


def test_one_pixel_of_light_is_not_black_and_alpha_is_no_light(tmp_path):
    image = Image.new("RGBA", (50, 50), (0, 0, 0, 255))
    image.save(tmp_path / "opaque.png")
    image.putpixel((49, 49), (0, 0, 1, 255))
    image.save(tmp_path / "star.png")
    assert picture.is_black(str(tmp_path / "opaque.png"), "png") is True
    assert picture.is_black(str(tmp_path / "star.png"), "png") is False


def test_a_jpeg_whose_middle_is_gone_is_broken_though_it_ends_well(tmp_path):
    noise(tmp_path / "a.jpg", (200, 200))
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2] + b"\xff\xd9")
    with pytest.raises(BrokenImage, match="premature end"):
        picture.is_black(str(tmp_path / "a.jpg"), "jpeg")


class TestExr:
    """What the `exr` extra decodes."""

    @pytest.fixture
    def write(self, tmp_path):
        oiio = pytest.importorskip("OpenImageIO", reason="the exr extra is not installed")

        def put(name: str, *colour: float) -> str:
            buffer = oiio.ImageBuf(oiio.ImageSpec(32, 32, len(colour), "half"))
            oiio.ImageBufAlgo.fill(buffer, colour)
            path = str(tmp_path / name)
            assert buffer.write(path)
            return path

        return put

    def test_black_is_told_from_dark(self, write):
        assert picture.is_black(write("a.exr", 0, 0, 0, 1), "exr") is True
        assert picture.is_black(write("b.exr", 0, 0, 0.001, 1), "exr") is False

    def test_one_light_pixel_in_the_last_row_of_many_is_not_black(self, tmp_path, monkeypatch):
        oiio = pytest.importorskip("OpenImageIO", reason="the exr extra is not installed")
        monkeypatch.setattr(picture, "_PIECE_BYTES", 1)  # 32 rows at a time
        buffer = oiio.ImageBuf(oiio.ImageSpec(64, 100, 3, "half"))
        buffer.setpixel(63, 99, (0.0, 0.0, 0.5))
        buffer.write(str(tmp_path / "star.exr"))
        assert picture.is_black(str(tmp_path / "star.exr"), "exr") is False
        tiled = oiio.ImageBuf(oiio.ImageSpec(64, 100, 3, "half"))
        tiled.set_write_tiles(16, 16)
        tiled.write(str(tmp_path / "tiled.exr"))
        assert picture.is_black(str(tmp_path / "tiled.exr"), "exr") is True

    def test_a_layer_of_depth_alone_does_not_make_a_black_picture_light(self, tmp_path):
        oiio = pytest.importorskip("OpenImageIO", reason="the exr extra is not installed")
        spec = oiio.ImageSpec(8, 8, 4, "half")
        names = ("Layer.Combined.R", "Layer.Combined.G", "Layer.Combined.B", "Layer.Depth.Z")
        spec.channelnames = names
        buffer = oiio.ImageBuf(spec)
        oiio.ImageBufAlgo.fill(buffer, (0.0, 0.0, 0.0, 9.0))
        buffer.write(str(tmp_path / "a.exr"))
        assert picture.is_black(str(tmp_path / "a.exr"), "exr") is True

    def test_pixels_that_do_not_unpack_are_broken(self, write):
        path = Path(write("a.exr", 0.1, 0.2, 0.3, 1))
        data = path.read_bytes()
        path.write_bytes(data[:-40] + bytes(40))
        with pytest.raises(BrokenImage, match="pixels cannot be read"):
            picture.is_black(str(path), "exr")


def test_without_the_exr_extra_it_is_said_once_and_the_structure_is_still_checked(
    spool: Spool, tmp_path
):
    oiio = pytest.importorskip("OpenImageIO", reason="the exr extra is not installed")
    for frame in (1, 2, 3):
        buffer = oiio.ImageBuf(oiio.ImageSpec(16, 16, 3, "half"))
        oiio.ImageBufAlgo.fill(buffer, (0.5, frame / 10, 0))
        buffer.write(str(tmp_path / f"a_{frame:04d}.exr"))
    (tmp_path / "a_0002.exr").write_bytes((tmp_path / "a_0002.exr").read_bytes()[:-5])
    block = "import sys; sys.modules['OpenImageIO'] = None; from frontend.cli import app; "
    code = f"{block}sys.exit(app.main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "--spool", spool.root, "verify", "--json"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*words, str(tmp_path / "a_####.exr")], env=env, capture_output=True, text=True, check=False
    )
    assert done.stderr == "EXR pixels not looked at: install neogeo-renderd[exr]\n"
    assert (done.returncode, json.loads(done.stdout)["summary"]) == (1, {"broken": "2"})


@pytest.mark.parametrize(
    ("name", "frame", "slot"),
    [
        ("shot_0001.png", 1, "shot_#.png"),
        ("v0001/shot_0001_L.exr", 1, "v0001/shot_#_L.exr"),
        ("shot_-0003.png", -3, "shot_#.png"),
        ("take7_0012.png", 7, "take#_0012.png"),
        ("shot.png", 1, "shot.png"),
    ],
)
def test_a_slot_is_the_name_without_its_frame(name, frame, slot):
    assert inspection.slot(name, frame) == slot
