"""The scenarios: what is done while one of its calls fails."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from renderd.core import frames as ranges
from renderd.core import video, videojob
from renderd.core.job import Writes
from renderd.core.source import Planned, Stamp
from renderd.core.wire import Op, Request
from renderd.daemon.loop import Nudge
from renderd.daemon.work import Ending
from renderd.spool import jobs, nodes, orders, redos, tickets
from renderd.spool.layout import CANCELLED, DONE, FAILED, HELD
from tests.faults.farm import Farm, Order, age

PRIVATE, ITSELF = Writes.PRIVATE, Writes.ITSELF


@dataclass(frozen=True)
class Act:
    """What runs while calls may fail, and what a person does who was told of a failure."""

    run: Callable[[], object]
    again: Order | None = None
    is_given: Callable[[], bool] = lambda: False


Scenario = Callable[[Farm], Act]
SCENARIOS: dict[str, Scenario] = {}


def scenario(make: Scenario) -> Scenario:
    """Register a scenario under the words of its name."""
    SCENARIOS[make.__name__.replace("_", "-")] = make
    return make


def told(farm: Farm, order: Order) -> Act:
    """An order that may safely be given twice."""
    return Act(lambda: farm.tell(order), order)


def submitted(farm: Farm, name: str, order: Order) -> Act:
    """A job that is added again where it is not in the list."""
    return Act(lambda: farm.tell(order), order, lambda: bool(farm.jids(name)))


# Jobs come in.


@scenario
def submit(farm: Farm) -> Act:
    draft = farm.draft()
    return submitted(farm, "shot", lambda s: jobs.publish(s, draft, jobs.Order("me@here")))


@scenario
def submit_frames(farm: Farm) -> Act:
    draft = farm.draft(writes=PRIVATE)
    return submitted(farm, "shot", lambda s: jobs.publish(s, draft, jobs.Order("me@here")))


@scenario
def submit_with_a_copy(farm: Farm) -> Act:
    path = farm.home / "shot.blend"
    path.write_bytes(b"a scene" * 1000)
    found = path.stat()
    source = Planned(str(path), Stamp(found.st_size, found.st_mtime_ns))
    draft = farm.draft(writes=PRIVATE, blend=str(path))
    words = ("prog", "{blend}", "{start}", "{end}", "{out}")
    draft = replace(draft, source=source, info=replace(draft.info, commands=(words,)))
    order = jobs.Order("me@here", copies=True)
    return submitted(farm, "shot", lambda s: jobs.publish(s, draft, order))


@scenario
def submit_with_a_movie(farm: Farm) -> Act:
    draft = farm.draft(writes=PRIVATE, span="1-2", extra=(("x-fps", "24"),))
    draft = replace(draft, info=replace(draft.info, video=video.parse("h264")))
    return submitted(farm, "shot", lambda s: jobs.publish(s, draft, jobs.Order("me@here")))


@scenario
def submit_after(farm: Farm) -> Act:
    first = farm.publish("sim", "1-2")
    farm.node()
    order = jobs.Order("me@here", after=(first,))
    act = submitted(farm, "shot", lambda s: jobs.publish(s, farm.draft(span="1-2"), order))
    return replace(act, run=lambda: (act.run(), farm.go_on(4.0)))


@scenario
def replace_a_job(farm: Farm) -> Act:
    farm.publish("old", "1-2", writes=PRIVATE, out=f"{farm.home}/out/shot_####.png")
    farm.ends["old"] = {CANCELLED, DONE}
    draft = farm.draft(span="1-2", writes=PRIVATE, out=f"{farm.home}/out/shot_####.png")
    order = jobs.Order("me@here", replaces=True)
    act = submitted(farm, "shot", lambda s: jobs.publish(s, draft, order))
    farm.rivals = ["shot"]
    return act


@scenario
def redo(farm: Farm) -> Act:
    jid = farm.publish(writes=PRIVATE)
    farm.node(is_calm=True)
    farm.go_on(30.0)
    assert tickets.find(farm.spool, jid)[0] == DONE

    def order(spool) -> None:
        place, job = tickets.find(spool, jid), jobs.read(spool, jid)
        runs = ranges.parse("2-3")
        redos.check(spool, place, job, runs)
        jobs.publish(spool, redos.draft(spool, place, job, runs), jobs.Order("me@here"))

    act = submitted(farm, "shot redo", order)
    return replace(act, run=lambda: (act.run(), farm.go_on(20.0)))


@scenario
def adopt(farm: Farm) -> Act:
    farm.node()
    farm.drop("shot")
    return Act(lambda: farm.go_on(8.0))


@scenario
def take_over_an_adoption(farm: Farm) -> Act:
    dying = farm.node("ws02-00000002", is_calm=True)
    farm.drop("shot")
    farm.go_on(2.0)
    farm.lose(dying)
    nodes.declare(farm.spool, dying.node.pulse.shard, dying.node.pulse.beat)
    farm.node()
    return Act(lambda: farm.go_on(80.0))


@scenario
def refuse_a_drop(farm: Farm) -> Act:
    farm.node()
    farm.drop("shot", "frames: nonsense\n\nprog\n")
    farm.kept = [r"bad/[a-z2-7]{10}~shot\.(info|why)"]
    return Act(lambda: farm.go_on(8.0))


# Chunks.


@scenario
def claim(farm: Farm) -> Act:
    driven = farm.node()
    farm.publish()
    return Act(lambda: driven.tick(0.5, Nudge()))


@scenario
def finish(farm: Farm) -> Act:
    farm.publish()
    driven = farm.node()
    return Act(lambda: farm.end(driven))


@scenario
def finish_and_close(farm: Farm) -> Act:
    farm.publish(span="1-2")
    driven = farm.node()
    return Act(lambda: (farm.end(driven), farm.go_on(3.0)))


@scenario
def fail_and_try_again(farm: Farm) -> Act:
    farm.publish(span="1-2")
    farm.endings["shot"] = [Ending.FAIL]
    driven = farm.node()
    return Act(lambda: (farm.end(driven), farm.go_on(3.0)))


@scenario
def fail_for_good(farm: Farm) -> Act:
    farm.publish(span="1-2", retries=0)
    farm.ends["shot"] = {FAILED, DONE}
    farm.endings["shot"] = [Ending.FAIL]
    driven = farm.node()
    return Act(lambda: (farm.end(driven), farm.go_on(6.0)))


@scenario
def give_back(farm: Farm) -> Act:
    farm.publish(span="1-2")
    farm.endings["shot"] = [Ending.KILLED]
    driven = farm.node()
    return Act(lambda: farm.end(driven))


@scenario
def reclaim(farm: Farm) -> Act:
    farm.publish(writes=PRIVATE)
    dying = farm.node("ws02-00000002", is_calm=True)
    farm.forgotten.add(dying.node.inc)
    farm.lose(dying)
    nodes.declare(farm.spool, dying.node.pulse.shard, dying.node.pulse.beat)
    farm.node()
    return Act(lambda: farm.go_on(15.0))


# Frames.


@scenario
def place_frames(farm: Farm) -> Act:
    farm.publish(writes=PRIVATE)
    driven = farm.node()
    return Act(lambda: farm.end(driven))


@scenario
def place_the_last_frames(farm: Farm) -> Act:
    farm.publish(span="1-2", writes=PRIVATE)
    driven = farm.node()
    return Act(lambda: (farm.end(driven), farm.go_on(3.0)))


@scenario
def place_a_frame_set(farm: Farm) -> Act:
    farm.publish("passes", "1-2", writes=PRIVATE)
    farm.kept = [r"out/depth/\.renderd"]  # empty, where the share answered no to its removal
    driven = farm.node()
    return Act(lambda: farm.end(driven))


@scenario
def accept_frames(farm: Farm) -> Act:
    farm.publish(span="1-2", writes=ITSELF)
    driven = farm.node()
    return Act(lambda: farm.end(driven))


@scenario
def salvage_frames(farm: Farm) -> Act:
    farm.publish(span="1-2", writes=PRIVATE)
    farm.endings["shot"] = [Ending.FAIL]
    driven = farm.node()
    return Act(lambda: (farm.end(driven), farm.go_on(3.0)))


@scenario
def make_a_movie(farm: Farm) -> Act:
    jid = farm.publish(span="1-2", writes=PRIVATE, extra=(("x-fps", "24"),))
    farm.node("ws02-00000002", is_calm=True)
    farm.go_on(30.0)
    farm.lose()
    draft = videojob.draft(jobs.read(farm.spool, jid), video.parse("h264"))
    jobs.publish(farm.spool, draft, jobs.Order("me@here"))
    driven = farm.node()
    return Act(lambda: farm.end(driven))


# People.


@scenario
def cancel(farm: Farm) -> Act:
    jid = farm.publish(writes=PRIVATE)
    farm.ends["shot"] = {CANCELLED}
    return told(farm, lambda s: orders.cancel(s, jid))


@scenario
def cancel_what_runs(farm: Farm) -> Act:
    jid = farm.publish(writes=PRIVATE)
    farm.ends["shot"] = {CANCELLED}
    farm.endings["shot"] = [Ending.KILLED]
    driven = farm.node()
    orders.cancel(farm.spool, jid)
    return Act(lambda: (driven.tick(6.0), farm.end(driven), farm.go_on(6.0)))


@scenario
def hold(farm: Farm) -> Act:
    jid = farm.publish()
    farm.ends["shot"] = {HELD}
    return told(farm, lambda s: orders.hold(s, jid, "artist"))


@scenario
def release(farm: Farm) -> Act:
    jid = farm.publish(held=True, writes=PRIVATE)
    return told(farm, lambda s: orders.release(s, jid))


@scenario
def prioritise(farm: Farm) -> Act:
    jid = farm.publish()
    return told(farm, lambda s: orders.set_priority(s, jid, 90))


@scenario
def limit(farm: Farm) -> Act:
    jid = farm.publish()
    return told(farm, lambda s: orders.limit(s, jid, lambda c: replace(c, nodes=1)))


@scenario
def retry(farm: Farm) -> Act:
    jid = farm.publish(retries=0, writes=PRIVATE)
    farm.endings["shot"] = [Ending.FAIL] * 2
    farm.ends["shot"] = {FAILED, HELD}
    farm.node(is_calm=True)
    farm.go_on(20.0)
    assert tickets.find(farm.spool, jid)[0] in (FAILED, HELD)
    farm.ends.clear()
    farm.lose()
    return told(farm, lambda s: orders.retry(s, jid))


@scenario
def skip(farm: Farm) -> Act:
    jid = farm.publish()
    return told(farm, lambda s: orders.skip(s, jid, lambda _: True))


@scenario
def remove(farm: Farm) -> Act:
    jid = farm.publish(writes=PRIVATE)
    orders.cancel(farm.spool, jid)
    farm.ends["shot"] = {CANCELLED}
    gone = lambda: not farm.jids("shot")  # noqa: E731
    order = lambda s: orders.remove(s, jid)  # noqa: E731
    return Act(lambda: farm.tell(order), order, gone)


@scenario
def order_a_node(farm: Farm) -> Act:
    driven = farm.node()
    request = Request(Op.PAUSE, {})
    farm.publish()
    order = lambda s: orders.send(s, "ws01", request)  # noqa: E731
    return Act(lambda: (farm.tell(order), driven.tick(6.0)))


# Nodes.


@scenario
def beat(farm: Farm) -> Act:
    farm.publish()
    farm.node()
    farm.endings["shot"] = []
    return Act(lambda: farm.go_on(30.0))


@scenario
def incarnate(farm: Farm) -> Act:
    farm.publish()
    return Act(lambda: farm.tell(lambda _: farm.node()))


@scenario
def leave(farm: Farm) -> Act:
    driven = farm.node()
    return Act(lambda: (nodes.leave(driven.node.spool, driven.node.pulse, owns_nothing=True),
                        farm.lose(driven)))  # fmt: skip


@scenario
def janitor(farm: Farm) -> Act:
    """What was over long ago goes: chunk files, temps, a removed job, a death, old jobs."""
    farm.publish("kept", "1-2", writes=PRIVATE)
    jid = farm.publish("gone", "1-2", writes=PRIVATE)
    old = farm.publish("old", "1-2", keep=1.0)
    dying = farm.node("ws02-00000002", is_calm=True)
    farm.go_on(20.0)
    farm.lose(dying)
    farm.forgotten.add(dying.node.inc)
    nodes.declare(farm.spool, dying.node.pulse.shard, dying.node.pulse.beat)
    orders.remove(farm.spool, jid)
    Path(farm.spool.at("tmp", "ws02-00000002.litter")).write_bytes(b"")
    assert farm.jids("old") == [old]
    farm.is_emptied, farm.kept = True, [r"out/gone/.*\.png"]
    farm.node()

    def days() -> None:
        for seconds in (0.0, 3700.0, 90_000.0, 90_000.0):
            age(farm)
            farm.clock[0] += seconds
            farm.sweep()

    return Act(days)
