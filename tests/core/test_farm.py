"""farm.toml is understood whole or refused by name; roots mean the same file on each platform."""

import contextlib
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import farm
from renderd.core.farm import Farm, Root
from renderd.errors import ConfigError

ROOTS = Farm(
    roots=(
        Root(name="proj", linux="/mnt/proj", darwin="/Volumes/proj", windows="P:"),
        Root(name="out", linux="/mnt/proj/out", windows="\\\\nas\\out"),
    )
)
PATHS = st.text("ab{}/ .", max_size=10).map(lambda end: "/mnt/proj" + end) | st.text("{}/ab")
FULL = """
[roots]
proj = { linux = "/mnt/proj/", darwin = "/Volumes/proj", windows = 'P:\\' }
[tags]
ws07 = ["A6000", "fast"]
[blender]
globs = ["/opt/blender-*/blender"]
autoexec = "trusted"
trusted = ["{proj}/assets"]
scripts = "{proj}/scripts"
addons = ["cycles", "node_wrangler"]
device = "gpu"
[allow]
programs = ["blender"]
outputs = ["/mnt/out", '\\\\nas\\out']
[keep]
days = 7
gb = 0.5
[trust]
share = true
signed = true
[chunks]
auto = "2m"
tail = false
"""


def test_an_absent_file_and_the_written_template_both_mean_the_defaults():
    assert farm.parse("") == Farm()
    assert farm.parse(Farm.template()) == Farm()
    assert farm.parse(Farm.template(trust_share=True)) == Farm(trust_share=True)


def test_the_templates_examples_are_valid_when_uncommented():
    lines = Farm.template().splitlines()
    examples = [line.removeprefix("# ") for line in lines if " = " in line and line[:2] == "# "]
    text = "\n".join(
        line.removeprefix("# ") if line.removeprefix("# ") in examples else line for line in lines
    )
    assert tomllib.loads(text).keys() == farm._SECTIONS.keys() | {"roots", "tags"}
    assert farm.parse(text).trusted == ("{proj}/assets",)


def test_every_key_is_understood():
    assert farm.parse(FULL) == Farm(
        roots=(Root(name="proj", linux="/mnt/proj", darwin="/Volumes/proj", windows="P:"),),
        tags=(("ws07", ("a6000", "fast")),),
        blender=("/opt/blender-*/blender",),
        autoexec="trusted",
        trusted=("{proj}/assets",),
        scripts="{proj}/scripts",
        addons=("cycles", "node_wrangler"),
        device="gpu",
        programs=("blender",),
        outputs=("/mnt/out", "\\\\nas\\out"),
        keep_days=7,
        keep_gb=0.5,
        trust_share=True,
        signed=True,
        auto_s=120.0,
        tail=False,
    )
    assert farm.parse(FULL).tags_of("ws07") == ("a6000", "fast")
    assert farm.parse(FULL).tags_of("ws08") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[rots]", "farm.toml: there is no key 'rots'; did you mean 'roots'?"),
        ("[blender]\nglob = []", "there is no key 'blender.glob'; did you mean 'globs'?"),
        ("[roots]\nproj = {linus = '/x'}", "'roots.proj.linus'; did you mean 'linux'?"),
        ("[roots]\nproj = '/x'", "roots.proj is '/x'; it takes a table"),
        ("[roots]\nproj = {linux = 'x'}", "roots.proj.linux is 'x'; it takes a whole path"),
        ("[roots]\nproj = {linux = '/'}", "below the top folder"),
        ("[roots]\nstart = {linux = '/x'}", "'start' is no name for a root"),
        ("[roots]\n'a b' = {linux = '/x'}", "'a b' is no name for a root"),
        ("[blender]\nautoexec = true", "blender.autoexec is True; it takes text"),
        ("[blender]\nautoexec = 'yes'", "it takes one of off, trusted, on"),
        ("[blender]\nglobs = '/x'", "it takes a list of texts"),
        ("[allow]\noutputs = ['out']", "it takes whole paths"),
        ("[keep]\ndays = 1.5", "keep.days is 1.5; it takes a whole number"),
        ("[keep]\ngb = -1", "keep.gb is -1; it takes a number from 0"),
        ("[keep]\ngb = true", "it takes a number"),
        ("[trust]\nshare = 1", "trust.share is 1; it takes true or false"),
        ("[chunks]\nauto = 'soon'", 'it takes a duration: 90, "10m"'),
        ("[tags]\nws07 = ['a b']", "tags: 'a b' is no name of a tag"),
        ("roots = 3", "it takes a table"),
        ("[roots", "farm.toml is no TOML"),
    ],
)
def test_a_wrong_key_or_value_is_refused_by_name(text, message):
    with pytest.raises(ConfigError) as caught:
        farm.parse(text)
    assert message in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_a_farm_or_a_config_error(text):
    with contextlib.suppress(ConfigError):
        farm.parse(text)


