"""Reads .blend files in children of limited memory and time; a program of its own.

Takes one JSON object a line: path, what, mb, seconds.  Answers one a line: the scenes or the
error, or the signal that ended the child.  MemoryError and tracebacks end it as well.
"""

import json
import os
import resource
import sys

import zstandard  # noqa: F401  (its code is no part of what a file may cost)

from renderd import blend
from renderd.errors import BlendError


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            limit(job)
            os.write(writer, json.dumps(answer(job)).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(child, 0)
        result = json.loads(said) if said else {"died": status}
        sys.stdout.write(json.dumps({"path": job["path"], "what": job["what"], **result}) + "\n")
        sys.stdout.flush()


def limit(job: dict) -> None:
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    room = now + job["mb"] * (1 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CPU, (job["seconds"], job["seconds"]))


def answer(job: dict) -> dict:
    try:
        if job["what"] == "settings":
            return {"settings": len(blend.read_settings(job["path"]))}
        if job["what"] == "dependencies":
            return {"dependencies": len(blend.read_dependencies(job["path"]).references)}
        if job["what"] == "thumbnail":
            return {"thumbnail": bool(blend.read_thumbnail(job["path"]))}
        file = blend.read(job["path"])
    except BlendError as error:
        return {"error": str(error)}
    rows = [[scene.raw_name.hex(), scene.start, scene.end] for scene in file.scenes]
    # A list of thousands is not worth a pipe's length.
    return {"scenes": rows[:50], "picture": file.thumbnail is not None}


if __name__ == "__main__":
    main()
