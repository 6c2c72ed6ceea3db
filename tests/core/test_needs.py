"""Needs are met by the versions that a person would expect."""

import pytest

from renderd.core import needs
from renderd.core.needs import Needs
from renderd.errors import InfoFileError


@pytest.mark.parametrize(
    ("spec", "version", "met"),
    [
        ("", (2, 79), True),
        (">=4.2", (4, 2, 0), True),
        (">=4.2", (4, 1, 9), False),
        (">=4.2", (5,), True),
        ("==4.2", (4, 2, 3), True),
        ("<=4.2", (4, 2, 3), True),
        (">4.2", (4, 2, 3), False),
        (">4.2", (4, 3, 0), True),
        ("<5", (4, 5, 1), True),
        (">=4.2,<5.0", (5, 0, 1), False),
        ("!=4.3", (4, 3, 2), False),
        ("==4.2.3", (4, 2), False),
        ("any", (2, 79), True),
    ],
)
def test_a_version_is_compared_as_far_as_the_condition_says(spec, version, met):
    assert needs.fits(spec, version) is met


def test_conditions_have_one_form():
    assert needs.conditions(" 4.2 ") == "==4.2"
    assert needs.conditions("= 4.2 , <5") == "==4.2,<5"
    assert Needs.parse("blender >= 4.2, blender<5, RAM>=1G").text() == (
        "ram>=1G, blender>=4.2, blender<5"
    )


@pytest.mark.parametrize("text", ["blender=any", "blender any", "Blender == ANY"])
def test_any_blender_has_one_form(text):
    assert Needs.parse(text).blender == needs.ANY
    assert Needs.parse(text).text() == "blender=any"


@pytest.mark.parametrize(
    "text",
    [
        "blender=any, blender>=4",
        "ram>=1G, ram>=2G",
        "gpu=1",
        "tag",
        "blender",
        "ram<1G",
        "=",
        "cpu",
    ],
)
def test_a_wrong_need_is_refused_by_its_word(text):
    with pytest.raises(InfoFileError):
        Needs.parse(text)
