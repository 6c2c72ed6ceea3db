"""What a person asks for becomes exactly that job, or is refused in one clear sentence."""

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renderd import plan
from renderd.core import command, farm, frames, infofile, job, videojob
from renderd.core.farm import Farm
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.core.needs import Needs
from renderd.errors import BlendError, FramesError, InfoFileError, RenderdError, UsageError
from renderd.plan import Wish
from renderd.spool import sources

# The small maker of .blend files stands beside the tests of their reader.
sys.path.insert(0, str(Path(__file__).parent / "blend"))

from blendmaker import MODERN, Age, with_settings

SHARED = Path(__file__).parents[1].parent / "shared" / "blend"
NOW = Age(304)
ROOTS = farm.parse(
    '[roots]\nproj = { linux = "/mnt/proj", darwin = "/Volumes/proj", windows = "P:/" }\n'
    'mac = { darwin = "/Volumes/mac" }\n'
)
SCENE = {
    "id.name": b"SCShot",
    "r.sfra": 1,
    "r.efra": 30,
    "r.frame_step": 1,
    "r.xsch": 64,
    "r.ysch": 64,
    "r.size": 100,
    "r.im_format.imtype": 17,
    "r.pic": b"//render/shot_####",
    "r.engine": b"CYCLES",
}


@pytest.fixture
def blend(tmp_path):
    """Makes a .blend of scenes, each given by what differs from SCENE; its path."""

    def make(*scenes, age=NOW, name="shot.blend", folder=tmp_path):
        values = [SCENE | scene for scene in scenes or ({},)]
        rows = [(v["id.name"][2:], v["r.sfra"], v["r.efra"]) for v in values]
        path = Path(folder) / name
        path.write_bytes(with_settings(age, MODERN, values, rows))
        return str(path)

    return make


def planned(text, known=ROOTS, platform="linux"):
    return plan.from_info(infofile.parse(text), "drop", known, platform)


def lines(draft: Draft, at=0, known=ROOTS, platform="linux"):
    """What a node of a platform runs for one chunk, its own info file read and filled."""
    record = job.record(draft, "me@here", (), 1)
    text = job.chunk_text(record, list(draft.pieces())[at], draft.out)
    said = infofile.parse(text).commands
    return [infofile.fill(words, known.roots_on(platform)) for words in said]


def spans(draft):
    return [None if run is None else str(run) for run in draft.pieces()]


def refused(text, known=ROOTS):
    with pytest.raises(RenderdError) as caught:
        planned(text, known)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    return str(caught.value)


# Commands of any program.


def test_a_bare_command_is_one_chunk():
    draft = planned("nuke -x /p/comp.nk\n")
    assert (spans(draft), draft.writes, draft.out) == ([None], Writes.NOTHING, "")
    assert lines(draft) == [("nuke", "-x", "/p/comp.nk")]


def test_frames_are_cut_into_chunks_and_filled_in():
    draft = planned("frames: 1-25\nchunk: 10\n\nprog {start} {end} {step} {frames}\n")
    assert spans(draft) == ["1-10", "11-20", "21-25"]
    assert lines(draft, 2) == [("prog", "21", "25", "1", "21-25")]


def test_a_chunk_of_steps_lists_its_frames():
    draft = planned("frames: 1-9x4,20\n\nprog {step} {frames}\n")
    assert [lines(draft, at) for at in (0, 1)] == [
        [("prog", "4", "1,5,9")],
        [("prog", "1", "20-20")],
    ]


def test_out_in_the_command_makes_the_output_private():
    draft = planned("frames: 1-2\nout: /p/o_####.png\n\nprog {start} {out}\n")
    assert (draft.writes, draft.out) == (Writes.PRIVATE, "/p/o_####.png")
    assert lines(draft) == [("prog", "1", "/p/o_####.png")]


def test_out_for_one_frame_is_its_file():
    draft = planned("frames: 7\nout: /p/o_####.png\n\nprog {out}\n")
    assert lines(draft) == [("prog", "/p/o_0007.png")]


