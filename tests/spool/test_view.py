"""What a person sees of the farm."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from renderd.core.chunk import State
from renderd.spool import control, listing, nodes, orders, view
from renderd.spool.layout import DONE, HELD, QUEUE, Spool
from renderd.spool.moves import SETTLE
from renderd.spool.records import ChunkView, JobView
from renderd.spool.share import READ_LIMIT, PosixShare


def only(spool: Spool, *folders: str) -> JobView:
    [found] = view.read_jobs(spool, folders) if folders else view.read_jobs(spool)
    return found


def test_a_job_shows_how_many_of_its_chunks_stand_where(spool: Spool, publish, worker):
    jid = publish("shot 010", "1-50", pool=("gpu",), nodes=4)
    worker.finish(jid, 1, 2)
    worker.fail(jid, 3)
    worker.claim(jid, 4)
    job = only(spool)
    assert (job.jid, job.name, job.slug, job.state) == (jid, "shot 010", "shot-010", QUEUE)
    assert (job.done, job.failed, job.running, job.waiting, job.chunks) == (2, 1, 1, 1, 5)
    assert (job.frames, job.pool, job.nodes, job.owner) == ("1-50", ("gpu",), 4, "me@here")


def test_age_is_told_by_the_servers_clock_alone(spool: Spool, publish):
    jid = publish()
    path = spool.job(jid, "job.info")
    now = view.server_now(spool)
    assert now is not None
    os.utime(path, ns=(now, now - 90_000_000_000))
    age = only(spool).age
    assert age is not None
    assert age >= 90


def test_jobs_come_by_priority_then_by_age(spool: Spool, publish):
    names = ("late", "first", "urgent")
    jids = {name: publish(name, priority=80 if name == "urgent" else 50) for name in names}
    for age, name in enumerate(("late", "first")):
        os.utime(spool.job(jids[name], "job.info"), ns=(0, 10**18 - age * 10**9))
    assert [j.name for j in view.read_jobs(spool)] == ["urgent", "first", "late"]


def test_a_closed_job_counts_as_done_after_its_chunk_files_are_gone(spool: Spool, publish, worker):
    jid = publish()
    worker.finish(jid, 1, 2, 3)
    worker.close(jid)
    for path in Path(spool.job(jid, "000")).iterdir():
        path.unlink()
    assert (only(spool, DONE).done, only(spool, DONE).waiting) == (3, 0)


def test_a_waiting_job_names_the_jobs_it_waits_for(spool: Spool, publish):
    first = publish("first")
    publish("second", after=(first,))
    assert only(spool, "waiting").reason == f"waits for {first}"


def test_a_stopped_job_shows_its_reason_and_note(spool: Spool, publish):
    jid = publish()
    orders.hold(spool, jid, "artist", "no licence")
    control.change(spool, jid, note="ask the artist")
    assert (only(spool, HELD).reason, only(spool, HELD).note) == (
        "held by artist: no licence",
        "ask the artist",
    )


def test_a_chunk_that_was_removed_by_hand_is_missed(spool: Spool, publish):
    jid = publish()
    next(Path(spool.job(jid, "000")).iterdir()).unlink()
    assert "1 of its chunk files are gone" in only(spool).reason


def test_a_job_whose_record_is_torn_is_still_listed(spool: Spool, publish):
    jid = publish()
    Path(spool.job(jid, "job.info")).write_bytes(b"")
    job = only(spool)
    assert (job.jid, job.chunks) == (jid, 0)
    assert "cannot be read" in job.reason


def test_of_two_names_of_a_chunk_the_one_that_counts_is_counted():
    names = [
        "00001_1~10.1-0-0.wait.info",
        "00001_1~10.1-0-0.done.ws07-0123abcd.abcd.info",
        "00002_11~20.1-0-0.wait.info",
        "00002_11~20.2-1-0.run.ws07-0123abcd.efgh.info",
        "00003_21~30.1-0-0.wait.info~",
        ".nfs0001",
    ]
    assert listing.tally(names) == {State.DONE: 1, State.RUN: 1}


@pytest.mark.parametrize("state", list(State))
def test_the_quick_count_knows_every_state_that_the_parser_knows(state):
    tail = "wait" if state is State.WAIT else f"{state}.ws07-0123abcd.k2p9"
    for frames in ("once", "-20~-11", "1~9~x2"):
        assert listing.tally([f"00001_{frames}.1-0-0.{tail}.info"]) == {state: 1}


def test_a_failed_chunk_shows_who_failed_and_why(spool: Spool, publish, worker):
    jid = publish()
    worker.fail(jid, 2, why="fail: out of memory\nexit 137")
    first, failed, _ = view.read_chunks(spool, jid)
    assert (first.state, first.error) == ("wait", "")
    assert (failed.index, failed.frames, failed.state) == (2, "11-20", "fail")
    assert (failed.node, failed.attempt, failed.failures) == (worker.inc, 1, 1)
    assert failed.error == "fail: out of memory"


def test_chunks_may_be_asked_for_by_state(spool: Spool, publish, worker):
    jid = publish()
    worker.finish(jid, 1)
    assert [c.index for c in view.read_chunks(spool, jid, {State.WAIT})] == [2, 3]


def test_a_node_shows_its_facts_status_and_beat(spool: Spool, worker):
    nodes.publish_status(spool, worker.inc, {"load": 0.5})
    [node] = view.read_nodes(spool)
    assert (node.inc, node.node, node.state, node.period) == (worker.inc, "ws07", "alive", 5)
    assert node.status == {"load": 0.5}
    assert node.age is not None


def test_a_certified_node_is_dead_even_while_an_old_beat_lies_there(spool: Spool, worker):
    nodes.certify(spool, worker.inc)
    assert [n.state for n in view.read_nodes(spool)] == ["dead"]


def test_records_become_json(spool: Spool, publish, worker):
    jid = publish()
    for record in (only(spool), view.read_chunks(spool, jid)[0], view.read_nodes(spool)[0]):
        assert json.loads(json.dumps(record.to_dict()))


def ends(spool: Spool) -> dict[str, tuple[float | None, float | None, float | None]]:
    """Seconds from now to the end of each job, and its range."""
    now = (view.server_now(spool) or 0) / 1e9
    return {
        j.name: tuple(None if t is None else t - now for t in (j.eta_low, j.eta, j.eta_high))
        for j in view.read_jobs(spool)
    }


def tell(spool: Spool, inc: str, paces: dict[str, list[float]], **said: object) -> None:
    """A node's words: frames, mean and spread by job."""
    nodes.publish_status(spool, inc, {"slots": 1, "paces": paces, **said})


