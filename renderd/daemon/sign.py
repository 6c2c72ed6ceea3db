"""`renderd sign FILE…`: sign info files with the farm's key, ready to be dropped."""

import argparse
import sys

from renderd import config
from renderd.errors import UsageError
from renderd.spool import trust
from renderd.spool.layout import read_identity
from renderd.spool.share import PosixShare


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    parser = subparsers.add_parser(
        "sign",
        help="sign info files with the farm's key",
        description="Print an info file with its x-sign: line, which holds for this spool only:  "
        "renderd sign shot.info > $RENDERD_SPOOL/shot.info",
    )
    parser.add_argument("file", metavar="FILE", help="the info file; - reads stdin")
    parser.add_argument("--spool", metavar="DIR", help="the farm's folder ($RENDERD_SPOOL)")
    parser.add_argument("--key", metavar="FILE", help="file with the farm's key ($RENDERD_KEY)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Sign one file to stdout.  Raises UsageError, SpoolError."""
    settings = config.load({"spool": args.spool, "key": args.key})
    if not settings.spool or not settings.key:
        raise UsageError("sign needs the spool and the key", "say --spool DIR and --key FILE")
    identity = read_identity(PosixShare(), settings.spool)
    try:
        text = sys.stdin.read() if args.file == "-" else _read(args.file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{args.file} cannot be read: {error}") from error
    sys.stdout.write(trust.sign(text, identity.id, trust.read_key(settings.key)))
    return 0


def _read(path: str) -> str:
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()