def test_out_that_the_command_does_not_name_is_only_verified():
    assert planned("frames: 1-2\nout: /p/o_####.png\n\nprog\n").writes is Writes.ITSELF


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prog {start}\n", "the command has {start}, which nothing fills; add frames: 1-100"),
        ("frames: 1-2\n\nprog {out}\n", "{out}, which nothing fills; add out: "),
        ("frames: 1-2\n\nprog {blend}\n", "{blend}, which nothing fills; add blend: "),
        ("out: /p/o_####.png\n\nprog {out}\n", "`out:` without `frames:` names no frame"),
        ("frames: 1-2\nout: o_####.png\n\nprog {out}\n", "'o_####.png' is not absolute"),
        ("frames: 1-2\nout: {porj}/o\n\nprog {out}\n", "did you mean 'proj'?"),
        ("frames: 1-2\nout: {mac}/o\n\nprog {out}\n", "this machine has no path for {mac}"),
        ("frames: 1-10000000\nchunk: 1\n\nprog {start}\n", "10,000,000 chunks"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_remedy(text, said):
    assert said in refused(text)


def test_a_root_that_no_farm_has_is_refused_in_words():
    assert "farm.toml has no [roots]" in refused("frames: 1\nout: {a}/o\n\nprog {out}\n", Farm())


def test_every_key_of_an_info_file_reaches_the_job():
    text = """\
name: shot010 comp
frames: 1-20
chunk: 5
out: /p/out/shot010_####.exr
priority: 70
needs: ram>=16G, blender>=4.2, gpu, tag=fast
pool: gpu
retries: 5
nodes: 4
timeout: 2h
missing: warn
whole: no
warm: no
env: OCIO=/p/config.ocio
keep: 10d
after: shot010-sim
hold: yes
x-ticket: 4711

nuke -x -F {start}-{end} /p/comp.nk {out}
"""
    info = planned(text).info
    assert info == infofile.parse(text)
    assert (info.priority, info.pool, info.retries, info.nodes) == (70, ("gpu",), 5, 4)
    assert info.needs == Needs(ram=16 << 30, blender=">=4.2", gpu=True, tags=("fast",))
    assert (info.timeout, info.keep, info.missing, info.warm) == (7200, 864000, "warn", False)
    assert (info.after, info.hold, info.env) == (
        ("shot010-sim",),
        True,
        (("OCIO", "/p/config.ocio"),),
    )
    assert planned(text).size == 5
    assert dict(info.extra)["x-ticket"] == "4711"


def test_whole_makes_one_chunk_of_one_range():
    assert spans(planned("frames: 1-100\nwhole: yes\n\nprog {start}\n")) == ["1-100"]
    said = refused("frames: 1-100,200-300\nwhole: yes\n\nprog {start}\n")
    assert "a job in one piece (whole) has one range, and 1-100,200-300 makes 2" in said


def test_path_roots_stay_open_until_a_node_runs_the_chunk():
    draft = planned("frames: 1-2\nout: {proj}/o_####.png\n\nprog {proj}/in {{proj}} {out}\n")
    assert draft.out == "{proj}/o_####.png"
    assert lines(draft)[0] == ("prog", "/mnt/proj/in", "{proj}", "/mnt/proj/o_####.png")
    mac = lines(draft, platform="darwin")[0]
    assert mac == ("prog", "/Volumes/proj/in", "{proj}", "/Volumes/proj/o_####.png")


# Blender commands.


def test_blenders_own_range_is_read_and_cut(blend):
    path = blend()
    draft = planned(f"blender -b {path} -s 1 -e 25 -a\n")
    assert spans(draft) == ["1-10", "11-20", "21-25"]
    assert (draft.writes, draft.out) == (
        Writes.PRIVATE,
        f"{os.path.dirname(path)}/render/shot_####",
    )
    (words,) = lines(draft, 1)
    assert command.parse(words).runs == frames.parse("11-20")
    assert command.parse(words).out == draft.out


def test_without_a_range_the_scenes_own_counts(blend):
    draft = planned(f"blender -b {blend({'r.sfra': 10, 'r.efra': 40, 'r.frame_step': 3})} -a\n")
    assert frames.text(draft.runs) == "10-40x3"
    assert spans(draft) == ["10-37x3", "40"]
    assert command.parse(lines(draft)[0]).runs == frames.parse("10-37x3")


def test_frames_in_the_header_win_over_the_commands_own(blend):
    draft = planned(f"frames: 5-8,20\n\nblender -b {blend()} -s 1 -e 250 -a\n")
    assert spans(draft) == ["5-8", "20"]
    assert command.parse(lines(draft, 1)[0]).runs == frames.parse("20")


def test_negative_frames_are_absolute_on_the_finished_line(blend):
    draft = planned(f"frames: -20--11\n\nblender -b {blend()} -a\n")
    assert command.parse(lines(draft)[0]).runs_in(1, 250) == frames.parse("-20--11")


def test_a_blend_key_alone_means_blenders_standard_command(blend):
    path = blend({"id.name": b"SCOther"}, {})
    draft = planned(f"blend: {path}\nscene: Shot\n")
    found = command.parse(lines(draft)[0])
    assert (found.blend, found.scene, found.factory_startup) == (path, "Shot", True)
    assert found.problems == ()
    assert spans(draft) == ["1-10", "11-20", "21-30"]


def test_blend_and_out_with_roots_mean_each_platforms_own_path(tmp_path, blend):
    path = blend(folder=tmp_path)
    known = farm.parse(f'[roots]\nproj = {{ linux = "{tmp_path}", darwin = "/Volumes/p" }}')
    text = "blend: {proj}/shot.blend\nout: {proj}/o_####\n"
    draft = planned(text, known)
    here, mac = (lines(draft, 0, known, on)[0] for on in ("linux", "darwin"))
    assert command.parse(here).blend == path
    assert command.parse(mac).blend == "/Volumes/p/shot.blend"
    assert command.parse(mac).out == "/Volumes/p/o_####"


def test_the_output_is_the_headers_else_the_commands_else_the_files(blend):
    path = blend()
    folder = os.path.dirname(path)
    assert planned(f"out: /p/h_##\n\nblender -b {path} -o /p/c_ -a\n").out == "/p/h_##"
    assert planned(f"blender -b {path} -o /p/c_ -a\n").out == "/p/c_####"
    assert planned(f"blender -b {path} -o //c_# -a\n").out == f"{folder}/c_#"
    assert planned(f"out: //h_\n\nblender -b {path} -a\n").out == f"{folder}/h_####"
    assert planned(f"blender -b {path} -a\n").out == f"{folder}/render/shot_####"


def test_out_in_a_blender_command_without_the_key_is_the_files_own(blend):
    path = blend()
    draft = planned(f"blender -b {path} -o {{out}} -a\n")
    assert draft.out == f"{os.path.dirname(path)}/render/shot_####"
    assert command.parse(lines(draft)[0]).out == draft.out


def test_a_file_that_is_not_seen_here_is_enough_where_all_is_said():
    draft = planned("frames: 1-20\nout: /p/o_\n\nblender -b /nowhere/shot.blend -a\n")
    assert (draft.out, len(spans(draft))) == ("/p/o_####", 2)


@pytest.mark.parametrize("said", ["out: /p/o_\n\n", "frames: 1-9\n\n", ""])
def test_a_file_that_must_be_read_and_is_not_seen_is_named(said):
    assert "/nowhere/shot.blend" in refused(f"{said}blender -b /nowhere/shot.blend -a\n")


def test_a_malformed_file_is_refused_even_where_all_is_said(tmp_path):
    path = tmp_path / "torn.blend"
    path.write_bytes(b"BLENDER-v304REND")
    assert "torn.blend" in refused(f"frames: 1-2\nout: /p/o_\n\nblender -b {path} -a\n")


@pytest.mark.parametrize("age", [Age(500, is_large=True), Age(999)], ids=str)
def test_a_newer_file_is_queued_with_its_version_for_nodes_that_have_it(blend, age):
    draft = planned(f"blender -b {blend(age=age)} -a\n")
    version = f"{age.version // 100}.{age.version % 100}"
    assert dict(draft.info.extra)["x-blend-version"] == version


@pytest.mark.parametrize(
    ("line", "said", "needed"),
    [
        ("blender", "", "==3.4"),
        ("blender", "needs: blender=any\n\n", "any"),
        ("blender", "needs: blender>=4.2\n\n", ">=4.2"),
        ("/opt/blender-4.2/blender", "", ""),
    ],
)
def test_the_bare_word_blender_means_the_one_that_saved_the_file(blend, line, said, needed):
    assert planned(f"{said}{line} -b {blend()} -a\n").info.needs.blender == needed


@pytest.mark.parametrize("version", [279, 340, 405])
def test_a_scene_wants_the_blender_of_its_file(blend, version):
    path = blend(age=Age(version))
    own = f"=={version // 100}.{version % 100}"
    assert plan.from_blend(path, Wish(), ROOTS, "linux")[0].info.needs.blender == own
    wish = Wish(info=Info(commands=(), needs=Needs(blender="any", gpu=True)))
    (draft,) = plan.from_blend(path, wish, ROOTS, "linux")
    assert draft.info.needs == Needs(blender="any", gpu=True)


def test_a_movie_is_shown_at_the_rate_of_the_file_or_of_a_person(blend):
    path = blend({"r.frs_sec": 24, "r.frs_sec_base": 1.001})
    (draft,) = plan.from_blend(path, Wish(), ROOTS, "linux")
    assert dict(draft.info.extra)["x-fps"] == "24000/1001"
    draft = planned(f"x-fps: 25\nvideo: h264\n\nblender -b {path} -a\n")
    assert dict(draft.info.extra)["x-fps"] == "25"
    assert videojob.out_of(draft).endswith(".mp4")


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("video: h264\nframes: 1-4\nout: /p/s_####.png", "how many frames of drop are a second"),
        ("video: h264\nx-fps: 24", "has no frames that the farm knows of"),
        ("video: h264 s.mp4\nx-fps: 24\nframes: 1\nout: /p/s#.png", "is not absolute"),
    ],
)
def test_a_movie_that_could_not_be_made_is_refused_with_the_job(head, says):
    with pytest.raises(UsageError) as error:
        planned(f"{head}\n\nprog\n")
    assert says in str(error.value)


