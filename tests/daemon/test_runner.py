"""A runner with a real guard, real commands and a real spool: how each attempt ends."""

import errno
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from renderd import plan
from renderd.core import farm, infofile
from renderd.core import frames as ranges
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.core.source import Planned, Stamp
from renderd.daemon.means import Means
from renderd.daemon.runner import Runner
from renderd.daemon.work import Ending, Result, Work
from renderd.host import load, process
from renderd.host.guard import Guard
from renderd.host.scratch import Scratch
from renderd.plan import Wish
from renderd.spool import claims, control, frames, jobs, mount
from renderd.spool.layout import Spool
from renderd.spool.share import PosixShare, Space

SHARED = Path(__file__).parents[2].parent / "shared" / "blend"
STANDIN = str(Path(__file__).parents[1] / "farm" / "standin.py")
PATIENCE = (
    300.0  # only a broken test waits as long; beside others commands get a hundredth of a core
)

BLENDER = """\
    #!{python}
    # Takes Blender's words: says what it is told to, then renders -s to -e into -o.
    import os, sys
    words = sys.argv[1:]
    value = {{name: words[words.index(name) + 1] for name in ("-s", "-e", "-o")}}
    for line in os.environ.get("RENDERD_X_SAYS", "").split("|"):
        print(line, flush=True)
    os.execv(sys.executable, [sys.executable, {standin!r}, value["-s"], value["-e"], value["-o"]])
"""


def standin(*words: str) -> tuple[str, ...]:
    return (sys.executable, STANDIN, "{start}", "{end}", "{out}", *words)


def shell(line: str) -> tuple[str, ...]:
    return ("sh", "-c", line)


class Stand:
    """One runner of ws07, its job and its reports."""

    def __init__(self, spool: Spool, worker: Any, guard: Guard, folder: Path) -> None:
        self.spool, self.worker, self.folder = spool, worker, folder
        self.out = folder / "out"
        self.reports: queue.SimpleQueue[Result] = queue.SimpleQueue()
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "SECRET": "no"}
        self.means = Means(
            spool=spool,
            guard=guard,
            node="ws07",
            environ=environ,
            hang_after=0.0,
            log_bytes=1 << 20,
            report=self.reports.put,
            confirm_alive=lambda: True,
            blenders=lambda: (),
        )
        self.runners: list[Runner] = []
        self.works: list[Work] = []

    def job(
        self,
        *commands: tuple[str, ...],
        span: str = "1-3",
        out: str = "shot_####.png",
        writes: Writes = Writes.PRIVATE,
        **said: Any,
    ) -> str:
        """Publish a job of one chunk; its id."""
        runs = ranges.parse(span) if span else None
        path = f"{self.out}/{out}" if writes is not Writes.NOTHING else ""
        info = Info(commands=commands, frames=runs, out=path, **said)
        draft = Draft(
            name="shot", slug="shot", info=info, runs=runs, size=1000, out=path, writes=writes
        )
        if info.blend:
            now = os.stat(info.blend)
            planned = Planned(info.blend, Stamp(now.st_size, now.st_mtime_ns))
            draft = replace(draft, source=planned)
        return jobs.publish(self.spool, draft, jobs.Order("me@here"))

    def work(self, jid: str) -> Work:
        """Claim the chunk of a job."""
        claim = self.worker.claim(jid, 1)
        job = jobs.read(self.spool, jid)
        text = claims.read_text(self.spool, claim)
        output = frames.locate(self.spool, job)
        work = Work(claim, job, infofile.parse(text).commands, output, 0.0)
        self.works.append(work)
        return work

    def start(self, jid: str, **means: Any) -> Work:
        runner = Runner(replace(self.means, **means), 0)
        runner.start()
        self.runners.append(runner)
        work = self.work(jid)
        runner.begin(work)
        return work

    def result(self) -> Result:
        return self.reports.get(timeout=PATIENCE)

    def run(self, jid: str, **means: Any) -> Result:
        self.start(jid, **means)
        result = self.result()
        self.runners[-1].leave()  # the log comes last, after the report
        self.runners[-1].join(PATIENCE)
        return result

    def plain(self, *commands: tuple[str, ...], **said: Any) -> Result:
        """Run commands that have neither frames nor output."""
        return self.run(self.job(*commands, span="", writes=Writes.NOTHING, **said))

    def give_back(self, result: Result) -> None:
        """What the loop does after a failed attempt."""
        work = result.work
        if work.output is not None:
            frames.clear_attempt(self.spool, work.output, work.claim.stem)
        claims.give_back(self.spool, work.claim, is_failure=True)

    def there(self) -> list[str]:
        return sorted(p.name for p in self.out.iterdir() if p.is_file())

    def log(self, result: Result) -> str:
        claim = result.work.claim
        path = self.spool.job(claim.jid, "log", f"{claim.stem}.log")
        return Path(path).read_text(errors="replace")


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with Guard.start() as started:
        yield started


@pytest.fixture
def stand(spool: Spool, worker: Any, guard: Guard, tmp_path: Path) -> Iterator[Stand]:
    made = Stand(spool, worker, guard, tmp_path)
    made.out.mkdir()
    yield made
    for work in made.works:
        work.stop("the test is over", now=True)
    for runner in made.runners:
        runner.leave()
        runner.join(PATIENCE)
        assert not runner.is_alive()


@pytest.fixture
def blender(tmp_path: Path) -> str:
    """A program called blender that says what RENDERD_X_SAYS holds."""
    path = tmp_path / "blender"
    script = textwrap.dedent(BLENDER).format(python=sys.executable, standin=STANDIN)
    path.write_text(script)
    path.chmod(0o755)
    return str(path)


