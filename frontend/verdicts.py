"""What the machines make of a job, in one sentence and in rows, those that nearly take it first."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from frontend import terms
from renderd.core.amounts import plural
from renderd.core.label import label
from renderd.spool.layout import QUEUE
from renderd.spool.reasons import Verdict
from renderd.spool.records import JobView

NOBODY = "No machine takes part in the farm: start renderd on one."
#: reasons whose figures differ from machine to machine, and what they have in common
_SHORT = (
    (re.compile(r"has .* of memory, the job needs .*"), "has too little memory"),
    (re.compile(r"has .* free now, the job needs .*"), "has too little memory free"),
    (re.compile(r"has Blender .*"), "has no Blender that fits"),
    (re.compile(r"(paused|draining|leaving)\b.*"), r"is \1"),
    (re.compile(r"([^:]{3,}):.*"), r"\1"),
)
_MANY = {"is": "are", "has": "have", "does": "do", "sees": "see"}
_NAMED = 3  #: machines that are named; more are counted


def ordered(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Those that run it, take it, would take it; then those nearest to it."""
    return sorted(verdicts, key=lambda v: (_rank(v), v.node))


def mark(verdict: Verdict) -> tuple[str, str, str]:
    """Glyph, word and the theme's colour: whether a machine takes the job."""
    if verdict.runs:
        return "▶", f"runs {verdict.runs}", "running"
    if verdict.is_busy:
        return "◔", "when free", "waiting"
    if verdict.takes:
        return "✔", "yes", "done"
    return ("✘", "no", "failed") if verdict.lasts else ("◔", "not now", "waiting")


def headline(job: JobView, own: Sequence[str], verdicts: Sequence[Verdict]) -> str:
    """Why a job does or does not render, in one sentence."""
    runs = [v for v in verdicts if v.runs]
    if runs:
        return f"It renders on {_names(runs)}."
    if own and (job.state != QUEUE or not job.waiting):
        return sentence(own[0])
    if not verdicts:
        return NOBODY
    free = [v for v in verdicts if v.takes and not v.is_busy]
    busy = [v for v in verdicts if v.is_busy]
    if free:
        verb = "takes" if len(free) == 1 else "take"
        return f"{_names(free)} {verb} it within seconds."
    if busy:
        verb = "is" if len(busy) == 1 else "are"
        return f"It waits for its turn: {_names(busy)} would take it and {verb} busy."
    return f"No machine can take it: {_tally(verdicts)}."


def prospect(
    job: JobView, own: Sequence[str], verdicts: Sequence[Verdict], tried: Collection[str]
) -> str:
    """Where a chunk that waits runs next: `next on ws02 or ws05`; else why nowhere.

    `tried` are incarnations on which it failed: they leave it to others for a while.
    """
    if job.state != QUEUE:
        return f"waits: {label(own[0], 200)}" if own else ""
    able = [v for v in verdicts if v.takes]
    if not able:
        return f"no machine takes it now: {_tally(verdicts)}" if verdicts else "no machine is there"
    fresh = [v for v in able if v.inc not in tried]
    chosen = fresh or able
    again = "" if fresh else " again, after a while"
    free = [v for v in chosen if not v.is_busy]
    busy = "" if free else " when it is free" if len(chosen) == 1 else " when one is free"
    return f"next on {_names(free or chosen, 'or', 'any of ')}{again or busy}"


def asks(job: JobView) -> str:
    """What a job asks of a machine; empty where any will do."""
    found = terms.asked(tuple(label(pool, 40) for pool in job.pool), label(job.needs, 200))
    return f"It asks for {found}." if found else ""


def sentence(reason: str) -> str:
    """A reason as a sentence."""
    text = label(reason, 400)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _rank(verdict: Verdict) -> int:
    if verdict.runs or verdict.takes:
        return 0 if verdict.runs else 2 if verdict.is_busy else 1
    return 4 if verdict.lasts else 3


def _names(verdicts: Sequence[Verdict], word: str = "and", many: str = "") -> str:
    if len(verdicts) > _NAMED:
        return many + plural(len(verdicts), "machine")
    names = [label(v.node, 24) for v in ordered(verdicts)]
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _tally(verdicts: Sequence[Verdict]) -> str:
    if len(verdicts) == 1:
        return f"{label(verdicts[0].node, 24)} {label(_verb(verdicts[0].reason), 200)}"
    kinds = Counter(_short(_verb(v.reason)) for v in ordered(verdicts))
    return ", ".join(_counted(count, kind) for kind, count in kinds.most_common())


def _verb(reason: str) -> str:
    """The reason as what a machine is or does; `paused by …` needs a verb."""
    return f"is {reason}" if reason.startswith(("paused", "draining", "leaving")) else reason


def _short(reason: str) -> str:
    text = reason.removeprefix("this node ").removeprefix("is ")
    for pattern, short in _SHORT:
        if found := pattern.fullmatch(text):
            return label(found.expand(short), 80)
    return label(reason.removeprefix("this node "), 80)


def _counted(count: int, kind: str) -> str:
    verb, _, rest = kind.partition(" ")
    if count > 1:
        verb, rest = _MANY.get(verb, verb), rest.replace(" it has", " they have")
    return f"{count} {verb} {rest}".rstrip()