@given(PATHS)
def test_a_contracted_path_expands_to_itself(path):
    if not path.startswith(("{proj}", "{out}")):
        contracted = ROOTS.contract_roots(path, "linux")
        assert ROOTS.expand_roots(contracted, "linux") == path


@pytest.mark.parametrize(
    ("path", "platform", "contracted"),
    [
        ("/mnt/proj/a.blend", "linux", "{proj}/a.blend"),
        ("/mnt/proj/out/x_####", "linux", "{out}/x_####"),
        ("/mnt/project/a", "linux", "/mnt/project/a"),
        ("/mnt/proj", "linux", "{proj}"),
        ("/mnt/proj/../etc", "linux", "/mnt/proj/../etc"),
        ("/mnt/proj/a", "darwin", "/mnt/proj/a"),
        ("/Volumes/proj/a", "darwin", "{proj}/a"),
        ("p:\\shots\\a.blend", "win32", "{proj}/shots/a.blend"),
        ("\\\\NAS\\out\\x", "windows", "{out}/x"),
        ("P:\\a", "linux", "P:\\a"),
        ("{proj}/a", "linux", "{proj}/a"),
    ],
)
def test_a_path_below_a_root_is_written_with_its_name(path, platform, contracted):
    assert ROOTS.contract_roots(path, platform) == contracted


def test_a_root_that_the_platform_lacks_stays_and_is_named():
    assert ROOTS.expand_roots("{out}/x {blend_name}", "darwin") == "{out}/x {blend_name}"
    assert ROOTS.lacking_roots("{out}/x {blend_name} {proj}", "darwin") == ("out",)
    assert ROOTS.lacking_roots("{out}/x", "linux") == ()


def test_the_roots_that_a_platform_lacks_are_known():
    assert ROOTS.lacks("linux") == frozenset()
    assert ROOTS.lacks("darwin") == {"out"}


def test_a_root_expands_to_the_platforms_path():
    assert ROOTS.expand_roots("--o={proj}/x", "linux") == "--o=/mnt/proj/x"
    assert ROOTS.expand_roots("{proj}/x", "win32") == "P:/x"


def test_inside_a_folder_means_below_it_whatever_looks_alike():
    assert farm.inside("/o/a", ("/x", "/o/"))
    assert farm.inside("/o", ("/o",))
    for path in ["/other", "/o/../etc", "o/a", "/", "/x/o/a"]:
        assert not farm.inside(path, ("/o",))


def test_only_listed_programs_may_run():
    allowed = ("blender", "/opt/blender-*/blender")
    for program in ["blender", "/opt/blender-4.2/blender"]:
        assert farm.may_run(program, allowed)
    for program in [
        "bash",
        "/tmp/blender",
        "./blender",
        "/opt/blender-x/../../bin/blender",
        "/opt/blender-/a/blender",
    ]:
        assert not farm.may_run(program, allowed)
    assert farm.may_run("anything", ())
