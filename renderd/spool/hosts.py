"""What holds between machines: ask the living nodes of other hosts, by their locks and beats."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from renderd.core.names import Beat, host_of, parse_beat
from renderd.spool.bench import Answer, Clock
from renderd.spool.contest import Held
from renderd.spool.layout import BEATS, TMP, Spool
from renderd.spool.mount import Verdict
from renderd.spool.nodes import read_facts

ALIVE = "alive"  #: the file in a node's folder that its daemon keeps locked
ASKED = 3  #: nodes that are asked at most
PATIENCE = 30.0  #: seconds to wait for another host's next beat


@dataclass(frozen=True, slots=True)
class Sighting:
    """A beat of another host, where it lay, and how old its name was when we saw it."""

    beat: Beat
    path: str
    lag: float = 0.0


def examine_hosts(spool: Spool, clock: Clock, own_host: str) -> Iterator[Answer]:
    """Lock exclusion and listing lag between hosts, as far as other nodes are alive to ask."""
    first = _beats(spool, own_host)
    if not first:
        yield Answer("other hosts", Verdict.OK, "no node of another host beats on this spool")
        return
    probe = _Probe(spool)
    seen = _living(spool, clock, own_host, first)
    tells = probe.tells_renames()
    if not seen:
        yield Answer(
            "other hosts",
            Verdict.WARN,
            f"none of {len(first)} beats moved in {PATIENCE:.0f} s",
            "those nodes died, or this machine sees an old state: compare `renderd doctor` there",
        )
        return
    if tells:
        yield _judge_lag(seen)
    else:
        said = "not measured: files here do not tell when they were renamed"
        yield Answer("listing between hosts", Verdict.OK, said)
    for sighting in seen[:ASKED]:
        yield ask_lock(spool, sighting.beat)


class _Probe:
    """A file that is renamed a while after it was made, as beats are."""

    def __init__(self, spool: Spool) -> None:
        self._share, self._path = spool.share, spool.at(TMP, f"{spool.who}.renamed")
        self._share.create(self._path, b"")
        self._made = os.lstat(self._path).st_ctime_ns

    def tells_renames(self) -> bool:
        """Rename it, remove it: whether its times told of that."""
        path = f"{self._path}.again"
        self._share.rename(self._path, path)
        try:
            return os.lstat(path).st_ctime_ns != self._made
        finally:
            self._share.unlink(path)


def ask_lock(spool: Spool, beat: Beat) -> Answer:
    """Try the lock that a living node of another host holds: it must be refused."""
    name = "locks between hosts"
    host = host_of(beat.inc)
    try:
        held = Held(spool.node(beat.inc, ALIVE), "fcntl")
    except OSError as error:
        return Answer(name, Verdict.WARN, f"{host}: {error.strerror or error}", "try again")
    held.close()
    if held.is_taken:
        advice = "locks are useless here (the farm stays safe): mount without nolock, local_lock"
        return Answer(name, Verdict.WARN, f"the lock that {host} holds was given to us", advice)
    return Answer(name, Verdict.OK, f"{host} holds its lock, and we are refused")


def _judge_lag(seen: list[Sighting]) -> Answer:
    worst = max(sighting.lag for sighting in seen)
    is_slow = worst > 5
    advice = "mount without nocto and with a smaller acdirmax" if is_slow else ""
    verdict = Verdict.WARN if is_slow else Verdict.OK
    measured = f"{worst:.1f} s until a beat of another host showed"
    return Answer("listing between hosts", verdict, measured, advice)


def _beats(spool: Spool, own_host: str) -> dict[str, Sighting]:
    """The newest beat of each node that is not of this host, by incarnation."""
    newest: dict[str, Sighting] = {}
    for shard in spool.share.listdir(spool.at(BEATS)):
        if not shard.isalnum():
            continue
        for name in spool.share.listdir(spool.at(BEATS, shard)):
            beat = parse_beat(name)
            if beat is None or _host(spool, beat.inc) == own_host:
                continue
            if beat.inc not in newest or newest[beat.inc].beat.count < beat.count:
                newest[beat.inc] = Sighting(beat, spool.at(BEATS, shard, name))
    return newest


def _living(
    spool: Spool, clock: Clock, own_host: str, first: dict[str, Sighting]
) -> list[Sighting]:
    seen: dict[str, Sighting] = {}
    begin = clock.steady()
    wanted = min(ASKED, len(first))
    while len(seen) < wanted and clock.steady() - begin < PATIENCE:
        clock.wait(0.25)
        for inc, now in _beats(spool, own_host).items():
            if inc not in seen and inc in first and now.beat.count != first[inc].beat.count:
                seen[inc] = replace(now, lag=_age(spool, now.path))
    return list(seen.values())


def _age(spool: Spool, path: str) -> float:
    """Seconds by the server's clock since a file was renamed to this path; 0 when it is gone."""
    probe = spool.at(TMP, f"{spool.who}.age{spool.rng.getrandbits(48):012x}")
    spool.share.create(probe, b"x")
    try:
        now_ns = spool.share.stat(probe).mtime_ns
        return max(0.0, (now_ns - os.lstat(path).st_ctime_ns) / 1e9)
    except FileNotFoundError:
        return 0.0
    finally:
        spool.share.unlink(probe)


def _host(spool: Spool, inc: str) -> str:
    """The machine a node says it runs on: `--node` may give it any other name."""
    return str(read_facts(spool, inc).get("host") or host_of(inc))
