"""What a picture file shows, without what says when and how long it was rendered."""

import struct
import subprocess
from pathlib import Path


def shown(path: Path) -> bytes:
    """Equal for two files whose pixels are equal to the last bit."""
    data = path.read_bytes()
    if data.startswith(b"\x89PNG"):
        return b"".join(body for kind, body in _png(data) if kind != b"tEXt")
    if data.startswith(b"\x76\x2f\x31\x01"):
        return data[_exr_pixels(data) :]
    if path.suffix in (".mp4", ".mkv", ".avi", ".mov"):
        words = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "framemd5", "-"]
        return subprocess.run(words, check=True, capture_output=True).stdout
    return data


def _png(data):
    at = 8
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + size]
        at += size + 12


def _exr_pixels(data):
    """Where the first block of pixels begins: the header before it tells times."""
    at = 8
    while data[at]:
        at = data.index(b"\0", data.index(b"\0", at) + 1) + 1
        at += 4 + struct.unpack_from("<I", data, at)[0]
    return struct.unpack_from("<Q", data, at + 1)[0]


def album(folder: Path) -> dict[str, bytes]:
    """All pictures below a folder by their names."""
    return {
        str(path.relative_to(folder)): shown(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
