"""The words and the environment that a chunk is started with on this node."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from renderd.blender.versions import BlenderProgram
from renderd.core import command, farm, frames
from renderd.core.chunk import Chunk, State
from renderd.core.infofile import Info
from renderd.core.job import Job, Writes
from renderd.core.needs import Needs
from renderd.daemon import recipe
from renderd.daemon.work import Work
from renderd.spool.allowed import output_allowed
from renderd.spool.claims import Claim
from renderd.spool.layout import Spool
from renderd.spool.output import Output

ROOTS = farm.parse('[roots]\nproj = { linux = "/mnt/proj", darwin = "/mnt/proj" }')
STEM = "00001.1.ws07-0123abcd"
PRIVATE = f"/p/out/.renderd/k2p9x7q4ab/{STEM}"
MakeWork = Callable[..., Work]


@pytest.fixture
def rooted(spool: Spool) -> Spool:
    return replace(spool, farm=ROOTS)


@pytest.fixture
def make() -> MakeWork:
    """A claimed chunk, its command lines as its info file says them."""

    def work(
        *lines: str,
        span: str = "1-10",
        writes: Writes = Writes.PRIVATE,
        pattern: str = "o_####.png",
        **said: Any,
    ) -> Work:
        (run,) = frames.parse(span) if span else (None,)
        words = tuple(tuple(line.split()) for line in lines)
        info = Info(commands=words, **said)
        job = Job(jid="k2p9x7q4ab", info=info, chunks=1, name="shot", writes=writes)
        chunk = Chunk(1, run, 1, state=State.RUN, owner="ws07-0123abcd", nonce="k2p9")
        output = Output(job.jid, "/p/out", pattern, writes)
        has_output = writes is not Writes.NOTHING
        return Work(Claim(job.jid, chunk), job, words, output if has_output else None, 0.0)

    return work


def words_of(spool: Spool, work: Work, missing: Any = None, blenders: Any = ()) -> Any:
    wanted = work.frames if missing is None else missing
    return recipe.command_lines(spool, work, wanted, blenders)


def test_path_roots_become_this_machines_paths(rooted: Spool, make: MakeWork) -> None:
    work = make("prog {proj}/a {{proj}} {other}", writes=Writes.NOTHING)
    assert words_of(rooted, work) == [("prog", "/mnt/proj/a", "{proj}", "{other}")]


def test_blender_writes_where_its_frames_are_verified(rooted: Spool, make: MakeWork) -> None:
    work = make("blender -b /p/a.blend -o /p/out/o_####.png -s 1 -e 10 -j 1 -a")
    (words,) = words_of(rooted, work)
    found = command.parse(words)
    assert found is not None
    assert found.out == f"{PRIVATE}/o_####.png"
    assert found.runs == frames.parse("1-10")


@pytest.mark.parametrize("missing", ["3", "1,4,7", "2-4,9-10", "1-9x2"])
def test_only_missing_frames_are_rendered(rooted: Spool, make: MakeWork, missing: str) -> None:
    work = make("blender -b /p/a.blend -s 1 -e 10 -j 1 -a")
    wanted = [frame for run in frames.parse(missing) for frame in run]
    found = command.parse(words_of(rooted, work, wanted)[0])
    assert found is not None
    assert found.runs is not None
    assert sorted(frame for run in found.runs for frame in run) == wanted
    assert found.problems == ()


@pytest.mark.parametrize("kind", [{"whole": True}, {"writes": Writes.MOVIE}])
def test_what_must_be_whole_is_rendered_whole_again(
    rooted: Spool, make: MakeWork, kind: dict[str, Any]
) -> None:
    work = make("blender -b /p/a.blend -s 1 -e 10 -j 1 -a", **kind)
    found = command.parse(words_of(rooted, work, [9, 10])[0])
    assert found is not None
    assert found.runs == frames.parse("1-10")


def test_other_programs_get_the_private_place_for_out(rooted: Spool, make: MakeWork) -> None:
    work = make("nuke -F 1-10 /p/c.nk --to=/p/out/o_####.png")
    assert words_of(rooted, work)[0][-1] == f"--to={PRIVATE}/o_####.png"


def test_out_of_one_frame_is_its_private_file(rooted: Spool, make: MakeWork) -> None:
    work = make("prog /p/out/o_0007.png", span="7")
    assert words_of(rooted, work)[0][-1] == f"{PRIVATE}/o_0007.png"


def test_a_blender_script_that_was_given_out_gets_the_private_place(
    rooted: Spool, make: MakeWork
) -> None:
    work = make("blender -b /p/a.blend -P /p/r.py -- /p/out/o_####.png")
    (words,) = words_of(rooted, work)
    assert words[1:] == (
        *("-Y", "-b", "/p/a.blend", "-P", "/p/r.py", "--"),
        f"{PRIVATE}/o_####.png",
    )


def test_a_script_beside_the_render_keeps_its_words(rooted: Spool, make: MakeWork) -> None:
    work = make("blender -b /p/a.blend -P /p/save.py", "blender -b /p/a.blend -s 1 -e 10 -a")
    assert words_of(rooted, work)[0][2:] == ("-b", "/p/a.blend", "-P", "/p/save.py")


def test_a_program_that_writes_in_place_keeps_its_words(rooted: Spool, make: MakeWork) -> None:
    work = make("prog /p/out/o_####.png", writes=Writes.ITSELF)
    assert words_of(rooted, work) == [("prog", "/p/out/o_####.png")]


OLD = BlenderProgram(("/opt/blender-3.4/blender",), (3, 4, 1))
NEW = BlenderProgram(("/opt/blender-4.5/blender",), (4, 5, 2))
LINE = "blender -b /p/a.blend -s 1 -e 10 -a"


def test_blender_alone_is_the_newest_that_fits_where_nothing_is_known_of_the_file(
    rooted: Spool, make: MakeWork
) -> None:
    assert words_of(rooted, make(LINE), blenders=(NEW, OLD))[0][0] == NEW.words[0]
    older = make(LINE, needs=Needs(blender="<4"))
    assert words_of(rooted, older, blenders=(NEW, OLD))[0][0] == OLD.words[0]


@pytest.mark.parametrize(
    ("made", "program"),
    [("2.79", OLD), ("3.4", OLD), ("3.6", NEW), ("4.5", NEW), ("odd", NEW)],
)
def test_of_several_blenders_the_one_nearest_to_the_file_runs(
    rooted: Spool, make: MakeWork, made: str, program: BlenderProgram
) -> None:
    work = make(LINE, extra=(("x-blend-version", made),))
    assert words_of(rooted, work, blenders=(NEW, OLD))[0][0] == program.words[0]


def test_a_job_never_runs_in_a_blender_it_did_not_ask_for(rooted: Spool, make: MakeWork) -> None:
    own = make(LINE, needs=Needs(blender="==4.5"), extra=(("x-blend-version", "4.5"),))
    assert words_of(rooted, own, blenders=(NEW, OLD))[0][0] == NEW.words[0]
    with pytest.raises(recipe.NoBlender, match="no Blender"):
        words_of(rooted, own, blenders=(OLD,))
    takes_any = make(LINE, needs=Needs(blender="any"), extra=(("x-blend-version", "3.4"),))
    assert words_of(rooted, takes_any, blenders=(NEW,))[0][0] == NEW.words[0]


@pytest.mark.parametrize(
    ("said", "blenders"),
    [
        ({"extra": (("x-blend-version", "5.0"),)}, (NEW, OLD)),
        ({"needs": Needs(blender="==4.2")}, (NEW, OLD)),
        ({"needs": Needs(blender="<4"), "extra": (("x-blend-version", "3.6"),)}, (NEW, OLD)),
    ],
)
@pytest.mark.parametrize("line", [LINE, f"nice -n 5 {LINE}", f"env LANG=C {LINE}"])
def test_the_wrong_blender_never_runs(
    rooted: Spool, make: MakeWork, said: dict[str, Any], blenders: Any, line: str
) -> None:
    with pytest.raises(recipe.NoBlender, match="no Blender of this node fits"):
        words_of(rooted, make(line, **said), blenders=blenders)


def test_a_file_that_became_newer_than_the_blender_is_refused_before_it_is_opened(
    tmp_path: Path,
) -> None:
    """Saved anew by 4.9 after the node had looked: 3.4 crashes on it."""
    path = tmp_path / "shot.blend"

    def demand(*header: bytes) -> None:
        path.write_bytes(b"".join(header) + b"ENDB" + bytes(20))
        words = (*OLD.words, "-b", str(path), "-s", "1", "-e", "2", "-a")
        recipe.demand_openable(words, [NEW, OLD])

    demand(b"BLENDER-v304")
    demand(b"no .blend at all")  # of which Blender itself says what it is
    with pytest.raises(recipe.NoBlender, match=r"would take Blender 3\.4\.1, but .*4\.9"):
        demand(b"BLENDER-v409")
    with pytest.raises(recipe.NoBlender, match=r"5\.0"):
        demand(b"BLENDER17-01v0500")


def test_a_blender_behind_another_program_is_chosen_too(rooted: Spool, make: MakeWork) -> None:
    work = make(f"nice -n 5 {LINE}", needs=Needs(blender="<4"))
    words = words_of(rooted, work, blenders=(NEW, OLD))[0]
    assert words[:4] == ("nice", "-n", "5", OLD.words[0])


def test_a_blender_that_lacks_what_the_farm_asks_is_passed_over(
    rooted: Spool, make: MakeWork
) -> None:
    ill = replace(OLD, fault="lacks the add-on 'x' in Blender 3.4")
    work = make(LINE, extra=(("x-blend-version", "3.4"),))
    assert words_of(rooted, work, blenders=(NEW, ill))[0][0] == NEW.words[0]
    with pytest.raises(recipe.NoBlender, match="lacks the add-on"):
        words_of(rooted, work, blenders=(ill,))


def test_add_ons_are_called_as_the_blender_that_runs_calls_them(
    spool: Spool, make: MakeWork
) -> None:
    ruled = replace(spool, farm=farm.parse('[blender]\naddons = ["x"]\n'))
    new = replace(NEW, addons=("bl_ext.user_default.x",))
    words = words_of(ruled, make(LINE), blenders=(new,))[0]
    assert words[words.index("--addons") + 1] == "bl_ext.user_default.x"
    told = recipe.environment(ruled, make(LINE), "ws07", {})
    assert (told["RENDERD_ADDONS"], told["RENDERD_DEVICE"]) == ("x", "auto")


def test_path_roots_in_variables_become_this_machines_paths(rooted: Spool, make: MakeWork) -> None:
    work = make("prog", env=(("OCIO", "{proj}/config.ocio"),))
    assert recipe.environment(rooted, work, "ws07", {})["OCIO"] == "/mnt/proj/config.ocio"


def test_a_blender_named_by_its_path_is_that_one(rooted: Spool, make: MakeWork) -> None:
    work = make("/opt/mine/blender -b /p/a.blend -s 1 -e 10 -a")
    assert words_of(rooted, work, blenders=(NEW, OLD))[0][0] == "/opt/mine/blender"


@pytest.mark.parametrize(
    ("said", "path", "switch"),
    [
        ("", "/p/a.blend", "-Y"),
        ('autoexec = "on"', "/p/a.blend", "-y"),
        ('autoexec = "trusted"', "/p/a.blend", "-Y"),
        ('autoexec = "trusted"\ntrusted = ["{proj}/ok"]', "{proj}/ok/a.blend", "-y"),
        ('autoexec = "trusted"\ntrusted = ["{proj}/ok"]', "{proj}/ok/../a.blend", "-Y"),
    ],
)
def test_the_farm_decides_whether_scripts_in_files_run(
    spool: Spool, make: MakeWork, said: str, path: str, switch: str
) -> None:
    text = f'[roots]\nproj = {{ linux = "/mnt/proj", darwin = "/mnt/proj" }}\n[blender]\n{said}\n'
    ruled = replace(spool, farm=farm.parse(text))
    for own in ("-Y ", ""):
        words = words_of(ruled, make(f"blender {own}-b {path} -s 1 -e 10 -a"))[0]
        assert [w for w in words if w in ("-y", "-Y")] == [switch]
        assert words[1] == switch
    for own in ("-y", "--enable-autoexec"):  # what a command says itself changes nothing
        explicit = words_of(ruled, make(f"blender -b {path} {own} -s 1 -e 10 -a"))[0]
        assert [w for w in explicit if w in ("-y", "-Y", own)] == [switch]


def test_scripts_run_only_where_every_file_lies_in_a_trusted_folder(
    spool: Spool, make: MakeWork, tmp_path: Path
) -> None:
    ok = tmp_path / "ok"
    ok.mkdir()
    (ok / "link.blend").symlink_to(tmp_path / "evil.blend")
    text = f"[roots]\np = {{ linux = '{tmp_path}', darwin = '{tmp_path}' }}\n"
    text += "[blender]\nautoexec = 'trusted'\ntrusted = ['{p}/ok']\n"
    ruled = replace(spool, farm=farm.parse(text))

    def switch(files: str) -> str:
        return str(words_of(ruled, make(f"blender -b {files} -s 1 -e 10 -a"))[0][1])

    assert switch("{p}/ok/.a.k2p9x7q4ab.blend") == "-y"  # a snapshot, beside its original
    assert switch("{p}/ok/link.blend") == "-Y"
    assert switch("{p}/evil.blend {p}/ok/a.blend") == "-Y"
    assert switch("{p}/okay/a.blend") == "-Y"


def test_a_copy_made_of_a_link_is_trusted_only_where_the_linked_file_is(
    spool: Spool, make: MakeWork, tmp_path: Path
) -> None:
    ok = tmp_path / "ok"
    ok.mkdir()
    (ok / "a.blend").touch()
    (ok / "inner.blend").symlink_to(ok / "a.blend")
    (ok / "outer.blend").symlink_to(tmp_path / "evil.blend")
    text = f"[roots]\np = {{ linux = '{tmp_path}', darwin = '{tmp_path}' }}\n"
    text += "[blender]\nautoexec = 'trusted'\ntrusted = ['{p}/ok']\n"
    ruled = replace(spool, farm=farm.parse(text))

    def switch(name: str) -> str:
        copy = f"{{p}}/ok/.{name}.k2p9x7q4ab.blend"
        extra = (("x-original", f"{{p}}/ok/{name}.blend"),)
        work = make(f"blender -b {copy} -s 1 -e 10 -a", blend=copy, extra=extra)
        return str(words_of(ruled, work)[0][1])

    assert (switch("a"), switch("inner"), switch("outer")) == ("-y", "-y", "-Y")


def test_the_farms_addons_scripts_and_device_hold_for_every_blender(
    spool: Spool, make: MakeWork
) -> None:
    text = '[blender]\naddons = ["one", "two"]\nscripts = "/p/scripts"\ndevice = "cpu"\n'
    ruled = replace(spool, farm=farm.parse(text))
    work = make(LINE)
    words = words_of(ruled, work)[0]
    assert words[1:4] == ("-Y", "--addons", "one,two")
    assert "--cycles-device" not in words
    assert (
        recipe.environment(ruled, work, "ws07", recipe.base({}))["BLENDER_USER_SCRIPTS"]
        == "/p/scripts"
    )
    assert recipe.environment(ruled, work, "ws07", {})["RENDERD_DEVICE"] == "cpu"
    own = words_of(ruled, make(LINE + " -- mine --cycles-device CUDA more"))[0]
    assert own[-3:] == ("--", "mine", "more")
    free = replace(spool, farm=farm.parse(""))
    own = words_of(free, make(LINE + " -- --cycles-device CUDA"))[0]
    assert own[-3:] == ("--", "--cycles-device", "CUDA")
    other = make("prog -y", writes=Writes.NOTHING)
    assert words_of(ruled, other) == [("prog", "-y")]


def test_blender_tells_what_is_missing_before_its_first_frame(
    rooted: Spool, make: MakeWork
) -> None:
    words = words_of(rooted, make(LINE), [1, 4, 5])[0]
    scripts = [words[at + 1] for at, word in enumerate(words) if word == "-P"]
    assert [os.path.basename(script) for script in scripts] == [
        "machine.py",
        "complaints.py",
        "unbaked.py",
        "prologue.py",
    ]
    assert all(map(os.path.exists, scripts))
    assert words.index(scripts[-1]) < words.index("-a" if "-a" in words else "-f")
    for line in ("blender -b /p/a.blend -P /p/x.py", "flatpak run org.blender.Blender -b /p/a -a"):
        assert not any("complaints" in word for word in words_of(rooted, make(line))[0])


def test_braces_are_doubled_for_a_blender_that_fills_them(rooted: Spool, make: MakeWork) -> None:
    newest = BlenderProgram(("/opt/blender-5.0/blender",), (5, 0, 1))
    for program, base in ((OLD, "{x}_####.png"), (newest, "{{x}}_####.png")):
        words = words_of(rooted, make(LINE, pattern="{x}_####.png"), blenders=(program,))[0]
        assert words[words.index("-o") + 1] == f"{PRIVATE}/{base}"
        own = f"{program.words[0]} -b /p/a.blend -s 1 -e 10 -a"
        words = words_of(rooted, make(own, pattern="{x}_####.png"), blenders=(program,))[0]
        assert words[words.index("-o") + 1] == f"{PRIVATE}/{base}"


def test_the_environment_is_clean_and_tells_what_runs(rooted: Spool, make: MakeWork) -> None:
    work = make("prog", env=(("OCIO", "/p/job.ocio"),))
    inherited = {
        "PATH": "/usr/bin",
        "HOME": "/home/artist",
        "LANG": "C.UTF-8",
        "CUDA_VISIBLE_DEVICES": "0",
        "OCIO": "/home/artist/own.ocio",
        "AWS_SECRET_ACCESS_KEY": "x",
        "PYTHONPATH": "/evil",
        "LD_PRELOAD": "/evil.so",
        "RENDERD_TOKEN": "x",
    }
    told = recipe.environment(rooted, work, "ws07", recipe.base(inherited))
    assert {k: v for k, v in told.items() if k in inherited} == {
        "PATH": "/usr/bin",
        "HOME": "/home/artist",
        "LANG": "C.UTF-8",
        "CUDA_VISIBLE_DEVICES": "0",
        "OCIO": "/p/job.ocio",
    }
    assert told["RENDERD_OUT"] == "/p/out/o_####.png"
    assert (told["RENDERD_FRAMES"], told["RENDERD_START"], told["RENDERD_END"]) == (
        "1-10",
        "1",
        "10",
    )
    assert (told["RENDERD_NODE"], told["RENDERD_INCARNATION"]) == ("ws07", "ws07-0123abcd")
    assert (told["RENDERD_JOB"], told["RENDERD_JOB_NAME"]) == ("k2p9x7q4ab", "shot")
    assert told["RENDERD_SPOOL"] == rooted.root


def test_a_command_is_found_also_where_the_daemon_has_no_path(
    rooted: Spool, make: MakeWork
) -> None:
    assert recipe.environment(rooted, make("prog"), "ws07", recipe.base({}))["PATH"] == os.defpath


def test_a_command_without_frames_has_none_in_its_environment(
    rooted: Spool, make: MakeWork
) -> None:
    told = recipe.environment(
        rooted, make("prog", span="", writes=Writes.NOTHING), "ws07", recipe.base({})
    )
    assert told["RENDERD_FRAMES"] == ""
    assert "RENDERD_START" not in told
    assert "RENDERD_OUT" not in told


def test_commands_start_at_home_or_at_the_root(tmp_path: Path) -> None:
    assert recipe.working_folder({"HOME": str(tmp_path)}) == str(tmp_path)
    assert recipe.working_folder({"HOME": str(tmp_path / "gone")}) == "/"
    assert recipe.working_folder({}) == "/"


def test_this_platform_is_one_that_the_roots_name() -> None:
    assert ROOTS.roots_on(sys.platform)["proj"] == "/mnt/proj"


FORBIDDEN = [
    ("touch /p/out/x",),
    ("blender -b /p/a.blend -a", "sh -c true"),
    ("/p/blender -b /p/a.blend -a",),
    ("env blender -b /p/a.blend -a",),
]


@pytest.mark.parametrize("lines", FORBIDDEN)
def test_a_chunks_own_lines_start_no_program_that_is_not_allowed(
    rooted: Spool, make: MakeWork, lines: tuple[str, ...]
) -> None:
    with pytest.raises(recipe.NotAllowed, match="does not allow the program"):
        recipe.demand_allowed(rooted, make(*lines), [("blender",), ("b*",)], lambda _: True)


@pytest.mark.parametrize("out", ["/etc/cron.d/f_#", "//../f_#", "{proj}/../f_#", "../f_#"])
def test_a_chunks_own_blender_writes_nowhere_that_is_not_allowed(
    rooted: Spool, make: MakeWork, out: str
) -> None:
    def allows(folder: str) -> bool:
        return output_allowed(folder, ["/p", "/mnt/proj"])

    work = make(f"blender -b /p/a.blend -o {out} -a", writes=Writes.NOTHING)
    with pytest.raises(recipe.NotAllowed, match="does not allow output in"):
        recipe.demand_allowed(rooted, work, [("blender",)], allows)
    fine = make("blender -b /p/a.blend -o {proj}/f_# -a", writes=Writes.NOTHING)
    recipe.demand_allowed(rooted, fine, [("blender",)], allows)


@pytest.mark.parametrize("switch", ["-y", "--enable-autoexec"])
@pytest.mark.parametrize("place", range(2, 7))
def test_no_place_in_a_command_lets_it_switch_scripts_on(
    rooted: Spool, make: MakeWork, switch: str, place: int
) -> None:
    words = "blender -b /p/a.blend -s {s} -a".replace("{s}", "1").split()
    words.insert(min(place, len(words)), switch)
    (said,) = words_of(rooted, make(" ".join(words), writes=Writes.NOTHING))
    found = command.parse(said)
    assert found is not None
    assert found.autoexec is False


@pytest.mark.parametrize("name", ["-y", "--enable-autoexec", "--python-expr", "-P", "-o", "--"])
def test_a_file_named_like_an_option_switches_nothing_on(
    rooted: Spool, make: MakeWork, name: str
) -> None:
    words = command.template(blend=name, out=f"/p/{name}/f_####", autoexec=False)
    (said,) = words_of(rooted, make(" ".join(words), blend=name, writes=Writes.NOTHING))
    assert not {name} & {word for word in said if not word.endswith(".py")} - {"-P", "-o"}
    found = command.parse(said)
    assert found is not None
    assert found.autoexec is False
    assert found.blend == f"./{name}"
