"""Movies: what an info file may ask for, and the frame rates of files."""

import pytest

from renderd.core import frames, infofile, video, videojob
from renderd.core.infofile import Info
from renderd.core.job import Job, Writes
from renderd.core.video import Video
from renderd.errors import InfoFileError, UsageError

HOST = "k2p2x7abcd"


def host(span: str = "1-10", writes: Writes = Writes.PRIVATE, **extra: str) -> Job:
    keys = tuple((f"x-{key}", value) for key, value in extra.items())
    info = Info(commands=(("prog",),), frames=frames.parse(span), extra=keys)
    return Job(jid=HOST, info=info, chunks=1, name="Shot 10", out="/p/out/s_####", writes=writes)


@pytest.mark.parametrize("text", ["h264", "prores /p/a b.mov", "av1 {proj}/x.mp4", "h264 /p/out/"])
def test_a_movie_is_written_as_it_is_read(text):
    assert video.text(video.parse(text)) == text
    info = infofile.parse(f"video: {text}\n\nprog\n")
    assert infofile.parse(infofile.text(info)) == info


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("h265", "did you mean 'h264'?"),
        ("h264 /p/out/shot.mov", "makes a .mp4 file"),
        ("prores /p/out/shot.mp4", "end it in .mov"),
    ],
)
def test_a_movie_that_cannot_be_is_refused_with_its_line(text, says):
    with pytest.raises(InfoFileError, match="line 1: video: ") as error:
        infofile.parse(f"video: {text}\n\nprog\n")
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("images", "out", "path"),
    [
        ("/p/out/shot_####.exr", "", "/p/out/shot.mp4"),
        ("/p/out/shot.####", "", "/p/out/shot.mp4"),
        ("/p/out/####.png", "", "/p/out/shot-10.mp4"),
        ("/p/out/shot_####", "/q/", "/q/shot.mp4"),
        ("/p/out/shot_####", "/q/film.mp4", "/q/film.mp4"),
    ],
)
def test_a_movie_lies_beside_the_frames_where_nothing_is_said(images, out, path):
    assert video.located(Video("h264", out), images, "Shot 10") == path


@pytest.mark.parametrize(
    ("fps", "text"),
    [
        (24 / 1.00100004673, "24000/1001"),
        (30 / 1.00100004673, "30000/1001"),
        (25.0, "25"),
        (12.5, "25/2"),
        (0.0, ""),
        (float("inf"), ""),
    ],
)
def test_the_rate_of_a_file(fps, text):
    assert video.rate(fps) == text


@pytest.mark.parametrize(
    ("said", "rate"),
    [("24", "24"), ("23.976", "24000/1001"), ("29.97", "30000/1001"), ("24000/1001", "24000/1001")],
)
def test_a_rate_as_people_say_it(said, rate):
    assert video.parse_rate(said) == rate


@pytest.mark.parametrize("said", ["0", "1/0", "-24", "24fps", "1001", "", "1e3"])
def test_what_is_no_rate_is_refused(said):
    with pytest.raises(UsageError, match="no frame rate"):
        video.parse_rate(said)


def test_the_job_that_makes_a_movie_knows_every_frame_and_comes_after():
    made = videojob.draft(host("9-11,1-5x2", fps="24"), Video("h264"))
    assert (made.runs, made.info.after) == ((frames.Run(1, 11),), (HOST,))
    job = Job(jid="q" * 10, info=made.info, chunks=1, out=made.out, writes=made.writes)
    film = videojob.film_of(job)
    assert film is not None
    assert (film.of, film.images, frames.text(film.runs)) == (HOST, "/p/out/s_####", "1-5x2,9-11")
    assert not film.allows_gaps


def test_its_command_can_be_read_and_copied():
    made = videojob.draft(host(fps="24"), Video("h264"))
    [words] = made.info.commands
    assert (words[0], words[-1]) == ("ffmpeg", "/p/out/s.mp4")
    assert infofile.fill(words, {"proj": "/mnt"}) == words


def test_nothing_is_guessed_where_no_rate_is_known():
    with pytest.raises(UsageError, match="how many frames of Shot 10 are a second"):
        videojob.draft(host(), Video("h264"))


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (host(writes=Writes.MOVIE, fps="24"), "writes a movie itself"),
        (host(writes=Writes.NOTHING, fps="24"), "no frames that the farm knows of"),
        (host(fps="24", redo="a" * 10), "say: render video aaaaaaaaaa"),
    ],
)
def test_what_has_no_frames_for_a_movie_is_refused(job, says):
    with pytest.raises(UsageError) as error:
        videojob.draft(job, Video("h264"))
    assert says in str(error.value)