def test_a_jobs_end_follows_from_its_own_frame_times(spool: Spool, publish, worker):
    jid = publish()
    worker.finish(jid, 1)
    tell(spool, worker.inc, {jid: [10, 60.0, 0.0]})
    low, at, high = ends(spool)["shot"]
    assert at == pytest.approx(20 * 60, abs=30)
    assert low < at < high


def test_a_chunk_in_work_counts_by_its_frames(spool: Spool, publish, worker):
    jid = publish()
    worker.finish(jid, 1, 2)
    worker.claim(jid, 3)
    running = [{"job": jid, "chunk": 3, "done": 8, "total": 10}]
    tell(spool, worker.inc, {jid: [20, 60.0, 0.0]}, running=running)
    assert ends(spool)["shot"][1] == pytest.approx(2 * 60, abs=30)


def test_a_movie_in_work_counts_by_what_its_command_says(spool: Spool, publish, worker):
    jid = publish(span="1-10")
    worker.claim(jid, 1)
    running = [{"job": jid, "chunk": 1, "done": 0, "total": 10, "percent": 80.0}]
    tell(spool, worker.inc, {jid: [8, 60.0, 0.0]}, running=running)
    assert ends(spool)["shot"][1] == pytest.approx(2 * 60, abs=30)


def test_a_job_behind_a_more_urgent_one_ends_later(spool: Spool, publish, worker):
    first, second = publish("urgent", priority=90), publish("later")
    for jid in (first, second):
        worker.finish(jid, 1)
    tell(spool, worker.inc, {first: [10, 60.0, 0.0], second: [10, 60.0, 0.0]})
    found = ends(spool)
    assert found["urgent"][1] == pytest.approx(20 * 60, abs=30)
    assert found["later"][1] == pytest.approx(40 * 60, abs=30)


