"""Services are set up without administrator's rights, and what could not be is said."""

import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from renderd.errors import UsageError
from renderd.host import service
from renderd.host.service import Machine, NotInstalled

UNITS = Path(__file__).parents[2] / "packaging" / "systemd"
PROGRAM = "/opt/my tools/100%/renderd"


class Managers:
    """Service managers' programs that write down how they were called, and fail as told."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls_file = folder, folder / "calls"
        (folder / "bin").mkdir()

    def have(self, name: str, *failing: str) -> None:
        cases = "".join(
            f"*{shlex.quote(word)}*) echo no such luck >&2; exit 3;;" for word in failing
        )
        script = f'#!/bin/sh\necho {name} "$*" >> {self.calls_file}\ncase "$*" in {cases} esac\n'
        path = self.folder / "bin" / name
        path.write_text(script)
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []

    def machine(self, platform: str = "linux") -> Machine:
        return Machine(
            home=str(self.folder),
            program=PROGRAM,
            environ={"PATH": f"{self.folder}/bin"},
            platform=platform,
            system_folder=str(self.folder / "system"),
        )


@pytest.fixture
def managers(tmp_path):
    return Managers(tmp_path)


def unit(managers):
    return managers.folder / ".config/systemd/user/neogeo-renderd.service"


def test_a_users_service_is_written_started_and_lingers(managers):
    for name in ("systemctl", "loginctl"):
        managers.have(name)
    report = service.install_for_user(managers.machine())
    assert report.undone == []
    assert r'ExecStart="/opt/my tools/100%%/renderd"' in unit(managers).read_text()
    assert managers.calls[1:] == [
        "systemctl --user daemon-reload",
        "systemctl --user enable --now neogeo-renderd",
        "loginctl enable-linger",
    ]


def test_a_linger_that_is_refused_is_said_and_the_rest_stands(managers):
    managers.have("systemctl")
    managers.have("loginctl", "linger")
    report = service.install_for_user(managers.machine())
    assert "renderd runs and starts at your login" in report.done
    [undone] = report.undone
    assert "it stops when you log out: no such luck" in undone


def test_a_service_that_does_not_start_is_an_error_with_its_reason(managers):
    managers.have("systemctl", "enable")
    with pytest.raises(NotInstalled, match="enable --now neogeo-renderd: no such luck"):
        service.install_for_user(managers.machine())


def test_without_systemd_the_desktop_starts_it(managers):
    report = service.install_for_user(managers.machine())
    assert report.undone[0] == "no systemd unit: there is no systemctl here"
    entry = (managers.folder / ".config/autostart/neogeo-renderd.desktop").read_text()
    assert 'Exec="/opt/my tools/100%%/renderd"' in entry
    assert service.uninstall(managers.machine(), is_system=False).done
    assert not list((managers.folder / ".config/autostart").iterdir())


def test_a_blades_service_waits_for_its_share(managers):
    managers.have("systemctl")
    report = service.install_for_system(managers.machine(), "render", "/mnt/farm/spool")
    text = (managers.folder / "system/neogeo-renderd@.service").read_text()
    assert 'RequiresMountsFor="/mnt/farm/spool"' in text
    assert managers.calls[-1] == "systemctl enable --now neogeo-renderd@render"
    assert report.undone == []


def test_uninstall_takes_away_what_install_put_down_and_may_be_said_twice(managers):
    for name in ("systemctl", "loginctl"):
        managers.have(name)
    service.install_for_user(managers.machine())
    assert service.uninstall(managers.machine(), is_system=False).undone == []
    assert not list(unit(managers).parent.iterdir())
    assert managers.calls[-2:] == [
        "systemctl --user disable --now neogeo-renderd",
        "systemctl --user daemon-reload",
    ]
    calls = managers.calls
    report = service.uninstall(managers.machine(), is_system=False)
    assert (report.done, report.undone) == ([], [])
    assert managers.calls == calls


def test_a_macs_agent_is_a_property_list_that_starts_this_program(managers):
    managers.have("launchctl")
    service.install_for_user(managers.machine("darwin"))
    path = managers.folder / "Library/LaunchAgents/org.neogeo.renderd.plist"
    line = plistlib.loads(path.read_bytes())["ProgramArguments"][2]
    assert line.startswith(f"exec '{PROGRAM}' ")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
@pytest.mark.parametrize("name", ["neogeo-renderd.service", "neogeo-renderd@.service"])
def test_systemd_has_nothing_to_say_against_the_units_that_are_written(name, tmp_path):
    program = tmp_path / "a b%" / "renderd"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = tmp_path / name.replace("@", "@render")
    shutil.copy(UNITS / "neogeo.slice", tmp_path)
    text = service.unit_text(f"systemd/{name}", str(program), str(tmp_path))
    path.write_text("\n".join(x for x in text.splitlines() if not x.startswith("Documentation")))
    kind = [] if "@" in name else ["--user"]
    line = ["systemd-analyze", "verify", "--man=no", *kind, str(path)]
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=env)
    said = [x for x in (done.stdout + done.stderr).splitlines() if "neogeo" in x]
    assert said == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["install", "--user", "render"], "--user goes with --system"),
        (["install", "--system", "--user", "root"], "jobs do not run as root"),
        (["install"], "jobs do not run as root"),
    ],
)
@pytest.mark.skipif(os.geteuid() != 0, reason="root is refused")
def test_an_install_that_makes_no_sense_is_refused(words, says):
    renderd = Path(sys.executable).with_name("renderd")
    done = subprocess.run([renderd, *words], capture_output=True, text=True, check=False)
    assert done.returncode == UsageError.exit_status
    assert says in done.stderr
