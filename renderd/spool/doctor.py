"""Prove what this mount can do for a spool, and say what to change.

Clock and second process come from the caller; everything tried lies in one folder in tmp/ that is
removed afterwards.  What holds between two processes of one machine need not hold between two
machines: hosts.py asks the living nodes for that.
"""

import contextlib
import os
from collections.abc import Iterator

from renderd.errors import SpoolUnsafe
from renderd.spool import trust
from renderd.spool.bench import PATIENCE, Answer, Bench, Clock, Examination, Partner
from renderd.spool.contest import FLAVOURS, LOST, WON, Held, race
from renderd.spool.holding import examine_large_file, examine_names, examine_odd_names
from renderd.spool.layout import TMP, Spool
from renderd.spool.mount import Verdict, complaints, find_mount, synced_by
from renderd.spool.putting import (
    examine_file_times,
    examine_folder_sync,
    examine_folder_times,
    examine_open_target,
    examine_put_in_place,
)

ROUNDS = 200  #: names that two processes fight for
MIB, GIB = 1 << 20, 1 << 30
MEANING = {
    "rename": "a chunk would run twice",
    "create": "two writers would share one file",
    "mkdir": "two writers would share one folder",
}
TOLD = {"rename": "rename", "create": "exclusive create", "mkdir": "exclusive mkdir"}


def examine(spool: Spool, clock: Clock, partner: Partner) -> Iterator[Answer]:
    """All answers, one after the other; an error of the share is an answer too."""
    folder = spool.at(TMP, f"{spool.who}.doctor")
    bench = Bench(spool, folder, clock, partner)
    for outside in (examine_mount, examine_syncing, examine_space):
        yield from _safely(outside, bench)
    try:
        spool.share.mkdir(folder)
    except OSError as error:
        yield Answer("write", Verdict.BAD, _words(error), "make it possible to write to tmp/")
        return
    try:
        for examination in EXAMINATIONS:
            yield from _safely(examination, bench)
    finally:
        _sweep(bench)


def _safely(examination: Examination, bench: Bench) -> Iterator[Answer]:
    try:
        yield from examination(bench)
    except OSError as error:
        name = examination.__name__.removeprefix("examine_").replace("_", " ")
        yield Answer(name, Verdict.BAD, _words(error), "the share refused a plain file operation")


def _words(error: OSError) -> str:
    return error.strerror or str(error)


def _sweep(bench: Bench) -> None:
    with contextlib.suppress(OSError):
        for name in bench.spool.share.listdir(bench.folder):
            with contextlib.suppress(OSError):
                bench.spool.share.unlink(f"{bench.folder}/{name}")
                continue
            with contextlib.suppress(OSError):  # a folder
                bench.spool.share.rmdir(f"{bench.folder}/{name}")
        bench.spool.share.rmdir(bench.folder)


def examine_mount(bench: Bench) -> Iterator[Answer]:
    """The kind of file system and the mount options that hurt."""
    mount = find_mount(bench.spool.root)
    if mount is None:
        yield Answer("mount", Verdict.OK, "this system does not tell its mount options")
        return
    version = mount.options.get("vers", "")
    kind = f"{mount.kind} {version} from {mount.source}" if version else mount.kind
    yield Answer("mount", Verdict.OK, f"{kind} on {mount.point}")
    for complaint in complaints(mount):
        yield Answer("mount option", complaint.verdict, complaint.option, complaint.advice)


def examine_syncing(bench: Bench) -> Iterator[Answer]:
    """Folders that a service copies between machines are no shared folders."""
    service = synced_by(os.path.realpath(bench.spool.root))
    if service:
        yield Answer(
            "syncing", Verdict.BAD, service, "a synced folder is a copy each: use a real share"
        )
    else:
        yield Answer("syncing", Verdict.OK, "no syncing service seen")


def examine_space(bench: Bench) -> Iterator[Answer]:
    """Room for logs and status, and inodes for one file a chunk."""
    room = bench.spool.share.space(bench.spool.root)
    free = room.free_bytes
    verdict = Verdict.BAD if free < 100 * MIB else Verdict.WARN if free < GIB else Verdict.OK
    advice = "" if verdict is Verdict.OK else "make room: logs and status need some"
    total = f"{room.total_bytes / GIB:.1f}"
    yield Answer("space", verdict, f"{free / GIB:.1f} of {total} GiB free", advice)
    if room.free_inodes < 0:
        yield Answer("inodes", Verdict.OK, "not limited")
        return
    few = room.free_inodes < 100_000
    verdict = Verdict.BAD if room.free_inodes < 5_000 else Verdict.WARN if few else Verdict.OK
    advice = "a job takes one file a chunk: make more inodes" if few else ""
    yield Answer("inodes", verdict, f"{room.free_inodes:,} free", advice)


