"""The command line as a real process: exit statuses, errors, JSON, help."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from frontend.cli import verbs
from renderd.spool.layout import Spool

ROOT = Path(__file__).parents[2]


def render(*words: str, spool: Spool | None = None, **extra: str) -> subprocess.CompletedProcess:
    """Run `render` as a person would, without this machine's own settings."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("RENDERD_")}
    env |= {"PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": "/nonexistent", "NO_COLOR": "1", **extra}
    if spool is not None:
        env["RENDERD_SPOOL"] = spool.root
    command = [sys.executable, "-m", "frontend.cli.app", *words]
    return subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=60)


def test_without_arguments_and_a_screen_it_says_what_can_be_done():
    done = render(QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")
    assert done.returncode == 1
    assert "There is no screen here" in done.stdout
    assert all(f"  {name} " in done.stdout for name in verbs.NAMES)


def test_a_file_is_shown_in_the_window_and_is_no_verb(tmp_path):
    path = tmp_path / "shot.blend"
    none = {"QT_QPA_PLATFORM": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    assert "there is no verb" in render(str(path), **none).stderr
    path.write_bytes(b"BLENDER")
    for words in ([str(path)], ["--spool", "/nonexistent", str(path)]):
        done = render(*words, **none)
        assert done.returncode == 1
        assert "There is no screen here" in done.stdout


def test_every_verb_explains_itself_and_none_loads_qt():
    for name in verbs.NAMES:
        done = render(name, "--help")
        assert done.returncode == 0, done.stderr
        assert "--json" in done.stdout
    code = (
        "import importlib, sys\nfrom frontend.cli import verbs\n"
        "[importlib.import_module(f'frontend.cli.{n}') for n in verbs.NAMES]\n"
        "print([m for m in sys.modules if m.startswith('PyQt')])\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=env, check=False, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("jobz",), "there is no verb 'jobz'; did you mean 'jobs'?"),
        (("jobs", "--jsn"), "does not take '--jsn'; did you mean '--json'?"),
        (("jobs", "--stat", "held"), "does not take '--stat'; did you mean '--state'?"),
        (("jobs", "--state", "heldd"), "no job can be 'heldd'; did you mean 'held'?"),
        (("hold",), "the following arguments are required: JOB"),
        (("add",), "what is to be rendered?"),
        (("node", "puse", "ws1"), "did you mean 'pause'?"),
        (("priority", "high", "x"), "'high' is no priority"),
        (("limit", "x"), "what is to be changed?"),
        (("skip", "x"), "which chunks are to be skipped?"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_status_2(spool: Spool, words, says):
    done = render(*words, spool=spool)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_verbs_are_not_abbreviated(spool: Spool):
    assert render("job", spool=spool).returncode == 2


def test_no_spool_named_is_a_matter_of_settings():
    done = render("jobs")
    assert done.returncode == 2
    assert "no spool is named" in done.stderr


def test_an_unmounted_spool_is_status_10(tmp_path: Path):
    done = render("--spool", str(tmp_path), "jobs")
    assert done.returncode == 10
    assert "no SPOOL file" in done.stderr


def test_a_spool_of_a_later_release_is_status_12(spool: Spool):
    Path(spool.at("SPOOL")).write_text("id: abcdefgh\nformat: 99\n")
    assert render("jobs", spool=spool).returncode == 12


def test_an_error_is_json_too_where_json_is_asked_for(tmp_path: Path):
    done = render("jobs", "--json", "--spool", str(tmp_path))
    value = json.loads(done.stdout)
    assert (value["schema"], value["code"]) == (1, 10)
    assert value["error"]
    assert done.stderr


def test_the_spool_may_be_named_before_or_after_the_verb(spool: Spool):
    for words in (("--spool", spool.root, "jobs"), ("jobs", f"--spool={spool.root}")):
        assert render(*words, RENDERD_SPOOL="/nonexistent").returncode == 0


def test_options_may_stand_between_the_words(spool: Spool, publish, worker):
    publish("one")
    publish("two")
    done = render("hold", "one", "--json", "two", spool=spool)
    assert [job["state"] for job in json.loads(done.stdout)["jobs"]] == ["held", "held"]
    done = render("node", "pause", "--for", "10m", "ws07", spool=spool)
    assert done.stdout.startswith("ws07: pause")


def test_a_reader_that_leaves_early_is_no_error(spool: Spool, publish):
    publish(span="1-3000", chunk=1)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "RENDERD_SPOOL": spool.root}
    words = [sys.executable, "-m", "frontend.cli.app", "chunks", "shot"]
    with subprocess.Popen(
        words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_an_interrupted_watch_ends_with_130(spool: Spool, publish):
    publish()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "RENDERD_SPOOL": spool.root}
    words = [sys.executable, "-m", "frontend.cli.app", "watch", "--json-lines"]
    # Where the tests run in a shell's background, their programs would be deaf to it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, before)
    with process:
        assert json.loads(process.stdout.readline())["jobs"]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == b""


def test_colours_come_only_when_asked_for(spool: Spool, publish):
    publish(held=True)
    assert "\x1b[" not in render("jobs", spool=spool).stdout
    assert "\x1b[" in render("jobs", "--color", spool=spool).stdout


def test_states_are_words_where_signs_cannot_be_shown(spool: Spool, publish):
    publish(held=True)
    done = render("jobs", spool=spool, PYTHONIOENCODING="ascii")
    assert "= held" in done.stdout
    assert done.returncode == 0


def test_a_name_that_the_terminal_cannot_show_stops_nothing(spool: Spool, publish):
    publish("größe 日本")
    done = render("jobs", spool=spool, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "gr??e" in done.stdout


def test_the_version_is_said():
    assert render("--version").stdout.startswith("render ")


def test_config_says_where_a_setting_comes_from(spool: Spool):
    done = render("config", "--show-origin", "--json", spool=spool)
    settings = {one["name"]: one for one in json.loads(done.stdout)["settings"]}
    assert "RENDERD_SPOOL" in settings["spool"]["origin"]
