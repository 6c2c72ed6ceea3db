"""What runs beside the task in the foreground, each of it let go and held at will.

Everything is started once and then takes turns, so that no measurement waits for a Blender.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from renderd.host import process  # noqa: E402
from renderd.host.guard import Guard  # noqa: E402
from tests.farm.farm import Farm  # noqa: E402
from tests.farm.workstation import Daemon  # noqa: E402

SCENE = ROOT / "packaging" / "demo" / "demo.blend"
WARM_UP = 4.0  #: seconds for Blender to load its scene and render
SETTLE = 0.3  #: seconds from letting go to measuring
ENDLESS = 1 << 22  #: samples of a render that is over when it is killed
SCRIPT = """\
import bpy
scene = bpy.context.scene
scene.render.engine, scene.cycles.device, scene.cycles.samples = "CYCLES", "CPU", {}
scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 480, 270
"""
#: a loop on every core that needs no memory
LOOP = f"for n in $(seq {os.cpu_count()}); do {sys.executable} -c 'while 1: pass' & done; wait"
#: how a person would put a command into the background with the system's own programs
BY_HAND = 'echo 19 > /proc/self/autogroup; exec chrt -i 0 nice -n 19 ionice -c 3 "$@"'


@dataclass(frozen=True, slots=True)
class Beside:
    """Some processes; they stand still until let go."""

    processes: Callable[[], list[int]]

    def hold(self) -> None:
        """Stop them all."""
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    @contextlib.contextmanager
    def going(self) -> Iterator[None]:
        """Let them run meanwhile."""
        found = self.processes()
        for pid in found:
            os.kill(pid, signal.SIGCONT)
        time.sleep(SETTLE)
        yield
        assert self.processes() == found, "what ran beside ended before the task did"
        self.hold()


def blender(folder: Path, samples: int) -> list[str]:
    """One frame by Cycles on all cores."""
    if shutil.which("blender") is None:
        sys.exit("blender is not on PATH")
    script = folder / f"scene-{samples}.py"
    script.write_text(SCRIPT.format(samples))
    words = ["blender", "-b", "--factory-startup", str(SCENE), "--python", str(script)]
    return [*words, "-t", "0", "-o", str(folder / "frame_####"), "-F", "PNG", "-f", "1"]


@contextlib.contextmanager
def all_of_them(folder: Path) -> Iterator[tuple[dict[str, Beside], Daemon]]:
    """Start everything and hold it; also the daemon whose render is among it."""
    with contextlib.ExitStack() as stack:
        farm, jid = stack.enter_context(closing_farm()), ""
        daemon = farm.up("ws07")
        jid = render(farm)
        found = {"ours": Beside(lambda: [*farm.commands(jid), *family(daemon.pid)])}
        found["ours"].hold()
        found["loop"] = stack.enter_context(loop())
        words = blender(folder, ENDLESS)
        found["by hand"] = stack.enter_context(session(["sh", "-c", BY_HAND, "sh", *words]))
        found["plain"] = stack.enter_context(session(words))
        yield found, daemon


def family(pid: int) -> list[int]:
    """A daemon and its guard, of all else only what it did not start as a command."""
    return [pid, *process.children(pid)]


@contextlib.contextmanager
def loop() -> Iterator[Beside]:
    """The empty loop as renderd's guard starts it: what the kernel's scheduler costs."""
    with Guard.start() as guard, open(os.devnull, "wb") as sink:
        child = guard.spawn(["sh", "-c", LOOP], dict(os.environ), "/", sink.fileno())
        time.sleep(1.0)
        found = Beside(lambda: [child.pid, *process.descendants(child.pid)])
        found.hold()
        yield found


@contextlib.contextmanager
def session(words: list[str]) -> Iterator[Beside]:
    """A command in a session of its own, as any farm's daemon starts it."""
    null = subprocess.DEVNULL
    with subprocess.Popen(words, stdout=null, stderr=null, start_new_session=True) as render:
        time.sleep(WARM_UP)
        found = Beside(lambda: [render.pid, *process.descendants(render.pid)])
        found.hold()
        yield found
        render.kill()


# -- farms of one machine -----------------------------------------------------------------------


@contextlib.contextmanager
def closing_farm() -> Iterator[Farm]:
    """A farm that leaves nothing behind."""
    farm = Farm()
    try:
        farm.init()
        yield farm
    finally:
        farm.close()


def render(farm: Farm) -> str:
    """A job that renders until it is ended; once its command runs."""
    script = farm.local / "render.sh"
    script.write_text(f"exec {shlex.join(blender(farm.local, ENDLESS))}\n")
    jid = farm.add(f"name: render\n\nsh {script}\n")
    until(lambda: farm.commands(jid))
    time.sleep(WARM_UP)
    return jid


def stands_still(farm: Farm, jid: str) -> bool:
    """Whether every process of a job is stopped."""
    states = [process.read_stat(pid) for pid in farm.commands(jid)]
    return bool(states) and all(one is not None and one[0] == b"T" for one in states)


def until(claim: Callable[[], object]) -> None:
    """Wait for something, for two minutes at most."""
    deadline = time.monotonic() + 120
    while not claim():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
