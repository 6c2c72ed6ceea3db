"""What befalls a farm on NFS while it renders, and what must be true afterwards."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from renderd.daemon.landing import AGAIN_EVERY
from tests.nfs import evidence
from tests.nfs.fleet import OUT, RENDER, SPOOL, Fleet, Job, patiently, standin
from tests.nfs.lab import SHARE, Guest, LabError

Befall = Callable[[Fleet, Job], None]

CLOSED = "/run/closed"  #: where it is, a guest's viewers close
CALM = 4.0  #: seconds in which journals come
HAMMERS = 6  #: processes on each client that saturate the server


def drop(fleet: Fleet, slug: str, frames: int) -> Job:
    """A job of the stand-in renderer, dropped as an info file."""
    job = standin(slug, frames)
    fleet.add(job)
    return job


def blend(fleet: Fleet, slug: str, frames: int) -> Job:
    """A .blend that lies on the export, queued with `render add`."""
    maker = Path(__file__).with_name("make_cube.py")
    file, out = f"{SHARE}/{slug}.blend", f"{OUT}/{slug}_####"
    guest = fleet.lab.clients[0]
    guest.run(f"blender -b --factory-startup -noaudio --python {maker} -- {file}", 600)
    words = f"--frames 1-{frames} --chunk 2 --name {slug} --out {out} --spool {SPOOL}"
    guest.run(f"HOME=/run/home {RENDER} add {file} {words}", 600)
    fleet.jobs.append(Job(slug, frames, 2, ""))
    return fleet.jobs[-1]


def viewed(fleet: Fleet, slug: str, frames: int) -> Job:
    """A job whose frames are there already, the last of them open in every client."""
    names = f"for n in $(seq -f %04g {{}} {frames}); do {{}} {OUT}/{slug}_$n.png; done"
    fleet.lab.clients[0].run(names.format(1, "echo old >"))
    opened = names.format(frames * 5 // 6, "exec {fd}<")
    for guest in fleet.lab.clients:
        guest.start(f"ulimit -n 4096; {opened}; until [ -e {CLOSED} ]; do sleep 0.5; done")
    return drop(fleet, slug, frames)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault, what it does to a fleet that works on a job, and how large the job must be."""

    name: str
    what: str
    befall: Befall
    frames: int = 240
    queue: Callable[[Fleet, str, int], Job] = drop  #: how the job comes into the spool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one scenario ended."""

    name: str
    seconds: float
    complaints: tuple[str, ...]


def play(fleet: Fleet, scenario: Scenario, slug: str = "") -> Outcome:
    """Render a job, let the fault befall the fleet meanwhile, and see what came of both."""
    began = time.monotonic()
    job = scenario.queue(fleet, slug or scenario.name, scenario.frames)
    fleet.under_way(job)
    before = len(fleet.jobs) - 1
    scenario.befall(fleet, job)
    for one in fleet.jobs[before:]:  # a long fault may have needed more than one
        fleet.ended(one)
    found = evidence.complaints(fleet, fleet.tree())
    for _ in range(3):  # journals are written every second, or when the share can be written
        if found:
            time.sleep(CALM)
            found = evidence.complaints(fleet, fleet.tree())
    return Outcome(scenario.name, time.monotonic() - began, tuple(found))


def nothing(fleet: Fleet, job: Job) -> None:
    pass


def restarts(times: int) -> Befall:
    """Restart nfsd so often; between two of them the farm comes on."""

    def befall(fleet: Fleet, job: Job) -> None:
        for number in range(times):
            if fleet.state(job) == "done":  # never an idle farm
                job = drop(fleet, f"{job.slug}-{number}", job.frames)
                fleet.under_way(job)
            fleet.lab.restart_server()
            fleet.goes_on(job)

    return befall


def pause(seconds: float) -> Befall:
    """Freeze the server for longer than nodes may be silent."""

    def befall(fleet: Fleet, job: Job) -> None:
        fleet.lab.server.freeze()
        time.sleep(seconds)
        fleet.lab.server.thaw()

    return befall


def server_power_cuts(times: int) -> Befall:
    """Take the server's power away so often; its disk has what was synced.

    Samba says yes to what a client has closed and not synced, as journals are, and forgets it.
    """

    def befall(fleet: Fleet, job: Job) -> None:
        if not fleet.lab.nfs:
            fleet.may_lack_lines |= {inc for daemon in fleet.daemons for inc in daemon.incs}
        for _ in range(times):
            fleet.lab.cut_power_of_server()
            fleet.goes_on(job)

    return befall


def partition(fleet: Fleet, job: Job) -> None:
    """Cut a client off until the others hold it for dead; its own commands go on meanwhile."""
    guest = fleet.lab.clients[-1]
    inc = fleet.of(guest).incs[-1]
    fleet.may_be_dead.add(inc)
    guest.cut_off()
    fleet.declared(inc)
    guest.join()
    _comes_back(fleet, guest)


def short_partition(fleet: Fleet, job: Job) -> None:
    """Cut a client off for moments, as a loose cable does: it stays alive."""
    guest = fleet.lab.clients[-1]
    for _ in range(3):
        guest.run(f"ip link set eth0 down; sleep 3; ip link set eth0 up; {_address(guest)}")
        fleet.goes_on(job)


def _address(guest: Guest) -> str:
    return f"ip addr replace 10.77.0.{guest.host}/24 dev eth0"


def _comes_back(fleet: Fleet, guest: Guest) -> None:
    daemon = fleet.of(guest)
    fleet.works(daemon, len(daemon.incs) + (daemon.incs[-1] in fleet.may_be_dead))


