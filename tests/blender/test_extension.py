"""The button in Blender: what it drops into the spool, and what hinders it."""

import importlib
import importlib.util
import os
import runpy
import stat
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import renderd
from renderd import plan
from renderd.core import frames, infofile, label, names, template
from renderd.core.farm import Farm, Root
from renderd.spool.mount import SHARED

ROOT = Path(__file__).parents[2]
BLENDER = ROOT / "packaging" / "blender"
SESSION = Path(__file__).with_name("session.py")


def _load(name):
    """A module of the extension that needs no Blender."""
    package = "neogeo_renderd_tried"
    if package not in sys.modules:
        spec = importlib.util.spec_from_loader(package, None, is_package=True)
        sys.modules[package] = importlib.util.module_from_spec(spec)
        sys.modules[package].__path__ = [str(BLENDER / "neogeo_renderd")]
    return importlib.import_module(f"{package}.{name}")


jobs, spools = _load("jobs"), _load("spool")


@pytest.fixture
def session(module_words, tmp_path, spool):
    """Executes lines in Blender with the extension switched on; all that it printed."""

    def go(lines, **env):
        words = [module_words[0], SESSION, BLENDER, textwrap.dedent(lines)]
        own = {"HOME": str(tmp_path), "BLENDER_USER_RESOURCES": str(tmp_path / "blender")}
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("RENDERD_", "XDG_"))}
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            env=clean | own | {"RENDERD_SPOOL": spool.root, "PYTHONDONTWRITEBYTECODE": "1"} | env,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert "Traceback" not in said, said
        return said

    return go


def dropped(spool):
    """The dropped files' bytes by the names of their jobs."""
    found = [path for path in Path(spool.root).iterdir() if names.is_drop(path.name)]
    return {infofile.parse(path.read_bytes()).name: path.read_bytes() for path in found}


def planned(spool, data):
    info = infofile.parse(data)
    return plan.from_info(info, info.name, spool.farm, sys.platform)


def test_the_jobs_are_those_of_render_add(session, spool, tmp_path):
    path = tmp_path / "shot 010 {a} #1.blend"
    said = session(f"""
        odd = [scene_of(name, 1, 9, f"//out/{{n}}_##", step=3)
               for n, name in enumerate(("Main", "-y", "a{{b}} '\\"\\n$(x)", "//", '"q"', "ünï "))]
        only(*odd)
        for scene in odd:
            scene.renderd.is_sent = True
        odd[0].renderd.chunk, odd[0].renderd.priority, odd[0].renderd.pool = 4, 70, "GPU, Big"
        save({str(path)!r})
        odd[0].frame_end = 8
        send()
    """)
    assert "Saved shot 010 {a} #1.blend. 6 jobs, 18 frames sent; see: render" in said
    info = infofile.parse(b"chunk: 4\npriority: 70\npool: gpu, big\n\ntrue\n")
    wish = plan.Wish(
        scenes=tuple(infofile.parse(data).scene for data in dropped(spool).values()), info=info
    )
    added = plan.from_blend(str(path), wish, spool.farm, sys.platform)
    assert len(added) == 6
    assert {draft.name: draft for draft in added} == {
        name: planned(spool, data) for name, data in dropped(spool).items()
    }
    assert {str(run) for draft in added for run in draft.runs} == {"1-7x3"}


def test_one_scene_with_typed_frames_and_on_hold(session, spool, tmp_path):
    said = session(f"""
        scene = scene_of("Main", 1, 250)
        only(scene)
        scene.renderd.frames, scene.renderd.is_held = " 1-9x4, 3, -2 ", True
        save({str(tmp_path / "shot.blend")!r})
        send()
    """)
    assert "1 job, 5 frames sent, held; see: render" in said
    (draft,) = (planned(spool, data) for data in dropped(spool).values())
    assert (draft.name, frames.text(draft.runs)) == ("shot", "1-9x4,3,-2")
    assert draft.info.hold
    assert draft.out == str(tmp_path / "own/f_####")


def test_where_nothing_is_ticked_the_scene_in_view_is_sent(session, spool, tmp_path):
    session(f"""
        only(scene_of("Seen", 1, 2), scene_of("Other", 1, 2, with_camera=False))
        save({str(tmp_path / "shot.blend")!r})
        send()
    """)
    assert [infofile.parse(d).scene for d in dropped(spool).values()] == ["Seen"]


