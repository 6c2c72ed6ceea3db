"""What must hold when a fresh node has finished what a fault interrupted."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from renderd.core import frames as ranges
from renderd.core.chunk import SKIP, Chunk, State, parse
from renderd.core.job import Job, Writes
from renderd.core.names import parse_ticket
from renderd.spool import history, image, jobs, tickets
from renderd.spool.layout import DONE, FAILED, HELD, TICKETS
from renderd.spool.share import PosixShare
from tests.faults.farm import Farm, age, picture, pieces, walk

DAYS = (0.0, 3700.0, *[90_000.0] * 6)  #: seconds that pass between looks at what is left
JID = "[a-z2-7]{10}"
#: what is kept of jobs that are over, of nodes that live and of what happened
KEPT = (
    r"SPOOL|history/[^/]+\.jsonl|history/sizes",
    rf"jobs/{JID}/(job\.info|control|control\.lock|frames\.jsonl|set\.json|(err|log)/[^/]+)",
)


def violations(farm: Farm) -> Iterator[str]:
    """What a person would complain of; nothing where all is well."""
    places = tickets.everywhere(farm.spool)
    lie = Counter(t.jid for f in TICKETS for n in os.listdir(farm.spool.at(f))
                  if (t := parse_ticket(n)))  # fmt: skip
    for jid, count in lie.items():
        if count != 1:
            yield f"the ticket of {jid} lies in {count} folders"
    done = list(_done(farm))
    for (jid, index), count in Counter(done).items():
        if count > 1:
            yield f"chunk {index} of {jid} is done {count} times in the journals"
    for jid, (folder, _) in places.items():
        yield from _chunks(farm, jid, folder, set(done))
        if folder == DONE:
            yield from _frames(farm, jobs.read(farm.spool, jid))
    for said in farm.said:
        if not said or "\n" in said or "Errno" in said or len(said) > 400:
            yield f"this is no clear sentence: {said!r}"


def _done(farm: Farm) -> Iterator[tuple[str, int]]:
    for event in history.events(farm.spool):
        if event.get("ev") == "done":
            yield event["jid"], event["chunk"]


def _chunks(farm: Farm, jid: str, folder: str, done: set[tuple[str, int]]) -> Iterator[str]:
    found = list(_chunks_of(farm, jid))
    if farm.is_emptied and folder == DONE:
        return
    total = jobs.read(farm.spool, jid).chunks
    if Counter(c.index for c in found) != Counter(range(1, total + 1)):
        yield f"{jid} has not one file a chunk: {sorted(c.name for c in found)}"
    states = {c.state for c in found}
    if folder == DONE and states != {State.DONE}:
        yield f"{jid} is in done/ with chunks {sorted(states)}"
    if folder == FAILED and not (State.FAIL in states and states <= {State.DONE, State.FAIL}):
        yield f"{jid} is in failed/ with chunks {sorted(states)}"
    for chunk in found:
        is_told = (jid, chunk.index) in done or chunk.owner in (SKIP, *farm.forgotten)
        if chunk.state is State.DONE and not is_told:
            yield f"chunk {chunk.index} of {jid} is done and {chunk.owner}'s journal is silent"
        if chunk.state is not State.DONE and (jid, chunk.index) in done:
            yield f"chunk {chunk.index} of {jid} is done in a journal: {chunk.name}"


def _chunks_of(farm: Farm, jid: str) -> Iterator[Chunk]:
    for group in filter(str.isdigit, os.listdir(farm.spool.job(jid))):
        yield from (c for n in os.listdir(farm.spool.job(jid, group)) if (c := parse(n)))


def _frames(farm: Farm, job: Job) -> Iterator[str]:
    """Every frame of a job that is done is there, whole, and its own or its redo's."""
    if job.writes is Writes.NOTHING:
        return
    folder, _, pattern = farm.spool.local(job.out).rpartition("/")
    skipped = {f for c in _chunks_of(farm, job.jid) if c.owner == SKIP for f in c.run or ()}
    heirs = [f"{job.name} redo", *farm.rivals]
    makers = [job.jid, *(jid for heir in heirs for jid in farm.jids(heir))]
    if job.writes is Writes.MOVIE:
        image.verify_file(PosixShare(), f"{folder}/{pattern.partition('#')[0]}.mp4")
        return
    for frame in sorted({f for run in job.info.frames or () for f in run} - skipped):
        for name in pieces(pattern, frame):
            path = Path(folder) / name
            whole = [picture(jid, frame, path.name) for jid in makers]
            if not path.exists():
                yield f"{name} of {job.name} is not there"
            elif path.read_bytes() not in whole:
                yield f"{name} is not of {job.name}"


def litter(farm: Farm) -> list[str]:
    """What lies there days later and no rule keeps."""
    left: list[str] = []
    for seconds in DAYS:
        age(farm)
        farm.clock[0] += seconds
        farm.sweep()
        if not (left := _unkept(farm)):
            break
    return left


def _unkept(farm: Farm) -> list[str]:
    places = tickets.everywhere(farm.spool)
    live = "|".join(map(re.escape, sorted(farm.live())))
    owners = {c.owner for j, (f, _) in places.items() if f != DONE for c in _chunks_of(farm, j)}
    dead = "|".join(map(re.escape, filter(None, owners))) or "none"
    ended = "|".join(j for j, (f, _) in places.items() if f != DONE) or "none"
    kept = [
        *KEPT,
        *farm.kept,
        rf"({'|'.join(TICKETS)})/[^/]+\.info",
        rf"jobs/({ended})/\d\d\d/[^/]+\.info",
        rf"(dead|nodes)/({dead})(/.*)?",
        rf"(beat/\d\d|nodes)/({live})[./].*",
    ]
    found = [*_files(farm.spool.root, set(places)), *_beside(farm)]
    return [path for path in found if not any(re.fullmatch(k, path) for k in kept)]


def _files(root: str, known: set[str]) -> Iterator[str]:
    for name, is_folder in walk(root):
        is_unknown = re.fullmatch("jobs/[^/]+", name) and name[5:] not in known
        if not is_folder or is_unknown or name.startswith(("tmp/", "trash/", "adopting/")):
            yield name


def _beside(farm: Farm) -> Iterator[str]:
    """What lies beside the frames and the .blend of jobs that are over."""
    places = tickets.everywhere(farm.spool)
    is_open = any(folder in (HELD, FAILED) for folder, _ in places.values())
    wanted = set()
    for jid in places:
        job = jobs.read(farm.spool, jid)
        if job.out:
            base = job.out.rpartition("/")[2]
            named = [n for f in _all_frames(job) for n in pieces(base, f)]
            wanted |= {*(n.rpartition("/")[2] for n in named), f"{base.partition('#')[0]}.mp4"}
    for name, is_folder in walk(f"{farm.home}/out"):
        base = name.rpartition("/")[2]
        if ".renderd" in name.split("/"):
            if not is_open:
                yield f"out/{name}"
        elif not is_folder and base not in wanted:
            yield f"out/{name}"
    yield from (n for n in os.listdir(farm.home) if n not in ("spool", "out", "shot.blend"))


def _all_frames(job: Job) -> Iterator[int]:
    return (f for run in job.info.frames or ranges.parse("1") for f in run)