def client_power_cut(fleet: Fleet, job: Job) -> None:
    """Take a client's power away; the others finish what it held; it comes back as another."""
    guest = fleet.lab.clients[-1]
    inc = fleet.of(guest).incs[-1]
    fleet.may_be_dead.add(inc)
    patiently(lambda: fleet.runs_on(job, inc), f"{inc} runs a chunk")
    guest.power_off()
    fleet.declared(inc)
    patiently(lambda: not fleet.runs_on(job, inc), f"what {inc} held is taken from it")
    guest.boot()
    guest.settle()
    fleet.works(fleet.start(guest))


def zombie(fleet: Fleet, job: Job) -> None:
    """Freeze a whole machine with its command until others render its chunk; then thaw it."""
    guest = fleet.lab.clients[-1]
    inc = fleet.of(guest).incs[-1]
    fleet.may_be_dead.add(inc)
    patiently(lambda: fleet.runs_on(job, inc), f"{inc} runs a chunk")
    guest.freeze()
    fleet.declared(inc)
    patiently(lambda: not fleet.runs_on(job, inc), f"what {inc} held is taken from it")
    guest.thaw()
    _comes_back(fleet, guest)


def full_export(seconds: float) -> Befall:
    """Fill the export to its last block for longer than nodes may be silent."""

    def befall(fleet: Fleet, job: Job) -> None:
        fleet.lab.fill_export()
        time.sleep(seconds)
        fleet.lab.empty_export()

    return befall


def viewers(seconds: float) -> Befall:
    """People look for so long at the frames that are rendered again, then stop one by one.

    Between two of them a daemon tries more than once: where the first has closed a frame, what
    comes in its place must outlast the others.
    """

    def befall(fleet: Fleet, job: Job) -> None:
        time.sleep(seconds)
        for guest in fleet.lab.clients:
            guest.run(f"touch {CLOSED}")
            time.sleep(2 * AGAIN_EVERY)

    return befall


def clock_skew(fleet: Fleet, job: Job) -> None:
    """Set the clocks of two clients hours apart while they render."""
    first, *_, last = fleet.lab.clients
    first.run("date -s '7 hours ago'")
    last.run("date -s '+30 hours'")
    fleet.goes_on(job, 6)
    last.run("date -s '31 hours ago'")


def swap(fleet: Fleet, job: Job) -> None:
    """Fill a client's memory and all its swap, and keep both in use."""
    guest = fleet.lab.clients[-1]
    guest.run("swapon /dev/ubda")
    hog = guest.start(
        "echo 1000 >/proc/self/oom_score_adj; exec perl -e '"
        "open M, q(/proc/meminfo); my %m = map { /^(\\w+): +(\\d+)/ } <M>;"
        " my $mb = int(($m{MemAvailable} + $m{SwapFree}) / 1024) - 24; my @held;"
        " push @held, chr(65 + $_ % 26) x (1 << 20) for 1 .. $mb; print qq(full\\n); $| = 1;"
        " while (1) { substr($held[rand @held], rand(1 << 20), 1) = q(x) for 1 .. 50 }'"
    )
    patiently(lambda: hog.is_over or _swap_free(guest) < 0.1, f"the swap of {guest} is full")
    if hog.is_over:
        raise LabError(f"{guest} did not fill its swap:\n{hog.text}")
    fleet.goes_on(job, 12)
    guest.run("kill -9 $(pgrep -f 'my @held')", 600)


def _swap_free(guest: Guest) -> float:
    total, free = guest.run("awk '/^Swap(Total|Free)/ { print $2 }' /proc/meminfo", 600).split()
    return int(free) / int(total)


def saturated_server(fleet: Fleet, job: Job) -> None:
    """Leave the server one thread and let every client ask it without end."""
    fleet.lab.server.run("rpc.nfsd 1")
    line = (
        f"mkdir -p {SHARE}/noise/$$; cd {SHARE}/noise/$$; end=$((SECONDS + 60));"
        " while [ $SECONDS -lt $end ]; do"
        " head -c 200000 /dev/zero >x; sync x; mv x y; ls -l >/dev/null; rm y; done"
    )
    hammers = [guest.start(line) for guest in fleet.lab.clients for _ in range(HAMMERS)]
    for hammer in hammers:
        hammer.wait(900)
    fleet.lab.server.run(f"rpc.nfsd 8; rm -rf {SHARE}/noise")


ALL = (
    Scenario("calm", "nothing happens", nothing, 60),
    Scenario("restarts", "the server restarts 20 times", restarts(20)),
    Scenario("pause", "the server stands still for 2 minutes", pause(120)),
    Scenario("server-power", "the server loses power twice", server_power_cuts(2)),
    Scenario("cable", "a client's network goes for 3 s, three times", short_partition),
    Scenario("partition", "a client is cut off until it counts as dead", partition),
    Scenario("client-power", "a client loses power", client_power_cut),
    Scenario("zombie", "a frozen client wakes after its death", zombie),
    Scenario("full", "the export is full for 45 s", full_export(45)),
    Scenario("skew", "two clients' clocks jump by hours", clock_skew),
    Scenario("saturated", "one nfsd thread, 18 clients' processes", saturated_server),
    Scenario("blender", "real Blender; the server restarts", restarts(2), 48, blend),
    Scenario("viewer", "frames are open while they are replaced", viewers(45), 120, viewed),
    Scenario("swap", "a client's memory and swap are full", swap),
)


def named(name: str) -> Scenario:
    """A scenario of the table."""
    return next(one for one in ALL if one.name == name)


def random_row(rng: random.Random) -> list[Scenario]:
    """The faults of a network in a random order: what `make soak` plays over and over."""
    row = [one for one in ALL if one.name not in ("calm", "swap", "blender", "viewer")]
    rng.shuffle(row)
    return row
