"""Movies by a real ffmpeg, each with every frame of its job or not there at all."""

import json
import shutil
import subprocess
import sys

import pytest

from renderd.spool import orders, reasons, tickets
from renderd.spool.formats import mp4
from renderd.spool.formats.source import Source

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg")
pytestmark = needs_ffmpeg


def render(farm, *words: str, status: int = 0) -> str:
    """Run a verb of `render` as a person does; what it said."""
    line = [sys.executable, "-m", "frontend.cli.app", "--spool", str(farm.root), *words]
    env = {"PATH": "/usr/bin:/bin", "RENDERD_CONFIG": str(farm.local / "config.toml")}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stdout + done.stderr


def video(farm, *words: str) -> str:
    """Queue a movie; its jid."""
    return json.loads(render(farm, "video", "--json", *words))["job"]["jid"]


def pictures(path) -> list[tuple[int, int, int]]:
    """The colour in the middle of every picture of a movie, as players show it."""
    back = (
        "scale=in_color_matrix=bt709:in_range=tv:out_range=pc,crop=1:1:iw/2-4:ih/2-4,format=rgb24"
    )
    line = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", back, "-f", "rawvideo", "-"]
    data = subprocess.run(line, capture_output=True, check=True).stdout
    return [(data[i], data[i + 1], data[i + 2]) for i in range(0, len(data), 3)]


def facts(path) -> dict[str, str]:
    line = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_streams", "-of", "json"]
    done = subprocess.run([*line, str(path)], capture_output=True, check=True)
    return json.loads(done.stdout)["streams"][0]


def test_a_movie_shows_every_frame_in_order(farm):
    jid = farm.add(farm.info(frames="1-12", chunk=5, **{"x-fps": "24000/1001"}))
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert farm.ended(video(farm, jid)) == "done"
    movie = farm.out / "shot.mp4"
    seen = facts(movie)
    assert (seen["codec_name"], seen["pix_fmt"], seen["r_frame_rate"]) == (
        *("h264", "yuv420p", "24000/1001"),
    )
    assert (seen["nb_frames"], seen["width"], seen["height"]) == ("12", 8, 8)
    with movie.open("rb") as file:
        assert mp4.count_pictures(Source(file)) == 12
    farm.until(lambda: not farm.litter(), "nothing is left beside the frames")


def test_steps_negative_numbers_and_odd_sides_are_shown_in_their_colours(farm):
    script = farm.folder / "paint.py"
    script.write_text(
        "import sys\nfrom PIL import Image\n"
        "first, last, step, out = *map(int, sys.argv[1:4]), sys.argv[4]\n"
        "for f in range(first, last + 1, step):\n"
        "    name = out.replace('####', f\"{'-' * (f < 0)}{abs(f):04d}\")\n"
        "    Image.new('RGB', (65, 49), (128 + 20 * f, 60, 200)).save(name)\n"
    )
    line = f"{sys.executable} {script} {{start}} {{end}} {{step}} {{out}}"
    jid = farm.add(f"frames: -4-6x2\nout: {farm.out}/a'b_####.png\nx-fps: 25\n\n{line}\n")
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert farm.ended(video(farm, jid, "--out", f"{farm.out}/m.mp4")) == "done"
    found = pictures(farm.out / "m.mp4")
    wanted = [(128 + 20 * f, 60, 200) for f in range(-4, 7, 2)]
    assert len(found) == len(wanted)
    far = [
        max(abs(a - b) for a, b in zip(*pair, strict=True))
        for pair in zip(found, wanted, strict=True)
    ]
    assert max(far) <= 4
    assert (facts(farm.out / "m.mp4")["width"], facts(farm.out / "m.mp4")["height"]) == (66, 50)


@pytest.mark.parametrize(
    ("preset", "ending", "codec", "pixels"),
    [("prores", "mov", "prores", "yuv422p10le"), ("av1", "mp4", "av1", "yuv420p10le")],
)
def test_the_other_presets(farm, preset, ending, codec, pixels):
    jid = farm.add(farm.info("--side=128", frames="1-6", **{"x-fps": "24"}))
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert farm.ended(video(farm, jid, "--preset", preset)) == "done"
    seen = facts(farm.out / f"shot.{ending}")
    assert (seen["codec_name"], seen["pix_fmt"], seen["nb_frames"]) == (codec, pixels, "6")


