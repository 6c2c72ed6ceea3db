"""Info files say what was meant, survive being written, and are refused in plain words."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import frames, infofile
from renderd.core.infofile import Info, Needs
from renderd.core.infovalue import ENV_NAMES
from renderd.core.video import Video
from renderd.errors import InfoFileError

NO_CONTROL = st.characters(exclude_categories=["Cc", "Cs"])
WORDS = st.text(NO_CONTROL | st.just("\t"), max_size=12)
PROGRAMS = st.text(NO_CONTROL, min_size=1, max_size=12)
#: what a scene may be called: line breaks, and bytes that are not UTF-8
WILD = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    | st.sampled_from('\udc80\udcff\n"\\ ,'),
    max_size=12,
)
VISIBLE = st.text("abÄ'\"#:,{} \\ショ", max_size=12).filter(lambda text: text.strip())
NAMES = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,12}", fullmatch=True)
JOB_NAMES = st.text("ab#: x'9", min_size=1, max_size=8).map(str.strip).filter(bool)
SECONDS = st.none() | st.integers(0, 10**9).map(float) | st.floats(0.001, 10**6)


def lists(of, key=None):
    return st.lists(of, max_size=3, unique_by=key or (lambda item: item)).map(tuple)


NEEDS = st.builds(
    Needs,
    ram=st.none() | st.integers(0, 2**50),
    blender=st.sampled_from(["", ">=4.2", ">=4.2,<5.0", "==4.2.3", "!=3.6"]),
    gpu=st.booleans(),
    tags=lists(NAMES),
    pool=lists(NAMES),
)
ENV = st.tuples(st.sampled_from([name.replace("*", "THING_2") for name in ENV_NAMES]), WILD)
INFOS = st.builds(
    Info,
    commands=st.lists(
        st.tuples(PROGRAMS, st.lists(WORDS, max_size=4)).map(lambda line: (line[0], *line[1])),
        min_size=1,
        max_size=3,
    ).map(tuple),
    name=st.just("") | VISIBLE,
    frames=st.none() | st.sampled_from(["1-250x2,300", "-20--11", "7"]).map(frames.parse),
    chunk=st.none() | st.integers(0, 1000),
    blend=st.just("") | VISIBLE,
    scene=WILD,
    out=st.just("") | VISIBLE,
    priority=st.integers(0, 99),
    pool=lists(NAMES),
    needs=NEEDS,
    after=lists(JOB_NAMES),
    hold=st.booleans(),
    nodes=st.none() | st.integers(1, 500),
    timeout=SECONDS,
    missing=st.sampled_from(["fail", "warn"]),
    whole=st.booleans(),
    warm=st.booleans(),
    env=lists(ENV, key=lambda pair: pair[0]),
    keep=SECONDS,
    retries=st.integers(0, 99),
    video=st.none() | VISIBLE.map(lambda path: Video("h264", f"{path}.mp4")),
    extra=lists(
        st.tuples(st.sampled_from(["x-chunks", "x-owner", "x-note"]), WILD),
        key=lambda pair: pair[0],
    ),
)


@given(INFOS)
def test_a_written_info_reads_back_the_same(info):
    assert infofile.parse(infofile.text(info)) == info


@given(INFOS)
def test_bytes_with_bom_and_crlf_read_as_the_plain_text(info):
    windows = b"\xef\xbb\xbf" + infofile.text(info).replace("\n", "\r\n").encode()
    assert infofile.parse(windows) == info


@given(st.binary(max_size=80) | st.text(max_size=80))
def test_any_bytes_are_an_info_or_an_info_file_error(data):
    with contextlib.suppress(InfoFileError):
        infofile.parse(data)


@given(
    st.lists(st.sampled_from(["name: a", 'x-b: "c', "frames: 1-2", "", "# c", "run 'x y'", "Z:"]))
)
def test_what_could_be_read_can_be_written(lines):
    with contextlib.suppress(InfoFileError):
        info = infofile.parse("\n".join(lines))
        assert infofile.parse(infofile.text(info)) == info


def test_a_bare_command_line_is_an_info():
    info = infofile.parse(b"blender -b /p/shot010.blend -s 1 -e 250 -a\n")
    assert info == Info(
        commands=(("blender", "-b", "/p/shot010.blend", "-s", "1", "-e", "250", "-a"),)
    )


def test_every_key_is_understood():
    info = infofile.parse(
        """\
