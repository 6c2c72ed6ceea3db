"""What a machine sees, also where a share gives no answer."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from renderd.core import farm
from renderd.daemon import roots, sight
from renderd.daemon.sight import Lookouts, Sight
from renderd.spool import mount

SUBJECT = ("job", "/p/a.blend")


class Share:
    """Answers when it is told to, and counts its questions."""

    def __init__(self) -> None:
        self.reason, self.asked = "", 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self) -> str:
        self.asked += 1
        self.may_answer.wait()
        return self.reason


@pytest.fixture
def share() -> Iterator[Share]:
    made = Share()
    yield made
    made.may_answer.set()


@pytest.fixture
def time() -> list[float]:
    return [100.0]


@pytest.fixture
def lookouts(time: list[float]) -> Lookouts:
    return Lookouts(clock=lambda: time[0], patience=60.0)  # what answers at once is waited for


@pytest.fixture
def hasty(time: list[float]) -> Lookouts:
    return Lookouts(clock=lambda: time[0], patience=0.0)


def test_an_answer_holds_for_some_seconds(
    lookouts: Lookouts, share: Share, time: list[float]
) -> None:
    assert lookouts.ask(SUBJECT, share) == ""
    share.reason = "is gone"
    assert (lookouts.ask(SUBJECT, share), share.asked) == ("", 1)
    time[0] += sight.SEEN_FOR
    assert (lookouts.ask(SUBJECT, share), share.asked) == ("is gone", 2)
    time[0] += sight.UNSEEN_FOR
    share.reason = ""
    assert (lookouts.ask(SUBJECT, share), share.asked) == ("", 3)


def test_a_share_that_hangs_blocks_nobody_and_is_asked_once(
    hasty: Lookouts, share: Share, time: list[float]
) -> None:
    share.may_answer.clear()
    reason = hasty.ask(SUBJECT, share)
    assert reason == "is still looking for /p/a.blend"
    assert sight.is_open(reason)
    time[0] += sight.HUNG_AFTER
    reason = hasty.ask(SUBJECT, share)
    assert reason == "gets no answer about /p/a.blend: does its share hang?"
    assert sight.is_open(reason)
    assert share.asked == 1


def test_what_hangs_leaves_room_for_others(hasty: Lookouts, share: Share) -> None:
    share.may_answer.clear()
    for number in range(sight.MOST_HUNG + 2):
        hasty.ask(("job", str(number)), share)
    other = Share()
    other.may_answer.clear()
    said = hasty.ask(("job", "other"), other)
    assert said == "is still looking for other"
    other.may_answer.set()
    while sight.is_open(said):
        said = hasty.ask(("job", "other"), other)
    assert (said, other.asked, share.asked) == ("", 1, sight.MOST_HUNG + 2)


def test_threads_that_hang_are_numbered(
    hasty: Lookouts, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sight, "MOST_THREADS", 2)
    share.may_answer.clear()
    said = [hasty.ask(("job", str(number)), share) for number in range(3)]
    assert said[2] == "gets no answer about 2: too many questions are open"


def test_old_answers_are_forgotten_and_open_questions_are_not(
    lookouts: Lookouts, hasty: Lookouts, share: Share, time: list[float]
) -> None:
    lookouts.ask(SUBJECT, share)
    time[0] += 10 * sight.SEEN_FOR + 1
    lookouts.forget()
    share.may_answer.clear()
    hasty.ask(SUBJECT, share)
    time[0] += 10 * sight.SEEN_FOR + 1
    hasty.forget()
    assert "gets no answer" in hasty.ask(SUBJECT, share)
    assert share.asked == 2


def test_an_error_of_the_share_is_a_reason_and_no_crash(lookouts: Lookouts) -> None:
    def fails() -> str:
        raise OSError(5, "Input/output error")

    said = "cannot look for /p/a.blend: Input/output error"
    assert lookouts.ask(SUBJECT, fails) == said
    assert Sight().ask(SUBJECT, fails) == said


def test_roots_that_are_not_there_are_named_with_the_reason(tmp_path: Path) -> None:
    for name in ("full/shot", "empty"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "file").write_text("")
    paths = {name: str(tmp_path / name) for name in ("full", "empty", "gone", "file")}
    text = "[roots]\n" + "".join(
        f"{name} = {{ linux = '{path}', darwin = '{path}' }}\n" for name, path in paths.items()
    )
    rules = farm.parse(text + "other = { windows = 'P:\\x' }\n[blender]\nscripts = '{gone}/s'\n")
    assert roots.unseen(rules, Sight()) == {
        "empty": f"{paths['empty']} is empty: is its share mounted?",
        "gone": f"{paths['gone']} is not there",
        "file": f"{paths['file']} is no folder",
        "[blender] scripts": f"{paths['gone']}/s is not there",
    }


def test_a_mount_point_may_be_empty() -> None:
    assert mount.why_not_seen("/proc/self/fdinfo/../..") == ""  # not empty
    assert mount.why_not_seen("/sys") == ""