def test_paths_below_a_root_of_the_farm_are_written_with_its_name(session, spool, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    Path(spool.root, "farm.toml").write_text(
        f'[roots]\nproj = {{ linux = "{project}", darwin = "{project}" }}\n'
    )
    session(f"""
        only(scene_of("Main", 1, 2, "//../project/out/f_##"))
        save({str(project / "shot.blend")!r})
        send()
    """)
    (data,) = dropped(spool).values()
    info = infofile.parse(data)
    assert (info.blend, info.out) == ("{proj}/shot.blend", "{proj}/../project/out/f_##")


def test_blenders_own_variables_in_an_output_mean_what_they_mean_there(session, spool, tmp_path):
    said = session(f"""
        scene = scene_of("Main", 1, 2, "//{{scene_name}}/{{blend_name}}_##")
        only(scene)
        save({str(tmp_path / "shot.blend")!r})
        send()
        print("WRITES", scene.render.frame_path(frame=1))
    """)
    (data,) = dropped(spool).values()
    draft = planned(spool, data)
    real = said.partition("WRITES ")[2].splitlines()[0]
    out = template.fill((draft.out,), {})[0]
    assert real == out.replace("##", "01") + ".png"


def test_a_dropped_file_is_whole_and_the_groups_to_move(session, spool, tmp_path):
    session(f"""
        import os
        os.umask(0o077)
        only(scene_of("Main", 1, 2))
        save({str(tmp_path / "shot.blend")!r})
        send()
        send()
    """)
    found = [path for path in Path(spool.root).iterdir() if names.is_drop(path.name)]
    assert len(found) == 2
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert path.read_bytes().endswith(b"\n")
        assert label.slug(path.stem) == path.stem
    assert os.listdir(spool.at("tmp")) == []


NEVER = "only(scene_of('Main', 1, 2))"
SAVED = "; save({file!r})"


def test_what_becomes_of_a_sent_file_is_told(session, spool, tmp_path):
    said = session(f"""
        only(scene_of("Main", 1, 2))
        save({str(tmp_path / "shot.blend")!r})
        send()
        watch = extension("watch")
        watch.end()
        (name,) = watch.last.names
        def look(waited):
            print("LOOK", watch.last.look(waited), watch.last.said, watch.last.is_bad)
        look(1)
        look(61)
        spool = {spool.root!r}
        import os
        os.rename(f"{{spool}}/{{name}}", f"{{spool}}/adopting/ws1-01234567~hk2p2x7~{{name[:-5]}}")
        look(2)
        os.remove(f"{{spool}}/adopting/ws1-01234567~hk2p2x7~{{name[:-5]}}")
        look(3)
        with open(f"{{spool}}/bad/k2p2x7abcd~{{name[:-5]}}.why", "w") as file:
            file.write("output in /etc is not allowed\\n")
        look(4)
    """)
    told = [line for line in said.splitlines() if line.startswith("LOOK ")]
    assert told == [
        "LOOK False  False",
        "LOOK False No daemon has taken it in yet: does one run? True",
        "LOOK False No daemon has taken it in yet: does one run? True",
        "LOOK True The farm has taken in 1 job False",
        "LOOK True Refused: output in /etc is not allowed True",
    ]


HINDRANCES = {
    "never saved": (NEVER, "never saved"),
    "no camera": (
        "only(scene_of('Main', 1, 2, with_camera=False))" + SAVED,
        "'Main' has no camera",
    ),
    "no output": ("only(scene_of('Main', 1, 2, ''))" + SAVED, "has no output path"),
    "a relative output": (
        "only(scene_of('Main', 1, 2, 'out/f_'))" + SAVED,
        "'out/f_' of 'Main' is relative",
    ),
    "two into one": (
        "a, b = scene_of('A', 1, 2), scene_of('B', 1, 2); only(a, b)"
        "; a.renderd.is_sent = b.renderd.is_sent = True" + SAVED,
        "'A' and 'B' both write '//own/f_'",
    ),
    "odd frames": (
        "s = scene_of('Main', 1, 2); only(s); s.renderd.frames = '1..5'" + SAVED,
        "'1..5' is no frame range",
    ),
    "an odd pool": (
        "s = scene_of('Main', 1, 2); only(s); s.renderd.pool = 'a/b'" + SAVED,
        "'a/b' is no name of a pool",
    ),
    "no spool": (
        NEVER + SAVED + "; import os; os.environ.pop('RENDERD_SPOOL')",
        "No spool folder is set",
    ),
    "not mounted": (
        NEVER + SAVED + "; preferences().spool = {empty!r}",
        "is the share mounted?",
    ),
}


@pytest.mark.parametrize("what", HINDRANCES)
def test_what_hinders_is_said_plainly_and_nothing_is_sent(session, spool, tmp_path, what):
    lines, said = HINDRANCES[what]
    empty = tmp_path / "empty"
    empty.mkdir()
    told = session(lines.format(file=str(tmp_path / "a.blend"), empty=str(empty)) + "; send()")
    assert "HINDERED" in told
    assert said in told
    assert dropped(spool) == {}


def test_the_spool_is_found_as_the_daemon_finds_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "config" / "neogeo-renderd" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('spool = "~/spool"\n')
    home = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    if sys.platform == "linux":
        assert spools.configured(home) == (f"{tmp_path}/spool", str(file))
    assert spools.configured({**home, "RENDERD_SPOOL": "/s"}) == ("/s", "RENDERD_SPOOL")
    named = {"RENDERD_CONFIG": str(tmp_path / "none.toml")}
    assert spools.configured({**home, **named}) == ("", "")


def test_the_button_stands_in_the_output_properties_and_the_menu_and_goes_again(session):
    said = session("""
        addon = "bl_ext.tried.neogeo_renderd"
        panel = bpy.types.RENDER_PT_renderd
        print(panel.bl_space_type, panel.bl_context)

        def entries():
            drawn = bpy.types.TOPBAR_MT_render._dyn_ui_initialize()
            return [one.__module__ for one in drawn if one.__module__.startswith(addon)]

        print(entries())
        addon_utils.disable(addon)
        left = [kind for kind in dir(bpy.types) if "renderd" in kind.lower()]
        print("LEFT", entries(), left, hasattr(bpy.types.Scene, "renderd"))
    """)
    assert "PROPERTIES output" in said
    assert "['bl_ext.tried.neogeo_renderd.panel']" in said
    assert "LEFT [] [] False" in said


def test_what_is_drawn_exists_in_this_blender_and_says_what_is_sent(session, tmp_path):
    said = session(f"""
        paper, context = Paper(bpy.types.UILayout), bpy.context
        a, b = scene_of("A", 1, 250), scene_of("B", 1, 9, with_camera=False)
        only(a, b)
        panel, entry = extension("panel"), bpy.types.RENDER_PT_renderd
        entry.draw(Drawn(paper), context)
        save({str(tmp_path / "shot.blend")!r})
        entry.draw(Drawn(paper), context)
        b.renderd.is_sent = True
        entry.draw(Drawn(paper), context)
        only(a)
        entry.draw(Drawn(paper), context)
        panel.draw_in_menu(Drawn(paper), context)
        preferences_type = extension("settings").Preferences
        preferences_type.draw(Drawn(paper, spool=""), context)
        preferences_type.draw(Drawn(paper, spool="/s"), context)
        button = bpy.types.RENDER_OT_renderd_send
        asking = Paper(bpy.types.WindowManager)
        view = Drawn(paper, window_manager=asking, blend_data=bpy.data, scene=a)
        button.invoke(Drawn(paper, shows_settings=True), view, None)
        button.invoke(Drawn(paper, shows_settings=False), view, None)
    """)
    texts = [line.partition(" ")[2] for line in said.splitlines() if line.startswith("TEXT ")]
    never, first, hindered, alone = (
        next(at for at, said in enumerate(texts) if said.startswith(text))
        for text in (
            "The file was never saved: save it",
            "A: 250 frames",
            "'B' has no camera",
            "Render Daemon…",
        )
    )
    assert never < first < hindered < alone
    assert "From RENDERD_SPOOL" in texts
    assert "Save and send?" in texts


NFS = """\
22 1 0:20 / / rw - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/farm rw - {share} server:/farm rw
31 22 0:41 / /mnt/my\\040files rw - xfs /dev/sdb1 rw
"""


@pytest.mark.parametrize("share", [kind for kind in SHARED if kind != "fuse.moosefs"] + ["fuse"])
def test_what_no_other_machine_sees_is_known_by_its_disk(share):
    farm = spools.Farm("/mnt/farm/spool", {"cache": "/mnt/my files/shared"})
    table = NFS.format(share=share)
    assert spools.only_here("/tmp", farm, table)
    assert spools.only_here("/mnt/my files/out", farm, table)
    assert not spools.only_here("/mnt/my files/shared/out", farm, table)
    assert not spools.only_here("/mnt/farm/out", farm, table)
    assert not spools.only_here("/tmp", spools.Farm("/home/spool", {}), table)
    assert not spools.only_here("/tmp", farm, "")


def test_a_farm_of_a_later_release_or_of_signed_files_is_left_alone(spool):
    Path(spool.root, "farm.toml").write_text("[trust]\nsigned = true\n")
    with pytest.raises(jobs.Hindrance, match="signed files only"):
        spools.look(spool.root)
    Path(spool.root, "farm.toml").write_text("[trust\n")
    with pytest.raises(jobs.Hindrance, match=r"farm\.toml is wrong"):
        spools.look(spool.root)
    Path(spool.root, "SPOOL").write_text("id: abcdefgh\nformat: 2\n")
    with pytest.raises(jobs.Hindrance, match="newer release"):
        spools.look(spool.root)


CHARACTERS = st.characters(exclude_characters="\0")
TEXT = st.text(CHARACTERS) | st.text("{}\"'\\ \t\n#:a/\x85\udcff")


@given(TEXT.filter(bool), TEXT)
def test_any_name_of_a_scene_or_job_is_read_back(scene, name):
    job = jobs.Job(
        name=name, blend="/p/a.blend", scene=scene, frames="1", out="/p/f", blender="4.2"
    )
    info = infofile.parse(job.text())
    assert (info.scene, info.name) == (scene, jobs.label(name))
    assert label.slug(f"{job.slug()}-0123abcd") == f"{job.slug()}-0123abcd"


@given(TEXT.filter(bool))
@example('/p/{proj}/{{"a}')
def test_any_path_is_read_back_as_it_was(path):
    try:
        written = jobs.rooted(path, {})
    except jobs.Hindrance:
        return
    assert template.fill((written,), {"proj": "/wrong"}) == (path,)


@given(
    st.sampled_from(["/p", "/p/a", "/q", "/pa"]), st.sampled_from(["", "/{a}.blend", "/a/x", "x"])
)
def test_roots_are_found_as_the_farm_finds_them(start, end):
    roots = {"proj": "/p", "deep": "/p/a", "q": "/q"}
    farm = Farm(roots=tuple(Root(name=n, linux=p, windows=p) for n, p in roots.items()))
    assert jobs.rooted(start + end, roots) == farm.contract_roots(start + end, "linux")


def test_windows_knows_no_case_and_both_slashes():
    roots = {"proj": "P:\\Proj"}
    assert jobs.rooted("p:\\proj\\a\\b.blend", roots, on_windows=True) == "{proj}/a/b.blend"
    with pytest.raises(jobs.Hindrance, match="no path root"):
        jobs.rooted("C:\\a.blend", roots, on_windows=True)


@given(st.text("0123456789-x, ", max_size=24))
@example("1-10x3,4,-3--1")
def test_what_it_takes_for_frames_the_farm_takes_too(text):
    try:
        number = jobs.count(text)
    except jobs.Hindrance:
        return
    assert len({frame for run in frames.parse(text) for frame in run}) == number


@given(st.integers(-9, 9), st.integers(-9, 30), st.integers(1, 7))
def test_a_scenes_own_range_is_the_one_of_render_add(start, end, step):
    text = jobs.own_frames(start, end, step)
    wanted = list(range(start, end + 1, step))
    assert [f for run in (frames.parse(text) if text else ()) for f in run] == wanted


def test_only_known_variables_of_blender_5_pass():
    assert jobs.templated("/p/{scene_name}/{{a}}_#", {}) == "/p/{scene_name}/{{a}}_#"
    with pytest.raises(jobs.Hindrance, match=r"\{fps\}, which the farm does not fill"):
        jobs.templated("/p/{fps}", {})


@pytest.fixture
def archive(tmp_path):
    """The zip that `make extension` makes."""
    make = runpy.run_path(str(BLENDER / "make.py"))["make"]
    return make(tmp_path / "dist")


def test_the_zip_holds_the_extension_and_nothing_else(archive):
    sources = {path.name for path in (BLENDER / "neogeo_renderd").glob("*.py")}
    with zipfile.ZipFile(archive) as made:
        assert set(made.namelist()) == sources | {"blender_manifest.toml", "LICENSE"}
        assert made.read("panel.py") == (BLENDER / "neogeo_renderd/panel.py").read_bytes()
    assert archive.name == f"neogeo_renderd-{renderd.__version__.partition('.dev')[0]}.zip"


def test_blenders_own_tool_finds_nothing_wrong_with_the_zip(archive, module_words):
    python = module_words[0]
    code = "import bpy; print(bpy.utils.resource_path('LOCAL'))"
    folder = subprocess.check_output([python, "-c", code], text=True).splitlines()[-1]
    tool = Path(folder, "scripts/addons_core/bl_pkg/cli/blender_ext.py")
    done = subprocess.run(
        [python, tool, "validate", archive], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