# the night's comp
name: shot010 comp
frames: 1-250
chunk: 10
blend: /p/shot010.blend
scene: Main
out: /p/out/shot010_####.exr
priority: 70
pool: Night, day
needs: ram>=16G, blender>=4.2, gpu, tag=fast, pool=gpu
after: shot010-sim, k2p9aaaaaa
hold: yes
nodes: 4
timeout: 2h30m
missing: warn
whole: yes
warm: no
env: OCIO=/p/config.ocio, BLENDER_USER_SCRIPTS="/p/a, b"
keep: 30d
retries: 5
video: prores /p/edit/shot010.mov
x-chunks: 25

nuke -x -F {start}-{end} '/p/my comp.nk'
# afterwards
touch /p/done
"""
    )
    assert info == Info(
        commands=(
            ("nuke", "-x", "-F", "{start}-{end}", "/p/my comp.nk"),
            ("touch", "/p/done"),
        ),
        name="shot010 comp",
        frames=frames.parse("1-250"),
        chunk=10,
        blend="/p/shot010.blend",
        scene="Main",
        out="/p/out/shot010_####.exr",
        priority=70,
        pool=("night", "day", "gpu"),
        needs=Needs(ram=16 * 2**30, blender=">=4.2", gpu=True, tags=("fast",)),
        after=("shot010-sim", "k2p9aaaaaa"),
        hold=True,
        nodes=4,
        timeout=9000.0,
        missing="warn",
        whole=True,
        warm=False,
        env=(("OCIO", "/p/config.ocio"), ("BLENDER_USER_SCRIPTS", "/p/a, b")),
        keep=30 * 86_400.0,
        retries=5,
        video=Video("prores", "/p/edit/shot010.mov"),
        extra=(("x-chunks", "25"),),
    )


def test_a_blend_needs_no_command_line():
    assert infofile.parse("blend: /p/a.blend\nchunk: auto") == Info(
        commands=(), blend="/p/a.blend", chunk=0
    )


def test_blank_lines_and_comments_before_the_headers_do_not_hide_them():
    assert infofile.parse("\n# a\n\nname: x\n# b\nhold: yes\n\n# c\nrun").name == "x"


def test_a_windows_path_as_program_is_no_header():
    assert infofile.parse(r"'C:\Program Files\nuke.exe' -x").commands[0][1] == "-x"
    assert infofile.parse("c:/nuke.exe -x").commands == (("c:/nuke.exe", "-x"),)


def test_headers_are_told_from_commands_by_the_first_line_alone():
    assert infofile.parse("run\n\nname: x").commands == (("run",), ("name:", "x"))


def test_a_hash_inside_a_line_is_no_comment():
    info = infofile.parse("out: /o/x_####.png\n\nrun a#b #c")
    assert (info.out, info.commands) == ("/o/x_####.png", (("run", "a#b", "#c"),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("# only words\n\n", "empty"),
        ("name: x\n\n", "no command line"),
        ("prioriy: 7\n\nrun", "line 1: there is no key 'prioriy'; did you mean 'priority'?"),
        ("name: x\n# c\nname: y\n\nrun", "line 3: 'name' is said a second time; say it once"),
        ("name: x\nrun\n", "line 2: 'run' is no `key: value`; leave a blank line"),
        ("name:\n\nrun", "line 1: 'name' has no value"),
        ("Name: x\n\nrun", "line 1: 'Name: x' is almost a header; write `name: value`"),
        ("name:x\n\nrun", "almost a header"),
        ("run 'a\n", 'line 1: a quote is not closed in "run \'a"'),
        ("run a\\", "the line ends in a backslash"),
        ("''", "line 1: the program's name is empty"),
        ("frames: 1-\n\nrun", "line 1: frames: '1-' is no frame range; write frames as"),
        ("chunk: 0\n\nrun", "line 1: chunk: '0' is no number 1-10000000 or auto"),
        ("priority: 100\n\nrun", "'100' is no number 0-99"),
        ("priority: ٣\n\nrun", "no number"),
        ("hold: true\n\nrun", "line 1: hold: 'true' is neither yes nor no"),
        ("missing: ok\n\nrun", "'ok' is neither fail nor warn"),
        ("timeout: soon\n\nrun", "timeout: 'soon' is no duration; write 90 (seconds), 10m"),
        ("needs: ram>=16\n\nrun", "needs: '16' is no size; write it with its unit: 16G"),
        ("needs: rom>=16G\n\nrun", "'rom>=16G' is no need; did you mean 'ram'?"),
        ("needs: blender>=new\n\nrun", "'>=new' is no condition on Blender's version"),
        ("needs: gpu, tag=a b\n\nrun", "'a b' is no name of a tag"),
        ("needs: ,\n\nrun", "nothing is asked for"),
        ("pool: a b c/d\n\nrun", "'c/d' is no name of a pool"),
        ("after: a,,b\n\nrun", "between two commas"),
        ("env: LD_PRELOAD=/x.so\n\nrun", "a job may not set 'LD_PRELOAD'; allowed are OCIO"),
        ("env: OCIO\n\nrun", "'OCIO' is no NAME=value"),
        ("env: OCIO=a, OCIO=b\n\nrun", "'OCIO' is set a second time"),
        ('blend: "C:\\new.blend"\n\nrun', "is no path"),
        ("a\n\nrun \0", "line 3: the info file holds a NUL"),
        ("run \x1b[31m", "line 1: the info file holds the control character '\\x1b'"),
        (b"run\n\nrun \xe9", "line 3: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ("run\r\n".encode("utf-16"), "line 1: byte 0xff is not UTF-8"),
        (b"run " + b"a" * 2**20, "larger than 1 MiB"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_line_word_and_remedy(text, message):
    with pytest.raises(InfoFileError) as caught:
        infofile.parse(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("start", ["", "timeout: 1d", "needs: blender>", "env: ", "x"])
@pytest.mark.parametrize("filler", [" ", "9", "\t,", '"', "\\", "{", "-", "a"])
def test_a_word_of_half_a_mebibyte_makes_neither_a_long_wait_nor_a_long_message(start, filler):
    said = ""
    try:
        infofile.parse(start + filler * (2**19 // len(filler)) + "!\n\nrun")
    except InfoFileError as error:
        said = str(error)
    assert len(said) < 400


def test_a_file_of_exactly_one_mebibyte_is_read():
    assert infofile.parse(b"run " + b"a" * (2**20 - 4)).commands


@pytest.mark.parametrize(
    "info",
    [
        Info(commands=()),
        Info(commands=((),)),
        Info(commands=(("",),)),
        Info(commands=(("run", "two\nlines"),)),
        Info(commands=(("run", "\udc80"),)),
        Info(commands=(("run",),), priority=100),
        Info(commands=(("run",),), chunk=-1),
        Info(commands=(("run",),), name="\x1b[31m"),
        Info(commands=(("run",),), blend="two\nlines"),
        Info(commands=(("run",),), scene="\ud800"),
        Info(commands=(("run",),), pool=("Two words",)),
        Info(commands=(("run",),), after=("a,b",)),
        Info(commands=(("run",),), timeout=float("nan")),
        Info(commands=(("run",),), frames=()),
        Info(commands=(("run",),), missing="maybe"),
        Info(commands=(("run",),), env=(("PATH", "/x"),)),
        Info(commands=(("run",),), extra=(("chunks", "1"),)),
        Info(commands=(("run",),), needs=Needs(blender="new")),
        Info(commands=(("run", "a" * 2**20),)),
    ],
)
def test_what_no_info_file_can_say_is_not_written(info):
    with pytest.raises(InfoFileError):
        infofile.text(info)


def test_a_pool_among_the_needs_is_a_pool_of_the_job():
    info = Info(commands=(("run",),), pool=("a",), needs=Needs(gpu=True, pool=("b", "a")))
    assert (info.pool, info.needs) == (("a", "b"), Needs(gpu=True))


def test_the_canonical_form_is_what_a_person_would_write():
    info = infofile.parse(
        'priority: 070\nname: "shot"\nchunk: 9\ntimeout: 5400\nneeds: gpu,ram>=16384M\n\nrun "a b"'
    )
    assert infofile.text(info) == (
        "name: shot\nchunk: 9\npriority: 70\nneeds: ram>=16G, gpu\ntimeout: 1h30m\n\nrun 'a b'\n"
    )


def test_placeholders_without_a_value_are_named():
    info = infofile.parse("out: /o/#\n\nrun {start} {out} {blend} {proj}/x {blend_name} {{end}}")
    assert infofile.lacking(info) == ("start", "blend")
