"""Add-ons and the device are as farm.toml says, by real Blenders, or the render ends."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from renderd.blender.abilities import SCRIPT, AbilityCache, Wanted, ask
from renderd.blender.versions import BlenderProgram, ask_version
from renderd.daemon.recipe import base

pytestmark = pytest.mark.blender
ROOT = Path(__file__).parents[2]
MINE = """
bl_info = {"name": "Mine", "blender": (2, 80, 0), "version": (1, 0), "category": "Render"}
def register():
    import bpy
    bpy.app.driver_namespace["mine"] = 1
def unregister():
    pass
"""


@pytest.fixture
def environ(tmp_path):
    """The environment of a node whose user has no settings of Blender's."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {"HOME": str(home), "PYTHONPATH": str(ROOT)}
    unwanted = ("XDG_CONFIG_HOME",)
    known = {k: v for k, v in base(os.environ).items() if k not in unwanted}
    return {**known, **kept}


@pytest.fixture
def wanted(environ):
    return lambda *addons, device="auto", **more: Wanted(
        addons=addons, device=device, environ={**environ, **more}
    )


def check_what_it_says(words, wanted):
    found = ask(words, wanted("node_wrangler"))
    assert (found.fault, found.addons) == ("", ("node_wrangler",))
    found = ask(words, wanted("node_wrangler", "nobody_has_this"))
    assert found.fault.startswith("lacks the add-on 'nobody_has_this' in Blender ")
    found = ask(words, wanted(device="gpu"))
    assert found.fault in ("", "has no GPU that Cycles can use")  # as this machine has one or not


def test_blender_says_which_add_ons_and_gpus_it_has(blender, wanted):
    check_what_it_says((blender,), wanted)


def test_the_package_says_which_add_ons_and_gpus_it_has(module_words, wanted):
    check_what_it_says(tuple(module_words), wanted)


def test_an_add_on_of_the_farms_script_folder_is_found(blender, wanted, tmp_path):
    (tmp_path / "scripts" / "addons").mkdir(parents=True)
    (tmp_path / "scripts" / "addons" / "mine.py").write_text(MINE)
    assert "lacks the add-on 'mine'" in ask((blender,), wanted("mine")).fault
    found = ask((blender,), wanted("mine", BLENDER_USER_SCRIPTS=str(tmp_path / "scripts")))
    assert (found.fault, found.addons) == ("", ("mine",))


def test_an_add_on_that_breaks_is_lacking_and_says_how(blender, wanted, tmp_path):
    (tmp_path / "scripts" / "addons").mkdir(parents=True)
    broken = MINE.replace("import bpy", "import not_installed")
    (tmp_path / "scripts" / "addons" / "mine.py").write_text(broken)
    found = ask((blender,), wanted("mine", BLENDER_USER_SCRIPTS=str(tmp_path / "scripts")))
    assert found.fault.startswith("lacks the add-on 'mine'")
    assert "not_installed" in found.fault


def test_an_extension_is_found_under_the_name_it_had_before(module_words, wanted, environ):
    version = ask_version(["env", f"PYTHONPATH={ROOT}", *module_words])
    folder = "{}.{}".format(*version)
    place = Path(environ["HOME"], ".config/blender", folder, "extensions/user_default/mine")
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(MINE)
    (place / "blender_manifest.toml").write_text(
        'schema_version = "1.0.0"\nid = "mine"\nversion = "1.0.0"\nname = "Mine"\n'
        'tagline = "Mine"\nmaintainer = "Me"\ntype = "add-on"\nblender_version_min = "4.2.0"\n'
        'license = ["SPDX:GPL-3.0-or-later"]\n'
    )
    for name in ("mine", "bl_ext.user_default.mine", "bl_ext.blender_org.mine"):
        found = ask(tuple(module_words), wanted(name))
        assert (found.fault, found.addons) == ("", ("bl_ext.user_default.mine",))


def test_what_is_no_blender_is_a_fault(wanted):
    assert (
        "does not start: it said" in ask((sys.executable, "-c", "print('hello')"), wanted()).fault
    )
    assert "does not start: No such file" in ask(("/nowhere/blender",), wanted()).fault


CUDA = (
    "import bpy; s = bpy.context.scene; s.render.engine = 'CYCLES'; s.cycles.device = 'GPU';"
    " s.cycles.samples = 1"
)


def test_cpu_of_the_farm_is_set_whatever_the_file_says(blender, run, tiny, out, environ):
    words = [blender, "--factory-startup", "-b", tiny / "tiny.blend", "--python-expr", CUDA]
    words += [
        "-P",
        SCRIPT,
        "--python-expr",
        "import bpy; print('IS', bpy.context.scene.cycles.device)",
    ]
    done = run([*words, "-o", out / "f_", "-f", "1"], **environ, RENDERD_DEVICE="cpu")
    assert "renderd: renders on CPU, as farm.toml says" in done.text
    assert "IS CPU" in done.text
    assert (done.status, done.files) == (0, ["f_0001.png"])
    free = run([*words, "-o", out / "g_"], **environ, RENDERD_DEVICE="auto")
    assert "renderd: renders on GPU, as the file says" in free.text
    assert "IS GPU" in free.text


def test_a_gpu_that_is_not_there_ends_the_render_instead_of_falling_back(
    blender, run, tiny, out, environ
):
    words = [blender, "--factory-startup", "-b", tiny / "tiny.blend", "--python-expr", CUDA]
    words += ["-P", SCRIPT, "-o", out / "f_", "-f", "1"]
    done = run(words, **environ, RENDERD_DEVICE="gpu")
    if "renders on GPU: " in done.text:
        pytest.skip("there is a GPU here")
    assert (done.status, done.files) == (3, [])
    assert done.watch.reason.cause == "unable"
    assert done.watch.reason.text == "renderd: unable: has no GPU that Cycles can use"


def test_a_yes_is_kept_and_a_no_is_asked_again(blender, wanted, tmp_path):
    scripts = tmp_path / "scripts" / "addons"
    scripts.mkdir(parents=True)
    asked = wanted("mine", BLENDER_USER_SCRIPTS=str(scripts.parent))
    program, state = BlenderProgram((blender,), (3, 4, 1)), str(tmp_path / "state")
    assert "lacks" in AbilityCache(state).examine(program, asked).fault
    (scripts / "mine.py").write_text(MINE)
    yes = replace(program, addons=("mine",))
    assert AbilityCache(state).examine(program, asked) == yes
    (scripts / "mine.py").unlink()
    assert AbilityCache(state).examine(program, asked) == yes
    other = replace(asked, addons=("mine", "nobody_has_this"))
    assert "lacks" in AbilityCache(state).examine(program, other).fault
