"""`render redo`: a new job for some frames, whatever became of the first one."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

from blendmaker import MODERN, Age, with_settings

from frontend.cli import app
from renderd import plan
from renderd.core import frames as ranges
from renderd.core import video, videojob
from renderd.core.farm import Farm
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.core.needs import Needs
from renderd.spool import closing, control, frames, jobs, listing, orders, placing, tickets
from renderd.spool.layout import Spool

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080200000090"
    "7753de0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)


@pytest.fixture
def redo(spool: Spool, capsys, monkeypatch):
    """Run `render redo`; its status and its JSON."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    monkeypatch.setenv("RENDERD_RUNTIME_DIR", "/nonexistent")

    def run(*words: object):
        status = app.main(["--spool", spool.root, "redo", "--json", *map(str, words)])
        return status, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def add(spool: Spool, tmp_path):
    """Publish a job of frames, five a chunk; its record."""

    def put(span: str = "1-20", writes: Writes = Writes.PRIVATE, **said) -> Job:
        runs = ranges.parse(span)
        info = Info(commands=(("prog", "{start}", "{out}"),), frames=runs, **said)
        out = f"{tmp_path}/out/shot_####.png"
        draft = Draft(
            name="shot", slug="shot", info=info, runs=runs, size=5, out=out, writes=writes
        )
        return jobs.read(spool, jobs.publish(spool, draft, jobs.Order("me@here")))

    return put


def over(spool: Spool, job: Job, folder: str = "done") -> None:
    tickets.turn_surely(spool, job.jid, folder)
    closing.collect(spool, job)


@pytest.mark.parametrize("folder", ["done", "failed", "cancelled"])
def test_a_job_that_is_over_has_frames_rendered_again(spool: Spool, add, redo, folder):
    job = add()
    over(spool, job, folder)
    status, value = redo("shot", "--frames", "17,3,8-9")
    assert (status, value["job"]["state"], value["job"]["redoes"]) == (0, "queue", job.jid)
    made = jobs.read(spool, value["job"]["jid"])
    spans = [str(c.run) for c in listing.chunks(spool, made.jid)]
    assert (made.name, made.out, spans) == ("shot redo", job.out, ["17", "3", "8", "9"])
    output = frames.locate(spool, made)
    assert output is not None
    assert frames.why_not_able(spool, output) == ""


def test_it_keeps_the_settings_of_the_job_and_what_was_changed_since(spool: Spool, add, redo):
    job = add(
        needs=Needs.parse("ram>=16G, gpu"),
        env=(("OCIO", "/p/a"),),
        retries=7,
        timeout=90.0,
        extra=(("x-blend-version", "3.4"),),
        pool=("big",),
        after=("qqqqqqqqqq",),
        hold=True,
    )
    orders.set_priority(spool, job.jid, 66)
    control.change(spool, job.jid, pool=("night",), nodes=2, blocked=("bad1",))
    over(spool, job)
    made = jobs.read(spool, redo(job.jid, "--frames", "4")[1]["job"]["jid"])
    before, after = job.info, made.info
    assert (after.commands, after.needs, after.env) == (before.commands, before.needs, before.env)
    assert (after.retries, after.timeout, after.priority) == (7, 90.0, 66)
    assert (after.pool, after.nodes, after.after, after.hold) == (("night",), 2, (), False)
    assert dict(after.extra)["x-blend-version"] == "3.4"
    assert control.read(spool, made.jid).blocked == ("bad1",)


def test_now_is_before_all_others(spool: Spool, add, redo):
    job = add()
    over(spool, job)
    assert redo(job.jid, "--frames", "4", "--now")[1]["job"]["priority"] == 99


def test_of_an_open_job_only_rendered_frames_are_done_again(spool: Spool, add, redo, worker):
    job = add()
    worker.finish(job.jid, 1)
    worker.fail(job.jid, 2)
    assert redo(job.jid, "--frames", "5")[0] == 0
    status, value = redo(job.jid, "--frames", "5,17")
    assert (status, value["error"]) == (
        2,
        f"frame 17 is not rendered yet: job {job.jid} will render it",
    )
    status, value = redo(job.jid, "--frames", "7")
    assert (status, value["remedy"]) == (2, f"again: render retry {job.jid}")
    assert redo(job.jid, "--frames", "21")[1]["error"] == f"job {job.jid} has no frame 21"
    assert len(tickets.everywhere(spool)) == 2


def test_a_frame_in_place_of_a_chunk_that_runs_may_be_done_again(spool: Spool, add, redo, worker):
    job = add()
    output = frames.locate(spool, job)
    assert output
    worker.claim(job.jid, 1)
    folder = frames.open_private(spool, output, "00001.1.ws07-0123abcd")
    piece = placing.Piece(f"{folder}/shot_0002.png", "shot_0002.png", "shot_####.png")
    Path(piece.path).write_bytes(PNG)
    whole = placing.measure(spool, [piece], (1, 1))
    placing.place(spool, output, 2, whole, [piece.path])
    assert redo(job.jid, "--frames", "2")[0] == 0
    assert redo(job.jid, "--frames", "3")[0] == 2