@pytest.mark.parametrize("layer", ["", "ViewLayer.Combined."])
def test_exr_frames_are_shown_as_the_standard_view_shows_them(farm, layer):
    pytest.importorskip("OpenImageIO", reason="the exr extra is not installed")
    script = farm.folder / "exr.py"
    script.write_text(
        "import sys, OpenImageIO as oiio\n"
        "layer, out = sys.argv[4], sys.argv[3]\n"
        "for f in range(int(sys.argv[1]), int(sys.argv[2]) + 1):\n"
        "    spec = oiio.ImageSpec(80, 64, 4, 'half')\n"
        "    spec.channelnames = [layer + c for c in 'RGBA']\n"
        "    b = oiio.ImageBuf(spec)\n"
        "    oiio.ImageBufAlgo.fill(b, (0.5, 0.1, 0.02, 1.0))\n"
        "    b.write(out.replace('####', f'{f:04d}'))\n"
    )
    line = f"{sys.executable} {script} {{start}} {{end}} {{out}} '{layer}'"
    jid = farm.add(f"frames: 1-4\nout: {farm.out}/s_####.exr\nx-fps: 25\n\n{line}\n")
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert farm.ended(video(farm, jid)) == "done"
    found = pictures(farm.out / "s.mp4")
    assert len(found) == 4
    assert max(abs(a - b) for a, b in zip(found[0], (188, 89, 39), strict=True)) <= 4


def test_a_movie_with_a_gap_is_refused_unless_gaps_are_allowed(farm):
    jid = farm.add(farm.info(frames="1-6", **{"x-fps": "24"}))
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    farm.frames()[3].unlink()
    farm.frames()[1].write_bytes(b"x")
    said = render(farm, "video", jid, status=1)
    assert "the movie would lack frames 2,4" in said
    assert farm.ended(video(farm, jid, "--allow-gaps")) == "done"
    assert facts(farm.out / "shot.mp4")["nb_frames"] == "4"


@pytest.mark.parametrize("ill", ["gone", "placeholder", "cut"])
def test_a_frame_that_goes_wrong_before_the_movie_is_made_fails_it_and_the_old_one_stays(farm, ill):
    old = farm.out / "shot.mp4"
    jid = farm.add(farm.info(frames="1-6", **{"x-fps": "24"}))
    daemon = farm.up("ws1")
    assert farm.ended(jid) == "done"
    old.write_bytes(b"the movie of yesterday")
    farm.until(lambda: not farm.litter(), "all is said and done")
    daemon.freeze()
    made = video(farm, jid)
    frame = farm.frames()[3]
    if ill == "gone":
        frame.unlink()
    else:
        frame.write_bytes(b"x" if ill == "placeholder" else frame.read_bytes()[:-8])
    daemon.thaw()
    assert farm.ended(made) == "failed"
    assert "the movie would lack frames 4" in farm.errors(made)
    assert f"render redo {jid} --frames 4" in farm.errors(made)
    assert old.read_bytes() == b"the movie of yesterday"


def test_video_in_an_info_file_makes_the_movie_when_the_job_is_done(farm):
    farm.up("ws1")
    farm.drop(farm.info(frames="1-6", video=f"h264 {farm.out}/film.mp4", **{"x-fps": "24"}))
    farm.until(lambda: farm.named("shot-video"), "the movie is queued")
    made = farm.named("shot-video")
    assert farm.ended(made) == "done"
    assert facts(farm.out / "film.mp4")["nb_frames"] == "6"
    jid = farm.named("shot")
    mine = [t for _, t in tickets.everywhere(farm.spool).values()]
    assert {t.jid for t in mine} == {jid, made}
    farm.until(lambda: farm.litter() == [], "nothing is left beside the frames")


