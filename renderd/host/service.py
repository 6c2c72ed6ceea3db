"""Starting renderd with the machine or at login: systemd, launchd, Windows' tasks, autostart."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from renderd.errors import RenderdError

NAME = "neogeo-renderd"  #: Debian has another package called renderd
AGENT = "org.neogeo.renderd"
TASK = "neogeo-renderd"
SLICE = "neogeo.slice"
SYSTEM_FOLDER = "/etc/systemd/system"
PATIENCE = 60.0  #: seconds for a service manager
_HERE = os.path.dirname(os.path.abspath(__file__))
_PLACES = (os.path.join(_HERE, "units"), os.path.join(_HERE, "..", "..", "packaging"))
_AUTOSTART = """\
[Desktop Entry]
Type=Application
Name=Render farm node
Exec={program}
NoDisplay=true
X-GNOME-Autostart-enabled=true
"""


class NotInstalled(RenderdError):
    """Nothing of a service could be set up or taken away."""

    exit_status = 1


@dataclass(slots=True)
class Report:
    """What was done, and what was not, in sentences."""

    done: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where services go on this machine, for whom."""

    home: str
    program: str  #: the whole path of renderd
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    platform: str = sys.platform
    system_folder: str = SYSTEM_FOLDER

    @property
    def config(self) -> str:
        """The folder of the user's own settings."""
        return self.environ.get("XDG_CONFIG_HOME") or os.path.join(self.home, ".config")

    def run(self, *words: str) -> str:
        """Run a manager's program; why it failed, empty where it did not."""
        if shutil.which(words[0], path=self.environ.get("PATH")) is None:
            return f"there is no {words[0]} here"
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
                env=dict(self.environ),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        said = (done.stderr or done.stdout).strip().partition("\n")[0]
        return "" if done.returncode == 0 else said or f"exit status {done.returncode}"


def install_for_user(machine: Machine) -> Report:
    """Start renderd at this user's login, without administrator's rights; starts it now.

    Raises NotInstalled where nothing of it is possible, OSError.
    """
    report = Report()
    if machine.platform == "darwin":
        _install_agent(machine, report)
    elif machine.platform == "win32":
        _install_task(machine, report)
    elif why := machine.run("systemctl", "--user", "show-environment"):
        report.undone.append(f"no systemd unit: {why}")
        _install_autostart(machine, report)
    else:
        _install_unit(machine, report)
    return report


def install_for_system(machine: Machine, user: str, share: str) -> Report:
    """Start renderd with the machine, as that user; for root.  Raises NotInstalled, OSError."""
    if machine.platform in ("darwin", "win32"):
        raise NotInstalled("system services are only for Linux yet", "leave --system out")
    report = Report()
    text = unit_text("systemd/neogeo-renderd@.service", machine.program, share)
    path = os.path.join(machine.system_folder, f"{NAME}@.service")
    _write(path, text, report)
    _write_slice(path, report)
    _ask(machine, report, "systemctl", "daemon-reload")
    if not _ask(machine, report, "systemctl", "enable", "--now", f"{NAME}@{user}"):
        raise NotInstalled(report.undone[-1], f"{path} is written; start it by hand")
    report.done.append(f"renderd runs as {user} and starts with the machine")
    return report


def uninstall(machine: Machine, *, is_system: bool) -> Report:
    """Stop the service and take away what install put down; what is not there is no error."""
    report = Report()
    if is_system:
        path = os.path.join(machine.system_folder, f"{NAME}@.service")
        stop: tuple[str, ...] = ("systemctl", "disable", "--now", f"{NAME}@*")
    elif machine.platform == "darwin":
        path = _agent_path(machine)
        stop = ("launchctl", "bootout", f"gui/{os.getuid()}/{AGENT}")
    elif machine.platform == "win32":
        _ask(machine, report, "schtasks", "/Delete", "/F", "/TN", TASK)
        return report
    else:
        path = os.path.join(machine.config, "systemd", "user", f"{NAME}.service")
        stop = ("systemctl", "--user", "disable", "--now", NAME)
    weights = os.path.join(os.path.dirname(path), SLICE)
    autostart = os.path.join(machine.config, "autostart", f"{NAME}.desktop")
    found = [p for p in (path, weights, *(() if is_system else (autostart,))) if os.path.exists(p)]
    if path in found:
        _ask(machine, report, *stop)
    for file in found:
        os.unlink(file)
        report.done.append(f"{file} is gone")
    if path in found and stop[0] == "systemctl":
        _ask(machine, report, *stop[:2][: 1 + ("--user" in stop)], "daemon-reload")
    return report