def examine_owners(bench: Bench) -> Iterator[Answer]:
    """Who may write: the same rules as at the daemon's start."""
    try:
        policy = trust.policy_of(bench.spool)
        warnings = trust.check_spool(bench.spool, policy)
        probe = trust.probe(bench.spool)
    except SpoolUnsafe as error:
        yield Answer("owners", Verdict.BAD, error.message, error.remedy)
        return
    made = f"files come out as {trust.user_name(probe.uid)}:{trust.group_name(probe.gid)}"
    yield Answer("owners", Verdict.OK, f"{made} {probe.mode:04o}")
    for warning in warnings:
        yield Answer("owners", Verdict.WARN, "accepted or doubtful", warning)


def examine_rename(bench: Bench) -> Iterator[Answer]:
    """Two processes rename the same files: one wins each, the other hears ENOENT."""
    for number in range(ROUNDS):
        bench.spool.share.create(f"{bench.folder}/rename{number}", b"")
    yield _judge(bench, "rename")


def examine_exclusive_create(bench: Bench) -> Iterator[Answer]:
    """Two processes create the same names: one wins each, the other hears EEXIST."""
    yield _judge(bench, "create")


def examine_exclusive_mkdir(bench: Bench) -> Iterator[Answer]:
    """Two processes make the same folders: one makes each, the other hears EEXIST."""
    yield _judge(bench, "mkdir")


def _judge(bench: Bench, what: str) -> Answer:
    request = {"do": "race", "what": what, "folder": bench.folder, "tag": "b", "count": ROUNDS}
    bench.partner.start(request)
    bench.partner.answer()  # ready
    begin = bench.clock.steady()
    mine = race(bench.spool.share, what, bench.folder, "a", ROUNDS)
    theirs = str(bench.partner.answer())
    each_ms = (bench.clock.steady() - begin) / ROUNDS * 1000
    pairs = ["".join(sorted(pair)) for pair in zip(mine, theirs, strict=True)]
    twice = pairs.count(WON + WON)
    odd = len(pairs) - twice - pairs.count("".join(sorted(WON + LOST)))
    name = TOLD[what]
    measured = f"{ROUNDS} fought for, {mine.count(WON)} to {theirs.count(WON)}, {each_ms:.2f} ms"
    if twice:
        advice = f"do not use this share: {MEANING[what]}"
        return Answer(name, Verdict.BAD, f"{twice} of {ROUNDS} won twice", advice)
    if odd:
        advice = "the loser must hear ENOENT or EEXIST; look at the server's log"
        return Answer(name, Verdict.BAD, f"{odd} of {ROUNDS} ended otherwise", advice)
    slow = each_ms > 50
    advice = "over 50 ms each: nodes will beat more slowly" if slow else ""
    return Answer(name, Verdict.WARN if slow else Verdict.OK, measured, advice)


def examine_links(bench: Bench) -> Iterator[Answer]:
    """Hard links and symbolic links; the protocol lives without them."""
    path = f"{bench.folder}/linked"
    bench.spool.share.create(path, b"")
    made = []
    with contextlib.suppress(OSError):
        os.link(path, f"{path}.hard")
        if bench.spool.share.stat(path).nlink == 2:
            made.append("hard")
    with contextlib.suppress(OSError):
        os.symlink("linked", f"{path}.soft")
        made.append("symbolic")
    verdict = Verdict.OK if len(made) == 2 else Verdict.WARN
    advice = "" if verdict is Verdict.OK else "the farm works without; some tools do not"
    yield Answer("links", verdict, " and ".join(made) or "none", advice)


