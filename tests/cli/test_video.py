"""`render video`: what is queued, and what is refused before anything is."""

import json
from pathlib import Path

import pytest

from frontend.cli import app
from renderd.core import frames as ranges
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.spool import jobs, listing, tickets
from renderd.spool.layout import Spool


@pytest.fixture
def video(spool: Spool, capsys, monkeypatch):
    """Run `render video`; its status and its JSON."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    monkeypatch.setenv("RENDERD_RUNTIME_DIR", "/nonexistent")

    def run(*words: object):
        status = app.main(["--spool", spool.root, "video", "--json", *map(str, words)])
        return status, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def jid(spool: Spool, tmp_path) -> str:
    """A job of frames at 25 a second."""
    runs = ranges.parse("1-20")
    info = Info(commands=(("prog", "{out}"),), frames=runs, extra=(("x-fps", "25"),))
    out = f"{tmp_path}/out/shot_####.png"
    draft = Draft(name="shot", slug="shot", info=info, runs=runs, out=out, writes=Writes.PRIVATE)
    return jobs.publish(spool, draft, jobs.Order("me@here"))


def test_a_movie_of_an_open_job_waits_for_it(spool: Spool, video, jid, tmp_path):
    status, value = video("shot")
    job = value["job"]
    assert (status, job["state"], job["of"], job["fps"], job["frames"]) == (
        *(0, "waiting", jid, "25", 20),
    )
    assert job["out"] == f"{tmp_path}/out/shot.mp4"
    [chunk] = listing.chunks(spool, job["jid"])
    text = Path(spool.chunk(job["jid"], chunk)).read_text()
    assert text.startswith("ffmpeg ")
    assert text.endswith(f" {tmp_path}/out/shot.mp4\n")


def test_options_go_before_what_the_file_says(video, jid, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = video("shot", "--fps", "23.976", "--preset", "prores", "--out", "a.mov")[1]["job"]
    assert (job["fps"], job["out"]) == ("24000/1001", f"{tmp_path}/a.mov")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--preset", "h265"), "there is no preset 'h265'"),
        (("--fps", "fast"), "'fast' is no frame rate"),
        (("--out", "/p/shot.avi"), "h264 makes a .mp4 file, not 'shot.avi'"),
    ],
)
def test_what_cannot_be_meant_queues_nothing(spool: Spool, video, jid, words, says):
    status, value = video("shot", *words)
    assert (status, value["error"]) == (2, says)
    assert list(tickets.everywhere(spool)) == [jid]


def test_a_second_movie_of_one_name_is_refused_while_the_first_is_open(video, jid):
    first = video("shot")[1]["job"]["jid"]
    status, value = video("shot")
    assert status == 2
    assert f"is being written by job {first}" in value["error"]


def test_gaps_of_a_job_that_is_over_are_named_before_anything_is_queued(spool: Spool, video, jid):
    tickets.turn_surely(spool, jid, "cancelled")
    status, value = video("shot")
    assert status == 1
    assert value["error"] == "the movie would lack frames 1-20, and the job is cancelled"
    assert f"render redo {jid} --frames 1-20" in value["remedy"]
    status, value = video("shot", "--allow-gaps")
    assert (status, value["job"]["state"]) == (0, "queue")


def test_a_job_without_frames_has_no_movie(publish, video):
    status, value = video(publish())
    assert status == 2
    assert "has no frames that the farm knows of" in value["error"]
