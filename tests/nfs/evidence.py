"""What must be true after every scenario, found on a copy of the server's disk."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from renderd.core.chunk import Chunk, State, parse
from tests.nfs.fleet import Fleet, Job


def complaints(fleet: Fleet, tree: Path) -> list[str]:
    """Everything that is wrong; empty when every promise was kept."""
    found: list[str] = []
    for job in fleet.jobs:
        found += of_job(job, tree, fleet.may_be_dead | fleet.may_lack_lines)
        found += of_frames(job, tree / "out")
    found += of_nodes(fleet, tree / "spool")
    found += of_litter(tree / "out")
    return found


def of_job(job: Job, tree: Path, cut_off: set[str]) -> Iterator[str]:
    """The ticket is in done/, each chunk is done once and was committed once."""
    spool = tree / "spool"
    tickets = [*spool.glob(f"*/p??~*~g*~{job.slug}.info")]
    if [t.parent.name for t in tickets] != ["done"]:
        yield f"{job.slug}: its tickets are {[str(t.relative_to(spool)) for t in tickets]}"
        yield from (f"{p.name}: {p.read_text()[:300]}" for p in spool.glob("jobs/*/err/*"))
        return
    jid = tickets[0].name.split("~")[1]
    names = [p.name for p in spool.glob(f"jobs/{jid}/[0-9][0-9][0-9]/*")]
    chunks = [chunk for name in names if (chunk := parse(name))]
    shown = Counter(chunk.index for chunk in chunks)
    if sorted(shown) != list(range(1, job.chunks + 1)) or max(shown.values()) > 1:
        yield f"{job.slug}: {job.chunks} chunks were queued, {sorted(names)} are there"
    if others := [c.name for c in chunks if c.state is not State.DONE]:
        yield f"{job.slug}: in done/ with {others}"
    yield from of_commits(job, jid, chunks, commits(spool, jid), cut_off)


def of_commits(
    job: Job, jid: str, chunks: list[Chunk], written: list[tuple[int, str]], cut_off: set[str]
) -> Iterator[str]:
    """The journals say the same: one `done` a chunk, by the owner that its name says.

    A node that lost power between a chunk's end and its journal's next line has none to show.
    """
    for chunk in chunks:
        said = [inc for index, inc in written if index == chunk.index]
        if said == [chunk.owner] or (not said and chunk.owner in cut_off):
            continue
        yield f"{job.slug}: {chunk.name} ({jid}) was committed by {said or 'nobody'}"


def commits(spool: Path, jid: str) -> list[tuple[int, str]]:
    """Chunk and incarnation of every `done` in the journals; lines given twice count once."""
    found = []
    for path in spool.glob("history/*.jsonl"):
        for line in dict.fromkeys(path.read_text(errors="replace").splitlines()):
            event = _read(line)
            if event.get("ev") == "done" and event.get("jid") == jid:
                found.append((event["chunk"], path.stem))
    return found


def _read(line: str) -> dict:
    try:
        value = json.loads(line)
    except ValueError:  # torn by a power cut
        return {}
    return value if isinstance(value, dict) else {}


def of_frames(job: Job, out: Path) -> Iterator[str]:
    """Every frame is there, decodes to its last pixel and shows its own number."""
    for frame in range(1, job.frames + 1):
        path = out / f"{job.slug}_{frame:04d}.png"
        try:
            number = shown(path)
        except (OSError, SyntaxError, ValueError) as error:
            yield f"{path.name} is not a whole frame: {error}"
            continue
        if number != frame:
            yield f"{path.name} shows frame {number}"


def shown(path: Path) -> int:
    """The frame that a picture shows: in every pixel, or in what Blender wrote beside them."""
    with Image.open(path) as picture:
        picture.load()
        if "Frame" in picture.info:
            return int(picture.info["Frame"])
        colours = picture.convert("RGB").getcolors(1)
    if not colours:
        raise ValueError("its pixels differ")
    red, green, blue = colours[0][1]
    return red << 16 | green << 8 | blue


def of_nodes(fleet: Fleet, spool: Path) -> Iterator[str]:
    """Nobody was declared dead but whom a fault silenced; no daemon said what none should say."""
    declared = {p.name for p in spool.glob("dead/*") if "-" in p.name}
    for path in spool.glob("history/*.jsonl"):
        events = map(_read, path.read_text(errors="replace").splitlines())
        declared |= {str(e["node"]) for e in events if e.get("ev") == "declared"}
    for inc in sorted(declared - fleet.may_be_dead):
        yield f"{inc} was declared dead, though nothing silenced it"
    for daemon in fleet.daemons:
        if "Traceback" in daemon.text:
            yield f"the daemon of {daemon.guest} failed:\n{daemon.text[-3000:]}"


def of_litter(out: Path) -> Iterator[str]:
    """Beside frames there is nothing but our own folder."""
    for path in out.iterdir():
        if path.suffix != ".png" and path.name != ".renderd":
            yield f"{path.name} was left among the frames"
