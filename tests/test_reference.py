"""The reference knows every key, and its examples are valid."""

import re
from pathlib import Path

import pytest

from renderd import config
from renderd.core import farm, infofile
from renderd.core.infovalue import ENV_NAMES
from renderd.core.template import NAMES as PLACEHOLDERS

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def page(name):
    return (REFERENCE / name).read_text(encoding="utf-8")


def examples(name, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", page(name), re.MULTILINE | re.DOTALL)


def rows(name):
    return set(re.findall(r"^\| `([a-z_]+)` \|", page(name), re.MULTILINE))


def test_the_info_file_page_has_exactly_the_keys_there_are():
    keys = page("info-file.md").split("## Keys")[1].split("### Frame ranges")[0]
    assert re.findall(r"^\| `([a-z]+)` \|", keys, re.MULTILINE) == list(infofile._CODECS)


def test_the_info_file_page_names_placeholders_and_variables():
    assert all(f"`{{{name}}}`" in page("info-file.md") for name in PLACEHOLDERS)
    assert all(f"`{name}`" in page("info-file.md") for name in ENV_NAMES)


def test_the_farm_page_has_exactly_the_keys_there_are():
    assert rows("farm-toml.md") == {key for keys in farm._SECTIONS.values() for key in keys}


def test_the_configuration_page_has_exactly_the_settings_there_are():
    assert rows("configuration.md") == set(config.NAMES)


@pytest.mark.parametrize("text", examples("info-file.md", "info"))
def test_an_info_file_in_the_reference_is_valid(text):
    assert infofile.lacking(infofile.parse(text)) == ()


@pytest.mark.parametrize("text", examples("farm-toml.md", "toml"))
def test_a_farm_toml_in_the_reference_is_valid(text):
    assert farm.parse(text) != farm.Farm()


@pytest.mark.parametrize("text", examples("configuration.md", "toml"))
def test_a_configuration_in_the_reference_is_valid(text, tmp_path):
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    environ = {"RENDERD_CONFIG": str(tmp_path / "config.toml")}
    assert config.load({}, environ).pools == ("night", "gpu")
