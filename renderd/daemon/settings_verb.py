"""`renderd config`: the settings and where each comes from."""

import argparse

from renderd import config


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    parser = subparsers.add_parser("config", help="show the settings and where each comes from")
    parser.add_argument("--show-origin", action="store_true", help="name the source of each value")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print every setting as a line of the config file."""
    for name, value, origin in config.shown(config.load()):
        line = f"{name} = {value}"
        print(f"{line:<50} # {origin}" if args.show_origin else line)  # noqa: T201
    return 0
