"""The log dock: what an attempt printed, as it grows, why it failed, and what is found in it."""

import os

import pytest

from frontend import mishaps
from frontend.gui.models.logs import read_lines
from renderd.core.names import attempt_name
from renderd.spool import claims, orders
from renderd.spool.records import ChunkView

PATIENCE = 30_000
CRASH = """\
fail: the GPU ran out of memory (prog crashed: segmentation fault (SIGSEGV))
advice: use smaller textures

Fra:12 Mem:400M
Error: System is out of GPU memory
"""


@pytest.fixture
def at(show, spool, publish, worker, qtbot):
    """A window with the log of a job's first chunk, which writes what a test says."""

    def go(text="", *, note="", jid=""):
        jid = jid or publish("shot")
        held = worker.claim(jid, 1)
        put(spool, jid, text, mode="w")
        if note:
            claims.note_error(spool, held, note)
            claims.give_back(spool, held, is_failure=True)
        window = show(spool)
        window.log_dock.bring()
        window.desk.pick(jobs=[jid])
        until(qtbot, lambda: window.desk.chunks.rowCount() == 3)
        window.desk.pick(chunks=[1])
        return window, jid

    return go


def put(spool, jid, text, attempt=1, mode="a", inc="ws07-0123abcd"):
    name = f"{attempt_name(1, attempt, inc)}.log"
    with open(spool.job(jid, "log", name), mode, encoding="utf-8", errors="surrogateescape") as log:
        log.write(text)


def until(qtbot, claim):
    qtbot.waitUntil(claim, timeout=PATIENCE)


def test_a_log_that_grows_is_added_to_and_its_end_stays_in_sight(at, spool, qtbot):
    window, jid = at("".join(f"line {n}\n" for n in range(400)))
    text = window.log.text
    until(qtbot, lambda: "line 399" in text.toPlainText())
    resets = []
    text.document().contentsChange.connect(lambda at, gone, new: resets.append(gone))
    put(spool, jid, "line 400\n")
    until(qtbot, lambda: text.toPlainText().endswith("line 399\nline 400"))
    assert text.is_at_end()
    assert not any(resets)


def test_who_reads_further_up_stays_there(at, spool, qtbot):
    window, jid = at("".join(f"line {n}\n" for n in range(400)))
    text = window.log.text
    until(qtbot, lambda: "line 399" in text.toPlainText())
    text.verticalScrollBar().setValue(7)
    put(spool, jid, "line 400\n")
    until(qtbot, lambda: "line 400" in text.toPlainText())
    assert text.verticalScrollBar().value() == 7


def test_a_crash_reads_as_a_crash_and_its_line_is_a_click_away(at, qtbot):
    lines = [f"Fra:{n} Mem:400M" for n in range(300)]
    lines[40] = "Error: System is out of GPU memory"
    window, _ = at("\n".join(lines) + "\n", note=CRASH)
    trouble = window.log.trouble
    until(qtbot, trouble.isVisible)
    assert trouble.says.text() == "prog crashed on ws07: the GPU ran out of memory"
    assert trouble.now.text() == "Failed once; next on ws07 again, after a while"
    assert "use smaller textures" in trouble.advice.text()
    trouble.cause.click()
    assert window.log.text.textCursor().selectedText() == lines[40]
    assert not window.log.text.is_at_end()
    trouble.last.click()
    assert window.log.text.is_at_end()


def test_a_crash_says_where_its_chunk_runs_next(at, spool, make_worker, publish, qtbot):
    make_worker("ws02-0123abcd")
    window, jid = at("Error: System is out of GPU memory\n", note=CRASH)
    now = window.log.trouble.now
    until(qtbot, lambda: now.text() == "Failed once; next on ws02")
    orders.hold(spool, jid, "me@here")

    def held() -> bool:
        window.log.reader.hurry()  # where it runs next is asked at every tenth look
        return now.text() == "Failed once; waits: it is held: held by me@here"

    until(qtbot, held)


