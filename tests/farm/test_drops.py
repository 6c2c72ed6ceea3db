"""Info files dropped into the spool's root: each becomes one job, or lies in bad/ with a reason."""

import contextlib
import fcntl
import os
import shlex
import subprocess
import time

import pytest

from renderd.core.chunk import State


def shell(farm, line):
    """A line typed into a shell, with the spool in the environment."""
    env = {**os.environ, "RENDERD_SPOOL": str(farm.root)}
    subprocess.run(["sh", "-c", line], env=env, check=True)


@contextlib.contextmanager
def held_open(farm, text, name):
    """A file dropped by an editor that locks what it has open: it is not taken in meanwhile."""
    path = farm.root / f".{name}"
    path.write_text(text)
    with path.open("r+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        path.rename(farm.root / name)
        yield


def done(farm, slug):
    """Wait until the job dropped under a name is done; its jid."""
    farm.until(lambda: farm.named(slug), f"{slug} is a job")
    jid = farm.named(slug)
    assert farm.ended(jid) == "done"
    return jid


def test_an_echoed_command_line_runs(farm):
    daemon = farm.up("ws1")
    shell(farm, f"echo 'touch {farm.folder}/touched' > $RENDERD_SPOOL/try.info")
    done(farm, "try")
    assert (farm.folder / "touched").exists()
    assert daemon.runs


def test_a_file_with_headers_renders_and_leaves_no_trace_in_the_root(farm):
    farm.up("ws1")
    farm.drop(farm.info(frames="1-7", chunk=3, name="shot 010 comp"))
    jid = done(farm, "shot-010-comp")
    assert len(farm.frames()) == 7
    assert len(farm.chunks(jid)) == 3
    assert not list(farm.root.glob("*.info"))
    assert not os.listdir(farm.root / "adopting")


def test_eight_daemons_make_one_job_of_one_file(farm):
    for _ in range(8):
        farm.start()
    farm.until(lambda: all(d.incs for d in farm.daemons), "all work")
    mark = farm.folder / "mark"
    names = [f"drop{n}" for n in range(10)]
    for name in names:
        farm.drop(f"sh -c 'echo {name} >> {mark}'\n", f"{name}.info")
    for name in names:
        done(farm, name)
    assert sorted(mark.read_text().split()) == sorted(names)
    assert len(os.listdir(farm.root / "jobs")) == len(names)


def test_a_slow_writer_is_waited_for(farm):
    farm.up("ws1")
    mark = farm.folder / "mark"
    path = farm.root / "slow.info"
    with path.open("w") as file:
        file.write("name: slow\nretries: 0\n\nsh -c 'echo on")
        file.flush()
        time.sleep(3)  # the pauses of the writer are what is tested
        file.write(f"e >> {mark}'\n")
        file.flush()
        # It looks finished, and is read twice in the two seconds that follow, but goes on.
        farm.until(lambda: os.listdir(farm.root / "adopting"), "it is taken for finished")
        file.write(f"sh -c 'echo two >> {mark}'\n")
        file.flush()
        time.sleep(0.5)
        file.write(f"sh -c 'echo three >> {mark}'\n")
    done(farm, "slow")
    assert mark.read_text().split() == ["one", "two", "three"]


def test_a_copied_big_file_is_read_whole(farm):
    farm.up("ws1")
    source = farm.folder / "big.txt"
    mark = farm.folder / "mark"
    filler = "# a comment line that makes this file large and says nothing at all\n"
    source.write_text(filler * 14_000 + f"sh -c 'echo whole >> {mark}'\n")
    assert source.stat().st_size > 900_000
    shell(farm, f"cp {shlex.quote(str(source))} $RENDERD_SPOOL/big.info")
    done(farm, "big")
    assert mark.read_text() == "whole\n"


def test_line_ends_of_windows_and_a_byte_order_mark_are_read(farm):
    farm.up("ws1")
    text = farm.info(frames="1-2", name="crlf").replace("\n", "\r\n")
    farm.drop(b"\xef\xbb\xbf" + text.encode(), "windows.INFO")
    done(farm, "crlf")
    assert len(farm.frames()) == 2


BAD = {
    "nul": (b"echo \0 a\n", "NUL"),
    "latin": ("echo gr\xfcn\n".encode("latin-1"), "UTF-8"),
    "huge": (b"# " + b"x" * (1 << 20) + b"\necho a\n", "1,048,576"),
    "unknown-key": (b"framez: 1-10\n\necho a\n", "frames"),
    "bad-range": (b"frames: 10-1x\n\necho a\n", "frames"),
    "no-command": (b"frames: 1-10\n\n", "command"),
    "unclosed": (b"echo 'a\n", "quot"),
    "relative": (b"frames: 1-3\nout: here_####.png\n\nx {out}\n", "absolute"),
    "no-blend": (b"blend: /nowhere/x.blend\n", "/nowhere/x.blend"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_meant_is_refused_in_words(farm, name):
    data, says = BAD[name]
    daemon = farm.up("ws1")
    farm.drop(data, f"{name}.info")
    why = farm.refused(name)
    assert says in why
    assert len(why.strip().splitlines()) == 1
    assert "Traceback" not in why
    assert not os.listdir(farm.root / "jobs")
    (kept,) = (farm.root / "bad").glob("*.info")
    assert kept.read_bytes() == data
    assert daemon.runs


def test_what_nobody_finishes_is_refused_after_a_while(farm):
    farm.up("ws1")
    farm.drop(b"after: no-such-job-at-all\n\necho a\n", "nobody.info")
    farm.drop(b"", "empty.info")
    farm.drop(b"echo no newline", "cut.info")
    assert "empty" in farm.refused("empty")
    assert "newline" in farm.refused("cut")
    assert "no-such-job-at-all" in farm.refused("nobody")


def test_a_symbolic_link_is_not_followed(farm):
    farm.up("ws1")
    target = farm.folder / "elsewhere.txt"
    target.write_text(f"touch {farm.folder}/touched\n")
    (farm.root / "link.info").symlink_to(target)
    assert "symbolic link" in farm.refused("link")
    assert not (farm.folder / "touched").exists()
    assert target.exists()


def test_a_second_hard_link_is_refused(farm):
    farm.up("ws1")
    target = farm.folder / "elsewhere.txt"
    target.write_text(f"touch {farm.folder}/touched\n")
    target.chmod(0o600)
    os.link(target, farm.root / "hard.info")
    assert "hard links" in farm.refused("hard")
    assert not (farm.folder / "touched").exists()


def test_a_pipe_is_refused_and_blocks_nobody(farm):
    daemon = farm.up("ws1")
    os.mkfifo(farm.root / "pipe.info")
    assert "no regular file" in farm.refused("pipe")
    farm.drop("true\n", "next.info")
    done(farm, "next")
    assert daemon.runs


def test_a_refused_file_is_a_failure_of_a_daemon_that_works_once(farm):
    farm.drop("nodes: many\n\ntrue\n", "bad.info")
    assert farm.up("ws1", "--once").wait() == 1
    assert farm.refused("bad")


def test_a_folder_and_other_names_are_left_alone(farm):
    farm.up("ws1")
    (farm.root / "folder.info").mkdir()
    for name in (".hidden.info", "notes.txt", "shot.info~", "._shot.info", ".nfs0001.info"):
        farm.drop("true\n", name)
    farm.drop("true\n", "real.info")
    done(farm, "real")
    daemon = farm.up("ws2", "--once")
    assert daemon.wait() == 0, "what is left alone is no work"
    left = {p.name for p in farm.root.iterdir()}
    assert {"folder.info", ".hidden.info", "notes.txt", "shot.info~", "._shot.info"} <= left
    assert len(os.listdir(farm.root / "jobs")) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_strangers_file_is_refused(farm):
    farm.up("ws1")
    path = farm.folder / "x.info"
    path.write_text(f"touch {farm.folder}/touched\n")
    os.chown(path, 12345, 12345)
    path.rename(farm.root / "stranger.info")
    assert "not a member of the farm" in farm.refused("stranger")
    assert not (farm.folder / "touched").exists()


def test_a_file_that_anybody_can_write_is_refused(farm):
    farm.up("ws1")
    path = farm.folder / "x.info"
    path.write_text("true\n")
    path.chmod(0o666)
    path.rename(farm.root / "open.info")
    assert "anybody can write" in farm.refused("open")


def test_names_with_blanks_and_letters_of_any_language_are_taken(farm):
    farm.up("ws1")
    farm.drop("true\n", "Szene für Björn (2).info")
    farm.until(lambda: os.listdir(farm.root / "done"), "it is done")


def test_an_adoption_goes_on_when_its_daemon_is_killed(farm):
    first = farm.up("ws1")
    mark = farm.folder / "mark"
    with held_open(farm, f"sh -c 'echo once >> {mark}'\n", "orphan.info"):
        farm.until(lambda: os.listdir(farm.root / "adopting"), "the first has it")
        first.kill()
    assert os.listdir(farm.root / "adopting")
    farm.up("ws1")
    done(farm, "orphan")
    assert mark.read_text() == "once\n"
    assert not os.listdir(farm.root / "adopting")


def test_a_dropped_job_waits_for_one_that_is_dropped_after_it(farm):
    farm.up("ws1")
    farm.drop(farm.info(frames="1", out="b_#.png", name="comp", after="late"), "comp.info")
    farm.until(lambda: os.listdir(farm.root / "adopting"), "it is looked at")
    time.sleep(3)  # the person takes a moment between the two
    farm.drop(farm.info(frames="1", out="a_#.png", name="late"), "late.info")
    done(farm, "late")
    done(farm, "comp")


def test_a_job_done_runs_again_by_a_copy_of_its_info_file(farm):
    farm.up("ws1")
    farm.drop(farm.info(frames="1-2", name="again"))
    jid = done(farm, "again")
    before = {p: p.stat().st_mtime_ns for p in farm.frames()}
    (ticket,) = (farm.root / "done").iterdir()
    shell(farm, f"cp {ticket} $RENDERD_SPOOL/again.info")
    farm.until(lambda: len(os.listdir(farm.root / "done")) == 2, "it is done again")
    assert all(p.stat().st_mtime_ns > before[p] for p in farm.frames())
    assert farm.tally(jid) == {State.DONE: 1}
