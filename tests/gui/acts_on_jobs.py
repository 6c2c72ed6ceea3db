"""What every action on jobs and chunks changes on a farm with a real daemon."""

from collections.abc import Callable

from stage import Stage

from renderd.spool import tickets


def hold(on: Stage) -> None:
    jid = on.parked()
    on.do("hold", jid)
    on.ends(jid, "held")


def release(on: Stage) -> None:
    jid = on.ends(on.frames(hold="yes"), "held")
    on.do("release", jid)
    on.ends(jid, "done")


def retry(on: Stage, key: str = "retry") -> None:
    jid, flag = on.failed()
    flag.touch()
    on.do(key, jid)
    on.ends(jid, "done")


def skip(on: Stage, key: str = "skip") -> None:
    jid, _ = on.failed()
    on.do(key, jid)
    on.ends(jid, "done")


def cancel(on: Stage) -> None:
    jid = on.running()
    on.do("cancel", jid)
    on.ends(jid, "cancelled")
    on.until(lambda: not on.farm.commands(jid))


def remove(on: Stage) -> None:
    jid = on.running()
    on.do("remove", jid)
    on.until(lambda: jid not in on.desk.jobs.records)
    assert tickets.find(on.farm.spool, jid) is None
    on.until(lambda: not on.farm.commands(jid))


def priority(on: Stage, key: str, by: int) -> None:
    jid = on.parked()
    before = tickets.find(on.farm.spool, jid)[1].priority
    on.do(key, jid)
    on.until(lambda: on.desk.jobs.records[jid].priority == before + by)


def terms(on: Stage) -> None:
    jid = on.frames(pool="nobody", needs="tag=unheard-of")
    on.ask.typed = ["", ""]
    on.do("terms", jid)
    on.ends(jid, "done")


def undo(on: Stage) -> None:
    jid = on.parked()
    on.said("hold", jid)
    on.until(lambda: on.farm.state(jid) == "held")
    on.do("undo")
    on.ends(jid, "queue")


def next_failed(on: Stage) -> None:
    jid, _ = on.failed()
    on.desk.pick(jobs=[jid])
    on.until(lambda: on.desk.chunks.rowCount() == 1)
    on.do("next-failed")
    on.until(lambda: [c.state for c in on.desk.chosen_chunks()] == ["fail"])


def chunk_kill(on: Stage) -> None:
    jid = on.running()
    [pid] = on.farm.commands(jid)
    on.do("chunk-kill", jid)
    on.until(lambda: pid not in on.farm.commands(jid))
    on.do("cancel", jid)
    on.ends(jid, "cancelled")


def chunk_copy(on: Stage) -> None:
    jid = on.shown()
    on.do("chunk-copy", jid)
    assert on.ask.copied.split("\t")[:2] == ["1", "1-2"]


#: by key: what is set up, done, and expected of the farm
CASES: dict[str, Callable[[Stage], None]] = {
    **{"hold": hold, "release": release, "cancel": cancel, "remove": remove, "terms": terms},
    **{"retry": retry, "skip": skip, "undo": undo},
    "up": lambda on: priority(on, "up", 10),
    "down": lambda on: priority(on, "down", -10),
    "next-failed": next_failed,
    "chunk-retry": lambda on: retry(on, "chunk-retry"),
    "chunk-skip": lambda on: skip(on, "chunk-skip"),
    **{"chunk-kill": chunk_kill, "chunk-copy": chunk_copy},
}
