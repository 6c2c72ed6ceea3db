"""The doctor's second process: reads one request a line, does it, answers one line."""

import json
import os
import sys
from typing import Any, BinaryIO

from renderd.spool.contest import Held, race, watch
from renderd.spool.share import PosixShare


def main() -> int:
    """Serve requests from stdin until it ends."""
    held: list[BinaryIO] = []
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] in ("race", "watch"):
            # Both begin now: a race that one side sleeps through is none.
            _reply({"value": "ready"})
        try:
            _reply({"value": _do(request, held)})
        except OSError as error:
            _reply({"error": error.strerror or str(error)})
    return 0


def _reply(reply: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


def _do(request: dict[str, Any], held: list[BinaryIO]) -> Any:
    share = PosixShare()
    match request["do"]:
        case "race":
            what, folder, tag = request["what"], request["folder"], request["tag"]
            return race(share, what, folder, tag, request["count"])
        case "watch":
            return watch(share, request["path"], request["last"])
        case "hold":
            return held.append(share.open(request["path"]))
        case "release":
            with held.pop() as file:
                return file.read().decode("ascii", "replace")
        case "lock":
            lock = Held(request["path"], request["flavour"])
            lock.close()
            return lock.is_taken
        case _:
            return _touch(share, request)


def _touch(share: PosixShare, request: dict[str, Any]) -> Any:
    path = request["path"]
    match request["do"]:
        case "create":
            return share.create(path, b"")
        case "grow":
            return share.append(path, b"x")
        case "stat":
            found = share.stat(path)
            return [found.size, found.mtime_ns]
        case _:
            return os.path.lexists(path)


if __name__ == "__main__":
    sys.exit(main())