def test_a_job_can_be_dropped_again_as_it_was_queued(blend):
    first = plan.from_blend(blend(), Wish(), ROOTS, "linux")[0]
    again = planned(infofile.text(first.info))
    assert again == plan.from_info(
        infofile.parse(infofile.text(again.info)), "drop", ROOTS, "linux"
    )
    assert lines(again) == lines(first)
    assert (again.out, again.runs, again.writes) == (first.out, first.runs, first.writes)


def test_the_record_of_a_job_with_a_copy_can_be_dropped_and_means_the_artists_file(blend):
    (first,) = plan.from_blend(blend(), Wish(), ROOTS, "linux")
    kept = sources.named(first, "abcdefghij")
    text = infofile.text(job.record(kept, "me@here", (), 3))
    assert f"blend: {first.info.blend}\n" not in text
    again = planned(text)
    assert (again.info.blend, lines(again)) == (first.info.blend, lines(first))
    assert "abcdefghij" not in infofile.text(again.info)


def test_an_unknown_scene_is_refused_with_the_ones_there_are(blend):
    said = refused(f"blender -b {blend({}, {'id.name': b'SCTwo'})} -S Shto -a\n")
    assert "no scene 'Shto'; it has 'Shot', 'Two'" in said


@pytest.mark.parametrize("how", ["-F FFMPEG ", ""])
def test_a_movie_is_one_chunk(blend, how):
    path = blend({} if how else {"r.im_format.imtype": 24})
    draft = planned(f"frames: 1-100\n\nblender -b {path} {how}-a\n")
    assert (spans(draft), draft.writes) == (["1-100"], Writes.MOVIE)