def unit_text(name: str, program: str, share: str = "") -> str:
    """A shipped systemd unit, with this installation's program and the share it waits for."""
    said = {"ExecStart=": f"ExecStart={_unit_word(program)}"}
    if share:
        said["#RequiresMountsFor="] = f"RequiresMountsFor={_unit_word(share)}"
    lines = _shipped(name).splitlines()
    kept = (next((new for old, new in said.items() if one.startswith(old)), one) for one in lines)
    return "\n".join(kept) + "\n"


def _install_unit(machine: Machine, report: Report) -> None:
    path = os.path.join(machine.config, "systemd", "user", f"{NAME}.service")
    _write(path, unit_text("systemd/neogeo-renderd.service", machine.program), report)
    _write_slice(path, report)
    _ask(machine, report, "systemctl", "--user", "daemon-reload")
    if not _ask(machine, report, "systemctl", "--user", "enable", "--now", NAME):
        raise NotInstalled(report.undone[-1], f"see: journalctl --user -u {NAME}")
    report.done.append("renderd runs and starts at your login")
    if why := machine.run("loginctl", "enable-linger"):
        report.undone.append(f"it stops when you log out: {why}; sudo loginctl enable-linger $USER")
    else:
        report.done.append("it starts with the machine, also while nobody is logged in")


def _write_slice(unit: str, report: Report) -> None:
    _write(os.path.join(os.path.dirname(unit), SLICE), _shipped(f"systemd/{SLICE}"), report)


def _install_autostart(machine: Machine, report: Report) -> None:
    path = os.path.join(machine.config, "autostart", f"{NAME}.desktop")
    quoted = '"' + machine.program.replace("\\", "\\\\").replace('"', '\\"') + '"'
    _write(path, _AUTOSTART.format(program=quoted.replace("%", "%%")), report)
    report.done.append("renderd starts when your desktop does")
    report.undone.append("it is not started now, nor again should it fail: start it with renderd")


def _install_agent(machine: Machine, report: Report) -> None:
    """By launchd (untested)."""
    path = _agent_path(machine)
    ours = f"exec {shlex.quote(machine.program)} "
    text = _shipped("launchd/org.neogeo.renderd.plist")
    _write(path, text.replace('exec "$HOME/.local/bin/renderd" ', escape(ours)), report)
    if not _ask(machine, report, "launchctl", "bootstrap", f"gui/{os.getuid()}", path):
        raise NotInstalled(report.undone[-1], f"{path} is written; log in again")
    report.done.append("renderd runs and starts at your login")


def _install_task(machine: Machine, report: Report) -> None:
    """By Windows' task scheduler (untested)."""
    run = f'"{machine.program}"'
    words = ("/Create", "/F", "/SC", "ONLOGON", "/RL", "LIMITED", "/TN", TASK, "/TR", run)
    if not _ask(machine, report, "schtasks", *words):
        raise NotInstalled(report.undone[-1])
    report.done.append("renderd starts at your login")


def _agent_path(machine: Machine) -> str:
    return os.path.join(machine.home, "Library", "LaunchAgents", f"{AGENT}.plist")


def _ask(machine: Machine, report: Report, *words: str) -> bool:
    why = machine.run(*words)
    if why:
        report.undone.append(f"{shlex.join(words)}: {why}")
    return not why


def _write(path: str, text: str, report: Report) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)
    report.done.append(f"wrote {path}")


def _shipped(name: str) -> str:
    for place in _PLACES:
        path = os.path.join(place, name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return file.read()
    raise NotInstalled(f"this installation lacks {name}", "install neogeo-renderd anew")


def _unit_word(text: str) -> str:
    """A path as systemd reads it back: its own quotes and signs escaped."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