def test_only_a_job_that_may_run_has_an_end(spool: Spool, publish, worker):
    jids = {"held": publish("held"), "queued": publish("queued")}
    jids["waiting"] = publish("waiting", after=(jids["queued"],))
    worker.finish(jids["held"], 1)
    worker.finish(jids["queued"], 1)
    orders.hold(spool, jids["held"], "artist")
    tell(spool, worker.inc, {jid: [10, 60.0, 0.0] for jid in jids.values()})
    found = ends(spool)
    assert (found["held"][1], found["waiting"][1]) == (None, None)
    assert found["queued"][1] == pytest.approx(20 * 60, abs=30)


def test_a_job_that_only_another_pool_may_run_has_no_end(spool: Spool, publish, worker):
    jid = publish(pool=("gpu",))
    worker.finish(jid, 1)
    tell(spool, worker.inc, {jid: [10, 60.0, 0.0]})
    assert ends(spool)["shot"][1] is None


def test_a_resting_node_is_not_counted_on(spool: Spool, publish, worker, make_worker):
    jid = publish()
    worker.finish(jid, 1)
    tell(spool, worker.inc, {jid: [10, 60.0, 0.0]})
    other = make_worker("ws01-00000001")
    tell(spool, other.inc, {}, reason="paused by artist")
    assert ends(spool)["shot"][1] == pytest.approx(20 * 60, abs=30)
    tell(spool, other.inc, {})
    assert ends(spool)["shot"][1] == pytest.approx(10 * 60, abs=30)


def test_frame_times_of_a_node_that_died_still_count(spool: Spool, publish, worker, make_worker):
    jid = publish()
    worker.finish(jid, 1)
    tell(spool, worker.inc, {jid: [10, 60.0, 0.0]})
    nodes.declare(spool, "00", worker.pulse.beat)
    assert ends(spool)["shot"][1] is None  # nobody is there to render it
    make_worker("ws01-00000001")
    assert ends(spool)["shot"][1] == pytest.approx(20 * 60, abs=30)


@pytest.mark.parametrize(
    "paces",
    [
        7,
        [],
        {"x": 1},
        {"JID": "fast"},
        {"JID": [1, 2]},
        {"JID": [10, -1, 0]},
        {"JID": [10, "a", 0]},
    ],
)
def test_words_that_make_no_sense_tell_no_end(spool: Spool, publish, worker, paces):
    jid = publish()
    worker.finish(jid, 1)
    said = (
        {k.replace("JID", jid): v for k, v in paces.items()} if isinstance(paces, dict) else paces
    )
    tell(spool, worker.inc, said, slots="many", running=[{"job": 7}, "x"])
    assert ends(spool)["shot"][1] is None


def test_a_waiting_job_says_when_it_waits_for_what_will_not_come(spool: Spool, publish, worker):
    first, second = publish("first"), publish("second")
    publish("third", after=(first, second))
    orders.cancel(spool, first)
    os.unlink(next(Path(spool.at("queue")).glob(f"*{second}*")))
    reason = only(spool, "waiting").reason
    assert f"{first}, which was cancelled" in reason
    assert f"{second}, which was removed" in reason


class Noting(PosixShare):
    """Notes which files are read."""

    def __init__(self) -> None:
        self.reads: list[str] = []

    def read(self, path: str, limit: int = READ_LIMIT, start: int = 0) -> bytes:
        self.reads.append(path)
        return super().read(path, limit, start)


