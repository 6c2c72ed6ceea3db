"""Memory: how much of it a further chunk can have here, and what a chunk without enough teaches."""

from dataclasses import replace

from renderd.core import amounts, policy
from renderd.core.control import Control, without_extra
from renderd.daemon.node import Node
from renderd.daemon.work import Ending, Result
from renderd.errors import LockTimeout
from renderd.host import load
from renderd.spool import ability, control, view

MORE = 1.2  #: what a job needs, against the peak at which there was not enough
GRAIN = 1 << 20  #: bytes; needs are whole mebibytes, so that people can read them
LOCK_PATIENCE = 60.0  #: seconds for which somebody may hold the lock of a job's control


def free_bytes(node: Node) -> int:
    """Bytes available now, less what the chunks that run here were promised and do not use yet."""
    used = sum(work.rss_bytes for work in node.running)
    reserved = sum(max(0, work.ram - work.rss_bytes) for work in node.running)
    # An open Blender that waits for work ends when a chunk that was promised memory begins.
    available = load.available_bytes() + node.idle_bytes()
    return min(available, node.able.ram_bytes - used) - reserved


def judge(node: Node, result: Result, now: float) -> Result:
    """What an attempt that ran out of memory means, before its chunk is given back.

    The job learns what it needs, so that a larger node takes it; where there is none it is held.
    An attempt that had been promised as much fails: it is not the amount.  Raises OSError, and
    LockTimeout while somebody edits the job's control file.
    """
    if result.ending is not Ending.MEMORY:
        return result
    work = result.work
    need = -(-int(MORE * result.peak_bytes) // GRAIN) * GRAIN
    if need <= work.ram:
        return replace(result, ending=Ending.FAIL)
    try:
        said = control.edit(node.spool, work.job.jid, lambda c: _taught(c, need))
    except LockTimeout:
        first = node.doubts.setdefault(f"memory:{work.claim.key}", now)
        if now - first < LOCK_PATIENCE:
            raise
        return replace(result, ending=Ending.FAIL)
    memory = node.jobs.get(work.job.jid)
    if memory is not None:
        memory.checked = float("-inf")  # the job's need is to be read before its next claim
    if reason := _too_large(node, result, said):
        return replace(result, ending=Ending.HELD, reason=reason, advice=result.reason)
    need_now = amounts.size_about(said.needs_ram or 0, up=True)
    return replace(result, reason=f"{result.reason}; it needs {need_now} from now on")


def _taught(said: Control, need: int) -> Control:
    """Several nodes may learn of one job: the largest need holds."""
    return replace(without_extra(said, {"needs-ram"}), needs_ram=max(said.needs_ram or 0, need))


def _too_large(node: Node, result: Result, said: Control) -> str:
    """Why the job must wait for a person: no live node that could take it has so much memory."""
    job, terms = result.work.job, said.terms(result.work.job)
    alive = [ability.able(one) for one in view.read_nodes(node.spool) if one.state != "dead"]
    need = policy.needed_ram(job, terms)
    able = [one for one in alive if not policy.unfit_for(replace(one, ram_bytes=need), job, terms)]
    largest = max((one.ram_bytes for one in able or alive), default=node.able.ram_bytes)
    if largest >= need:
        return ""
    have = amounts.size_about(largest)
    return f"needs {amounts.size_about(need, up=True)}, the largest node has {have}"
