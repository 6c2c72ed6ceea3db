"""`render add`: commands, info files and .blend files become jobs."""

import io
import json
import os
import shutil
import struct
import sys
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

from shotmaker import shot

from frontend.cli import app
from renderd.core.chunk import State
from renderd.spool import control, frames, jobs, listing, orders, sets, sources, tickets
from renderd.spool.layout import Spool

SHARED = Path(__file__).parents[3] / "shared" / "blend" / "generated"
MULTI = SHARED / "b4515_multi3_bg_zstd.blend"
needs_blends = pytest.mark.skipif(not MULTI.exists(), reason="../shared/blend is not there")


@pytest.fixture
def add(spool: Spool, capsys, monkeypatch):
    """Run `render add`; its status and its JSON."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    monkeypatch.setenv("RENDERD_RUNTIME_DIR", "/nonexistent")

    def run(*words: object):
        status = app.main(["--spool", spool.root, "add", "--json", *map(str, words)])
        return status, json.loads(capsys.readouterr().out)

    return run


def copied(folder: Path) -> Path:
    """The file of three scenes in a folder that takes a copy of it."""
    return Path(shutil.copy(MULTI, folder / "multi.blend"))


def png(width: int = 2, height: int = 2) -> bytes:
    """A whole small picture."""

    def part(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", rows) + part(b"IEND", b"")


def test_any_command_is_queued_with_its_frames(spool: Spool, add):
    status, value = add("--command", "prog {start} {end}", "--frames", "1-100")
    [job] = value["jobs"]
    assert (status, job["chunks"], job["frames"], job["state"]) == (0, 10, "1-100", "queue")
    assert set(job) == {
        *("jid", "name", "scene", "frames", "chunks", "out", "state", "priority", "command")
    }
    first = listing.chunks(spool, job["jid"])[0]
    assert Path(spool.chunk(job["jid"], first)).read_text() == "prog 1 10\n"


def test_every_option_reaches_the_job(spool: Spool, add):
    first = add("--command", "prog", "--name", "first")[1]["jobs"][0]["jid"]
    words = [
        *("--command", "prog {start}", "--frames", "1-6", "--chunk", "2", "--priority", "70"),
        *("--name", "Shot 10", "--pool", "gpu,big", "--needs", "ram>=16G", "--needs", "gpu"),
        *("--after", "first", "--nodes", "3", "--retries", "1", "--timeout", "2h"),
    ]
    [job] = add(*words)[1]["jobs"]
    info = jobs.read(spool, job["jid"]).info
    assert (info.priority, info.pool, info.nodes, info.retries) == (70, ("gpu", "big"), 3, 1)
    assert (info.needs.ram, info.needs.gpu, info.timeout) == (16 << 30, True, 7200)
    assert (info.after, job["state"], job["chunks"]) == ((first,), "waiting", 3)


def test_a_dry_run_writes_nothing(spool: Spool, add):
    status, value = add("--command", "prog {start}", "--frames", "1-10", "--dry-run")
    assert (status, value["dry_run"], value["jobs"][0]["state"]) == (0, True, "dry-run")
    assert tickets.everywhere(spool) == {}
    assert list(Path(spool.at("jobs")).iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--command", "prog {start}"), "--frames"),
        (("--command", "prog {out}", "--frames", "1-2"), "--out"),
        (("--command", "prog 'x"), "cannot be split"),
        (("--command", ""), "is empty"),
        (("--command", "prog", "--frames", "1-"), "1-"),
        (("--command", "prog", "--chunk", "some"), "auto"),
        (("--command", "prog", "--priority", "100"), "0 to 99"),
        (("--command", "prog", "--after", "nope"), "nope"),
        (("--command", "prog", "--needs", "ram"), "ram"),
        (("--command", "prog", "x.blend"), "what is to be rendered"),
        (("/nonexistent/x.info",), "No such file"),
    ],
)
def test_a_mistake_queues_nothing(spool: Spool, add, words, says):
    status, value = add(*words)
    assert status == 2
    assert says in value["error"] + value["remedy"]
    assert tickets.everywhere(spool) == {}


def test_a_held_job_starts_held(add):
    assert add("--command", "prog", "--hold")[1]["jobs"][0]["state"] == "held"


def test_an_info_file_is_queued_as_it_says(spool: Spool, add, tmp_path: Path):
    path = tmp_path / "comp.info"
    path.write_text("frames: 1-20\nchunk: 5\npriority: 60\n\nnuke -F {start}-{end} /p/comp.nk\n")
    [job] = add(path, "--priority", "80")[1]["jobs"]
    assert (job["name"], job["chunks"], job["priority"]) == ("comp", 4, 80)


def test_an_info_file_may_come_by_stdin(add, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(b"name: piped\n\nprog\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert add("-")[1]["jobs"][0]["name"] == "piped"


def test_an_output_that_an_open_job_writes_is_refused_or_replaced(
    spool: Spool, add, tmp_path: Path
):
    words = ("--command", "prog {out}", "--frames", "1-2", "--out", tmp_path / "o" / "f_####.png")
    first = add(*words)[1]["jobs"][0]["jid"]
    status, value = add(*words)
    assert status != 0
    assert first in value["error"]
    assert add(*words, "--replace")[0] == 0
    assert tickets.find(spool, first)[0] == "cancelled"


def test_an_output_is_refused_also_where_only_padding_or_ending_differ(add, tmp_path: Path):
    words = ("--command", "prog {out}", "--frames", "1-2", "--out")
    first = add(*words, tmp_path / "o" / "f_####")[1]["jobs"][0]["jid"]
    for other in ("f_####.png", "f_#", "f_###.jpg", "f_"):
        status, value = add(*words, tmp_path / "o" / other)
        assert status != 0, other
        assert first in value["error"]


def test_missing_keeps_the_frames_that_are_there_whole(spool: Spool, add, tmp_path: Path):
    out = tmp_path / "o"
    out.mkdir()
    (out / "f_0001.png").write_bytes(png())
    (out / "f_0002.png").write_bytes(png()[:40])
    words = ("--command", "prog {out}", "--frames", "1-3", "--out", out / "f_####.png")
    [job] = add(*words, "--missing")[1]["jobs"]
    assert (job["kept"], job["state"]) == (1, "queue")
    output = frames.locate(spool, jobs.read(spool, job["jid"]))
    assert set(frames.receipted(spool, output, range(1, 4))) == {1}


def test_missing_keeps_only_frames_that_are_alike_and_says_what_they_are(
    spool: Spool, add, tmp_path: Path
):
    out = tmp_path / "o"
    out.mkdir()
    for frame, side in ((1, 8), (2, 4), (3, 4)):
        (out / f"f_{frame:04d}.png").write_bytes(png(side))
    words = ("--command", "prog {out}", "--frames", "1-5", "--out", out / "f_####")
    [job] = add(*words, "--missing")[1]["jobs"]
    output = frames.locate(spool, jobs.read(spool, job["jid"]))
    assert set(frames.receipted(spool, output, range(1, 6))) == {2, 3}
    kept = sets.read_kept(spool, output)
    assert kept.why_not({"f_####.png": (4, 2)}, 4) == ""
    assert "8×2" in kept.why_not({"f_####.png": (8, 2)}, 4)
    assert "lacks" in kept.why_fewer({"f_####.exr": (4, 2)}, 4)


def test_a_whole_job_is_one_chunk_a_run(add):
    words = ("--command", "prog {start} {end}", "--frames", "1-100", "--whole")
    assert add(*words)[1]["jobs"][0]["chunks"] == 1


@needs_blends
def test_a_blend_makes_one_job_a_scene_with_its_own_range(spool: Spool, add, tmp_path: Path):
    status, value = add(copied(tmp_path), "--force", "--out", tmp_path / "{scene}" / "####.png")
    assert status == 0
    assert [(j["scene"], j["frames"]) for j in value["jobs"]] == [
        ("Alpha", "1-10"),
        ("Beta", "100-120"),
        ("Gamma", "0-5"),
    ]
    assert "--factory-startup" in value["jobs"][0]["command"]


@needs_blends
def test_scenes_of_one_output_write_under_their_own_names(add):
    _, value = add(MULTI, "--dry-run")
    outs = [j["out"] for j in value["jobs"]]
    assert len(set(outs)) == 3
    assert outs[1].endswith("/beta_####")


@needs_blends
def test_scenes_of_one_name_in_two_files_write_under_the_files_names(add, tmp_path: Path):
    for name in ("a.blend", "b.blend"):
        shutil.copy(MULTI, tmp_path / name)
    files = (tmp_path / "a.blend", tmp_path / "b.blend")
    _, value = add(*files, "--scene", "Beta", "--out", tmp_path / "f_####", "--dry-run")
    assert [Path(j["out"]).name for j in value["jobs"]] == ["a_f_####", "b_f_####"]


@needs_blends
def test_one_scene_with_other_frames_and_the_users_own_settings(add, tmp_path: Path):
    words = ("--force", "--scene", "Beta", "--frames", "1-4x2", "--name", "b")
    [job] = add(copied(tmp_path), *words, "--no-factory-startup", "--out", tmp_path / "####.png")[
        1
    ]["jobs"]
    assert (job["name"], job["frames"]) == ("b", "1-3x2")
    assert "--factory-startup" not in job["command"]


@needs_blends
def test_a_bad_file_among_good_ones_queues_nothing(spool: Spool, add, tmp_path: Path):
    bad = tmp_path / "bad.blend"
    bad.write_bytes(b"no blend")
    status, _ = add(copied(tmp_path), bad, "--out", tmp_path / "{scene}_####.png")
    assert status == 1
    assert tickets.everywhere(spool) == {}


@needs_blends
def test_the_job_renders_a_copy_and_no_snapshot_renders_the_file(spool: Spool, add, tmp_path: Path):
    path = copied(tmp_path)
    words = (path, "--force", "--scene", "Beta", "--out", tmp_path / "o_####.png")
    [job] = add(*words)[1]["jobs"]
    copy = tmp_path / f".multi.{job['jid']}.blend"
    assert copy.read_bytes() == path.read_bytes()
    assert jobs.read(spool, job["jid"]).info.blend == str(copy)
    assert job["name"] == "multi"
    add(*words, "--no-snapshot", "--replace")
    assert len(list(tmp_path.glob(".multi.*"))) == 1


@needs_blends
def test_a_file_saved_in_the_midst_of_adding_is_planned_anew(add, tmp_path: Path, monkeypatch):
    path, real, saves = copied(tmp_path), sources.secure, [1]

    def secure(*args: object):
        if saves and saves.pop():
            later = path.stat().st_mtime_ns + 10**9
            os.utime(path, ns=(later, later))
        return real(*args)

    monkeypatch.setattr(sources, "secure", secure)
    words = (path, "--force", "--scene", "Beta", "--out", tmp_path / "o_####.png")
    assert add(*words)[0] == 0
    saves[:] = [1] * 10
    status, value = add(*words, "--replace")
    assert (status, value["error"]) == (1, f"{path} was saved while it was being queued")


def test_no_chunk_runs_before_everything_is_there(spool: Spool, add):
    [job] = add("--command", "prog {start}", "--frames", "1-3000", "--chunk", "1")[1]["jobs"]
    assert len(listing.chunks(spool, job["jid"], {State.WAIT})) == 3000


def made(tmp_path: Path, name: str = "shot", *pictures: bytes, **how: object) -> Path:
    """A small .blend with a scene of thirty frames."""
    path = tmp_path / f"{name}.blend"
    path.write_bytes(shot(pictures, **how))
    return path


def test_a_shot_that_lacks_a_file_is_not_queued_unless_forced(spool: Spool, add, tmp_path: Path):
    good, bad = made(tmp_path), made(tmp_path, "bad", b"//gone.png", out=b"//bad/####")
    status, value = add(good, bad)
    assert (status, value["jobs"]) == (1, [])
    assert [(f["severity"], f["kind"]) for f in value["findings"]] == [("stop", "missing")]
    assert tickets.everywhere(spool) == {}
    status, value = add(good, bad, "--force")
    assert (status, len(value["jobs"]), len(value["findings"])) == (0, 2, 1)


def test_a_shot_may_be_rendered_without_the_files_it_lacks(spool: Spool, add, tmp_path: Path):
    bad = made(tmp_path, "bad", b"//gone.png", out=b"//bad/####")
    status, value = add(bad, "--missing-files", "warn")
    assert (status, [f["severity"] for f in value["findings"]]) == (0, ["warn"])
    assert jobs.read(spool, value["jobs"][0]["jid"]).info.missing == "warn"


def test_a_dry_run_tells_what_would_stop_it(spool: Spool, add, tmp_path: Path):
    status, value = add(made(tmp_path, "shot", b"//gone.png"), "--dry-run")
    assert (status, len(value["jobs"]), len(value["findings"])) == (1, 1, 1)
    assert tickets.everywhere(spool) == {}


def test_a_shot_whose_frames_an_open_job_writes_is_told_of_it_and_may_replace_it(
    spool: Spool, add, tmp_path: Path
):
    path = made(tmp_path)
    first = add(path)[1]["jobs"][0]["jid"]
    status, value = add(path, "--frames", "1-5")
    assert (status, value["jobs"]) == (1, [])
    [owned] = value["findings"]
    assert (owned["severity"], owned["kind"]) == ("stop", "owned")
    assert f"job {first} (shot)" in owned["sentence"]
    status, value = add(path, "--replace")
    assert (status, [f["severity"] for f in value["findings"]]) == (0, ["note"])
    assert tickets.find(spool, first)[0] == "cancelled"


def test_what_was_queued_before_the_share_failed_is_told(spool: Spool, add, tmp_path: Path):
    for name in "ab":
        (tmp_path / name).mkdir()
    first, second = made(tmp_path / "a", "first"), made(tmp_path / "b", "second")
    (tmp_path / "b" / "out").write_text("a file where a folder should be")
    status, value = add(first, second)
    assert (status, [job["name"] for job in value["jobs"]]) == (3, ["first"])
    assert "Not a directory" in value["error"]


@pytest.mark.parametrize("words", [(), ("--force",), ("--missing",)])
def test_an_unbaked_cloth_holds_a_job_of_several_chunks(spool: Spool, add, tmp_path: Path, words):
    status, value = add(made(tmp_path, cloth=False), *words)
    [job] = value["jobs"]
    assert (status, job["state"]) == (0, "held")
    reason = "cloth 'Flag' of shot.blend is not baked: bake it or use --whole"
    assert control.read(spool, job["jid"]).reason == reason
    assert orders.release(spool, job["jid"]).now == "queue"


@pytest.mark.parametrize(
    "words", [("--whole",), ("--chunk", "30"), ("--chunk", "5", "--frames", "1-5")]
)
def test_an_unbaked_cloth_may_be_simulated_in_one_chunk(add, tmp_path: Path, words):
    status, value = add(made(tmp_path, cloth=False), *words)
    assert (status, value["jobs"][0]["state"]) == (0, "queue")


def test_people_read_the_table_and_how_to_go_on(spool: Spool, capsys, tmp_path: Path):
    path = made(tmp_path, "shot", b"//gone.png", unused=[b"//old.png"])
    words = ["--spool", spool.root, "add", str(path)]
    assert app.main(words) == 1
    out, err = capsys.readouterr()
    assert f"stop  image 'gone' is missing: {tmp_path / 'gone.png'}" in out
    assert "nothing was queued" in err
    assert "--force" in err
    assert app.main([*words, "--force"]) == 0
    out, err = capsys.readouterr()
    assert "image 'gone' is missing" in err
    assert "old" not in err, "a note does not get in the way of who queues"


def test_a_movie_is_added_with_its_job(spool: Spool, add, tmp_path):
    words = ("--command", "prog {out}", "--frames", "1-6", "--out", f"{tmp_path}/o/s_####.png")
    info = tmp_path / "s.info"
    info.write_text(f"x-fps: 24\nframes: 1-6\nout: {tmp_path}/o/s_####.png\n\nprog {{out}}\n")
    status, value = add(info, "--video", "h264", "--dry-run")
    assert (status, value["jobs"][0]["video"]) == (0, f"{tmp_path}/o/s.mp4")
    add(info, "--video", "h264")
    assert sorted(t.slug for t in tickets.listed(spool, "waiting")) == ["s-video"]
    status, value = add(*words, "--video", "h264")
    assert status == 2
    assert "how many frames" in value["error"]
    assert add(*words, "--video", "gif")[1]["error"].startswith("there is no preset 'gif'")