def examine_locks(bench: Bench) -> Iterator[Answer]:
    """Both lock flavours between two processes of this machine."""
    for flavour in FLAVOURS:
        path = f"{bench.folder}/lock.{flavour}"
        bench.spool.share.create(path, b"")
        verdict = Verdict.BAD if flavour == "fcntl" else Verdict.WARN
        try:
            held = Held(path, flavour)
        except OSError as error:
            advice = "mount with locks (no nolock, lockd running)"
            yield Answer(f"{flavour} locks", verdict, _words(error), advice)
            continue
        taken = bench.ask(do="lock", path=path, flavour=flavour)
        held.close()
        begin = bench.clock.steady()
        freed = bench.ask(do="lock", path=path, flavour=flavour)
        seconds = bench.clock.steady() - begin
        yield _judge_lock(flavour, bool(taken), bool(freed), seconds)


def _judge_lock(flavour: str, taken: bool, freed: bool, seconds: float) -> Answer:
    bad = Verdict.BAD if flavour == "fcntl" else Verdict.WARN
    name = f"{flavour} locks"
    if taken:
        advice = "locks exclude nobody here: mount without nolock, local_lock and nobrl"
        return Answer(name, bad, "taken twice", advice)
    if not freed:
        return Answer(name, bad, "a released lock stays held", "restart lockd on the server")
    return Answer(name, Verdict.OK, f"exclude two processes, answer in {seconds * 1000:.1f} ms")


def examine_listing(bench: Bench) -> Iterator[Answer]:
    """How long a name made by another process stays out of our listings."""
    share, worst = bench.spool.share, 0.0
    for number in range(5):
        name = f"seen{number}"
        share.listdir(bench.folder)
        bench.ask(do="create", path=f"{bench.folder}/{name}")

        def is_there(name: str = name) -> bool:
            return name in share.listdir(bench.folder)

        worst = max(worst, bench.time_until(is_there))
    yield _judge_lag("listing", worst, "mount without nocto and with a smaller acdirmax")


def examine_attributes(bench: Bench) -> Iterator[Answer]:
    """How long a file grown by another process keeps its old size for us."""
    path = f"{bench.folder}/grown"
    bench.spool.share.create(path, b"")
    bench.spool.share.stat(path)
    bench.ask(do="grow", path=path)
    seconds = bench.time_until(lambda: bench.spool.share.stat(path).size > 0)
    yield _judge_lag("attribute cache", seconds, "mount with a smaller acregmax")


def _judge_lag(name: str, seconds: float, advice: str) -> Answer:
    if seconds > PATIENCE:
        return Answer(name, Verdict.BAD, f"not seen within {PATIENCE:.0f} s", advice)
    measured = f"{seconds * 1000:.0f} ms between two processes here"
    is_slow = seconds > 2
    return Answer(
        name, Verdict.WARN if is_slow else Verdict.OK, measured, advice if is_slow else ""
    )


def examine_clock(bench: Bench) -> Iterator[Answer]:
    """The server's time against ours; nothing depends on it but what people read."""
    before = bench.clock.wall()
    path = f"{bench.folder}/dated"
    bench.spool.share.create(path, b"x")
    after = bench.clock.wall()
    offset = bench.spool.share.stat(path).mtime_ns / 1e9 - (before + after) / 2
    is_off = abs(offset) > 2 + (after - before)
    advice = "set the clocks (chrony, systemd-timesyncd): dates and ages will confuse people"
    verdict = Verdict.WARN if is_off else Verdict.OK
    sign = f"{offset:+.2f} s against the server"
    yield Answer("clock", verdict, sign, advice if is_off else "")


def examine_fsync(bench: Bench) -> Iterator[Answer]:
    """What a safely written small file costs."""
    times = []
    for number in range(9):
        begin = bench.clock.steady()
        bench.spool.share.create(f"{bench.folder}/sync{number}", b"x" * 4096, sync=True)
        times.append(bench.clock.steady() - begin)
    median_ms = sorted(times)[len(times) // 2] * 1000
    is_slow = median_ms > 200
    advice = "a fast log device (SSD, NVRAM) on the server would help" if is_slow else ""
    verdict = Verdict.WARN if is_slow else Verdict.OK
    yield Answer("fsync", verdict, f"{median_ms:.1f} ms for 4 KiB", advice)


EXAMINATIONS: tuple[Examination, ...] = (
    examine_owners,
    examine_rename,
    examine_exclusive_create,
    examine_exclusive_mkdir,
    examine_put_in_place,
    examine_open_target,
    examine_file_times,
    examine_links,
    examine_locks,
    examine_listing,
    examine_attributes,
    examine_clock,
    examine_folder_times,
    examine_names,
    examine_odd_names,
    examine_large_file,
    examine_fsync,
    examine_folder_sync,
)