def test_a_format_in_the_command_wins_over_the_files_movie(blend):
    path = blend({"r.im_format.imtype": 24})
    assert planned(f"blender -b {path} -F PNG -a\n").writes is Writes.PRIVATE


def test_a_movie_of_two_ranges_is_refused(blend):
    said = refused(f"frames: 1-10,20-30\n\nblender -b {blend()} -F FFMPEG -a\n")
    assert "a movie is one file a run" in said


def test_a_script_that_does_what_it_likes_is_one_chunk(blend):
    draft = planned(f"blender -b {blend()} -P /p/bake.py\n")
    assert (spans(draft), draft.writes, draft.out) == ([None], Writes.NOTHING, "")


def test_a_script_gets_its_frames_and_its_output_as_it_asks(blend):
    words = f"blender -b {blend()} -P /p/r.py -- {{start}} {{end}}"
    only = planned(f"frames: 1-4\nchunk: 2\n\n{words}\n")
    assert (spans(only), only.writes) == (["1-2", "3-4"], Writes.NOTHING)
    assert lines(only, 1)[0][-2:] == ("3", "4")
    private = planned(f"frames: 1-4\nout: /p/o_\n\n{words} {{out}}\n")
    assert (private.writes, lines(private)[0][-1]) == (Writes.PRIVATE, "/p/o_")
    assert planned(f"frames: 1-4\nout: /p/o_\n\n{words}\n").writes is Writes.ITSELF