def rendering(blender: str) -> tuple[str, ...]:
    return (blender, "-b", "/p/x.blend", "-s", "1", "-e", "3", "-a")


# How it ends.


def test_every_frame_in_place_is_success(stand: Stand) -> None:
    result = stand.run(stand.job(standin()))
    assert (result.ending, result.reason) == (Ending.DONE, "")
    assert stand.there() == ["shot_0001.png", "shot_0002.png", "shot_0003.png"]
    assert result.work.frames_done == 3
    assert result.cpu > 0
    assert result.peak_bytes > 0


def test_nothing_private_is_left_of_a_finished_attempt(stand: Stand) -> None:
    result = stand.run(stand.job(standin()))
    assert result.work.output is not None
    assert not os.path.exists(result.work.output.private(result.work.claim.stem))


def test_an_exit_status_is_named_with_the_reason_that_was_printed(stand: Stand) -> None:
    result = stand.run(stand.job(standin("--exit=3")))
    assert result.ending is Ending.FAIL
    assert "exit status 3" in result.reason
    assert "nothing works today" in result.reason


def test_a_crash_is_named_as_such(stand: Stand) -> None:
    result = stand.run(stand.job(standin("--segfault")))
    assert result.ending is Ending.FAIL
    assert "crashed: segmentation fault (SIGSEGV)" in result.reason


def test_a_crash_behind_a_shell_is_named_too(stand: Stand) -> None:
    result = stand.plain(shell("kill -SEGV $$ & wait $!; exit $?"), shell("exit 139"))
    assert "segmentation fault" in result.reason


def test_a_command_that_is_not_there_is_named(stand: Stand) -> None:
    result = stand.plain(("no-such-program", "-x"))
    assert result.ending is Ending.FAIL
    assert "command not found: no-such-program" in result.reason


def test_success_without_the_frames_is_bad_output(stand: Stand) -> None:
    result = stand.run(stand.job(standin("--skip=2")))
    assert (result.ending, result.reason) == (Ending.BAD_OUTPUT, "frame 2 was not written")
    assert stand.there() == ["shot_0001.png", "shot_0003.png"]


def test_a_torn_frame_is_bad_output_and_never_gets_its_name(stand: Stand) -> None:
    result = stand.run(stand.job(standin("--torn=2")))
    assert result.ending is Ending.BAD_OUTPUT
    assert "frame 2" in result.reason
    assert stand.there() == ["shot_0001.png", "shot_0003.png"]


def test_a_limit_of_time_ends_the_command(stand: Stand) -> None:
    result = stand.run(stand.job(standin("--hang"), timeout=0.3))
    assert result.ending is Ending.TIMEOUT
    assert "over its limit of 0.3 s" in result.reason


def test_a_command_that_does_nothing_hangs(stand: Stand) -> None:
    result = stand.run(stand.job(standin("--hang")), hang_after=1.0)
    assert result.ending is Ending.TIMEOUT
    assert "it hangs: no output, no CPU, no I/O and no GPU" in result.reason


def test_another_programs_words_are_no_verdict_on_it(stand: Stand) -> None:
    line = 'echo "ls: cannot access \'x\': No such file or directory"; echo "Can\'t find scene"'
    assert stand.plain(shell(line)).ending is Ending.DONE


def test_a_busy_gpu_is_a_sign_of_life(stand: Stand) -> None:
    stand.means = replace(stand.means, hang_after=0.5, gpu_is_busy=lambda: True)
    assert stand.plain(shell("sleep 4")).ending is Ending.DONE


def test_a_silent_command_that_does_something_does_not_hang(stand: Stand) -> None:
    line = "n=0; while [ $n -lt 50 ]; do echo $n > counted; sleep 0.1; n=$((n + 1)); done"
    jid = stand.job(shell(line), span="", writes=Writes.NOTHING)
    assert stand.run(jid, hang_after=4.0).ending is Ending.DONE


# Stopping.


def test_a_stop_ends_the_command_and_is_no_failure(
    stand: Stand, wait: Callable[[Callable[[], Any]], None]
) -> None:
    work = stand.start(stand.job(shell("echo begun; sleep 600")))
    wait(lambda: "begun" in work.tail)
    work.stop("paused by artist")
    result = stand.result()
    assert (result.ending, result.reason) == (Ending.KILLED, "paused by artist")
    assert not result.ending.is_failure


