"""What nodes can do by their own files, and jobs that no live node can take."""

from typing import Any

from renderd.core.control import Control
from renderd.core.infofile import Info
from renderd.core.job import Job
from renderd.core.needs import Needs
from renderd.spool import ability
from renderd.spool.records import NodeView

FACTS = {"ram": 16 << 30, "blenders": ["4.2.1"], "gpu": False}
JOB = Job(jid="k2p9x7q4ab", info=Info(commands=(("blender", "-b", "/p/a.blend", "-a"),)), chunks=1)


def node(name: str, facts: dict[str, Any] | None = None, **status: Any) -> NodeView:
    inc = f"{name}-00000001"
    return NodeView(
        inc=inc, host=name, node=name, state="alive", status=status, facts=FACTS | (facts or {})
    )


def test_a_node_says_itself_what_only_it_can_tell() -> None:
    told = node("a", {"faults": {"4.2.1": "lacks x"}}, ram_free=5, unseen={"proj": "is gone"})
    can = ability.able(told)
    assert (can.faults, can.ram_free, can.unseen) == ({"4.2.1": "lacks x"}, 5, {"proj": "is gone"})
    assert (can.knows_blenders, can.knows_gpus, can.has_gpu) == (True, True, False)
    fresh = ability.able(node("a", {"blenders": None, "gpu": None}))
    assert (fresh.knows_blenders, fresh.knows_gpus) == (False, False)


def test_hostile_files_of_a_node_are_no_crash() -> None:
    for wrong in (None, 5, "x", [1], {"a": [1]}):
        facts = {"faults": wrong, "lacks": wrong if not isinstance(wrong, int) else []}
        ability.able(node("a", facts, ram_free=wrong, unseen=wrong, refuses=wrong))
        ability.refusal(node("a", refuses=wrong), JOB.jid)


def test_a_job_that_no_live_node_can_take_is_stuck() -> None:
    # as an attempt that could not begin there said it
    blind = {"refuses": {JOB.jid: "this node does not see /p/a.blend: is its share mounted?"}}
    nodes = [node("a", **blind), node("b", **blind), node("c", {"blenders": ["3.4.1"]}, **blind)]
    said = "no live node can take it: each of 3 nodes does not see /p/a.blend"
    assert ability.why_stuck(ability.of_live(nodes), JOB, Control()).startswith(said)
    assert ability.why_stuck(ability.of_live([*nodes, node("d")]), JOB, Control()) == ""
    assert ability.why_stuck([], JOB, Control()) == ""


def test_what_will_pass_makes_no_job_stuck() -> None:
    wanted = Job(jid=JOB.jid, info=Info(commands=(("prog",),), needs=Needs(ram=8 << 30)), chunks=1)
    busy = node("a", ram_free=1 << 30, state="paused", reason="paused by somebody")
    assert ability.why_stuck(ability.of_live([busy]), wanted, Control()) == ""
    taught = Control(needs_ram=41 << 30, blocked=("a",))
    said = "no live node can take it: a has 16 GB of memory, the job needs 41 GB; see: render why "
    assert ability.why_stuck(ability.of_live([busy]), wanted, taught) == said + JOB.jid
