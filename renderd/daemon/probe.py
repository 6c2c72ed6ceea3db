"""The doctor's second process: reads one request a line, does it, answers one line."""

import json
import os
import sys
from typing import Any

from renderd.spool.contest import Held, race
from renderd.spool.share import PosixShare


def main() -> int:
    """Serve requests from stdin until it ends."""
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "race":
            # Both begin now: a race that one side sleeps through is none.
            _reply({"value": "ready"})
        try:
            _reply({"value": _do(request)})
        except OSError as error:
            _reply({"error": error.strerror or str(error)})
    return 0


def _reply(reply: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


def _do(request: dict[str, Any]) -> Any:
    share = PosixShare()
    match request["do"]:
        case "race":
            what, folder, tag = request["what"], request["folder"], request["tag"]
            return race(share, what, folder, tag, request["count"])
        case "lock":
            held = Held(request["path"], request["flavour"])
            held.close()
            return held.is_taken
        case "create":
            return share.create(request["path"], b"")
        case "grow":
            return share.append(request["path"], b"x")
        case _:
            return os.path.lexists(request["path"])


if __name__ == "__main__":
    sys.exit(main())
