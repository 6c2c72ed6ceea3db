"""`renderd install` and `renderd uninstall`: a service that starts by itself."""

import argparse
import os
import shutil
import sys

from renderd import config
from renderd.errors import UsageError
from renderd.host import service
from renderd.host.service import Machine, Report


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare both verbs and their options."""
    says = {
        "install": "start renderd at your login, or with the machine (--system)",
        "uninstall": "take away what install put down, and stop the service",
    }
    for verb, what in says.items():
        parser = subparsers.add_parser(verb, help=what, description=f"{what[0].upper()}{what[1:]}.")
        parser.add_argument(
            "--system", action="store_true", help="a service of the machine's; for root"
        )
        if verb == "install":
            parser.add_argument(
                "--spool", metavar="DIR", help="the farm, written into the settings"
            )
            parser.add_argument("--user", metavar="NAME", help="--system: who renders")
        parser.set_defaults(run=install if verb == "install" else uninstall)


def install(args: argparse.Namespace) -> int:
    """Set the service up and say what was done; 0 also where something smaller was not possible."""
    if args.user and not args.system:
        raise UsageError("--user goes with --system", "without, the service is your own")
    if args.system and not args.user:
        raise UsageError("--system needs --user", "name who renders: --user render")
    if args.user == "root":
        raise UsageError("jobs do not run as root", "name another user: --user render")
    machine = _machine(args)
    spool = _settle_spool(args)
    if args.system:
        return _tell(service.install_for_system(machine, args.user, spool))
    return _tell(service.install_for_user(machine))


def uninstall(args: argparse.Namespace) -> int:
    """Take the service away."""
    report = service.uninstall(_machine(args), is_system=args.system)
    if not report.done:
        report.undone.append("nothing of renderd is installed here")
    return _tell(report)


def _machine(args: argparse.Namespace) -> Machine:
    if args.system and os.geteuid() != 0:
        raise UsageError("--system is for root", f"say: sudo {sys.argv[0]} … --system")
    if not args.system and os.geteuid() == 0:
        raise UsageError("jobs do not run as root", "be the user who renders, or say --system")
    found = shutil.which(sys.argv[0]) or sys.argv[0]
    return Machine(home=os.path.expanduser("~"), program=os.path.abspath(found))


def _settle_spool(args: argparse.Namespace) -> str:
    """The spool that the service will read of its settings; written there where it is not."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(config.PREFIX)}
    if args.system:
        environ["RENDERD_CONFIG"] = config.SYSTEM_FILE
        os.makedirs(os.path.dirname(config.SYSTEM_FILE), exist_ok=True)
        with open(config.SYSTEM_FILE, "a", encoding="utf-8"):
            pass
    known = config.load({}, environ).spool
    wanted = os.path.abspath(args.spool) if args.spool else config.load().spool
    if not (wanted or known):
        raise UsageError("no spool was named", "say --spool DIR; make one: renderd init")
    if wanted and wanted != known:
        config.remember_spool(wanted, environ)
    return wanted or known


def _tell(report: Report) -> int:
    for line in report.done:
        print(line)  # noqa: T201
    for line in report.undone:
        print(f"not done: {line}")  # noqa: T201
    return 0 if report.done else 1