def test_who_reads_again_and_again_reads_each_jobs_record_once(spool: Spool, publish):
    share, infos = Noting(), view.Infos()
    first = spool.job(publish("one"), "job.info")
    for _ in range(2):
        view.read_jobs(replace(spool, share=share), infos=infos)
    second = spool.job(publish("two"), "job.info")
    found = view.read_jobs(replace(spool, share=share), infos=infos)
    assert [job.name for job in found] == ["one", "two"]
    assert [path for path in share.reads if path in (first, second)] == [first, second]


def test_a_record_that_somebody_put_in_anothers_place_shows_at_the_next_reading(
    spool: Spool, publish
):
    infos, path = view.Infos(), Path(spool.job(publish("one"), "job.info"))
    view.read_jobs(spool, infos=infos)
    other = path.with_suffix(".new")
    other.write_text(path.read_text().replace("x-name: one", "x-name: two"))
    other.replace(path)
    [found] = view.read_jobs(spool, infos=infos)
    assert found.name == "two"
    path.write_text("torn")
    [found] = view.read_jobs(spool, infos=infos)
    assert "its job.info cannot be read" in found.reason


def test_records_of_jobs_that_are_gone_are_not_kept(spool: Spool, publish):
    share, infos, jid = Noting(), view.Infos(), publish("one")
    path = spool.job(jid, "job.info")
    watched = replace(spool, share=share)
    view.read_jobs(watched, infos=infos)
    view.read_jobs(watched, (DONE,), infos=infos)
    view.read_jobs(watched, infos=infos)
    assert share.reads.count(path) == 2


class Listing(PosixShare):
    """Notes which folders are listed, and hides a path from the first list of its folder, …"""

    def __init__(self, *hidden: str) -> None:
        self.lists: list[str] = []
        self.hidden = hidden

    def listdir(self, path: str) -> list[str]:
        hidden = self.hidden[self.lists.count(path) :][:1]
        self.lists.append(path)
        return [name for name in super().listdir(path) if f"{path}/{name}" not in hidden]


def states(found: list[ChunkView]) -> list[str]:
    return [chunk.state for chunk in found]


def test_a_group_that_stands_still_is_not_listed_again_and_one_that_changes_is(
    spool: Spool, publish, worker
):
    jid = publish("shot", "1-30")
    share, chunks = Listing(), view.Chunks(jid)
    watched = replace(spool, share=share)
    for now in (0.0, SETTLE):  # listed twice before it is believed
        assert states(chunks.read(watched, now)) == ["wait"] * 3
    share.lists.clear()
    assert states(chunks.read(watched, 2 * SETTLE)) == ["wait"] * 3
    assert spool.job(jid, "000") not in share.lists
    worker.finish(jid, 2)
    assert states(chunks.read(watched, 3 * SETTLE)) == ["wait", "done", "wait"]


@pytest.mark.parametrize("index", [1, 2])
def test_a_chunk_that_a_list_misses_while_it_is_renamed_is_there(spool: Spool, publish, index):
    jid = publish("shot", "1-30")
    group = spool.job(jid, "000")
    paths = [f"{group}/{name}" for name in sorted(os.listdir(group))]
    share = Listing(paths[index - 1], paths[2 - index])  # the second list misses another
    found = view.read_chunks(replace(spool, share=share), jid)
    assert [chunk.index for chunk in found] == [1, 2, 3]
    assert share.lists.count(group) == 2


def test_chunks_whose_folder_goes_are_gone(spool: Spool, publish):
    jid = publish("shot", "1-30")
    chunks = view.Chunks(jid)
    assert len(chunks.read(spool, 0.0)) == 3
    os.rename(spool.job(jid, "000"), spool.job(jid, "away"))
    assert chunks.read(spool, 1.0) == []


def test_a_folder_that_only_looks_like_a_group_is_none(spool: Spool, publish):
    jid = publish("shot", "1-30")
    os.mkdir(spool.job(jid, "²"))
    assert len(view.read_chunks(spool, jid)) == 3
