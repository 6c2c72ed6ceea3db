"""A farm from nothing: its folder, what the doctor says, this machine in it, a sample to render."""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from frontend import submission
from frontend.farm import open_farm
from frontend.submission import Asked, Terms
from renderd import config, plan
from renderd.client import Client
from renderd.config import APP, Settings
from renderd.core import frames
from renderd.core.farm import Farm
from renderd.core.infofile import Info
from renderd.core.needs import ANY, Needs
from renderd.errors import DaemonNotRunning, RenderdError, SpoolError, UsageError
from renderd.host.locations import state_dir
from renderd.spool.foundation import Wishes, found, is_spool
from renderd.spool.share import PosixShare

#: daemons that we started; they outlive us, but while we live it is us who see them end
started: "list[subprocess.Popen[bytes]]" = []
UNIT = f"{APP}.service"
_PATIENCE = 30.0  #: seconds that a daemon may take to answer
_SAMPLE_CHUNK = 2  #: frames: small, so that it is seen to go on, and each machine has a part
_SAMPLE_FRAMES = "1-12"  #: of 48: seen to its end within the first minute, also on one machine
_ANSWERS = 180.0  #: … and the doctor on a slow mount
_LOOK = 0.2
_HERE = os.path.dirname(os.path.abspath(__file__))
#: in a wheel, and in a checkout
_SAMPLES = (
    os.path.join(_HERE, "sample.blend"),
    os.path.join(os.path.dirname(_HERE), "packaging", "demo", "demo.blend"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of the doctor."""

    name: str
    verdict: str  #: ok, warn or bad
    measured: str
    advice: str = ""


def judge(root: str) -> bool:
    """True where a farm is at a path, False where one can be made.

    Raises RenderdError where neither is so, OSError.
    """
    if not os.path.isabs(root):
        raise UsageError("this is no whole path", "begin with /")
    return is_spool(PosixShare(), os.path.abspath(root))


def make(root: str, group: str = "") -> str:
    """Make a farm, or complete the one that is there; what was done and is worth a word.

    Raises RenderdError, OSError.
    """
    wishes = Wishes(group, farm_text=Farm.template())
    made = found(PosixShare(), os.path.abspath(root), wishes, random.Random())
    whom = f"members of {made.spool.identity.group}" if made.spool.identity.group else "you alone"
    words = f"Made a farm in {root} for {whom}" if made.is_new else f"{root} is a farm already"
    return ".  ".join((words, *made.warnings))


def program() -> list[str]:
    """How renderd is started here, also from an environment that no PATH names."""
    beside = os.path.join(os.path.dirname(sys.executable), "renderd")
    if os.access(beside, os.X_OK):
        return [beside]
    return [
        sys.executable,
        "-c",
        "import sys; from renderd.daemon.app import main; sys.exit(main())",
    ]


def examine(root: str) -> list[Finding]:
    """What the doctor finds of a farm's mount.  Raises SpoolError where it cannot be reached."""
    words = [*program(), "doctor", "--json", "--spool", root]
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=_ANSWERS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise SpoolError(f"{root} does not answer", "look at the server and the network") from None
    try:
        answers = json.loads(done.stdout)["answers"]
    except (ValueError, KeyError, TypeError):
        raise SpoolError(_last_line(done.stderr) or "the doctor said nothing") from None
    return [Finding(a["name"], a["verdict"], a["measured"], a.get("advice", "")) for a in answers]


def groups() -> list[str]:
    """The groups of this user that a farm can be shared with, by name; users' own left out."""
    import grp  # noqa: PLC0415  only here, and not on every system
    import pwd  # noqa: PLC0415

    found = set()
    for gid in {os.getgid(), *os.getgroups()}:
        with contextlib.suppress(KeyError):
            found.add(grp.getgrgid(gid).gr_name)
    with contextlib.suppress(KeyError):
        found.discard(pwd.getpwuid(os.getuid()).pw_name)
    return sorted(found)


def has_unit() -> bool:
    """Whether systemd can start renderd for this user, now and at each login."""
    if shutil.which("systemctl") is None:
        return False
    words = ["systemctl", "--user", "cat", UNIT]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(words, capture_output=True, timeout=10, check=False).returncode == 0
    return False


def start_daemon(settings: Settings, *, by_systemd: bool) -> str:
    """Have renderd work on this machine, until it is told to leave; what was done.

    Raises RenderdError with its own words where it does not come up.
    """
    if _answers(settings):
        return "renderd works on this machine already"
    if by_systemd:
        words = ["systemctl", "--user", "enable", "--now", UNIT]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise DaemonNotRunning(_last_line(done.stderr), f"see: journalctl --user -u {UNIT}")
        _await(settings, None, "")
        return "renderd works on this machine, now and after each login"
    folder = settings.state_dir or state_dir()
    os.makedirs(folder, exist_ok=True)
    log = os.path.join(folder, "renderd.log")
    with open(log, "ab") as out:
        begins = out.tell()
        child = subprocess.Popen(
            [*program(), "--spool", settings.spool],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd="/",
            start_new_session=True,
        )
    started.append(child)
    _await(settings, child, log, begins)
    return "renderd works on this machine until it is restarted"


def _answers(settings: Settings) -> bool:
    with Client(settings, open_farm(settings)) as client:
        return client.daemon is not None


def _await(
    settings: Settings, child: "subprocess.Popen[bytes] | None", log: str, begins: int = 0
) -> None:
    end = time.monotonic() + _PATIENCE
    while not _answers(settings):
        if child is not None and child.poll() is not None:
            with open(log, encoding="utf-8", errors="replace") as file:
                file.seek(begins)
                said = _last_line(file.read()).removeprefix("renderd: ")
            raise DaemonNotRunning(said or "renderd ended at once", f"it wrote into {log}")
        if time.monotonic() > end:
            raise DaemonNotRunning("renderd was started but does not answer", f"see {log or UNIT}")
        time.sleep(_LOOK)


def queue_sample(settings: Settings) -> str:
    """Queue a small shot that any Blender renders; where its frames appear.

    Raises RenderdError, OSError.
    """
    spool = open_farm(settings)
    folder = _sample_folder(settings.spool)
    blend = os.path.join(folder, "sample.blend")
    if not os.path.exists(blend):
        shutil.copyfile(next(filter(os.path.exists, _SAMPLES)), blend)
    wish = plan.Wish(
        scenes=("Turntable",),
        frames=frames.parse(_SAMPLE_FRAMES),
        out=os.path.join(folder, "frames", "turntable_####"),
        name="sample",
        info=Info(commands=(), chunk=_SAMPLE_CHUNK, needs=Needs.parse(f"blender={ANY}")),
    )
    terms = Terms(replaces=True)
    done = submission.submit(
        spool,
        lambda: Asked(plan.from_blend(blend, wish, spool.farm, sys.platform, _silent), terms),
    )
    if done.error is not None or done.is_refused:
        why = done.error or UsageError(next((one.sentence for one in done.found), "it was refused"))
        raise why
    return f"Queued a sample; its frames appear in {folder}/frames"


def _sample_folder(root: str) -> str:
    """A folder beside the farm, where all machines see it, else in the home folder."""
    for parent in (os.path.dirname(root), os.path.expanduser("~")):
        folder = os.path.join(parent, "render-sample")
        with contextlib.suppress(OSError):
            os.makedirs(os.path.join(folder, "frames"), exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
    raise UsageError(f"nothing can be written beside {root}", "make a folder there for the frames")


def remember(root: str) -> str:
    """Have all our programs of this user work for a farm from now on; what was done."""
    return f"Remembered in {config.remember_spool(root)}"


def _silent(_text: str) -> None:
    """Remarks on a sample of ours interest nobody."""


def _last_line(text: str) -> str:
    lines: Sequence[str] = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def trouble(error: Exception) -> str:
    """What went wrong, for a person."""
    if isinstance(error, OSError) and not isinstance(error, RenderdError):
        return f"{error.filename or ''}: {error.strerror or error}".removeprefix(": ")
    return str(error)
