"""What a person's tools open: pipes, devices and links there make nobody wait or read for ever."""

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from frontend.cli import app
from fs_browser import app as fs
from renderd.spool import orders
from renderd.spool.layout import Spool
from tests.blend.blendmaker import Age, blend
from tests.conftest import INC, Publish, Worker
from tests.farm import standin

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202etxt"


@pytest.fixture
def say(spool: Spool, capsys, monkeypatch) -> Callable[..., str]:
    """Run a verb in this process; all that it wrote to both streams."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    monkeypatch.setenv("RENDERD_RUNTIME_DIR", os.path.join(spool.root, "no-daemon"))

    def run(*words: object) -> str:
        with contextlib.suppress(SystemExit):
            app.main(["--spool", spool.root, *map(str, words)])
        told = capsys.readouterr()
        assert "Traceback" not in told.out + told.err
        return str(told.out + told.err)

    return run


@pytest.fixture
def thing(tmp_path: Path) -> Callable[[Path, str], Path]:
    """Put something that is no file where a file is looked for."""

    def put(path: Path, kind: str) -> Path:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "link to a pipe":
            os.mkfifo(tmp_path / f"pipe{path.name}")
            path.symlink_to(tmp_path / f"pipe{path.name}")
        elif kind == "link to what never ends":
            path.symlink_to("/dev/zero")
        elif kind == "link to itself":
            path.symlink_to(path)
        elif kind == "socket":
            os.mknod(path, stat.S_IFSOCK | 0o600)
        else:
            path.mkdir()
        return path

    return put


KINDS = ["pipe", "link to a pipe", "link to what never ends", "link to itself", "socket", "folder"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("words", [("add",), ("info",), ("info", "--settings")])
def test_a_blend_that_is_no_file_is_refused(say, thing, tmp_path, kind, words):
    path = thing(tmp_path / "shot.blend", kind)
    assert "render: " in say(*words, path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_with_things_that_are_no_files_is_listed(thing, tmp_path, capsys, kind):
    shots = tmp_path / "shots"
    shots.mkdir()
    thing(shots / "shot_0001.png", kind)
    thing(shots / "shot.blend", kind)
    (shots / f"{EVIL}.blend").write_bytes(blend(Age(304), [(EVIL.encode(), 1, 2)]))
    assert fs.main(["--list", str(shots)]) == 0
    told = capsys.readouterr().out
    assert "shot.blend" in told
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(told)


@pytest.mark.parametrize("kind", KINDS)
def test_frames_that_are_no_files_are_found_broken(say, thing, tmp_path, kind):
    shots = tmp_path / "shots"
    shots.mkdir()
    for frame in (1, 3):
        (shots / f"f_{frame:04d}.png").write_bytes(standin.png(frame))
    thing(shots / "f_0002.png", kind)
    told = say("verify", shots / "f_####.png")
    assert "broken  2" in told


@pytest.mark.parametrize("kind", KINDS)
def test_logs_and_notes_that_are_no_files_are_told_in_a_sentence(
    spool: Spool, publish: Publish, worker: Worker, say, thing, kind
):
    jid = publish("shot", "1-40")
    worker.fail(jid, 1)
    os.unlink(spool.job(jid, "err", f"00001.1.{INC}"))
    thing(Path(spool.job(jid, "err", f"00001.1.{INC}")), kind)
    thing(Path(spool.job(jid, "log", f"00001.1.{INC}.log")), kind)
    for words in (("log", jid), ("log", jid, "--errors"), ("chunks", jid), ("why", jid)):
        say(*words)
    assert orders.where(spool, jid)


def test_a_scene_of_a_hostile_name_is_told_and_steers_nothing(say, tmp_path):
    path = tmp_path / "shot.blend"
    names = (EVIL.encode(), b"../../etc", b"-y", b"--python-expr", b"a/b\nc")
    path.write_bytes(blend(Age(304), [(name, 1, 2) for name in names]))
    for words in (("info",), ("add", "--hold", "--out", f"{tmp_path}/out/f_####")):
        told = say(*words, path)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(told)
    made = [p for p in tmp_path.rglob("*") if "etc" in p.name]
    assert [p for p in made if "spool" not in str(p) and ".renderd" not in str(p)] == []
