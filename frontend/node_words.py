"""What a node is, does and lacks, in words; as it says itself, so nothing of it is trusted."""

import time
from typing import Any

from frontend import words
from renderd.core.label import label
from renderd.core.policy import SCRIPTS
from renderd.spool.records import NodeView


def blenders(node: NodeView) -> str:
    """The Blenders it has, by version."""
    known = node.facts.get("blenders")
    if known is None:
        return "looking" if node.facts else ""
    return ", ".join(map(str, items(known)))


def troubles(node: NodeView) -> list[str]:
    """What is said of it: people's note, why it rests, what it lacks and what it does not see."""
    said = list(filter(None, [noted(node)]))
    said += list(filter(None, [_rest(node), str(node.status.get("trouble") or "")]))
    said += [str(one) for one in items(node.status.get("shortages"))]
    said += dict.fromkeys(map(str, table(node.facts.get("faults")).values()))
    for name, reason in table(node.status.get("unseen")).items():
        said.append(f"does not see {name if name == SCRIPTS else f'{{{name}}}'}: {reason}")
    lacks = items(node.facts.get("lacks"))
    said += [f"has no path for {', '.join(f'{{{name}}}' for name in lacks)}"] if lacks else []
    return said


def _rest(node: NodeView) -> str:
    """Why it takes nothing, and until when."""
    reason, until = str(node.status.get("reason") or ""), node.status.get("until")
    since = node.status.get("since")
    if reason and until is None and isinstance(since, int | float):
        return f"{reason} {words.age(max(time.time() - since, 0.0))} ago"
    if not reason or not isinstance(until, int | float):
        return reason
    return f"{reason} until {words.moment(until, time.time())}"


def noted(node: NodeView) -> str:
    """What people wrote down about it, in quotes."""
    return f"“{node.note}”" if node.note else ""


def doing(running: Any) -> str:
    """One chunk that it runs: job, chunk, frame, percent, time left."""
    run = table(running)
    percent = number(run.get("percent"), " · {:.0f} %")
    frame = f" frame {run['frame']}" if run.get("frame") is not None else ""
    eta = f", {words.age(run['eta'])} left" if number(run.get("eta"), "{}") else ""
    return label(f"{run.get('name') or run.get('job')} #{run.get('chunk')}{frame}{percent}{eta}")


def table(value: Any) -> dict[str, Any]:
    """A JSON object, empty where it is none."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """A JSON list, empty where it is none."""
    return value if isinstance(value, list) else []


def number(value: Any, form: str) -> str:
    """A number in a form; nothing where it is none."""
    return form.format(value) if isinstance(value, int | float) else ""


def size(value: Any) -> str:
    """Bytes in the nearest unit; nothing where they are none or not known."""
    return words.size(value) if value and isinstance(value, int | float) else ""


def share(used: Any, total: Any) -> str:
    """Bytes of bytes; nothing where one is not known."""
    if not isinstance(used, int | float) or not isinstance(total, int | float) or not total:
        return ""
    return f"{words.size(used)}/{words.size(total)}"


def state(node: NodeView) -> tuple[str, str]:
    """The key of its state among `words.STATES`, and the word it uses itself."""
    if node.state == "dead":
        return "dead", "dead"
    word = str(node.status.get("state") or "alive")
    key = {"rendering": "run", "idle": "alive", "alive": "alive"}.get(word, "resting")
    return key, label(word, 16)
