"""Which chunks of a job are meant: by number, by frame, by state."""

import argparse
from collections.abc import Callable

from renderd.core import frames
from renderd.core.chunk import Chunk

Picked = Callable[[Chunk], bool]


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    """Give a parser --chunks and --frames."""
    parser.add_argument("--chunks", metavar="N-M,…", help=f"{verb} only these chunks, by number")
    parser.add_argument(
        "--frames", metavar="A-B,…", help=f"{verb} only chunks that hold one of these frames"
    )


def picked(args: argparse.Namespace) -> Picked | None:
    """The test that the options stand for; None where they name nothing."""
    if not args.chunks and not args.frames:
        return None
    numbers = frames.parse(args.chunks) if args.chunks else ()
    wanted = frames.parse(args.frames) if args.frames else ()

    def is_meant(chunk: Chunk) -> bool:
        if any(chunk.index in run for run in numbers):
            return True
        own = chunk.run
        return own is not None and any(_meet(own, run) for run in wanted)

    return is_meant


def _meet(one: frames.Run, other: frames.Run) -> bool:
    if one.last < other.first or other.last < one.first:
        return False
    short, long = sorted((one, other), key=len)
    return any(frame in long for frame in short)
