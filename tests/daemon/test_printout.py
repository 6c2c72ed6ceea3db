"""What a command prints reaches the log and the tail, capped, and never stops anything."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from renderd.daemon.printout import FLUSH_EVERY, LONGEST_LINE, Printout
from renderd.daemon.tail import Tail
from renderd.spool.layout import Spool

CAP = 10_000
Make = Callable[..., Printout]


@pytest.fixture
def tail() -> Tail:
    return Tail()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "00001.1.ws07-0123abcd.log"


@pytest.fixture
def make(spool: Spool, log: Path, tail: Tail) -> Make:
    log.parent.mkdir()
    return lambda cap=CAP: Printout(spool, str(log), tail, cap)


def feed(printout: Printout, *parts: bytes, now: float = 0.0) -> list[str]:
    return [line for part in parts for line in printout.feed(part, now)]


def test_lines_are_told_when_they_are_whole(make: Make, tail: Tail) -> None:
    printout = make()
    assert feed(printout, b"one\ntw") == ["one"]
    assert feed(printout, b"o\n\nthree") == ["two", ""]
    assert list(printout.finish()) == ["three"]
    assert list(tail) == ["one", "two", "", "three"]


def test_a_sign_cut_between_two_reads_is_whole_again(make: Make) -> None:
    data = "größe\n".encode()
    assert feed(make(), data[:3], data[3:]) == ["größe"]


def test_bytes_that_are_no_text_are_shown_and_kept(make: Make, log: Path) -> None:
    printout = make()
    assert feed(printout, b"a\xff\n") == ["a\ufffd"]
    printout.flush(0.0)
    assert log.read_bytes() == b"a\xff\n"


def test_a_line_without_end_is_cut(make: Make) -> None:
    printout = make(1 << 20)
    lines = feed(printout, *[b"x" * 10_000] * 20)
    assert lines
    assert all(len(line) <= LONGEST_LINE + 10_000 for line in lines)


def test_the_log_gets_what_is_new_at_times_and_all_at_the_end(make: Make, log: Path) -> None:
    printout = make()
    feed(printout, b"one\n")
    assert log.read_bytes() == b"one\n"  # the first at once: a person sees that it began
    feed(printout, b"two\n", now=FLUSH_EVERY / 2)
    assert log.read_bytes() == b"one\n"
    feed(printout, b"three\n", now=FLUSH_EVERY)
    assert log.read_bytes() == b"one\ntwo\nthree\n"
    feed(printout, b"four", now=FLUSH_EVERY)
    list(printout.finish())
    printout.flush(FLUSH_EVERY)
    assert log.read_bytes() == b"one\ntwo\nthree\nfour"


def test_a_note_of_ours_is_one_line_whatever_it_holds(make: Make, log: Path) -> None:
    printout = make()
    printout.note("ws07 runs: prog 'a\nSaved: x\x85y' \udcff")
    printout.flush(0.0)
    assert log.read_bytes() == b"# ws07 runs: prog 'a Saved: x y' \xff\n"


@pytest.mark.parametrize("size", [7, 300, 4_999, 5_001, 70_000])
def test_the_log_stays_below_its_cap_and_keeps_the_end(make: Make, log: Path, size: int) -> None:
    printout = make()
    for number in range(100_000 // size):
        feed(printout, f"{number:06d}".encode().rjust(size, b"."), now=number * 2.0)
    feed(printout, b"the end\n", now=1e6)
    printout.flush(1e6)
    assert sum(p.stat().st_size for p in log.parent.iterdir()) <= CAP
    assert len(list(log.parent.iterdir())) <= 2
    assert log.read_bytes().endswith(b"the end\n")


def test_a_log_that_cannot_be_written_loses_only_log_lines(make: Make, log: Path) -> None:
    printout = make()
    os.rmdir(log.parent)
    assert feed(printout, b"one\n", now=0.0) == ["one"]
    log.parent.mkdir()
    assert feed(printout, b"two\n", now=2.0) == ["two"]
    assert log.read_bytes() == b"two\n"