def test_lines_beside_the_rendering_one_run_as_they_are(blend):
    draft = planned(f"mkdir -p /p/x\nblender -b /p/a.blend -P /p/s.py\nblender -b {blend()} -a\n")
    first, script, _ = lines(draft)
    assert first == ("mkdir", "-p", "/p/x")
    assert script == ("blender", "-b", "/p/a.blend", "-P", "/p/s.py")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("blender -b {path} -a\nblender -b {path} -s 1 -e 2 -a", "2 of its command lines render"),
        ("blender -b shot.blend -a", "the .blend 'shot.blend' is not absolute"),
        ("blender -b {path} -s 10 -e 5 -a", "the first frame 10 lies behind the last 5"),
        ("blender -b {path} -a -o /p/x", "stands after '-a', where Blender ignores it"),
        ("blender {path} -a", "'-b' is missing"),
        ("blender -b {path} -s -5 -e 5 -a", "counts back from the file's own start"),
        ("blender -b {path} -s 0 -e 2000000 -a", "beyond Blender's last"),
        ("blender -b {path} -o x/y_ -a", "relative to whatever folder"),
        ("blender -b {path} -o {{porj}}/y_ -a", "did you mean 'proj'?"),
        ("blender -b {{porj}}/x.blend -s 1 -e 2 -o /p/y -a", "did you mean 'proj'?"),
    ],
)
def test_a_line_that_would_lie_is_refused_with_the_remedy(blend, line, said):
    assert said in refused(line.format(path=blend()) + "\n")


def test_frames_that_blender_does_not_have_are_refused(blend):
    with pytest.raises(FramesError, match="Blender has no frame"):
        planned(f"frames: 1-2000000\nchunk: 100\n\nblender -b {blend()} -a\n")


def test_a_reversed_range_of_the_file_is_named(blend):
    path = blend({"r.sfra": 50, "r.efra": 10})
    assert "starts at 50 and ends at 10" in refused(f"blender -b {path} -a\n")
    with pytest.raises(UsageError, match="starts at 50 and ends at 10"):
        plan.from_blend(path, Wish(), ROOTS, "linux")


# .blend files as they are.


def test_every_listed_scene_becomes_a_job(blend):
    path = blend({}, {"id.name": b"SCTwo", "r.efra": 5, "r.pic": b"/p/two_"})
    one, two = plan.from_blend(path, Wish(), ROOTS, "linux")
    assert (one.name, two.name) == ("shot Shot", "shot Two")
    assert (frames.text(one.runs), frames.text(two.runs)) == ("1-30", "1-5")
    assert (one.out, two.out) == (f"{os.path.dirname(path)}/render/shot_####", "/p/two_####")


def test_scenes_that_the_file_does_not_list_are_named(tmp_path):
    values = [SCENE, SCENE | {"id.name": b"SCTwo"}]
    path = tmp_path / "shot.blend"
    path.write_bytes(with_settings(NOW, MODERN, values, [(b"Shot", 1, 30)]))
    said: list[str] = []
    (draft,) = plan.from_blend(str(path), Wish(), ROOTS, "linux", said.append)
    assert (draft.info.scene, len(said)) == ("Shot", 1)
    assert "left out Two" in said[0]
    plan.from_blend(str(path), Wish(scenes=("Two",)), ROOTS, "linux", said.append)
    assert len(said) == 1


def test_scenes_are_cut_for_open_blenders_and_info_files_as_ever(blend):
    path = blend()
    cold = farm.parse("[blender]\nwarm = false\n")
    (auto,) = plan.from_blend(path, Wish(), ROOTS, "linux")
    (ten,) = plan.from_blend(path, Wish(), cold, "linux")
    assert (auto.info.chunk, auto.size, ten.info.chunk, ten.size) == (0, 1, 10, 10)
    dropped = planned(f"blend: {path}\nout: /p/x_####\nframes: 1-20\n")
    assert (dropped.info.chunk, dropped.size) == (None, 10)


