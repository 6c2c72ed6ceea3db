"""What live nodes can do, as their files in the spool say, and jobs that none of them can take."""

from typing import TYPE_CHECKING, Any

from renderd.core import policy
from renderd.core.amounts import plural
from renderd.core.control import Control
from renderd.core.job import Job
from renderd.core.policy import Able

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from renderd.spool.records import NodeView

_RESTING = ("paused", "draining", "leaving")


def able(node: "NodeView") -> Able:
    """What a node can do, as its files in the spool say."""
    said = {**node.facts, **{k: v for k, v in node.status.items() if v not in (None, [], "")}}
    state = str(said.get("state") or "")
    return Able(
        name=node.node,
        inc=node.inc,
        pools=frozenset(_words(said.get("pools"))),
        tags=frozenset(_words(said.get("tags"))),
        ram_bytes=_whole(said.get("ram")) or 0,
        has_gpu=bool(said.get("gpu") or said.get("gpus")),
        blenders=_words(said.get("blenders")),
        knows_blenders=said.get("blenders") is not None,
        knows_gpus=said.get("gpu") is not None,
        faults=_pairs(said.get("faults")),
        ram_free=_whole(said.get("ram_free")),
        unseen=_pairs(said.get("unseen")),
        lacks=frozenset(_words(said.get("lacks"))),
        has_ffmpeg=said.get("ffmpeg") is not False,
        programs=tuple(map(_words, _list(said.get("programs")))),
        resting=str(node.status.get("reason") or (state if state in _RESTING else "")),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: Any) -> tuple[str, ...]:
    return tuple(map(str, _list(value)))


def _pairs(value: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def refusal(node: "NodeView", jid: str) -> str:
    """Why the node does not take a job, for what only it can tell: its own word."""
    return _pairs(node.status.get("refuses")).get(jid, "")


def of_live(nodes: "Iterable[NodeView]") -> "list[tuple[NodeView, Able]]":
    """The live nodes, each with what it can do."""
    return [(node, able(node)) for node in nodes if node.state != "dead"]


def why_stuck(alive: "Iterable[tuple[NodeView, Able]]", job: Job, said: Control) -> str:
    """Why no live node could take a queued job even if it were idle; empty where one could."""
    terms = said.terms(job)
    found: dict[str, list[str]] = {}
    for node, can in alive:
        reason = policy.unfit_for(can, job, terms) or refusal(node, job.jid)
        if not reason:
            return ""
        found.setdefault(reason, []).append(node.node)
    if not found:
        return ""
    reason, names = max(found.items(), key=lambda item: len(item[1]))
    others = len(found) - 1
    more = f", and {plural(others, 'other reason')}" if others else ""
    who = names[0] if len(names) == 1 else f"each of {len(names)} nodes"
    reason = reason.removeprefix("this node ")
    return f"no live node can take it: {who} {reason}{more}; see: render why {job.jid}"


def mixed_versions(alive: "Sequence[NodeView]") -> str:
    """Which nodes run which release, where the live ones run several; else empty."""
    by: dict[str, list[str]] = {}
    for node in alive:
        by.setdefault(str(node.facts.get("version") or "unknown"), []).append(node.node)
    if len(by) < 2:
        return ""
    return "; ".join(f"{version} on {_some(by[version])}" for version in sorted(by))


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
