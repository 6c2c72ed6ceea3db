"""A movie's list has one file a frame, in order, or there is none."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from renderd.core import frames as ranges
from renderd.core import video, videojob
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.daemon import film
from renderd.daemon.landing import OutputGone
from renderd.daemon.work import Work
from renderd.errors import RenderdError
from renderd.spool import closing, frames, jobs, placing, tickets
from renderd.spool.layout import Spool
from renderd.spool.placing import Piece

STEM = "00001.1.ws07-0123abcd"


@pytest.fixture
def host(spool: Spool, tmp_path: Path) -> Job:
    """A job of four frames in out/, at 24 a second."""
    runs = ranges.parse("-1-2")
    info = Info(commands=(("prog", "{out}"),), frames=runs, extra=(("x-fps", "24"),))
    out = f"{tmp_path}/out/shot_####"
    draft = Draft(name="shot", slug="shot", info=info, runs=runs, out=out, writes=Writes.PRIVATE)
    return jobs.read(spool, jobs.publish(spool, draft, jobs.Order("me@here")))


def named(frame: int, ending: str) -> str:
    return f"shot_{'-' * (frame < 0)}{abs(frame):04d}{ending}"


def land(spool: Spool, host: Job, *endings: str) -> Path:
    """Put all frames in place, each a file an ending, and close the job; their folder."""
    output = frames.locate(spool, host)
    assert output
    folder = frames.open_private(spool, output, STEM)
    for frame in range(-1, 3):
        pieces = [Piece(f"{folder}/{named(frame, e)}", named(frame, e), "") for e in endings]
        for piece in pieces:
            Image.new("RGB", (8, 8), (9, 9, 9)).save(piece.path)
        whole = placing.measure(spool, pieces, (8, 8))
        placing.place(spool, output, frame, whole, [piece.path for piece in pieces])
    tickets.turn_surely(spool, host.jid, "done")
    closing.collect(spool, host)
    return Path(output.folder)


@pytest.fixture
def prepare(spool: Spool, host: Job, worker):
    """Claim the movie's chunk and make its list; the command's words, and the files."""

    def run(*, allows_gaps: bool = False, stops: bool = False):
        wanted = videojob.draft(host, video.parse("h264"), allows_gaps=allows_gaps)
        job = jobs.read(spool, jobs.publish(spool, wanted, jobs.Order("me@here")))
        work = Work(
            claim=worker.claim(job.jid, 1),
            job=job,
            commands=job.info.commands,
            output=frames.locate(spool, job),
            started=0.0,
        )
        if stops:
            work.stop("the artist is back")
        [words] = film.prepared(spool, work, list(job.info.commands))
        listed = words[words.index("-i") + 1]
        lines = Path(listed).read_text().splitlines() if Path(listed).exists() else []
        return words, [line[6:-1] for line in lines if line.startswith("file ")]

    return run


def test_the_frames_are_listed_in_order(spool: Spool, host, prepare):
    folder = land(spool, host, ".png")
    _, files = prepare()
    assert files == [f"{folder}/{named(f, '.png')}" for f in (-1, 0, 1, 2)]


def test_of_several_files_of_a_frame_the_main_image_is_shown(spool: Spool, host, prepare):
    folder = land(spool, host, ".tga", ".png")
    assert prepare()[1] == [f"{folder}/{named(f, '.png')}" for f in (-1, 0, 1, 2)]


def test_of_a_stereo_frame_the_left_eye_is_shown(spool: Spool, host, prepare):
    folder = land(spool, host, "_L.png", "_R.png")
    assert prepare()[1] == [f"{folder}/{named(f, '_L.png')}" for f in (-1, 0, 1, 2)]


def test_without_the_jobs_record_the_commonest_ending_is_shown(spool: Spool, host, prepare):
    folder = land(spool, host, ".png")
    (folder / named(0, ".jpg")).write_bytes(b"somebody's")
    shutil.rmtree(spool.job(host.jid))
    assert prepare()[1] == [f"{folder}/{named(f, '.png')}" for f in (-1, 0, 1, 2)]


def test_a_frame_of_another_size_is_refused_or_left_out(spool: Spool, host, prepare):
    folder = land(spool, host, ".png")
    Image.new("RGB", (9, 8)).save(folder / named(1, ".png"))
    with pytest.raises(RenderdError, match=r"lack frames 1: shot_0001\.png has 9×8 pixels"):
        prepare()


def test_with_gaps_allowed_only_whole_frames_are_listed(spool: Spool, host, prepare):
    folder = land(spool, host, ".png")
    (folder / named(0, ".png")).write_bytes(b"x")
    (folder / named(2, ".png")).unlink()
    files = prepare(allows_gaps=True)[1]
    assert files == [f"{folder}/{named(f, '.png')}" for f in (-1, 1)]


def test_no_frame_at_all_makes_no_movie(spool: Spool, host, prepare):
    folder = land(spool, host, ".png")
    for path in folder.glob("*.png"):
        path.unlink()
    with pytest.raises(RenderdError, match="no frame is there"):
        prepare(allows_gaps=True)


def test_a_node_that_does_not_see_the_frames_is_not_able(spool: Spool, host, prepare, tmp_path):
    land(spool, host, ".png")
    prepared = videojob.draft(host, video.parse("h264 " + str(tmp_path / "films" / "a.mp4")))
    job = jobs.read(spool, jobs.publish(spool, prepared, jobs.Order("me@here")))
    (tmp_path / "out").rename(tmp_path / "unmounted")
    work = Work(
        claim=None,  # type: ignore[arg-type]  it is not looked at before the frames are
        job=job,
        commands=job.info.commands,
        output=frames.locate(spool, job),
        started=0.0,
    )
    with pytest.raises(OutputGone, match="does not see the frames"):
        film.prepared(spool, work, list(job.info.commands))


def test_a_look_at_the_frames_ends_when_the_chunk_is_stopped(spool: Spool, host, prepare):
    land(spool, host, ".png")
    words, files = prepare(stops=True)
    assert (words[words.index("-i") + 1], files) == (video.FRAME_LIST, [])


def test_other_commands_stay_as_they_are(spool: Spool, host, worker):
    work = Work(
        claim=worker.claim(host.jid, 1),
        job=host,
        commands=host.info.commands,
        output=frames.locate(spool, host),
        started=0.0,
    )
    assert film.prepared(spool, work, [("prog", "x")]) == [("prog", "x")]