def test_the_wish_wins_over_the_file(blend):
    said = Info(commands=(), priority=70, chunk=5, retries=1)
    wish = Wish(
        frames=frames.parse("3-7"),
        out="/p/{scene}/x_",
        name="mine",
        uses_factory_startup=False,
        info=said,
    )
    (draft,) = plan.from_blend(blend(), wish, ROOTS, "linux")
    assert (draft.name, draft.out, spans(draft)) == ("mine", "/p/shot/x_####", ["3-7"])
    assert (draft.info.priority, draft.info.retries, draft.size) == (70, 1, 5)
    assert not command.parse(lines(draft)[0]).factory_startup


def test_several_scenes_need_several_outputs(blend):
    path = blend({}, {"id.name": b"SCTwo"})
    with pytest.raises(UsageError, match="2 scenes would write one output"):
        plan.from_blend(path, Wish(out="/p/x_"), ROOTS, "linux")
    outs = [d.out for d in plan.from_blend(path, Wish(out="/p/{scene}_"), ROOTS, "linux")]
    assert outs == ["/p/shot_####", "/p/two_####"]


def test_a_relative_wish_is_relative_to_where_the_person_is(blend, tmp_path, monkeypatch):
    path = blend()
    monkeypatch.chdir(tmp_path)
    outs = [
        plan.from_blend(path, Wish(out=out), ROOTS, "linux")[0].out
        for out in ("a_##", "sub/", "//b_#", "../c_#")
    ]
    assert outs == [
        f"{tmp_path}/a_##",
        f"{tmp_path}/sub/####",
        f"{tmp_path}/b_#",
        f"{tmp_path.parent}/c_#",
    ]


def test_a_scene_that_is_not_there_is_named(blend):
    with pytest.raises(InfoFileError, match="it has 'Shot'"):
        plan.from_blend(blend(), Wish(scenes=("Nope",)), ROOTS, "linux")


def test_a_file_below_a_root_is_found_by_nodes_of_every_platform(tmp_path, blend):
    known = farm.parse(f'[roots]\nproj = {{ linux = "{tmp_path}", darwin = "/Volumes/p" }}')
    (draft,) = plan.from_blend(blend(), Wish(), known, "linux")
    assert (draft.info.blend, draft.out) == ("{proj}/shot.blend", "{proj}/render/shot_####")
    mac = command.parse(lines(draft, 0, known, "darwin")[0])
    assert (mac.blend, mac.out) == ("/Volumes/p/shot.blend", "/Volumes/p/render/shot_####")
    here = command.parse(lines(draft, 0, known)[0])
    assert (here.blend, here.out) == (f"{tmp_path}/shot.blend", f"{tmp_path}/render/shot_####")


def test_a_wish_below_a_root_is_written_with_its_name(blend):
    for out in ("/mnt/proj/x_", "{proj}/x_"):
        assert plan.from_blend(blend(), Wish(out=out), ROOTS, "linux")[0].out == "{proj}/x_####"


def test_an_output_of_another_platform_is_understood_where_a_root_tells(blend):
    path = blend({"r.pic": b"P:\\out\\shot_"})
    assert plan.from_blend(path, Wish(), ROOTS, "linux")[0].out == "{proj}/out/shot_####"
    foreign = blend({"r.pic": b"C:\\tmp\\"})
    with pytest.raises(InfoFileError, match="is not absolute"):
        plan.from_blend(foreign, Wish(), ROOTS, "linux")


def test_braces_of_paths_and_outputs_are_just_braces(tmp_path, blend):
    folder = tmp_path / "{proj}"
    folder.mkdir()
    path = blend({"r.pic": b"//{out}_####"}, name="{start}.blend", folder=folder)
    (draft,) = plan.from_blend(path, Wish(), ROOTS, "linux")
    found = command.parse(lines(draft)[0])
    assert (found.blend, found.out) == (path, f"{folder}/{{out}}_####")


def test_a_file_without_scenes_is_refused(tmp_path, blend):
    path = tmp_path / "none.blend"
    path.write_bytes(with_settings(NOW, MODERN, [], []))
    with pytest.raises(BlendError, match="holds no scene"):
        plan.from_blend(str(path), Wish(), ROOTS, "linux")


