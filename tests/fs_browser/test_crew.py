"""Threads for what a person looks at now: the latest first, none waited for."""

import threading

from fs_browser.thumbs import crew
from fs_browser.thumbs.crew import Crew

PATIENCE = 30


def test_what_was_asked_last_is_done_first_and_once():
    one, done, go, began = Crew("test", 1), [], threading.Event(), threading.Event()
    ended = threading.Event()
    one.ask("first", lambda: (began.set(), go.wait(PATIENCE)))
    assert began.wait(PATIENCE)
    one.ask("last", ended.set)
    for key in ("a", "b", "c", "a"):
        one.ask(key, lambda key=key: done.append(key))
    go.set()
    assert ended.wait(PATIENCE)
    assert done == ["a", "c", "b"]
    one.close()


def test_what_hangs_does_not_hold_up_the_rest(monkeypatch):
    monkeypatch.setattr(crew, "_HANGS", 0.0)
    one, go, done = Crew("test", 1), threading.Event(), threading.Event()
    began = threading.Event()
    one.ask("hangs", lambda: (began.set(), go.wait(PATIENCE)))
    assert began.wait(PATIENCE)
    one.ask("works", done.set)
    assert done.wait(PATIENCE)
    go.set()
    one.close()


def test_what_was_scrolled_past_is_forgotten(monkeypatch):
    monkeypatch.setattr(crew, "_QUEUE", 2)
    one, done, go, began = Crew("test", 1), [], threading.Event(), threading.Event()
    one.ask("first", lambda: (began.set(), go.wait(PATIENCE)))
    assert began.wait(PATIENCE)
    ended = threading.Event()
    one.ask("old", lambda: done.append("old"))
    one.ask("last", lambda: (done.append("last"), ended.set()))
    one.ask("new", lambda: done.append("new"))
    go.set()
    assert ended.wait(PATIENCE)
    assert done == ["new", "last"]
    one.close()
