"""A redo job is a guest of an output: it shares it with its host and with nobody else."""

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from renderd.core import frames as ranges
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.errors import OutputOwned
from renderd.spool import closing, frames, jobs, orders, placing, tickets
from renderd.spool.layout import Spool
from renderd.spool.output import Output
from renderd.spool.share import PosixShare

STEM = "00001.1.ws07-0123abcd"
Add = Callable[..., Job]


@pytest.fixture
def add(spool: Spool, tmp_path: Path) -> Add:
    """Publish a job that writes shot_####.png; a redo where it names the job."""

    def put(name: str = "shot", redoes: str = "", **order: bool) -> Job:
        runs = ranges.parse("1-4")
        extra = (("x-redo", redoes),) if redoes else ()
        info = Info(commands=(("prog", "{out}"),), frames=runs, extra=extra)
        out = f"{tmp_path}/out/shot_####.png"
        draft = Draft(name=name, slug=name, info=info, runs=runs, out=out, writes=Writes.PRIVATE)
        return jobs.read(spool, jobs.publish(spool, draft, jobs.Order("me@here", **order)))

    return put


def located(spool: Spool, job: Job) -> Output:
    found = frames.locate(spool, job)
    assert found
    return found


def able(spool: Spool, job: Job) -> str:
    return frames.why_not_able(spool, located(spool, job))


def place(spool: Spool, job: Job, frame: int, data: bytes) -> None:
    output = located(spool, job)
    folder = frames.open_private(spool, output, STEM)
    name = f"shot_{frame:04d}.png"
    Path(folder, name).write_bytes(data)
    piece = placing.Piece(f"{output.private(STEM)}/{name}", name, name)
    placing.place(spool, output, frame, placing.measure(spool, [piece], (1, 1)), [piece.path])


def close(spool: Spool, job: Job) -> None:
    tickets.turn_surely(spool, job.jid, "done")
    closing.collect(spool, job)


def marks(spool: Spool, job: Job) -> set[str]:
    side = Path(located(spool, job).folder, ".renderd")
    return {p.name.partition(".")[2] for p in side.glob("*.*")}


def test_a_redo_and_its_open_job_write_one_output(spool: Spool, add: Add) -> None:
    job = add()
    redo = add("redo", job.jid)
    assert (able(spool, job), able(spool, redo)) == ("", "")
    assert marks(spool, job) == {"owner", f"guest.{redo.jid}"}


def test_a_redo_goes_on_when_its_job_closes_and_the_other_way_round(spool: Spool, add: Add) -> None:
    job = add()
    first, second = add("redo", job.jid), add("redo", job.jid)
    close(spool, first)
    assert (able(spool, job), able(spool, second)) == ("", "")
    close(spool, job)
    assert able(spool, second) == ""
    close(spool, second)
    assert not Path(located(spool, job).folder, ".renderd").exists()


def test_a_new_job_is_refused_while_a_redo_is_open_and_may_replace_it(
    spool: Spool, add: Add
) -> None:
    job = add()
    redo = add("redo", job.jid)
    close(spool, job)
    with pytest.raises(OutputOwned, match=redo.jid):
        add("other")
    other = add("other", replaces=True)
    assert orders.where(spool, redo.jid)[0] == "cancelled"
    assert able(spool, other) == ""
    assert f"belongs to job {other.jid}" in able(spool, redo)


def test_a_redo_is_refused_while_another_job_writes_the_output(spool: Spool, add: Add) -> None:
    job = add()
    close(spool, job)
    other = add("other")
    with pytest.raises(OutputOwned, match=other.jid):
        add("redo", job.jid)
    assert able(spool, other) == ""


def test_a_redo_takes_an_output_over_from_a_job_that_is_over(spool: Spool, add: Add) -> None:
    job = add()
    close(spool, job)
    other = add("other")
    orders.cancel(spool, other.jid)
    first, second = add("redo", job.jid), add("redo", job.jid)
    assert (able(spool, first), able(spool, second)) == ("", "")
    frames.disown(spool, first)
    assert able(spool, second) == ""


def test_a_failed_job_is_retried_beside_its_redo(spool: Spool, add: Add, worker) -> None:
    job = add()
    worker.fail(job.jid, 1)
    worker.close(job.jid, has_failed=True)
    redo = add("redo", job.jid)
    assert orders.retry(spool, job.jid).now == "queue"
    assert (able(spool, job), able(spool, redo)) == ("", "")


def test_a_node_without_the_redos_mark_is_not_able(spool: Spool, add: Add) -> None:
    job = add()
    redo = add("redo", job.jid)
    Path(located(spool, redo).guest(redo.jid)).unlink()
    assert "does not see the job's mark" in able(spool, redo)