def test_variables_of_blender_5_are_filled_in_as_it_would(blend):
    scene = {"r.pic": b"//{blend_name}/{scene_name}_{{x}}_{unknown}_####", "id.name": b"SCa/b"}
    path = blend(scene, age=Age(500, is_large=True), name="s.blend")
    folder = os.path.dirname(path)
    drafts = [plan.from_blend(path, Wish(), ROOTS, "linux")[0], planned(f"blender -b {path} -a\n")]
    for draft in drafts:
        found = command.parse(lines(draft)[0])
        assert found.out == f"{folder}/s/a_b_{{x}}_{{unknown}}_####"


def test_before_blender_5_braces_in_an_output_are_braces(blend):
    path = blend({"r.pic": b"//{blend_name}_"}, name="s.blend")
    (draft,) = plan.from_blend(path, Wish(), ROOTS, "linux")
    assert command.parse(lines(draft)[0]).out.endswith("/{blend_name}_####")


def test_variables_that_a_person_writes_are_filled_for_every_blender(blend):
    path = blend(name="s.blend")
    draft = planned(f"out: /p/{{blend_name}}_{{resolution_x}}_\n\nblender -b {path} -a\n")
    assert draft.out == "/p/s_64_####"
    assert command.parse(lines(draft)[0]).out == "/p/s_64_####"
    wish = Wish(out="/p/{blend_name}_{scene}_")
    assert plan.from_blend(path, wish, ROOTS, "linux")[0].out == "/p/s_shot_####"


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(NAMES.filter(lambda name: len(name.encode()) < 63))
def test_a_scene_of_any_name_is_the_one_that_is_rendered(blend, name):
    path = blend({"id.name": b"SC" + name.encode()})
    (draft,) = plan.from_blend(path, Wish(out="/p/{scene}_"), ROOTS, "linux")
    found = command.parse(lines(draft)[0])
    assert (found.scene, found.problems, found.runs_script) == (name, (), False)
    assert found.out == draft.out
    assert draft.info == infofile.parse(infofile.text(draft.info))
    assert draft.name.isprintable()


def test_a_scene_whose_name_is_not_text_is_refused(blend):
    path = blend({"id.name": b"SC\xff\xfe"})
    with pytest.raises(UsageError, match="not UTF-8; rename it in Blender"):
        plan.from_blend(path, Wish(), ROOTS, "linux")


def given_files(*words):
    if not SHARED.exists():
        pytest.skip("../shared/blend is not here")
    truth = json.loads((SHARED / "truth.json").read_text())["files"]
    return {
        str(SHARED / name): found
        for name, found in truth.items()
        if found["expect"] == "ok" and any(word in name for word in words)
    }


def test_every_listed_scene_of_the_given_files_is_planned_or_refused_in_words():
    count, said = 0, []
    for path, truth in given_files("generated/", "render/", "synthetic/").items():
        try:
            drafts = plan.from_blend(path, Wish(out="/p/{scene}/####"), ROOTS, "linux")
        except RenderdError as error:
            said.append(str(error))
            continue
        if truth["rend"]:
            scenes = [command.parse(lines(draft)[0]).scene for draft in drafts]
            assert sorted(scenes) == sorted(entry["scene"] for entry in truth["rend"])
            runs = {d.info.scene: (d.runs[0].first, d.runs[0].step) for d in drafts}
            assert all(runs[e["scene"]][0] == e["start"] for e in truth["rend"])
        count += len(drafts)
    assert count > 100
    assert not [sentence for sentence in said if "\n" in sentence]


def test_a_range_of_all_numbers_is_refused_at_once():
    for path in given_files("frames_int32"):
        with pytest.raises(FramesError):
            plan.from_blend(path, Wish(), ROOTS, "linux")


def test_every_malformed_given_file_is_one_sentence():
    folder = SHARED / "malformed"
    if not folder.exists():
        pytest.skip("../shared/blend is not here")
    said = []
    for path in sorted(folder.iterdir()):
        try:
            plan.from_blend(str(path), Wish(), ROOTS, "linux")
        except RenderdError as error:
            said.append(str(error))
    assert said
    assert not [sentence for sentence in said if "\n" in sentence]


def test_a_command_that_leaves_its_range_open_renders_the_scenes(blend):
    path = blend({"r.sfra": -4, "r.efra": 7, "r.frame_step": 2})
    draft = planned(f"chunk: 3\n\nblender -b {path} -s {{start}} -e {{end}} -a\n")
    assert spans(draft) == ["-4-0x2", "2-6x2"]
    assert command.parse(lines(draft)[0]).runs_in(1, 250) == frames.parse("-4-0x2")
