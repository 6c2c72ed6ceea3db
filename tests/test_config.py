"""Settings come from where they are said last, and a wrong one is named with its place."""

import argparse
import os
import tomllib

import pytest

from renderd import config
from renderd.config import NAMES, Settings
from renderd.errors import ConfigError


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user of one's own: XDG and HOME below tmp_path, no RENDERD_ variables."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    for name in [name for name in os.environ if name.startswith("RENDERD_")]:
        monkeypatch.delenv(name)
    return tmp_path


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def load(home, environ=None, **flags):
    return config.load(flags, environ or {}, system_file=str(home / "system.toml"))


def user_file(home):
    (found,) = [path for path in config.files({}) if str(home) in path]
    return home.joinpath(found)


def test_without_anything_said_every_setting_is_its_default(home):
    settings = load(home)
    assert settings == Settings()
    assert set(settings.origins.values()) == {"default"}
    assert set(settings.origins) == set(NAMES)


def test_each_source_beats_the_weaker_ones(home):
    system = written(
        home / "system.toml", 'node = "a"\nslots = 2\nhang = "1h"\nlog_level = "debug"'
    )
    user = written(user_file(home), 'node = "b"\nslots = 3\nhang = 60')
    settings = load(home, {"RENDERD_NODE": "c", "RENDERD_SLOTS": "4"}, node="d", pools=None)
    assert (settings.node, settings.slots, settings.hang, settings.log_level) == (
        "d",
        4,
        60,
        "debug",
    )
    assert [settings.origins[name] for name in ("node", "slots", "hang", "log_level", "pools")] == [
        "flag --node",
        "environment RENDERD_SLOTS",
        user,
        system,
        "default",
    ]


def test_the_file_named_by_renderd_config_is_the_only_one(home):
    written(home / "system.toml", "slots = 2")
    written(user_file(home), 'node = "b"')
    only = written(home / "only.toml", "once = true")
    settings = load(home, {"RENDERD_CONFIG": only})
    assert (settings.slots, settings.node, settings.once) == (1, "", True)
    with pytest.raises(ConfigError, match=r"there is no .*absent\.toml"):
        load(home, {"RENDERD_CONFIG": str(home / "absent.toml")})


def test_systemds_configuration_directory_holds_the_system_file(home):
    written(home / "unit" / "config.toml", "slots = 5")
    assert load(home, {"CONFIGURATION_DIRECTORY": f"{home}/unit:/x"}).slots == 5


