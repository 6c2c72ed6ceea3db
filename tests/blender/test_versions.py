"""Which Blenders a machine has, and which of them may open a file."""

import os
import sys
from pathlib import Path

import pytest

from renderd.blender.versions import (
    BlenderProgram,
    VersionCache,
    ask_version,
    choose,
    find_blenders,
    too_new,
)


@pytest.fixture
def install(tmp_path):
    """Put a program somewhere that answers -v as a Blender and counts how often it was asked."""

    def put(name, answer, folder=None):
        place = tmp_path / name
        place.mkdir(parents=True)
        program = place / "blender"
        program.write_text(f'#!/bin/sh\necho asked >>"$0.log"\necho "{answer}"\n')
        program.chmod(0o755)
        if folder:
            (place / folder / "scripts").mkdir(parents=True)
        return str(program)

    return put


def asked(program):
    log = Path(f"{program}.log")
    return len(log.read_text().splitlines()) if log.exists() else 0


def programs(found):
    return [one for one in found if not one.is_module]


def test_blenders_are_found_by_glob_and_on_path_newest_first(install, tmp_path):
    old = install("a/blender-3.6", "Blender 3.6.9")
    new = install("a/blender-4.2", "Blender 4.2.3 LTS")
    on_path = install("bin", "Blender 4.1.0")
    found = find_blenders(
        [str(tmp_path / "a" / "*" / "blender")],
        os.path.dirname(on_path),
        VersionCache(str(tmp_path / "state")),
    )
    assert [(one.words, one.version) for one in programs(found)] == [
        ((new,), (4, 2, 3)),
        ((on_path,), (4, 1, 0)),
        ((old,), (3, 6, 9)),
    ]


def test_of_two_of_one_version_the_first_on_path_is_taken(install, tmp_path):
    first, second = install("one", "Blender 4.2.3"), install("two", "Blender 4.2.3")
    path = f"{os.path.dirname(first)}:{os.path.dirname(second)}"
    found = programs(find_blenders([], path, VersionCache(str(tmp_path / "state"))))
    assert [one.words for one in found] == [(first,), (second,)]
    assert choose(found, 402).words == (first,)


def test_one_program_with_two_names_is_one_blender(install, tmp_path):
    real = install("real", "Blender 4.2.3")
    link = tmp_path / "links"
    link.mkdir()
    (link / "blender").symlink_to(real)
    found = find_blenders([real], str(link), VersionCache(str(tmp_path / "state")))
    assert len(programs(found)) == 1


def test_a_program_is_asked_once_until_it_changes(install, tmp_path):
    program = install("x", "Blender 4.2.3")
    for _ in range(2):
        cache = VersionCache(str(tmp_path / "state"))
        assert programs(find_blenders([program], "", cache))[0].version == (4, 2, 3)
    assert asked(program) == 1
    with open(program, "a") as file:
        file.write("# repaired\n")
    cache = VersionCache(str(tmp_path / "state"))
    assert cache.ask(program) == (4, 2, 3)
    assert asked(program) == 2


def test_the_folder_beside_a_program_that_says_nothing_tells_its_version(install, tmp_path):
    silent = install("x", "", folder="4.5")
    told = install("y", "Blender 4.5.2", folder="4.5")
    found = programs(find_blenders([silent, told], "", VersionCache(str(tmp_path / "state"))))
    assert [(one.words[0], one.version) for one in found] == [
        (told, (4, 5, 2)),
        (silent, (4, 5, 0)),
    ]


@pytest.mark.parametrize("content", ["", "[]", "nonsense", '{"a": "b"}', '{"a": [1, "x", 3]}'])
def test_a_damaged_cache_is_only_slow(install, tmp_path, content):
    state = tmp_path / "state"
    state.mkdir()
    (state / "blenders.json").write_text(content)
    program = install("x", "Blender 4.2.3")
    assert programs(find_blenders([program], "", VersionCache(str(state))))[0].version == (4, 2, 3)


def test_a_program_that_is_no_blender_has_no_version(install, tmp_path):
    assert ask_version([install("x", "Gimp 2.10")]) is None
    assert ask_version([str(tmp_path / "absent")]) is None


@pytest.mark.blender
def test_the_real_blender_tells_its_version(blender):
    major, minor, _ = ask_version([blender])
    assert (major, minor) >= (2, 80)


@pytest.mark.parametrize(
    ("file_version", "blender", "words"),
    [
        (304, (3, 4, 1), None),
        (249, (4, 5, 0), None),
        (405, (4, 5, 2), None),
        (400, (3, 4, 1), "saved by Blender 4.0, which 3.4 cannot open"),
        (500, (4, 2, 0), "saved by Blender 5.0, which 4.2 cannot open"),
        (306, (3, 4, 1), "saved by Blender 3.6, and 3.4 would lose"),
    ],
)
def test_a_file_newer_than_the_program_is_refused(file_version, blender, words):
    reason = too_new(file_version, blender)
    assert reason is None if words is None else words in reason


def blenders(*versions):
    return [BlenderProgram((f"b{version}",), version) for version in versions]


def test_the_nearest_able_blender_is_chosen():
    have = blenders((5, 0, 1), (4, 5, 3), (4, 2, 0), (4, 2, 9), (3, 4, 1), None)
    assert choose(have, 304).version == (3, 4, 1)
    assert choose(have, 401).version == (4, 2, 9)
    assert choose(have, 404).version == (4, 5, 3)
    assert choose(have, 501) is None


def test_a_program_is_preferred_to_the_package():
    module = BlenderProgram((sys.executable, "-m", "renderd.blender"), (4, 2, 0), is_module=True)
    program = BlenderProgram(("blender",), (4, 2, 0))
    assert choose([module, program], 402) is program