def test_a_guard_that_is_killed_is_no_failure_of_its_command(
    stand: Stand,
    guard: Guard,
    wait: Callable[[Callable[[], Any]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("renderd.daemon.attendant.MEASURE_EVERY", 0.5)
    work = stand.start(stand.job(shell("echo begun; sleep 600")))
    wait(lambda: "begun" in work.tail)
    os.kill(guard.pid, signal.SIGKILL)
    result = stand.result()
    assert result.ending is Ending.KILLED
    assert "the guard process was killed" in result.reason
    assert stand.plain(shell("true")).ending is Ending.DONE, "there is a new guard"


def test_what_a_stopped_command_says_at_its_end_is_kept(
    stand: Stand, wait: Callable[[Callable[[], Any]], None]
) -> None:
    line = "trap 'echo farewell; exit' TERM; echo begun; while :; do sleep 0.05; done"
    work = stand.start(stand.job(shell(line)))
    wait(lambda: "begun" in work.tail)
    work.stop("paused")
    result = stand.result()
    assert "farewell" in work.tail
    assert "farewell" in stand.log(result)


def test_stop_now_ends_a_command_that_ignores_the_first_stop(
    stand: Stand, wait: Callable[[Callable[[], Any]], None]
) -> None:
    work = stand.start(stand.job(shell("trap '' TERM; echo begun; while :; do sleep 0.05; done")))
    wait(lambda: "begun" in work.tail)
    work.stop("leaving", grace=3600.0)
    work.stop_grace = 3600.0  # only `now` can end it within the patience of this test
    work.stop("leaving", now=True)
    assert stand.result().ending is Ending.KILLED


def test_a_command_that_ignores_a_stop_is_killed_after_the_grace(
    stand: Stand, wait: Callable[[Callable[[], Any]], None]
) -> None:
    work = stand.start(stand.job(shell("trap '' TERM; echo begun; while :; do sleep 0.05; done")))
    wait(lambda: "begun" in work.tail)
    work.stop("leaving", grace=0.2)
    assert stand.result().ending is Ending.KILLED


def test_a_command_that_closed_its_output_can_be_stopped(
    stand: Stand, wait: Callable[[Callable[[], Any]], None]
) -> None:
    mark = stand.folder / "closed"
    line = f"exec >/dev/null 2>&1; touch {shlex.quote(str(mark))}; sleep 600"
    work = stand.start(stand.job(shell(line), span="", writes=Writes.NOTHING))
    wait(mark.exists)
    work.stop("paused")
    assert stand.result().ending is Ending.KILLED


def test_a_chunk_stopped_before_its_command_started_runs_nothing(stand: Stand) -> None:
    mark = stand.folder / "mark"
    jid = stand.job(("touch", str(mark)), span="", writes=Writes.NOTHING)
    work = stand.work(jid)
    work.stop("held by courtesy")
    runner = Runner(stand.means, 0)
    runner.start()
    stand.runners.append(runner)
    runner.begin(work)
    assert stand.result().ending is Ending.KILLED
    assert not mark.exists()


def test_nothing_that_the_command_started_outlives_it(stand: Stand) -> None:
    pids = stand.folder / "pid"
    line = f"sleep 600 & echo $! > {shlex.quote(str(pids))}"
    assert stand.plain(shell(line)).ending is Ending.DONE
    assert not process.alive(int(pids.read_text()))


# What a command is given.


def test_stdin_is_null(stand: Stand) -> None:
    assert stand.plain(shell("if read line; then exit 1; fi")).ending is Ending.DONE


def test_the_environment_tells_what_runs_and_carries_nothing_else(stand: Stand) -> None:
    jid = stand.job(("env",), span="1-3", writes=Writes.NOTHING, env=(("OCIO", "/p/config.ocio"),))
    result = stand.run(jid)
    told = dict(line.split("=", 1) for line in result.work.tail if "=" in line)
    assert told["RENDERD_JOB"] == jid
    assert told["RENDERD_CHUNK"] == "1"
    assert told["RENDERD_FRAMES"] == "1-3"
    assert (told["RENDERD_START"], told["RENDERD_END"]) == ("1", "3")
    assert told["RENDERD_ATTEMPT"] == "1"
    assert told["RENDERD_NODE"] == "ws07"
    assert told["OCIO"] == "/p/config.ocio"
    assert "SECRET" not in told


@pytest.mark.parametrize("line", ["true", "exit 3", "kill -9 $$"])
def test_temporary_files_go_with_the_attempt(stand: Stand, line: str) -> None:
    with tempfile.TemporaryDirectory(prefix="up", dir="/tmp") as parent:
        own = Scratch.open(parent)
        made = 'mkdir "$TMPDIR/blender_a1b2c3"; echo "in $TMPDIR"; '
        jid = stand.job(shell(made + line), span="", writes=Writes.NOTHING)
        result = stand.run(jid, scratch=own.folder)
        said = next(text for text in result.work.tail if text.startswith("in "))
        assert os.path.dirname(said.removeprefix("in ")) == own.path
        assert os.listdir(own.path) == ["lock"]
        own.close()


def test_several_lines_run_in_order_and_the_first_failure_ends_them(stand: Stand) -> None:
    result = stand.plain(shell("echo one"), shell("echo two; exit 4"), shell("echo three"))
    assert result.ending is Ending.FAIL
    said = list(result.work.tail)
    assert said.index("one") < said.index("two")
    assert "three" not in said


def test_the_program_that_failed_is_the_one_that_is_blamed(stand: Stand) -> None:
    assert stand.plain(("true",), ("false",)).reason == "false: exit status 1"


def test_the_log_begins_with_the_line_as_a_shell_would_take_it(stand: Stand) -> None:
    result = stand.plain(("echo", "two words", "$HOME"))
    assert stand.log(result).splitlines() == [
        "# ws07 runs: echo 'two words' '$HOME'",
        "two words $HOME",
    ]


def test_a_chatty_command_fills_no_more_than_its_share_of_the_log(stand: Stand) -> None:
    jid = stand.job(
        (sys.executable, STANDIN, "1", "0", "x", "--chatty=40000"), span="", writes=Writes.NOTHING
    )
    result = stand.run(jid, log_bytes=200_000)
    assert result.ending is Ending.DONE
    folder = Path(stand.spool.job(jid, "log"))
    assert sum(p.stat().st_size for p in folder.iterdir()) <= 200_000
    assert "line 00039999" in stand.log(result)
    assert len(result.work.tail) <= 1000


# Frames.


def test_a_frame_lands_while_the_program_still_runs(
    stand: Stand, wait: Callable[[Callable[[], Any]], None]
) -> None:
    gate = stand.folder / "gate"
    line = f'{shlex.join(standin()[:2])} 1 1 "$0" && while [ ! -e {gate} ]; do sleep 0.05; done'
    work = stand.start(stand.job(("sh", "-c", line, "{out}")))
    wait(lambda: "shot_0001.png" in stand.there())
    wait(lambda: work.frames_done == 1)
    assert stand.reports.empty()
    gate.touch()
    assert stand.result().reason == "frame 2, 3 was not written"


def test_a_frame_that_nobody_announces_lands_while_the_program_runs(
    stand: Stand, wait: Callable[[Callable[[], Any]], None]
) -> None:
    line = f'{shlex.join(standin()[:2])} 1 1 "$0" --quiet && sleep 600'
    work = stand.start(stand.job(("sh", "-c", line, "{out}")))
    wait(lambda: "shot_0001.png" in stand.there())
    work.stop("seen")
    stand.result()


def test_whole_frames_of_a_failed_attempt_are_kept(stand: Stand) -> None:
    result = stand.run(stand.job(standin("--quiet", "--torn=3", "--then=1")))
    assert result.ending is Ending.FAIL
    assert stand.there() == ["shot_0001.png", "shot_0002.png"]


def test_a_second_attempt_renders_only_what_is_missing(stand: Stand, blender: str) -> None:
    says = (("RENDERD_X_SAYS", ""),)
    jid = stand.job((*rendering(blender), "--", "x"), env=says)
    first = stand.run(jid)
    assert first.ending is Ending.DONE
    os.unlink(stand.out / "shot_0002.png")
    stand.give_back(first)
    before = (stand.out / "shot_0001.png").stat().st_mtime_ns
    second = stand.run(jid)
    assert second.ending is Ending.DONE
    assert " -s 2 -e 2 -j 1 " in stand.log(second)
    assert (stand.out / "shot_0001.png").stat().st_mtime_ns == before


def test_what_is_made_in_one_piece_is_never_gone_on_with_in_the_middle(stand: Stand) -> None:
    jid = stand.job(standin("--torn=3", "--until=1"), whole=True)
    first = stand.run(jid)
    assert first.ending is Ending.BAD_OUTPUT
    assert stand.there() == ["shot_0001.png", "shot_0002.png"]
    before = (stand.out / "shot_0001.png").stat().st_mtime_ns
    stand.give_back(first)
    second = stand.run(jid)
    assert second.ending is Ending.DONE
    assert (stand.out / "shot_0001.png").stat().st_mtime_ns > before
    stand.give_back(second)
    last = (stand.out / "shot_0001.png").stat().st_mtime_ns
    assert stand.run(jid).ending is Ending.DONE, "all there: nothing is to be rendered again"
    assert (stand.out / "shot_0001.png").stat().st_mtime_ns == last


def test_a_chunk_that_is_whole_already_starts_nothing(stand: Stand) -> None:
    jid = stand.job(standin("--then=5"))
    first = stand.run(jid)
    assert first.ending is Ending.FAIL  # but its frames were whole
    stand.give_back(first)
    second = stand.run(jid)
    assert second.ending is Ending.DONE
    assert second.wall < PATIENCE
    assert not os.path.exists(stand.spool.job(jid, "log", f"{second.work.claim.stem}.log"))


def test_a_frame_of_another_size_than_the_jobs_is_refused(stand: Stand) -> None:
    sides = 'case $RENDERD_ATTEMPT in 1) side=8;; *) side=16;; esac; exec "$@" --side=$side'
    skips = "--skip=2", "--until=1"
    jid = stand.job(("sh", "-c", sides, "sh", *standin(*skips)))
    first = stand.run(jid)
    assert first.ending is Ending.BAD_OUTPUT
    stand.give_back(first)
    second = stand.run(jid)
    assert second.ending is Ending.BAD_OUTPUT
    assert "16×16" in second.reason


def test_a_program_that_writes_in_place_is_only_verified(stand: Stand) -> None:
    place = f"{stand.out}/shot_####.png"
    words = (sys.executable, STANDIN, "{start}", "{end}", place)
    assert stand.run(stand.job(words, writes=Writes.ITSELF)).ending is Ending.DONE
    assert len(stand.there()) == 3


def test_an_old_frame_is_no_proof_of_this_run(stand: Stand) -> None:
    old = subprocess.run([*standin()[:2], "1", "3", f"{stand.out}/shot_####.png"], check=True)
    assert old.returncode == 0
    for path in stand.out.iterdir():
        os.utime(path, (1, 1))
    result = stand.run(stand.job(("true",), writes=Writes.ITSELF))
    assert result.ending is Ending.BAD_OUTPUT
    assert "older than this run" in result.reason


def test_path_roots_lead_to_this_nodes_own_places(stand: Stand) -> None:
    text = f'[roots]\nproj = {{ linux = "{stand.folder}", darwin = "{stand.folder}" }}\n'
    stand.spool = replace(stand.spool, farm=farm.parse(text))
    stand.means = replace(stand.means, spool=stand.spool)
    line = 'cp "$0" "$1" && shift && exec "$@"'
    words = ("sh", "-c", line, "{proj}/in", "{proj}/copy", *standin())
    (stand.folder / "in").write_text("x")
    info = Info(commands=(words,), frames=ranges.parse("1-2"), out="{proj}/out/o_####.png")
    draft = plan.from_info(info, "x", stand.spool.farm, sys.platform)
    assert draft.out == "{proj}/out/o_####.png"
    result = stand.run(jobs.publish(stand.spool, draft, jobs.Order("me@here")))
    assert (result.ending, result.reason) == (Ending.DONE, "")
    assert stand.there() == ["o_0001.png", "o_0002.png"]
    assert (stand.folder / "copy").exists()


def test_a_movie_gets_its_name_at_the_end(stand: Stand) -> None:
    line = 'echo film > "${0%####}0001-0003.avi"'
    jid = stand.job(("sh", "-c", line, "{out}"), out="shot_####", writes=Writes.MOVIE)
    assert stand.run(jid).ending is Ending.DONE
    assert stand.there() == ["shot_0001-0003.avi"]


def test_the_movie_of_a_failed_run_is_thrown_away(stand: Stand) -> None:
    line = 'echo fil > "${0%####}0001-0003.avi"; kill -KILL $$'
    jid = stand.job(("sh", "-c", line, "{out}"), out="shot_####", writes=Writes.MOVIE)
    first = stand.run(jid)
    assert first.ending is Ending.FAIL
    assert stand.there() == []
    stand.give_back(first)
    assert stand.run(jid).ending is Ending.FAIL


def test_an_output_share_that_is_not_seen_is_no_failure(stand: Stand) -> None:
    jid = stand.job(standin())
    os.rename(stand.out, stand.folder / "unmounted")
    stand.out.mkdir()
    result = stand.run(jid)
    assert result.ending is Ending.UNABLE
    assert "is the output share mounted?" in result.reason
    assert stand.there() == []


def test_an_output_that_can_never_be_written_is_a_failure(stand: Stand) -> None:
    jid = stand.job(standin())
    output = frames.locate(stand.spool, jobs.read(stand.spool, jid))
    assert output is not None
    os.mkdir(f"{output.folder}/shot_0002.png")  # no frame gets this name
    result = stand.run(jid)
    assert result.ending is Ending.FAIL
    assert "directory" in result.reason


def test_nothing_lands_from_a_node_that_was_declared_dead(stand: Stand) -> None:
    result = stand.run(stand.job(standin()), confirm_alive=lambda: False)
    assert result.ending is Ending.UNABLE
    assert stand.there() == []


def test_a_full_disk_is_no_failure(stand: Stand) -> None:
    if os.geteuid():
        pytest.skip("only root can mount a small disk")
    small = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(stand.out)]
    if subprocess.run(small, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        jid = stand.job(standin("--fill=900000"))
        result = stand.run(jid)
        assert result.ending is Ending.NO_SPACE
        assert "no space left" in result.reason
        assert "shot_0003.png" not in stand.there()
    finally:
        subprocess.run(["umount", "-l", str(stand.out)], check=True)


# What is printed.


def test_what_makes_the_frames_wrong_ends_the_command_and_lands_nothing(
    stand: Stand, blender: str
) -> None:
    says = (("RENDERD_X_SAYS", "Can't find scene: 'Nope' in file: '/p/x.blend'"),)
    result = stand.run(stand.job(rendering(blender), env=says))
    assert result.ending is Ending.FAIL
    assert "no scene of that name" in result.reason
    assert "render info" in result.advice
    assert stand.there() == []


MISSING = "Warning: Unable to open '/p/lib.blend': No such file or directory"


def test_a_missing_library_fails_the_frames_whatever_the_exit_status(
    stand: Stand, blender: str
) -> None:
    result = stand.run(stand.job(rendering(blender), env=(("RENDERD_X_SAYS", MISSING),)))
    assert result.ending is Ending.FAIL
    assert "missing on this node" in result.reason
    assert "/p/lib.blend" in result.reason
    assert "missing: warn" in result.advice
    assert stand.there() == []


def test_a_missing_library_may_be_overlooked(stand: Stand, blender: str) -> None:
    says = (("RENDERD_X_SAYS", MISSING),)
    result = stand.run(stand.job(rendering(blender), env=says, missing="warn"))
    assert result.ending is Ending.DONE
    assert result.work.warnings == 1
    assert len(stand.there()) == 3


def test_what_may_be_overlooked_is_not_blamed_for_another_failure(stand: Stand) -> None:
    line = f'echo "{MISSING}"; echo "Error: something else"; exit 2'
    result = stand.plain(shell(line), missing="warn")
    assert "something else" in result.reason
    assert "lib.blend" not in result.reason


def test_a_program_that_filled_another_disk_has_failed(stand: Stand) -> None:
    result = stand.plain(shell("echo 'write /elsewhere/x: No space left on device'; exit 1"))
    assert result.ending is Ending.FAIL
    result = stand.plain(shell("echo 'write x: Disk quota exceeded'; exit 1"))
    assert result.ending is Ending.NO_SPACE


@pytest.mark.parametrize("line", ["kill -9 $$", "sh -c 'kill -9 $$'; exit $?"])
def test_only_a_kill_that_the_kernel_counted_is_one_for_memory(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """The command itself counts, as the kernel does in the file of a control group."""
    events = tmp_path / "memory.events"
    events.write_text("oom 3\noom_kill 3\n")
    monkeypatch.setattr(load, "_own_group", lambda: str(tmp_path))
    result = stand.plain(shell(f"echo oom_kill 4 >{events}; {line}"))
    assert result.ending is Ending.MEMORY
    assert result.reason.endswith("killed (SIGKILL), out of memory")
    assert result.peak_bytes > 0
    result = stand.plain(shell(line))
    assert result.ending is Ending.FAIL
    assert result.reason.endswith("killed (SIGKILL)")


def test_a_program_that_says_it_ran_out_of_memory_is_no_failure_yet(stand: Stand) -> None:
    result = stand.plain(shell("echo MemoryError; exit 1"))
    assert (result.ending, result.reason) == (
        Ending.MEMORY,
        "the program ran out of memory (sh: exit status 1)",
    )


def test_a_wrong_word_after_many_errors_is_still_heard(stand: Stand, blender: str) -> None:
    said = "|".join([*(f"Error: {n}" for n in range(60)), "Can't find scene: 'X'"])
    result = stand.run(stand.job(rendering(blender), env=(("RENDERD_X_SAYS", said),)))
    assert "no scene of that name" in result.reason


@pytest.mark.blender
@pytest.mark.parametrize("missing", ["fail", "warn"])
def test_a_missing_texture_counts_though_blender_says_nothing(stand: Stand, missing: str) -> None:
    path = SHARED / "render" / "missing_texture.blend"
    if shutil.which("blender") is None or not path.exists():
        pytest.skip("no blender on PATH, or ../shared/blend is not here")
    info = Info(commands=(), missing=missing)
    wish = Wish(frames=ranges.parse("1"), out=f"{stand.out}/o_####", info=info)
    (draft,) = plan.from_blend(str(path), wish, stand.spool.farm, sys.platform)
    result = stand.run(jobs.publish(stand.spool, draft, jobs.Order("me@here")))
    if missing == "warn":
        assert (result.ending, result.work.warnings) == (Ending.DONE, 1)
        assert stand.there() == ["o_0001.png"]
    else:
        assert result.ending is Ending.FAIL
        assert "missing_texture.png" in result.reason
        assert stand.there() == []


def test_percent_and_frame_are_known_while_it_runs(
    stand: Stand, wait: Callable[[Callable[[], Any]], None]
) -> None:
    line = "echo 'Fra:2 Mem:1M | Rendered 3/4 Tiles'; sleep 600"
    work = stand.start(stand.job(shell(line)))
    wait(lambda: work.frame == 2)
    assert work.percent == 25.0
    work.stop("seen")
    stand.result()


def test_a_runner_outlives_whatever_went_wrong(stand: Stand) -> None:
    runner = Runner(stand.means, 0)
    runner.start()
    stand.runners.append(runner)
    for words in (("no-such-program",), ("false",), ("true",)):
        runner.begin(stand.work(stand.job(words, span="", writes=Writes.NOTHING)))
        last = stand.result()
    assert last.ending is Ending.DONE
    assert runner.is_free


def test_a_chunk_told_to_end_with_its_frame_keeps_that_frame(
    stand: Stand, wait: Callable[..., None]
) -> None:
    work = stand.start(stand.job(standin("--seconds=0.5"), span="1-100"))
    wait(lambda: work.frames_done)
    work.last_frame = "this node restarts"
    result = stand.result()
    assert (result.ending, result.reason) == (Ending.KILLED, "this node restarts")
    assert 2 <= work.frames_done < 100
    assert len(stand.there()) == work.frames_done


@pytest.mark.parametrize("said", [{"whole": True}, {"writes": Writes.MOVIE, "out": "shot#.mkv"}])
def test_what_is_made_in_one_piece_is_not_ended_with_a_frame(
    stand: Stand, said: dict[str, Any]
) -> None:
    runs_on = shell("for i in 1 2 3; do echo Fra:$i; echo Append frame $i; done; exit 7")
    work = stand.work(stand.job(runs_on, **said))
    work.last_frame = "this node restarts"
    runner = Runner(stand.means, 0)
    runner.start()
    stand.runners.append(runner)
    runner.begin(work)
    assert stand.result().ending is Ending.FAIL


# What the scripts inside Blender say.


def said_by_blender(stand: Stand, *lines: str, **job: Any) -> Result:
    """Run a stand-in that is called blender and prints these lines."""
    program = stand.folder / "blender"
    body = "".join(f"echo {shlex.quote(line)}\n" for line in lines)
    program.write_text(f"#!/bin/sh\n{body}")
    program.chmod(0o755)
    return stand.run(stand.job((str(program), "-b"), span="", writes=Writes.NOTHING, **job))


def test_an_unbaked_simulation_holds_the_job_and_is_no_failure(stand: Stand) -> None:
    result = said_by_blender(stand, "renderd: unbaked cloth of 'Cube'")
    assert (result.ending, result.ending.is_failure) == (Ending.HELD, False)
    assert result.reason == "cloth of 'Cube' is not baked: bake it or use --whole"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("renderd: unknown node 'Fancy' (material 'Skin')", "does not know"),
        ("renderd: driver 'secret()' was not executed (object 'Cube')", "was not executed"),
        ("Error in PyDriver: expression failed: secret()", "was not executed"),
        ('WARNING Object: "Cube", Modifier: "mc", No such file or directory', "is missing"),
    ],
)
def test_a_complaint_fails_the_chunk_unless_the_job_says_warn(
    stand: Stand, line: str, says: str
) -> None:
    failed = said_by_blender(stand, line)
    assert failed.ending is Ending.FAIL
    assert says in failed.reason
    warned = said_by_blender(stand, line, missing="warn")
    assert warned.ending is Ending.DONE
    assert warned.work.warnings == 1


def test_a_failed_gpu_fails_the_chunk_whatever_the_job_says(stand: Stand) -> None:
    line = "CUDA error: Illegal address in CUDA queue synchronize (integrator_shade_surface)"
    result = said_by_blender(stand, line, missing="warn")
    assert result.ending is Ending.FAIL
    assert "the GPU or its driver failed" in result.reason


# The .blend that was queued, and no other.


SAVING = """\
    #!{python}
    # Takes Blender's words; the artist saves the file when RENDERD_X_WHEN says.
    import os, subprocess, sys, time
    words = sys.argv[1:]
    first, out = int(words[words.index("-s") + 1]), words[words.index("-o") + 1]
    path, when = os.environ["RENDERD_BLEND"], os.environ.get("RENDERD_X_WHEN", "")
    def save():
        with open(path, "ab") as file:
            file.write(b"more")
    def render(frame):
        command = [sys.executable, {standin!r}, str(frame), str(frame), out]
        subprocess.run(command, check=True)
    if when in ("reading", "failing"):
        save()
    if when == "failing":
        sys.exit("it is no .blend")
    render(first)
    if when == "rendering":
        while not os.path.exists({landed!r}):
            time.sleep(0.05)
        save()
    render(first + 1)
    render(first + 2)
"""


@pytest.fixture
def saving(stand: Stand, tmp_path: Path) -> Callable[[str], tuple[str, Path]]:
    """A job of an artist's file that is saved at a certain moment; its id and the file."""
    landed = str(stand.out / "shot_0001.png")
    script = textwrap.dedent(SAVING).format(python=sys.executable, standin=STANDIN, landed=landed)
    program = tmp_path / "blender"
    program.write_text(script)
    program.chmod(0o755)

    def make(when: str) -> tuple[str, Path]:
        path = tmp_path / "shot.blend"
        path.write_bytes(b"BLENDER-v304")
        words = (str(program), "-b", "{blend}", "-s", "1", "-e", "3", "-a")
        jid = stand.job(words, blend=str(path), env=(("RENDERD_X_WHEN", when),))
        return jid, path

    return make


def test_a_file_saved_after_queuing_starts_nothing_and_asks_for_a_person(
    stand: Stand, saving: Any
) -> None:
    jid, path = saving("")
    before = path.stat().st_mtime_ns
    path.write_bytes(b"BLENDER-v305!")
    os.utime(path, ns=(before + 10**9, before + 10**9))
    result = stand.run(jid)
    assert result.ending is Ending.HELD
    assert not result.ending.is_failure
    clock = time.strftime("%H:%M", time.localtime((before + 10**9) / 1e9))
    assert result.reason == (
        f"shot.blend was saved {clock}, after queuing: render release to use the new file,"
        " or queue it again"
    )
    assert result.work.changed == f"13 {before + 10**9}"
    claim = result.work.claim
    assert not os.path.exists(stand.spool.job(jid, "log", f"{claim.stem}.log"))


@pytest.mark.parametrize("when", ["reading", "failing"])
def test_no_frame_lands_of_a_file_that_was_saved_while_it_was_read(
    stand: Stand, saving: Any, when: str
) -> None:
    result = stand.run(saving(when)[0])
    assert result.ending is Ending.HELD
    assert stand.there() == []


def test_saving_when_the_first_frame_is_there_changes_nothing(stand: Stand, saving: Any) -> None:
    result = stand.run(saving("rendering")[0])
    assert (result.ending, len(stand.there())) == (Ending.DONE, 3)


def test_what_a_dead_attempt_left_lands_only_while_the_file_is_the_queued_one(
    stand: Stand, saving: Any
) -> None:
    jid, path = saving("")
    work = stand.work(jid)
    assert work.output is not None
    left = Path(work.output.private(work.claim.stem))
    left.mkdir()
    subprocess.run([sys.executable, STANDIN, "1", "1", left / "shot_####.png"], check=True)
    path.write_bytes(b"BLENDER-v305!")
    claims.give_back(stand.spool, work.claim, is_failure=False)
    result = stand.run(jid)
    assert result.ending is Ending.HELD
    assert stand.there() == []


def test_a_file_that_a_person_accepted_is_rendered(stand: Stand, saving: Any) -> None:
    jid, path = saving("")
    path.write_bytes(b"BLENDER-v305!")
    first = stand.run(jid)
    assert first.ending is Ending.HELD
    stand.give_back(first)
    control.change(stand.spool, jid, source=first.work.changed)
    assert stand.run(jid).ending is Ending.DONE


# What surrounds the job is no failure of it.


class Crowded(PosixShare):
    """A real share with as much room as it is told, by the folder's path."""

    def __init__(self) -> None:
        self.free: dict[str, int] = {}

    def space(self, path: str) -> Space:
        return Space(self.free.get(path, 500 << 30), 1000 << 30, -1)


@pytest.fixture
def crowded(stand: Stand) -> Crowded:
    share = Crowded()
    stand.means = replace(stand.means, spool=replace(stand.spool, share=share))
    return share


@pytest.mark.parametrize(
    "says",
    [
        "Error: Render error (No space left on device) cannot save: '/p/1.png'",
        "Error: Render error (Input/output error) cannot save: '/p/1.png'",
        "av_interleaved_write_frame(): No space left on device",
    ],
)
@pytest.mark.parametrize("exit_status", [0, 1])
def test_what_cannot_be_written_to_a_nearly_full_disk_is_no_failure(
    stand: Stand, crowded: Crowded, says: str, exit_status: int
) -> None:
    crowded.free[str(stand.out)] = 200 << 20
    result = stand.run(stand.job(shell(f'echo "{says}"; exit {exit_status}')))
    assert result.ending is Ending.NO_SPACE
    assert result.where == str(stand.out)


def test_a_full_disk_of_the_node_itself_is_no_failure(stand: Stand, crowded: Crowded) -> None:
    temp = stand.folder / "temp"
    temp.mkdir()
    stand.means = replace(stand.means, environ={**stand.means.environ, "TMPDIR": str(temp)})
    says = shell("echo No space left on device; exit 1")
    crowded.free[str(temp)] = 0
    result = stand.run(stand.job(says))
    assert result.ending is Ending.NO_SPACE
    assert result.where == str(temp)
    crowded.free.clear()  # and with room everywhere it is one, or it would be tried for ever
    assert stand.run(stand.job(says, out="b_####.png")).ending is Ending.FAIL


def test_a_program_over_its_quota_has_not_failed(stand: Stand) -> None:
    result = stand.run(stand.job(shell("echo write: Disk quota exceeded; exit 1")))
    assert (result.ending, result.where) == (Ending.NO_SPACE, str(stand.out))


@pytest.mark.parametrize(
    "says",
    [
        "Licensed number of users already reached. (-4,132)",
        "WARNING | [rlm] error checking out license for arnold (version 20140113):",
        "[V-Ray] error: Could not obtain a license (1001)",
        "No licenses could be found to run this application.",
        "FOUNDRY LICENSE ERROR REPORT",
    ],
)
def test_a_missing_licence_is_no_failure(stand: Stand, says: str) -> None:
    result = stand.plain(shell(f"echo '{says}'; exit 1"))
    assert result.ending is Ending.NO_LICENCE
    assert says[:30] in result.reason


def test_a_watermark_ends_the_command_and_lands_nothing(stand: Stand) -> None:
    says = "echo 'WARNING | rendering with watermarks because of failed authorization:'"
    line = shell(f'{says}; exec "$@"')
    result = stand.run(stand.job((*line, "sh", *standin())))
    assert result.ending is Ending.NO_LICENCE
    assert stand.there() == []


def test_a_word_of_licences_fails_nothing_that_works(stand: Stand) -> None:
    assert stand.plain(shell("echo no license available, going on")).ending is Ending.DONE


def test_a_program_that_blames_the_share_is_believed_for_a_while(stand: Stand) -> None:
    jid = stand.job(shell("echo 'Stale file handle'; exit 1"))
    endings = []
    for _ in range(8):
        result = stand.run(jid)
        endings.append(result.ending)
        claims.give_back(stand.spool, result.work.claim, is_failure=result.ending.is_failure)
    assert endings[0] is Ending.UNABLE
    assert Ending.FAIL in endings


class Held(PosixShare):
    """A real share on which a reader holds the targets of some frames open."""

    def __init__(self, number: int = errno.EBUSY) -> None:
        self.number, self.names = number, set[str]()

    def rename(self, old: str, new: str) -> None:
        self._demand_closed(old, new)
        super().rename(old, new)

    def swap(self, old: str, new: str) -> None:
        self._demand_closed(old, new)  # a server that does not even let it be moved aside
        super().swap(old, new)

    def _demand_closed(self, old: str, new: str) -> None:
        if new.rpartition("/")[2] in self.names:
            raise OSError(self.number, os.strerror(self.number), old, None, new)


def test_a_frame_waits_for_a_reader_while_the_others_are_rendered(
    stand: Stand, wait: Callable[..., None]
) -> None:
    share = Held()
    share.names = {"shot_0001.png"}
    spool = replace(stand.spool, share=share)
    mark = stand.folder / "starts"
    work = stand.start(stand.job(standin(f"--mark={mark}")), spool=spool)
    wait(lambda: work.message.startswith("waits: "))
    assert "shot_0001.png is held open" in work.message
    assert stand.there() == ["shot_0002.png", "shot_0003.png"]
    share.names.clear()
    result = stand.result()
    assert result.ending is Ending.DONE
    assert stand.there() == ["shot_0001.png", "shot_0002.png", "shot_0003.png"]
    assert len(mark.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("number", "ending"),
    [
        (errno.EBUSY, Ending.BUSY),
        (errno.ETXTBSY, Ending.BUSY),
        (errno.ESTALE, Ending.UNABLE),
        (errno.EAGAIN, Ending.UNABLE),
        (errno.ENOSPC, Ending.NO_SPACE),
        (errno.EACCES, Ending.FAIL),  # perhaps for good
    ],
)
def test_what_waited_too_long_is_given_back_and_not_rendered_anew(
    stand: Stand, number: int, ending: Ending
) -> None:
    share = Held(number)
    share.names = {"shot_0001.png"}
    spool = replace(stand.spool, share=share)
    mark = stand.folder / "starts"
    jid = stand.job(standin(f"--mark={mark}"))
    result = stand.run(jid, spool=spool, patience=0.0)
    assert (result.ending, result.keeps) == (ending, True)
    assert "shot_0001.png" in result.reason
    claims.give_back(stand.spool, result.work.claim, is_failure=ending.is_failure)
    share.names.clear()
    assert stand.run(jid, spool=spool).ending is Ending.DONE
    assert len(mark.read_text().splitlines()) == 1
    assert result.work.output is not None
    assert sorted(os.listdir(result.work.output.own)) == ["ok", "set", "since"]


def test_a_frame_open_on_an_smb_share_is_no_failure_of_its_job(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    # EACCES is what its servers answer; a mount table stands in for the kernel's.
    table = stand.folder / "mountinfo"
    table.write_text("42 27 0:39 / / rw - cifs //filer/farm rw\n")
    monkeypatch.setattr(mount, "MOUNTINFO", str(table))
    share = Held(errno.EACCES)
    share.names = {"shot_0001.png"}
    jid = stand.job(standin())
    result = stand.run(jid, spool=replace(stand.spool, share=share), patience=0.0)
    assert (result.ending, result.keeps) == (Ending.BUSY, True)


def test_a_stop_ends_the_waiting_for_a_reader(stand: Stand, wait: Callable[..., None]) -> None:
    share = Held()
    share.names = {"shot_0001.png"}
    work = stand.start(stand.job(standin()), spool=replace(stand.spool, share=share))
    wait(lambda: work.message.startswith("waits: "))
    work.stop("this node was paused")
    result = stand.result()
    assert not result.ending.is_failure
    assert result.keeps
