"""A renderer that stands in for Blender: whole PNGs, and every way of failing on request.

standin.py FIRST LAST OUT [--word[=value]]…      OUT is a pattern with #, or one frame's file

--gate=FILE has it wait behind its first frame (behind as many as --behind says) until FILE is
there: a test that must act in the midst of a chunk then need not be quick.
"""

import os
import re
import resource
import signal
import struct
import sys
import time
import zlib

SIDE = 8


def png(frame: int, side: int = SIDE, fill: int = 0) -> bytes:
    """A picture whose every pixel says which frame it is."""
    colour = bytes((frame >> 16 & 255, frame >> 8 & 255, frame & 255))
    rows = (b"\0" + colour * side) * side
    body = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", body), (b"tEXt", b"fill\0" + b"x" * fill)] if fill else [(b"IHDR", body)]
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def named(out: str, frame: int) -> str:
    """The file of a frame, the last run of # replaced as Blender does."""
    folder, slash, base = out.rpartition("/")
    found = list(re.finditer("#+", base))
    if not found:
        return out
    width = len(found[-1][0])
    digits = f"-{-frame:0{width}d}" if frame < 0 else f"{frame:0{width}d}"
    return folder + slash + base[: found[-1].start()] + digits + base[found[-1].end() :]


def attempt() -> int:
    """Which attempt of its chunk this is, as the daemon says."""
    return int(os.environ.get("RENDERD_ATTEMPT", "1"))


def eat(megabytes: int, node: str, room: str) -> None:
    """Use so much memory; on one node, or on `all`, only `room` megabytes are to be had."""
    if node in ("all", os.environ["RENDERD_NODE"]):
        resource.setrlimit(resource.RLIMIT_AS, (int(room) << 20, int(room) << 20))
    held = [b"x" * (4 << 20) for _ in range(megabytes // 4)]
    print(f"used {len(held) * 4} MB", flush=True)


def misbehave(words: dict[str, str]) -> None:
    """Fail in the way that was asked for, before any frame."""
    if "until" in words and attempt() > int(words["until"]):
        return  # ills of the first attempts only
    if "exit" in words:
        print("Error: nothing works today", flush=True)
        sys.exit(int(words["exit"]))
    if "eat" in words:
        eat(int(words["eat"]), *words.get("room", ":").split(":"))
    if "segfault" in words:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "child" in words and os.fork() == 0:  # a helper that never ends by itself
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)
    if "hang" in words:
        signal.pause()
    for number in range(int(words.get("chatty", 0))):
        print(f"line {number:08d} of much that nobody will read", flush=False)


def render(frame: int, path: str, words: dict[str, str]) -> None:
    """One frame, whole unless it was asked to be torn, wrong or absent."""
    time.sleep(float(words.get("seconds", 0)))
    is_ill = "until" not in words or attempt() <= int(words["until"])
    if is_ill and words.get("skip") == str(frame):
        return
    data = png(frame, int(words.get("side", SIDE)), int(words.get("fill", 0)))
    if is_ill and words.get("torn") == str(frame):
        data = data[: len(data) // 2]
    with open(path, "wb") as file:
        file.write(data)
    if "quiet" not in words:
        print(f"Saved: '{path}'", flush=True)


def wait_for(path: str) -> None:
    """Wait until a file is there."""
    while not os.path.exists(path):
        time.sleep(0.05)


def main() -> None:
    first, last, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    pairs = (word.removeprefix("--").partition("=") for word in sys.argv[4:])
    words = {name: value for name, _, value in pairs}
    if "mark" in words:  # one line a start: who ran what
        env = os.environ
        who = f"{env['RENDERD_NODE']} {env['RENDERD_CHUNK']} {env['RENDERD_ATTEMPT']} {os.getpid()}"
        with open(words["mark"], "a", encoding="ascii") as file:
            file.write(who + "\n")
    misbehave(words)
    for count, frame in enumerate(range(first, last + 1, int(words.get("step", 1)))):
        if "gate" in words and count == int(words.get("behind", 1)):
            wait_for(words["gate"])
        render(frame, named(out, frame), words)
    if "then" in words:
        sys.exit(int(words["then"]))


if __name__ == "__main__":
    main()