def test_a_skipped_chunk_fails_the_movie_and_says_which_frames_it_would_lack(farm):
    info = farm.info(frames="1-6", chunk=2, video="h264", **{"x-fps": "24"})
    jid = farm.add(info)
    orders.skip(farm.spool, jid, lambda chunk: chunk.index == 2)
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    made = farm.named("shot-video")
    assert farm.ended(made) == "failed"
    assert "the movie would lack frames 3-4" in farm.errors(made)
    assert not (farm.out / "shot.mp4").exists()


def test_a_movie_that_lost_pictures_on_the_way_is_not_put_in_place(farm):
    """As an ffmpeg would that ends early and calls it success."""
    folder = farm.folder / "bin"
    folder.mkdir()
    real = shutil.which("ffmpeg")
    (folder / "ffmpeg").write_text(
        f'#!/bin/sh\nfor last; do :; done\nset -- "$@" -frames:v 3 -y "$last.mp4"\n{real} "$@"\n'
        'mv "$last.mp4" "$last"\n'
    )
    (folder / "ffmpeg").chmod(0o755)
    jid = farm.add(farm.info(frames="1-6", video="h264", **{"x-fps": "24"}))
    farm.up("ws1", env={"PATH": f"{folder}:/usr/bin:/bin"})
    assert farm.ended(jid) == "done"
    made = farm.named("shot-video")
    assert farm.ended(made) == "failed"
    assert "shows 3 of 6 frames" in farm.errors(made)
    assert not (farm.out / "shot.mp4").exists()


def test_a_movie_waits_for_a_redo_of_its_frames_though_it_is_more_urgent(farm):
    jid = farm.add(farm.info(frames="1-6", **{"x-fps": "24"}))
    daemon = farm.up("ws1")
    assert farm.ended(jid) == "done"
    farm.until(lambda: not farm.litter(), "all is said and done")
    daemon.freeze()
    again = render(farm, "redo", jid, "--frames", "3").split(maxsplit=1)[0]
    made = video(farm, jid)
    orders.set_priority(farm.spool, made, 99)
    said = reasons.read(farm.spool, tickets.find(farm.spool, made))[1]
    assert f"it waits for job {again} (shot-redo), which renders its frames anew" in said
    daemon.thaw()
    assert farm.ended(made) == "done"
    assert farm.state(again) == "done"
    assert farm.frames()[2].stat().st_mtime_ns < (farm.out / "shot.mp4").stat().st_mtime_ns


def test_a_movie_is_whole_although_ffmpeg_and_its_daemon_are_killed(farm):
    folder = farm.folder / "bin"
    folder.mkdir()
    gate = farm.folder / "gate"
    real = shutil.which("ffmpeg")
    (folder / "ffmpeg").write_text(
        "#!/bin/sh\nfor last; do :; done\n"
        f'[ -e {gate} ] || {{ echo half > "$last"; touch {gate}; sleep 86400; }}\n'
        f'exec {real} "$@"\n'
    )
    (folder / "ffmpeg").chmod(0o755)
    path = {"PATH": f"{folder}:/usr/bin:/bin"}
    jid = farm.add(farm.info(frames="1-6", video="h264", **{"x-fps": "24"}))
    first = farm.up("ws1", env=path)
    farm.until(gate.exists, "ffmpeg runs")
    first.kill()
    assert not (farm.out / "shot.mp4").exists()
    farm.up("ws1", env=path)
    made = farm.named("shot-video")
    assert farm.ended(made) == "done"
    assert facts(farm.out / "shot.mp4")["nb_frames"] == "6"
    assert farm.state(jid) == "done"


def test_a_node_without_ffmpeg_is_not_able_and_another_makes_the_movie(farm):
    jid = farm.add(farm.info(frames="1-4", video="h264", **{"x-fps": "24"}))
    empty = farm.folder / "nothing"
    empty.mkdir()
    farm.up("ws1", env={"PATH": str(empty)})
    assert farm.ended(jid) == "done"
    made = farm.named("shot-video")
    farm.until(lambda: farm.state(made) == "queue", "the movie may be made")
    place = tickets.find(farm.spool, made)
    farm.until(
        lambda: [v.reason for v in reasons.read(farm.spool, place)[2]] == ["has no ffmpeg"], "why"
    )
    farm.up("ws2")
    assert farm.ended(made) == "done"
    assert [c.attempt for c in farm.chunks(made)] == [1]
