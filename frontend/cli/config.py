"""`render config`: this machine's settings and where each comes from."""

import argparse

from frontend.cli import output
from frontend.cli.farm import settings
from renderd import config


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "config",
        help="show this machine's settings",
        description="Show this machine's settings: default < system file < user file < "
        "environment < flag.",
    )
    parser.add_argument("--show-origin", action="store_true", help="also where each comes from")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the settings as a config file would say them."""
    shown = config.shown(settings(args))
    if args.json:
        values = [{"name": n, "value": v, "origin": origin} for n, v, origin in shown]
        return output.emit({"settings": values})
    for name, value, origin in shown:
        output.say(f"{name} = {value}" + (f"  # {origin}" if args.show_origin else ""))
    return 0
