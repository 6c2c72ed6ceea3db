"""What nobody needs goes late; what somebody may need never does."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from renderd.core import frames as ranges
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.spool import claims, frames, janitor, jobs, nodes, orders, placing, tickets
from renderd.spool.claims import Claim
from renderd.spool.janitor import SWEEP_EVERY, Janitor
from renderd.spool.layout import CANCELLED, DONE, OPEN, Spool
from renderd.spool.output import Output, Receipt
from renderd.spool.retention import DAY, HOUR, JOBS_A_SWEEP
from renderd.spool.share import PosixShare

Publish = Callable[..., str]


def sweep(spool: Spool, *times: float) -> None:
    sweeper = Janitor(spool)
    for now in times:
        sweeper.sweep(now)


def test_the_chunks_of_a_done_job_go_after_an_hour(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-20")
    worker.finish(jid, 1, 2)
    worker.close(jid)
    sweep(spool, 0.0, HOUR - 1)
    assert len(os.listdir(spool.job(jid, "000"))) == 2
    sweep(spool, 0.0, HOUR + 1)
    assert not os.path.exists(spool.job(jid, "000"))
    assert os.path.exists(spool.job(jid, "job.info"))


def test_a_failed_job_keeps_its_chunks(spool: Spool, publish: Publish, worker: Any) -> None:
    jid = publish(span="1-10")
    worker.fail(jid, 1)
    worker.close(jid, has_failed=True)
    sweep(spool, 0.0, HOUR + 1, 10 * HOUR)
    assert len(os.listdir(spool.job(jid, "000"))) == 1


def test_a_death_is_remembered_while_a_job_may_need_it(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-20")
    worker.finish(jid, 1)
    nodes.declare(spool, "00", worker.pulse.beat)
    sweep(spool, 0.0, DAY + 1, 3 * DAY)
    assert nodes.dead(spool) == {worker.inc}


def test_a_death_nobody_needs_is_forgotten_a_day_later(spool: Spool, worker: Any) -> None:
    nodes.declare(spool, "00", worker.pulse.beat)
    sweep(spool, 0.0, DAY - 1)
    assert nodes.dead(spool) == {worker.inc}
    sweep(spool, 0.0, DAY + 1)
    assert nodes.dead(spool) == set()


def test_a_death_with_intents_is_kept(spool: Spool, publish: Publish, worker: Any) -> None:
    claims.declare_intent(spool, worker.inc, publish(), "000")
    nodes.declare(spool, "00", worker.pulse.beat)
    sweep(spool, 0.0, DAY + 1, 3 * DAY)
    assert nodes.dead(spool) == {worker.inc}


def test_old_temps_go_and_fresh_ones_stay(spool: Spool) -> None:
    old, fresh = Path(spool.at("tmp", "old")), Path(spool.at("tmp", "fresh"))
    for path in (old, fresh):
        path.write_text("x")
    past = os.stat(fresh).st_mtime - 2 * DAY
    os.utime(old, (past, past))
    sweep(spool, 0.0)
    assert (old.exists(), fresh.exists()) == (False, True)


def test_every_done_job_loses_its_chunks_a_few_at_a_sweep(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jids = [publish(f"job{n}", span="1-10") for n in range(JOBS_A_SWEEP + 5)]
    for jid in jids:
        worker.finish(jid, 1)
        worker.close(jid)
    sweep(spool, 0.0, HOUR + 1, 2 * HOUR)
    assert [jid for jid in jids if os.path.exists(spool.job(jid, "000"))] == []


def test_a_sweep_ends_after_some_files_and_goes_on_later(
    spool: Spool, publish: Publish, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "FILES_A_SWEEP", 4)
    jid = publish(span="1-100")
    worker.finish(jid, *range(1, 11))
    worker.close(jid)
    sweep(spool, 0.0, HOUR + 1)
    assert len(os.listdir(spool.job(jid, "000"))) == 6
    sweep(spool, 0.0, HOUR + 1, HOUR + 61, HOUR + 121)
    assert not os.path.exists(spool.job(jid, "000"))


def test_two_janitors_do_not_stop_each_other(spool: Spool, publish: Publish, worker: Any) -> None:
    class Shared(PosixShare):
        """A real share on which another janitor is always a little quicker."""

        def unlink(self, path: str) -> None:
            super().unlink(path)
            super().unlink(path)

    jid = publish(span="1-20")
    worker.finish(jid, 1, 2)
    worker.close(jid)
    sweep(replace(spool, share=Shared()), 0.0, HOUR + 1)
    assert not os.path.exists(spool.job(jid, "000"))


# Beside the frames.


@pytest.fixture
def rendering(spool: Spool, tmp_path: Path) -> Output:
    """The output of a job of three chunks."""
    return rendered(spool, f"{tmp_path}/out/shot_####.png")


def rendered(spool: Spool, out: str) -> Output:
    """Publish a job with an output."""
    runs = ranges.parse("1-30")
    info = Info(commands=(("prog", "{out}"),), frames=runs)
    draft = Draft(name="s", slug="s", info=info, runs=runs, out=out, writes=Writes.PRIVATE, size=10)
    job = jobs.read(spool, jobs.publish(spool, draft, jobs.Order("me@here")))
    found = frames.locate(spool, job)
    assert found
    return found


def attempt(spool: Spool, output: Output, held: Claim) -> Path:
    """The private folder of an attempt, with a frame that it has not put in place."""
    folder = Path(frames.open_private(spool, output, held.stem))
    (folder / "shot_0001.png").write_bytes(b"half")
    return folder


def receipt(spool: Spool, output: Output) -> None:
    Path(output.folder, "shot_0003.png").write_bytes(b"whole")
    found = os.stat(Path(output.folder, "shot_0003.png"))
    entry = ("shot_0003.png", found.st_size, found.st_mtime_ns)
    placing.acknowledge(spool, output, 3, Receipt((entry,), (0, 0)))


def test_a_cancelled_job_leaves_nothing_beside_its_frames(
    spool: Spool, rendering: Output, worker: Any
) -> None:
    held = worker.claim(rendering.jid, 1)
    folder = attempt(spool, rendering, held)
    receipt(spool, rendering)
    orders.cancel(spool, rendering.jid)
    sweep(spool, 0.0)
    assert folder.exists()  # a node still stops it
    claims.give_back(spool, held, is_failure=False)
    sweep(spool, 0.0)
    assert os.listdir(rendering.folder) == ["shot_0003.png"]
    assert '"frame": "3"' in Path(spool.job(rendering.jid, "frames.jsonl")).read_text()


def test_a_job_still_being_stopped_at_the_first_sweep_is_cleared_at_the_next(
    spool: Spool, rendering: Output, worker: Any
) -> None:
    held = worker.claim(rendering.jid, 1)
    receipt(spool, rendering)
    orders.cancel(spool, rendering.jid)
    sweeper = Janitor(spool)
    sweeper.sweep(0.0)
    claims.give_back(spool, held, is_failure=False)
    sweeper.sweep(60.0)
    assert os.listdir(rendering.folder) == ["shot_0003.png"]


class Failing(PosixShare):
    """Lists no receipts while it is ill."""

    is_ill = True

    def listdir(self, path: str) -> list[str]:
        if self.is_ill and path.endswith("/ok"):
            raise OSError(errno.EIO, "Input/output error", path)
        return super().listdir(path)


def test_a_cancelled_job_is_cleared_after_an_error_of_the_share(
    spool: Spool, rendering: Output
) -> None:
    receipt(spool, rendering)
    died_cancelling(spool, rendering.jid)
    share = Failing()
    sweeper = Janitor(replace(spool, share=share))
    sweeper.sweep(0.0)
    assert ".renderd" in os.listdir(rendering.folder)
    share.is_ill = False
    sweeper.sweep(SWEEP_EVERY)
    assert os.listdir(rendering.folder) == ["shot_0003.png"]


def test_what_a_dead_node_held_of_a_cancelled_job_keeps_nothing(
    spool: Spool, rendering: Output, worker: Any
) -> None:
    attempt(spool, rendering, worker.claim(rendering.jid, 1))
    orders.cancel(spool, rendering.jid)
    nodes.declare(spool, "00", worker.pulse.beat)
    sweep(spool, 0.0)
    assert os.listdir(rendering.folder) == []


def test_a_failed_job_knows_its_frames_when_it_is_run_again(
    spool: Spool, rendering: Output, worker: Any
) -> None:
    held = worker.claim(rendering.jid, 1)
    folder = attempt(spool, rendering, held)
    claims.give_up(spool, held)
    worker.fail(rendering.jid, 2, 3)
    receipt(spool, rendering)
    worker.close(rendering.jid, has_failed=True)
    sweep(spool, 0.0, HOUR + 1)
    assert not folder.exists()
    orders.retry(spool, rendering.jid)
    assert frames.why_not_able(spool, rendering) == ""
    assert list(frames.receipted(spool, rendering, range(1, 31))) == [3]


def test_a_dead_attempts_folder_goes_where_who_freed_the_chunk_did_not_see_it(
    spool: Spool, rendering: Output, worker: Any, make_worker: Any
) -> None:
    lost, other = worker.claim(rendering.jid, 1), make_worker("ws01-00000001")
    folder, kept = (attempt(spool, rendering, h) for h in (lost, other.claim(rendering.jid, 2)))
    sweep(spool, 0.0)
    assert folder.exists()
    nodes.declare(spool, "00", worker.pulse.beat)
    claims.reclaim(spool, rendering.jid, lost.chunk)
    sweep(spool, 0.0, HOUR + 1)
    assert folder.exists()  # the next attempt takes over what is whole in it
    other.finish(rendering.jid, 1)
    sweep(spool, 0.0)
    assert (folder.exists(), kept.exists()) == (False, True)


def test_what_a_living_node_left_goes_an_hour_later(
    spool: Spool, rendering: Output, worker: Any
) -> None:
    held = worker.claim(rendering.jid, 1)
    folder = attempt(spool, rendering, held)
    claims.give_back(spool, held, is_failure=False)
    sweep(spool, 0.0, HOUR + 1)
    assert folder.exists()  # whole frames may wait in it for the next attempt
    worker.fail(rendering.jid, 1)
    sweep(spool, 0.0, HOUR - 1)
    assert folder.exists()
    sweep(spool, 0.0, HOUR + 1)
    assert not folder.exists()


def died_cancelling(spool: Spool, jid: str) -> None:
    """Who cancelled it did no more than that."""
    tickets.turn_surely(spool, jid, CANCELLED, among=OPEN)


def test_a_job_removed_where_its_output_is_not_mounted_is_cleared_by_a_node(
    spool: Spool, rendering: Output
) -> None:
    died_cancelling(spool, rendering.jid)
    away = f"{rendering.folder}.away"
    os.rename(rendering.folder, away)
    orders.remove(spool, rendering.jid)
    os.rename(away, rendering.folder)
    assert os.listdir(rendering.folder) == [".renderd"]
    sweep(spool, 0.0)
    assert os.listdir(rendering.folder) == []


def test_what_is_over_is_cleared_at_once_and_what_was_over_before_a_few_a_sweep(
    spool: Spool, tmp_path: Path
) -> None:
    def cancelled(name: str) -> str:
        jid = rendered(spool, f"{tmp_path}/out/{name}_####.png").jid
        died_cancelling(spool, jid)
        return jid

    def left(jids: list[str]) -> int:
        return sum(os.path.exists(f"{tmp_path}/out/.renderd/{jid}") for jid in jids)

    old = [cancelled(f"old{number}") for number in range(JOBS_A_SWEEP + 5)]
    sweeper = Janitor(spool)
    sweeper.sweep(0.0)
    assert left(old) == 5
    new = cancelled("new")
    sweeper.sweep(60.0)
    assert (left(old), left([new])) == (5, 0)
    sweeper.sweep(SWEEP_EVERY)
    assert left(old) == 0


def test_what_was_cancelled_before_this_node_came_goes_before_what_was_done(
    spool: Spool, tmp_path: Path
) -> None:
    for number in range(JOBS_A_SWEEP):
        done = rendered(spool, f"{tmp_path}/out/done{number}_####.png").jid
        tickets.turn_surely(spool, done, DONE, among=OPEN)
    cancelled = rendered(spool, f"{tmp_path}/out/cancelled_####.png").jid
    died_cancelling(spool, cancelled)
    Janitor(spool).sweep(0.0)
    assert not os.path.exists(f"{tmp_path}/out/.renderd/{cancelled}")