def test_a_redo_of_a_redo_is_one_of_the_first_job(spool: Spool, add, redo):
    job = add()
    over(spool, job)
    first = redo(job.jid, "--frames", "4,5")[1]["job"]["jid"]
    over(spool, jobs.read(spool, first))
    again = redo(first, "--frames", "4")[1]["job"]
    assert (again["name"], again["redoes"]) == ("shot redo", job.jid)


@pytest.mark.parametrize(
    ("writes", "whole", "says"),
    [
        (Writes.MOVIE, True, "writes a movie"),
        (Writes.NOTHING, False, "has no frames that the farm knows of"),
        (Writes.PRIVATE, True, "renders its frames in one run"),
    ],
)
def test_what_cannot_be_done_by_frame_is_refused(spool: Spool, add, redo, writes, whole, says):
    job = add(writes=writes, whole=whole)
    for asked in (["--frames", "4"], ["--broken"]):
        status, value = redo(job.jid, *asked)
        assert status == 2
        assert says in value["error"]


def test_an_output_that_another_job_writes_now_is_left_to_it(spool: Spool, add, redo):
    job = add()
    over(spool, job)
    other = add()
    status, value = redo(job.jid, "--frames", "4")
    assert status == 2
    assert f"is being written by job {other.jid}" in value["error"]


def test_a_machine_that_does_not_see_the_output_makes_no_folder(spool: Spool, add, redo, tmp_path):
    job = add()
    over(spool, job)
    (tmp_path / "out").rename(tmp_path / "unmounted")
    status, value = redo(job.jid, "--frames", "4")
    assert (status, value["error"]) == (2, f"{tmp_path}/out is not there on this machine")
    assert redo(job.jid, "--broken")[0] == 2
    assert not (tmp_path / "out").exists()


def test_frames_must_be_named(add, redo):
    status, value = redo(add().jid)
    assert (status, value["remedy"]) == (2, "say --frames 17,23 or --broken")


def test_broken_and_missing_frames_are_found_and_queued(spool: Spool, add, redo, tmp_path):
    job = add("1-4")
    over(spool, job)
    for frame in range(1, 5):
        (tmp_path / "out" / f"shot_{frame:04d}.png").write_bytes(PNG)
    status, value = redo(job.jid, "--broken")
    assert (status, value["changed"]) == (0, False)
    assert list(tickets.everywhere(spool)) == [job.jid]
    (tmp_path / "out" / "shot_0002.png").write_bytes(PNG[:-4])
    (tmp_path / "out" / "shot_0004.png").unlink()
    assert redo(job.jid, "--broken", "--frames", "1-3")[1]["job"]["frames"] == "2"
    assert redo(job.jid, "--broken")[1]["job"]["frames"] == "2,4"


SCENE = {
    "id.name": b"SCShot",
    "r.sfra": 1,
    "r.efra": 4,
    "r.frame_step": 1,
    "r.xsch": 64,
    "r.ysch": 64,
    "r.size": 100,
    "r.im_format.imtype": 17,
    "r.engine": b"CYCLES",
}


@pytest.fixture
def shot(spool: Spool, tmp_path):
    """Queue shot.blend as `render add` does; the file, and the job."""
    path = tmp_path / "shot.blend"
    save(path, 304)
    wish = plan.Wish(out=f"{tmp_path}/out/shot_####")
    [draft] = plan.from_blend(str(path), wish, Farm(), sys.platform)
    order = jobs.Order("me@here", copies=True)
    return path, jobs.read(spool, jobs.publish(spool, draft, order))


def save(path: Path, version: int) -> None:
    values = [SCENE | {"r.pic": b"//render/shot_####"}]
    path.write_bytes(with_settings(Age(version), MODERN, values, [(b"Shot", 1, 4)]))


def test_a_file_saved_in_a_newer_blender_is_rendered_in_that_one(spool: Spool, redo, shot):
    path, job = shot
    over(spool, job)
    save(path, 402)
    made = jobs.read(spool, redo(job.jid, "--frames", "2")[1]["job"]["jid"])
    assert made.info.needs.blender == "==4.2"
    assert dict(made.info.extra)["x-blend-version"] == "4.2"
    assert made.info.blend == f"{path.parent}/.shot.{made.jid}.blend"
    assert Path(made.info.blend).read_bytes() == path.read_bytes()


def test_the_same_file_is_taken_while_it_is_there_and_nothing_else_after(spool: Spool, redo, shot):
    path, job = shot
    before = path.read_bytes()
    tickets.turn_surely(spool, job.jid, "failed")
    save(path, 402)
    made = jobs.read(spool, redo(job.jid, "--frames", "2", "--same-file")[1]["job"]["jid"])
    assert Path(made.info.blend).read_bytes() == before
    assert made.info.needs.blender == "==3.4"
    over(spool, made)
    Path(job.info.blend).unlink()
    status, value = redo(job.jid, "--frames", "2", "--same-file")
    assert status == 1
    assert "is no longer the file" in value["error"]
    assert len(tickets.everywhere(spool)) == 2


def test_movies_that_keep_the_old_frames_are_named(spool: Spool, add, redo):
    job = add(extra=(("x-fps", "24"),))
    over(spool, job)
    draft = videojob.draft(job, video.parse("h264"), waits=False)
    jobs.publish(spool, draft, jobs.Order("me@here"))
    assert redo(job.jid, "--frames", "2")[1]["job"]["movies"] == [draft.out]
