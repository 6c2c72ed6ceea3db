"""Is a frame's file whole?  Structure only, nothing is decoded.

Blender's exit code lies and a full disk leaves half a picture with a right name, so every frame is
followed to its end: chunks and checksums (PNG), offset tables (EXR), markers (JPEG), directories
(TIFF), lengths (the rest).  Files may be hostile: memory stays under a megabyte or two, time in
proportion to the file.  Pixels are checked elsewhere, with the `exr` extra.
"""

import errno
import os
import struct
from collections.abc import Callable
from typing import BinaryIO

from renderd.errors import BrokenImage
from renderd.spool.formats import exr, flat, jpeg, mp4, packed, png, tiff, webp
from renderd.spool.formats.source import Picture, Source
from renderd.spool.share import Share

__all__ = ["Picture", "verify", "verify_file"]

Verifier = Callable[[Source], Picture]
BY_SIGNATURE: tuple[tuple[tuple[bytes, ...], Verifier], ...] = (
    ((png.SIGNATURE,), png.verify),
    ((exr.SIGNATURE,), exr.verify),
    ((jpeg.SIGNATURE,), jpeg.verify),
    (tiff.SIGNATURES, tiff.verify),
    ((jpeg.JP2_SIGNATURE, jpeg.J2K_SIGNATURE), jpeg.verify_2000),
    (packed.HDR_SIGNATURES, packed.verify_hdr),
    (flat.DPX_SIGNATURES, flat.verify_dpx),
    (flat.CINEON_SIGNATURES, flat.verify_cineon),
)
BY_EXTENSION: dict[str, Verifier] = {
    "png": png.verify,
    "exr": exr.verify,
    "jpg": jpeg.verify,
    "jpeg": jpeg.verify,
    "tif": tiff.verify,
    "tiff": tiff.verify,
    "webp": webp.verify,
    "jp2": jpeg.verify_2000,
    "j2c": jpeg.verify_2000,
    "tga": packed.verify_tga,
    "hdr": packed.verify_hdr,
    "bmp": flat.verify_bmp,
    "dpx": flat.verify_dpx,
    "cin": flat.verify_cineon,
    "mp4": mp4.verify,
    "mov": mp4.verify,
}


def verify(file: BinaryIO, name: str = "") -> Picture:
    """Follow a picture to its end; raise BrokenImage with the reason when it is not whole.

    What the bytes say goes before what the name says; an unknown kind only has to hold something.
    """
    source = Source(file)
    try:
        if source.size == 0:
            raise BrokenImage("it is empty")
        return _verifier(source, name)(source)
    except (struct.error, IndexError) as error:
        raise BrokenImage(f"its header is damaged ({error})") from None
    except BrokenImage as error:
        label = f"{os.path.basename(name)!r} is not whole" if name else "the picture is not whole"
        raise BrokenImage(f"{label}: {error.message}") from None


def verify_file(share: Share, path: str) -> Picture:
    """Verify the regular file at this path, following no link and waiting for no pipe.

    OSError passes through when it cannot be opened or read (not there, not allowed, I/O).
    """
    try:
        file = share.open(path)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EINVAL):
            raise BrokenImage(f"{path!r} is not a regular file") from None
        raise
    with file:
        return verify(file, path)


def _verifier(source: Source, name: str) -> Verifier:
    head = source.head(0, 18)
    for signatures, verifier in BY_SIGNATURE:
        if head.startswith(signatures):
            return verifier
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return webp.verify
    extension = os.path.splitext(name)[1].lstrip(".").lower()
    return BY_EXTENSION.get(extension, flat.verify_unknown)