def test_a_redone_frame_stays_its_jobs_frame(spool: Spool, add: Add) -> None:
    job = add()
    place(spool, job, 2, b"old")
    redo = add("redo", job.jid)
    place(spool, redo, 2, b"new, and longer")
    assert list(frames.receipted(spool, located(spool, job), range(1, 5))) == [2]
    assert list(frames.receipted(spool, located(spool, redo), range(1, 5))) == [2]
    assert sorted(p.name for p in Path(located(spool, redo).own).iterdir()) == [
        *(STEM, "ok", "since")
    ]


def test_a_job_may_not_name_a_path_as_the_one_it_redoes(spool: Spool, add: Add) -> None:
    assert add("evil", "../../../etc").redoes == ""


class Stepping(PosixShare):
    """A share that lets one of several threads make one call at a time, as a seed says."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._turn = threading.Condition()
        self._waiting: list[str] = []
        self._alive = 0

    def run(self, *steps: Callable[[], None]) -> None:
        """Run the actors against each other to their ends; what one raises is raised."""
        self._alive = len(steps)
        errors: list[BaseException] = []

        def act(step: Callable[[], None]) -> None:
            try:
                step()
            except BaseException as error:  # told below
                errors.append(error)
            with self._turn:
                self._alive -= 1
                self._turn.notify_all()

        named = [(str(number), step) for number, step in enumerate(steps)]
        threads = [threading.Thread(target=act, args=(s,), name=n) for n, s in named]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def _wait(self) -> None:
        """Wait until all that still run are here and the dice choose this one."""
        me = threading.current_thread().name
        with self._turn:
            self._waiting = sorted([*self._waiting, me])
            self._turn.notify_all()
            self._turn.wait_for(lambda: self._chosen(me))
            self._waiting.remove(me)

    def _chosen(self, me: str) -> bool:
        return len(self._waiting) >= self._alive and self._waiting[self._pick()] == me

    def _pick(self) -> int:
        # The same answer for all who ask while the same actors wait.
        state = self._rng.getstate()
        at = self._rng.randrange(len(self._waiting))
        self._rng.setstate(state)
        return at

    def __getattribute__(self, name: str):
        found = super().__getattribute__(name)
        if name.startswith("_") or name == "run":
            return found

        def call(*args, **how):
            if threading.current_thread() is not threading.main_thread():
                self._wait()
                self._rng.random()
            return found(*args, **how)

        return call


@pytest.mark.parametrize("closing", ["neither", "job", "redo", "both"])
@pytest.mark.parametrize("seed", range(20))
def test_in_any_order_of_calls_neither_takes_anything_from_the_other(
    spool: Spool, add: Add, seed: int, closing: str
) -> None:
    job = add()
    place(spool, job, 1, b"old")
    redo = add("redo", job.jid, owns_output=False)
    share = Stepping(seed)
    stepped = replace(spool, share=share)

    def works() -> None:
        assert able(stepped, job) == ""
        place(stepped, job, 2, b"two")
        if closing in ("job", "both"):
            close(stepped, job)

    def redoes() -> None:
        frames.own(stepped, redo, replaces=False)
        assert able(stepped, redo) == ""
        place(stepped, redo, 1, b"new, and longer")
        if closing in ("redo", "both"):
            close(stepped, redo)

    def intrudes() -> None:
        with pytest.raises(OutputOwned):
            frames.own(stepped, replace(job, jid="zzzzzzzzzz"), replaces=False)

    share.run(works, redoes, *[intrudes] * (closing == "redo"))
    folder = Path(located(spool, job).folder)
    assert (folder / "shot_0001.png").read_bytes() == b"new, and longer"
    assert (folder / "shot_0002.png").read_bytes() == b"two"
    if closing in ("neither", "redo"):
        assert able(spool, job) == ""
        assert set(frames.receipted(spool, located(spool, job), (1, 2))) == {1, 2}
    if closing in ("neither", "job"):
        assert able(spool, redo) == ""
        assert set(frames.receipted(spool, located(spool, redo), (1, 2))) == {1}
    if closing == "both":
        assert marks(spool, job) == set()


class Remembering(PosixShare):
    """A share that, as NFS does, remembers that a name was not there until its folder is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.absent: set[str] = set()

    def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> bytes:
        found = Path(path)
        if any(str(one) in self.absent for one in (found, *found.parents)):
            raise FileNotFoundError(2, "remembered as absent", path)
        return super().read(path, limit, start)

    def changed_at(self, path: str) -> int:
        time = super().changed_at(path)
        self.absent -= {one for one in self.absent if str(Path(one).parent) == path}
        return time


@pytest.mark.parametrize("absent", [".renderd", ".renderd/{jid}", ".renderd/{jid}/since"])
def test_a_node_that_remembers_no_mark_sees_the_next_jobs_one_at_once(
    spool: Spool, add: Add, absent: str
):
    job = add()
    seen = replace(spool, share=Remembering())
    seen.share.absent = {f"{located(spool, job).folder}/{absent.format(jid=job.jid)}"}
    assert able(seen, job) == ""