TEXTS = {
    "spool": ("/mnt/farm", "/mnt/farm"),
    "node": ("ws07", "ws07"),
    "pools": ("Night, day,night", ("night", "day")),
    "tags": ("fast", ("fast",)),
    "slots": ("2", 2),
    "memory": ("24G", 24 * 2**30),
    "when": ("away", "away"),
    "away": ("5m", 300.0),
    "office": ("mon-thu 8-17, fri 8-12", "mon-thu 8-17, fri 8-12"),
    "yields": ("memory,heat", ("memory", "heat")),
    "yield_load": ("50", 50),
    "yield_stall": ("5", 5),
    "yield_free": ("10", 10),
    "yield_battery": ("40", 40),
    "yield_heat": ("12", 12),
    "suspend_below": ("50", 50),
    "awake": ("yes", True),
    "warm": ("yes", True),
    "once": ("yes", True),
    "allow_root": ("1", True),
    "programs": ("blender,/opt/x", ("blender", "/opt/x")),
    "outputs": ("/a,/b", ("/a", "/b")),
    "key": ("/etc/farm.key", "/etc/farm.key"),
    "blender": ("/opt/blender", ("/opt/blender",)),
    "hang": ("1h30m", 5400.0),
    "log_cap": ("16M", 16 * 2**20),
    "log_level": ("debug", "debug"),
    "state_dir": ("/var/x", "/var/x"),
    "runtime_dir": ("/run/x", "/run/x"),
    "socket": ("/run/x.sock", "/run/x.sock"),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_a_variable_and_a_flag_of_its_name(home, name):
    text, value = TEXTS[name]
    assert getattr(load(home, {f"RENDERD_{name.upper()}": text}), name) == value
    parser = argparse.ArgumentParser()
    config.add_flags(parser)
    flag = "--" + name.replace("_", "-")
    given = vars(parser.parse_args([flag] if value is True else [flag, text]))
    settings = config.load(given, {}, system_file="")
    assert getattr(settings, name) == value
    assert settings.origins[name] == f"flag {flag}"


def test_what_is_shown_is_a_file_that_says_the_same(home):
    told = {f"RENDERD_{name.upper()}": text for name, (text, _) in TEXTS.items()}
    settings = load(home, {**told, "RENDERD_NODE": 'a"b\\c'})
    lines = [f"{name} = {value}" for name, value, _ in config.shown(settings)]
    again = load(home, {"RENDERD_CONFIG": written(home / "again.toml", "\n".join(lines))})
    assert again == settings
    assert tomllib.loads("\n".join(lines)).keys() == set(NAMES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slot = 2", "there is no key 'slot'; did you mean 'slots'?"),
        ("slots = 0", "slots is 0; it takes a number from 1 to 64"),
        ('slots = "2"', "slots is '2'; it takes a number"),
        ("once = 1", "once is 1; it takes true or false"),
        ('pools = "a"', "pools is 'a'; it takes a list of texts"),
        ('pools = ["a b"]', "pools is ['a b']; it takes names"),
        ('spool = "farm"', "spool is 'farm'; it takes a whole path"),
        ('outputs = ["o"]', "it takes a list of whole paths"),
        ('log_level = "loud"', "it takes one of info, debug, warning, error"),
        ('hang = "soon"', "it takes a duration"),
        ('log_cap = "64"', "it takes a size with its unit"),
        ("slots = ", "is no TOML"),
        ("origins = {}", "there is no key 'origins'"),
    ],
)
def test_a_wrong_line_is_named_with_its_file(home, text, message):
    path = written(home / "system.toml", text)
    with pytest.raises(ConfigError) as caught:
        load(home)
    assert str(caught.value).startswith(path)
    assert message in str(caught.value)


def test_a_wrong_variable_or_flag_is_named(home):
    with pytest.raises(ConfigError, match=r"environment RENDERD_SLOTS: slots is 'two'"):
        load(home, {"RENDERD_SLOTS": "two"})
    with pytest.raises(ConfigError, match=r"flag --once: once is 'maybe'"):
        load(home, once="maybe")
    with pytest.raises(ConfigError, match=r"flag --slot: there is no key 'slot'"):
        load(home, slot="2")


def test_a_file_that_is_no_text_is_refused_not_a_traceback(home):
    (home / "system.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(home)


def test_an_empty_variable_says_nothing(home):
    assert load(home, {"RENDERD_SLOTS": "", "RENDERD_CONFIG": ""}) == Settings()


def test_a_path_typed_by_a_person_is_taken_from_where_he_stands(home, monkeypatch):
    monkeypatch.chdir(home)
    assert load(home, spool="farm").spool == os.path.join(os.getcwd(), "farm")
    assert load(home, {"RENDERD_SPOOL": "~/farm"}).spool == str(home / "farm")


def test_a_mistyped_variable_is_doubtful_but_a_commands_own_is_not():
    environ = {"RENDERD_SPOLL": "/x", "RENDERD_JOB": "a", "RENDERD_X_POOL": "b", "RENDERD_QQ": "c"}
    assert config.doubtful(environ) == (("RENDERD_SPOLL", "did you mean RENDERD_SPOOL?"),)


def test_each_limit_of_courtesy_is_told_to_what_decides(home):
    names = ("load", "stall", "free", "battery", "heat")
    flags = {f"yield_{name}": str(number) for number, name in enumerate(names, 1)}
    limits = config.policy(load(home, **flags, suspend_below="9")).limits
    assert [getattr(limits, name) for name in names] == [1, 2, 3, 4, 5]
    assert limits.held == 9