def test_words_are_found_counted_and_stepped_through(at, qtbot):
    window, _ = at("Saved: a\nnothing\nSaved: b\nSaved: c\n")
    panel = window.log
    until(qtbot, lambda: "Saved: c" in panel.text.toPlainText())
    panel.search.setText("saved")
    assert panel.count.text().endswith(" of 3")
    panel.text.moveCursor(panel.text.textCursor().MoveOperation.Start)
    seen = []
    for _ in range(4):
        panel.next.click()
        seen.append(panel.text.textCursor().blockNumber())
    assert seen == [0, 2, 3, 0]
    panel.back.click()
    assert panel.text.textCursor().blockNumber() == 3
    assert panel.count.text() == "3 of 3"
    panel.search.setText("absent")
    assert panel.count.text() == "not found"


def test_of_a_long_log_only_the_end_is_read(at, spool, qtbot):
    window, jid = at("x" * 99 + "\n")
    path = spool.job(jid, "log", f"{attempt_name(1, 1, 'ws07-0123abcd')}.log")
    os.truncate(path, 64 << 20)
    put(spool, jid, "\nthe last line\n")
    window.log.wish_anew()
    until(qtbot, lambda: window.log.text.toPlainText().endswith("the last line"))
    assert len(window.log.text.toPlainText()) < 1 << 20
    assert "64M above are not shown" in window.log.about.text()


def test_an_older_attempt_can_be_chosen(at, spool, qtbot):
    window, jid = at("first try\n", note=CRASH)
    until(qtbot, lambda: "first try" in window.log.text.toPlainText())
    put(spool, jid, "second try\n", attempt=2, mode="w", inc="ws02-0123abcd")
    claimed = window.desk.chunks.records[1]
    assert claimed.attempt == 2
    window.log.wish_anew()
    until(qtbot, lambda: window.log.text.toPlainText() == "second try")
    box = window.log.attempts
    assert [box.itemText(i) for i in range(box.count())] == [
        "attempt 2 · ws02",
        "attempt 1 · ws07",
    ]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    until(qtbot, lambda: window.log.text.toPlainText() == "first try")


def test_a_job_that_has_not_run_says_so(show, spool, publish, qtbot):
    jid = publish("shot")
    window = show(spool)
    window.log_dock.bring()
    window.desk.pick(jobs=[jid])
    until(qtbot, lambda: window.log.nothing.text() == "Nothing of this job has run yet.")


def test_control_signs_do_not_reach_the_text():
    [line] = read_lines("\x1b[31mred\x1b[0m\x07 \u202eeman\x00\n")
    assert line.text == "red \ufffdeman"


def test_trouble_in_a_line_has_its_colour():
    tones = [line.tone for line in read_lines("Saved: 'x'\nError: no\nWarning: hm\n")]
    assert tones == ["", "failed", "warning"]


@pytest.mark.parametrize(
    ("note", "says"),
    [
        ("fail: blender: exit status 3", "Blender failed on ws07: exit status 3"),
        (
            "fail: blender crashed: segmentation fault (SIGSEGV)",
            "Blender crashed on ws07: segmentation fault (SIGSEGV)",
        ),
        (
            "timeout: 3h without a sign of work",
            "Blender was stopped on ws07: 3h without a sign of work",
        ),
        (
            "fail: blender crashed: aborted by the program itself (SIGABRT)",
            "Blender crashed on ws07: aborted by the program itself (SIGABRT)",
        ),
        ("killed: by ada", "Given back by ws07: by ada"),
    ],
)
def test_endings_in_words(note, says):
    assert mishaps.sentence(mishaps.parse(note), "Blender", "ws07-0123abcd") == says


@pytest.mark.parametrize(
    ("note", "says"),
    [
        (CRASH, "crashed: the GPU ran out of memory"),
        ("fail: exit status 3", "exit status 3"),
        ("timeout: no sign of work", "timeout: no sign of work"),
        ("a note of its own", "a note of its own"),
        ("", ""),
    ],
)
def test_endings_in_a_cell(note, says):
    assert mishaps.brief(note) == says


def test_what_becomes_of_a_chunk_in_words():
    chunk = ChunkView(index=1, frames="1-5", state="run", node="ws02-0123abcd", failures=2)
    assert mishaps.so_far(chunk) == "failed twice; runs now on ws02"


def test_programs_have_the_names_people_use():
    assert mishaps.program_name("/opt/blender-4.2/blender") == "Blender"
    assert mishaps.program_name("C:\\Tools\\aerender.exe") == "aerender"
