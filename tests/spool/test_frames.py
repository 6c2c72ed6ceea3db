"""A frame in place is whole and this job's; its receipt says so, nothing else does."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from renderd.core import frames as ranges
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.spool import closing, control, frames, jobs, orders, placing, regaining
from renderd.spool.layout import Spool
from renderd.spool.output import Output

STEM = "00001.1.ws07-0123abcd"


def png(width: int = 4, height: int = 3) -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x80" * 3 * width for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", rows) + part(b"IEND", b"")


@pytest.fixture
def job(spool: Spool, tmp_path: Path) -> Job:
    runs = ranges.parse("1-4")
    info = Info(commands=(("prog", "{out}"),), frames=runs)
    out = f"{tmp_path}/out/shot_####.png"
    draft = Draft(name="s", slug="s", info=info, runs=runs, out=out, writes=Writes.PRIVATE)
    return jobs.read(spool, jobs.publish(spool, draft, jobs.Order("me@here")))


@pytest.fixture
def output(spool: Spool, job: Job) -> Output:
    found = frames.locate(spool, job)
    assert found
    frames.open_private(spool, found, STEM)
    return found


def render(output: Output, frame: int, data: bytes | None = None) -> list[str]:
    name = f"shot_{frame:04d}.png"
    Path(output.private(STEM), name).write_bytes(png() if data is None else data)
    return [name]


def lying(output: Output, files: list[str]) -> list[placing.Piece]:
    return [placing.Piece(f"{output.private(STEM)}/{name}", name, name) for name in files]


def put(spool: Spool, output: Output, key: int, files: list[str], size: tuple[int, int]) -> None:
    pieces = lying(output, files)
    measured = placing.measure(spool, pieces, size)
    placing.place(spool, output, key, measured, [piece.path for piece in pieces])


def test_a_placed_frame_has_its_name_and_a_receipt(spool: Spool, output: Output) -> None:
    put(spool, output, 2, render(output, 2), (4, 3))
    assert Path(output.folder, "shot_0002.png").read_bytes() == png()
    assert list(frames.receipted(spool, output, range(1, 5))) == [2]


def test_a_frame_of_an_earlier_job_is_not_ours(spool: Spool, output: Output) -> None:
    Path(output.folder, "shot_0001.png").write_bytes(png())
    assert frames.receipted(spool, output, range(1, 5)) == {}


def test_a_frame_changed_since_is_not_ours_any_more(spool: Spool, output: Output) -> None:
    put(spool, output, 2, render(output, 2), (4, 3))
    Path(output.folder, "shot_0002.png").write_bytes(png(8, 8))
    assert frames.receipted(spool, output, range(1, 5)) == {}


def test_a_zombies_late_frame_changes_nothing(spool: Spool, output: Output) -> None:
    put(spool, output, 2, render(output, 2), (4, 3))
    before = os.stat(Path(output.folder, "shot_0002.png"))
    put(spool, output, 2, render(output, 2, png(9, 9)), (9, 9))
    assert os.stat(Path(output.folder, "shot_0002.png")) == before
    assert os.listdir(output.private(STEM)) == []


def test_a_torn_receipt_is_none(spool: Spool, output: Output) -> None:
    put(spool, output, 2, render(output, 2), (4, 3))
    Path(output.receipt(2)).write_text('{"files": [["shot')
    assert frames.receipted(spool, output, [2]) == {}


def test_a_node_that_does_not_see_the_mark_is_not_able(spool: Spool, output: Output) -> None:
    assert frames.why_not_able(spool, output) == ""
    os.rename(output.folder, output.folder + ".unmounted")
    os.mkdir(output.folder)
    assert "is the output share mounted?" in frames.why_not_able(spool, output)


def test_a_former_owner_that_was_suspended_puts_no_late_frame_over_the_new_owners(
    spool: Spool, job: Job, output: Output
) -> None:
    pieces = lying(output, render(output, 2, png(9, 9)))
    rendered = placing.measure(spool, pieces, (9, 9))
    assert frames.why_not_able(spool, output) == ""  # … and here the machine sleeps
    draft = Draft(
        name="t", slug="t", info=job.info, runs=job.info.frames, out=job.out, writes=job.writes
    )
    order = jobs.Order("me@here", replaces=True)
    taken = frames.locate(spool, jobs.read(spool, jobs.publish(spool, draft, order)))
    assert taken
    frames.open_private(spool, taken, STEM)
    put(spool, taken, 2, render(taken, 2), (4, 3))
    with pytest.raises(FileNotFoundError):
        placing.place(spool, output, 2, rendered, [piece.path for piece in pieces])
    assert Path(output.folder, "shot_0002.png").read_bytes() == png()
    assert list(frames.receipted(spool, taken, [2])) == [2]


def test_an_output_taken_over_by_another_job_is_not_written(spool: Spool, output: Output) -> None:
    Path(output.owner).write_text("zzzzzzzzzz")
    assert "belongs to job zzzzzzzzzz" in frames.why_not_able(spool, output)


def test_nodes_that_mount_the_folder_elsewhere_agree_on_its_owner(output: Output) -> None:
    there = Output(output.jid, "/mnt/other", output.pattern, output.writes)
    assert os.path.basename(there.owner) == os.path.basename(output.owner)


def test_a_finished_job_keeps_its_receipts_and_leaves_no_litter(
    spool: Spool, job: Job, output: Output
) -> None:
    for frame in (1, 2):
        put(spool, output, frame, render(output, frame), (4, 3))
    closing.collect(spool, job)
    closing.collect(spool, job)  # a closer that died is followed by another
    lines = Path(spool.job(job.jid, "frames.jsonl")).read_text().splitlines()
    assert ['"frame": "1"' in lines[0], '"frame": "2"' in lines[1]] == [True, True]
    assert sorted(os.listdir(output.folder)) == ["shot_0001.png", "shot_0002.png"]


def test_receipts_are_not_collected_where_the_output_is_not_mounted(
    spool: Spool, job: Job, output: Output
) -> None:
    put(spool, output, 1, render(output, 1), (4, 3))
    os.rename(output.folder, output.folder + ".elsewhere")
    os.mkdir(output.folder)
    closing.collect(spool, job)
    assert not os.path.exists(spool.job(job.jid, "frames.jsonl"))
    os.rmdir(output.folder)
    os.rename(output.folder + ".elsewhere", output.folder)
    closing.collect(spool, job)
    assert '"frame": "1"' in Path(spool.job(job.jid, "frames.jsonl")).read_text()


def test_a_link_in_place_of_the_folder_is_not_followed_either(
    spool: Spool, output: Output, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep me")
    os.rename(output.private(STEM), tmp_path / "away")
    os.symlink(precious, output.private(STEM))
    frames.clear_attempt(spool, output, STEM)
    assert (precious / "file").exists()


def test_a_link_in_a_folder_that_is_removed_is_not_followed(
    spool: Spool, output: Output, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep me")
    os.symlink(precious, Path(output.private(STEM), "link"))
    frames.clear_attempt(spool, output, STEM)
    assert (precious / "file").exists()
    assert not os.path.lexists(output.private(STEM))


@pytest.mark.parametrize("name", ["shot_0007.png", "shot_-0003.png"])
def test_a_frame_is_told_from_its_name(output: Output, name: str) -> None:
    assert output.frame_of(name) in (7, -3)
    assert output.frame_of("other_0001.png") is None


def test_the_publisher_makes_the_output_folder(
    spool: Spool, publish: Callable[..., str], tmp_path: Path
) -> None:
    runs = ranges.parse("1")
    info = Info(commands=(("prog", "{out}"),), frames=runs)
    out = f"{tmp_path}/deep/er/shot_####.png"
    draft = Draft(name="s", slug="s", info=info, runs=runs, out=out, writes=Writes.PRIVATE)
    jobs.publish(spool, draft, jobs.Order("me@here"))
    assert (tmp_path / "deep/er/.renderd").is_dir()


def test_a_nas_box_s_litter_does_not_keep_a_closed_jobs_folder(
    spool: Spool, job: Job, output: Output
) -> None:
    put(spool, output, 2, render(output, 2), (4, 3))
    for folder in (output.folder + "/.renderd", output.own, output.own + "/ok"):
        Path(folder, "@eaDir").mkdir()
        Path(folder, "@eaDir", "x@SynoEAStream").write_text("x")
    closing.collect(spool, job)
    assert os.listdir(output.folder) == ["shot_0002.png"]
    [receipt] = Path(spool.job(job.jid, "frames.jsonl")).read_text().splitlines()
    assert '"frame": "2"' in receipt


def test_litter_between_the_frames_is_no_frame(spool: Spool, output: Output) -> None:
    render(output, 2)
    for name in ("shot_0003.png@SynoEAStream", "._shot_0003.png", "@eaDir"):
        Path(output.private(STEM), name).write_text("x")
    found = frames.fresh_files(spool, output.private(STEM), output)
    assert found == {2: ["shot_0002.png"]}


def test_a_job_that_is_done_says_which_of_its_frames_another_job_took(
    spool: Spool, job: Job, output: Output
) -> None:
    for frame in (1, 3, 4):
        put(spool, output, frame, render(output, frame), (4, 3))
    closing.collect(spool, job)
    said = control.read(spool, job.jid).warning
    assert said.startswith("another job wrote over frames 2 of this one")
    assert said.endswith(f"render redo {job.jid} --frames 2")


def test_a_job_that_takes_its_output_back_says_which_frames_another_wrote_over(
    spool: Spool, job: Job, output: Output
) -> None:
    for frame in (1, 2):
        put(spool, output, frame, render(output, frame), (4, 3))
    os.unlink(output.owner)  # a late duplicate of a request of the owner before it
    draft = Draft(
        name="t", slug="t", info=job.info, runs=job.info.frames, out=job.out, writes=job.writes
    )
    other = jobs.publish(spool, draft, jobs.Order("me@here"))
    Path(output.folder, "shot_0002.png").write_bytes(png(9, 9))
    orders.cancel(spool, other)
    regaining.own_again(spool, job)
    assert frames.why_not_able(spool, output) == ""
    for frame in (3, 4):
        put(spool, output, frame, render(output, frame), (4, 3))
    closing.collect(spool, job)
    said = control.read(spool, job.jid).warning
    assert said.startswith("another job wrote over frames 2 of this one")
