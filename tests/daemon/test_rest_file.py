"""A pause that a person asked for survives a restart; a damaged file of it stops nothing."""

from pathlib import Path

import pytest

from renderd.core import hours
from renderd.core.courtesy import Policy, When
from renderd.daemon import rest_file
from renderd.daemon.node import Rest


@pytest.fixture
def file(tmp_path: Path) -> str:
    return rest_file.path(str(tmp_path / "state"), "farmid01", "ws07")


@pytest.mark.parametrize(
    "rest",
    [
        Rest("paused by artist"),
        Rest("paused by artist", 1_800_000_000.5),
        Rest("draining", None, is_drain=True),
        Rest("paused by artist", since=1_800_000_000.0),
        Rest("größer „als“\n", 0.0),
    ],
)
def test_a_rest_is_read_back_as_it_was_kept(file: str, rest: Rest) -> None:
    rest_file.save(file, rest)
    assert rest_file.load(file, Policy()) == (rest, Policy())


def test_a_rest_that_ended_leaves_no_file(file: str) -> None:
    rest_file.save(file, Rest("paused"))
    rest_file.save(file, Rest())
    assert not Path(file).exists()
    assert rest_file.load(file, Policy()) == (Rest(), Policy())
    rest_file.save(file, Rest())  # twice is harmless


def test_farms_and_nodes_of_one_machine_are_kept_apart(tmp_path: Path) -> None:
    files = {rest_file.path(str(tmp_path), f, n) for f in ("farm1", "farm2") for n in ("a", "b")}
    assert len(files) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "3",
        "[]",
        "null",
        '{"reason": "x"}',
        '{"reason": "x", "until": "soon", "is_drain": false}',
        '{"reason": "x", "until": [], "is_drain": false}',
        f'{{"reason": "x", "until": 1{"0" * 400}, "is_drain": false}}',
        "\udcff",
    ],
)
def test_a_damaged_file_means_no_rest(file: str, text: str) -> None:
    rest_file.save(file, Rest("paused"))
    Path(file).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert rest_file.load(file, Policy()) == (Rest(), Policy())


def test_a_state_folder_that_cannot_be_made_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    file = rest_file.path(str(tmp_path / "state"), "farmid01", "ws07")
    rest_file.save(file, Rest("paused"))
    assert rest_file.load(file, Policy()) == (Rest(), Policy())


def test_a_courtesy_that_was_ordered_is_read_back_beside_the_rest(file: str) -> None:
    configured = Policy(yields=frozenset({"memory"}))
    ordered = Policy(
        when=When.AWAY, away=60.0, office=hours.parse("sat 8-9"), yields=configured.yields
    )
    rest_file.save(file, Rest(), ordered)
    assert rest_file.load(file, configured) == (Rest(), ordered)
    rest_file.save(file, Rest())
    assert rest_file.load(file, configured) == (Rest(), configured)


@pytest.mark.parametrize("said", ["3", '{"when": "sometimes"}', '{"when": "away", "away": "x"}'])
def test_a_damaged_courtesy_is_as_configured_and_leaves_the_rest(file: str, said: str) -> None:
    rest_file.save(file, Rest("paused"))
    text = Path(file).read_text().rstrip("}") + f', "courtesy": {said}}}'
    Path(file).write_text(text)
    assert rest_file.load(file, Policy()) == (Rest("paused"), Policy())
