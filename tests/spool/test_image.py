"""A frame's file is accepted when whole and refused when cut or damaged anywhere."""

import contextlib
import io
import os
import random
import shutil
import struct
import subprocess
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from renderd.errors import BrokenImage
from renderd.spool.image import Picture, verify, verify_file
from renderd.spool.share import PosixShare

SHARE = PosixShare()

SIZE = (21, 13)


def noise(mode="RGB", size=SIZE):
    source = random.Random(7)
    picture = Image.new(mode, size)
    length = len(picture.tobytes())
    picture.frombytes(bytes(source.randrange(256) for _ in range(length)))
    return picture


def made(kind, mode="RGB", size=SIZE, **options):
    out = io.BytesIO()
    noise(mode, size).save(out, kind, **options)
    return out.getvalue()


def look(data, name=""):
    return verify(io.BytesIO(data), name)


def attribute(name, kind, value):
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value


def exr_header(width, height, *, compression=0, tiles=None, extra=b""):
    window = struct.pack("<iiii", 5, -3, 5 + width - 1, -3 + height - 1)
    channel = b"R\0" + struct.pack("<iBBBBii", 1, 0, 0, 0, 0, 1, 1) + b"\0"
    text = attribute("channels", "chlist", channel)
    text += attribute("compression", "compression", bytes([compression]))
    text += attribute("dataWindow", "box2i", window)
    text += attribute("displayWindow", "box2i", struct.pack("<iiii", 0, 0, 63, 35))
    text += attribute("lineOrder", "lineOrder", b"\0") + extra
    if tiles:
        text += attribute("tiles", "tiledesc", struct.pack("<IIB", *tiles))
    return text + b"\0"


def exr(headers, chunks, *, flags=0):
    """An EXR from headers and chunks (bytes), its offset tables in the order of the chunks."""
    head = b"\x76\x2f\x31\x01" + struct.pack("<I", 2 | flags) + b"".join(headers)
    if flags & 0x1000:
        head += b"\0"
    offset, table = len(head) + 8 * len(chunks), b""
    for chunk in chunks:
        table += struct.pack("<Q", offset)
        offset += len(chunk)
    return head + table + b"".join(chunks)


def rows(height, per_chunk=1, prefix=b""):
    return [
        prefix + struct.pack("<ii", y, 6) + b"pixels" for y in range(-3, -3 + height, per_chunk)
    ]


def tiles(count, prefix=b""):
    return [prefix + struct.pack("<iiiii", n, 0, 0, 0, 4) + b"tile" for n in range(count)]


def part(number):
    return struct.pack("<i", number)


def kind_of(name):
    return attribute("type", "string", name.encode())


DEEP_ROW = struct.pack("<iQQQ", -3, 4, 5, 50) + b"tabldeeps"
EXRS = {
    "scanline": exr([exr_header(4, 7)], rows(7)),
    "zip": exr([exr_header(4, 33, compression=3)], rows(33, 16)),
    "dwab": exr([exr_header(4, 257, compression=9)], rows(257, 256)),
    "tiled": exr([exr_header(40, 20, tiles=(16, 16, 0))], tiles(6), flags=0x200),
    "mipmap": exr([exr_header(40, 20, tiles=(16, 16, 1))], tiles(6 + 2 + 4), flags=0x200),
    "ripmap": exr([exr_header(4, 2, tiles=(4, 4, 0x12))], tiles(6), flags=0x200),
    "deep": exr([exr_header(4, 1, extra=kind_of("deepscanline"))], [DEEP_ROW], flags=0x800),
    "multipart": exr(
        [
            exr_header(4, 3, extra=kind_of("scanlineimage")),
            exr_header(32, 16, tiles=(16, 16, 0), extra=kind_of("tiledimage")),
        ],
        rows(3, prefix=part(0)) + tiles(2, part(1)),
        flags=0x1000,
    ),
}
WHOLE = {
    **{f"exr-{name}": data for name, data in EXRS.items()},
    "png": made("PNG"),
    "png-gray16": made("PNG", "I;16"),
    "png-palette": made("PNG", "P"),
    "jpeg": made("JPEG"),
    "jpeg-progressive": made("JPEG", progressive=True),
    "jpeg-restarts": made("JPEG", restart_marker_blocks=1),
    "tiff": made("TIFF"),
    "tiff-lzw": made("TIFF", compression="tiff_lzw"),
    "tiff-big": made("TIFF", big_tiff=True),
    "webp": made("WEBP"),
    "webp-lossless": made("WEBP", lossless=True),
    "bmp": made("BMP"),
    "tga": made("TGA"),
    "tga-packed": made("TGA", compression="tga_rle"),
}
ENDS_EARLY = {"tga": 26, "tga-packed": 26}  # the footer behind the pixels, which few readers want


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_picture_says_its_kind_and_size(name):
    kind = name.partition("-")[0]
    size = (64, 36) if kind == "exr" else SIZE
    assert look(WHOLE[name], f"f.{kind}") == Picture(kind, *size)


@pytest.mark.parametrize("name", WHOLE)
def test_a_picture_cut_anywhere_is_refused(name):
    data, kind = WHOLE[name], name.partition("-")[0]
    for length in range(len(data) - ENDS_EARLY.get(name, 0)):
        with pytest.raises(BrokenImage):
            look(data[:length], f"f.{kind}")


CHECKED_ALL_THROUGH = [name for name in WHOLE if name.startswith(("png", "jpeg", "exr"))]


@pytest.mark.parametrize("name", CHECKED_ALL_THROUGH)
def test_a_picture_whose_second_half_is_zeros_is_refused(name):
    data = WHOLE[name]
    damaged = data[: len(data) // 2].ljust(len(data), b"\0")
    with pytest.raises(BrokenImage):
        look(damaged, "f." + name.partition("-")[0])


def test_any_changed_byte_of_a_png_is_refused():
    data = WHOLE["png"]
    for index in range(len(data)):
        damaged = bytearray(data)
        damaged[index] ^= 0x40
        with pytest.raises(BrokenImage):
            look(bytes(damaged), "f.png")


def test_a_png_without_data_is_refused():
    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", crc)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
    with pytest.raises(BrokenImage, match="no picture data"):
        look(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IEND", b""))


@pytest.mark.parametrize("name", EXRS)
def test_an_exr_with_an_offset_left_at_zero_is_refused(name):
    data = EXRS[name]
    for offset in table_offsets(data):
        damaged = data[:offset] + bytes(8) + data[offset + 8 :]
        with pytest.raises(BrokenImage, match="never written"):
            look(damaged)


def table_offsets(data):
    """Where the offset table's entries lie: it ends where the first chunk begins."""
    for start in range(8, len(data) - 8):
        (entry,) = struct.unpack_from("<Q", data, start)
        if start < entry <= len(data) and (entry - start) % 8 == 0:
            return range(start, entry, 8)
    raise AssertionError


def test_an_exr_whose_offset_leads_to_another_row_is_refused():
    data = EXRS["scanline"]
    first, second, *_ = table_offsets(data)
    swapped = bytearray(data)
    swapped[first : first + 8], swapped[second : second + 8] = (
        data[second : second + 8],
        data[first : first + 8],
    )
    with pytest.raises(BrokenImage, match="another row"):
        look(bytes(swapped))


def test_an_exr_that_asks_for_a_huge_table_is_refused_at_once():
    header = exr_header(900_000, 900_000, tiles=(1, 1, 0))
    with pytest.raises(BrokenImage, match="asks for"):
        look(b"\x76\x2f\x31\x01" + struct.pack("<I", 0x202) + header + bytes(64))


@pytest.mark.parametrize("name", ["shot.png", "shot.exr", "shot.JPG", "shot.tiff", "shot.webp"])
def test_a_file_of_zeros_is_no_picture(name):
    with pytest.raises(BrokenImage):
        look(bytes(4096), name)


def test_a_picture_is_judged_by_its_bytes_before_its_name():
    assert look(WHOLE["png"], "shot_0001.jpg").kind == "png"


def test_an_unknown_kind_only_has_to_hold_something():
    assert look(b"anything", "movie.xyz") == Picture("unknown", None, None)
    with pytest.raises(BrokenImage, match="empty"):
        look(b"", "movie.xyz")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_big", [False, True])
def test_a_tiff_of_either_byte_order_is_followed_to_its_strips(order, is_big):
    data = hand_made_tiff(order, is_big, strips=[(0, 20), (1, 20)])
    assert look(data) == Picture("tiff", 5, 8)
    with pytest.raises(BrokenImage):
        look(data[:-1])
    with pytest.raises(BrokenImage, match="never written"):
        look(hand_made_tiff(order, is_big, strips=[(0, 20), (1, 0)]))
    with pytest.raises(BrokenImage, match="missing"):
        look(hand_made_tiff(order, is_big, strips=[(0, 20)]))


def hand_made_tiff(order, is_big, strips):
    wide = "Q" if is_big else "I"
    kind = 16 if is_big else 4
    entries = 5
    head = 16 if is_big else 8
    length = (8 + entries * 20 + 8) if is_big else (2 + entries * 12 + 4)
    width = 8 if is_big else 4
    arrays = head + length
    data = arrays + 2 * width * len(strips)
    starts = [data + 20 * index for index, _ in strips]
    lengths = [size for _, size in strips]
    is_inline = len(strips) == 1

    def entry(tag, value, count=1):
        return struct.pack(f"{order}HH{wide}{wide}", tag, kind, count, value)

    mark = b"II" if order == "<" else b"MM"
    text = mark + struct.pack(f"{order}H", 43 if is_big else 42)
    text += struct.pack(f"{order}HHQ", 8, 0, 16) if is_big else struct.pack(f"{order}I", 8)
    text += struct.pack(f"{order}{'Q' if is_big else 'H'}", entries)
    text += entry(256, 5) + entry(257, 8)
    text += entry(273, starts[0] if is_inline else arrays, len(strips))
    text += entry(278, 4)
    second = arrays + width * len(strips)
    text += entry(279, lengths[0] if is_inline else second, len(strips))
    text += struct.pack(f"{order}{wide}", 0)
    text += struct.pack(f"{order}{len(strips)}{wide}", *starts)
    text += struct.pack(f"{order}{len(strips)}{wide}", *lengths)
    return text + bytes(range(1, 41))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_never_ends_in_another_error(data):
    name = data.draw(st.sampled_from(sorted(WHOLE)))
    picture = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(picture) - 1, 400)))
        picture[at : at + 1] = data.draw(st.binary(max_size=9))
    with contextlib.suppress(BrokenImage):
        look(bytes(picture), "f." + name.partition("-")[0])


def test_a_tiff_whose_pages_share_their_data_is_not_followed_for_ever():
    data = bytearray(hand_made_tiff("<", is_big=False, strips=[(0, 20), (1, 20)]))
    data[8 + 2 + 5 * 12 : 8 + 2 + 5 * 12 + 4] = struct.pack("<I", 8)
    with pytest.raises(BrokenImage, match="loop"):
        look(bytes(data))


@pytest.mark.parametrize("kind", ["png", "jpeg", "exr", "tga-packed"])
def test_a_huge_file_is_verified_in_little_memory(kind, tmp_path):
    path = tmp_path / "huge"
    length = 192 << 20
    ihdr = WHOLE["png"][:33]
    heads = {
        "png": ihdr + struct.pack(">I4s", length, b"IDAT"),
        "jpeg": WHOLE["jpeg"][:-2],
        "exr": EXRS["scanline"],
        "tga-packed": WHOLE["tga-packed"][:18],
    }
    path.write_bytes(heads[kind])
    os.truncate(path, length)
    tracemalloc.start()
    with contextlib.suppress(BrokenImage):
        verify_file(SHARE, str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_link_a_pipe_and_a_folder_are_no_frames(tmp_path):
    whole = tmp_path / "whole.png"
    whole.write_bytes(WHOLE["png"])
    assert verify_file(SHARE, str(whole)) == Picture("png", *SIZE)
    (tmp_path / "link.png").symlink_to(whole)
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for name in ("link.png", "pipe.png", "folder.png"):
        with pytest.raises(BrokenImage, match="not a regular file"):
            verify_file(SHARE, str(tmp_path / name))
    with pytest.raises(FileNotFoundError):
        verify_file(SHARE, str(tmp_path / "absent.png"))


def test_a_broken_frame_is_named_with_its_reason(tmp_path):
    cut = tmp_path / "shot_0012.png"
    cut.write_bytes(WHOLE["png"][:-3])
    with pytest.raises(BrokenImage, match=r"'shot_0012\.png' is not whole: its IEND chunk is cut"):
        verify_file(SHARE, str(cut))


BLENDER_KINDS = {
    "PNG": ("png", "color_depth='16'"),
    "JPEG": ("jpeg", "quality=80"),
    "OPEN_EXR": ("exr", "exr_codec='ZIP'"),
    "OPEN_EXR_MULTILAYER": ("exr", "exr_codec='DWAA'"),
    "TIFF": ("tiff", "tiff_codec='DEFLATE'"),
    "TARGA": ("tga", "color_mode='RGB'"),
    "TARGA_RAW": ("tga", "color_mode='RGB'"),
    "BMP": ("bmp", "color_mode='RGB'"),
    "HDR": ("hdr", "color_mode='RGB'"),
    "DPX": ("dpx", "color_depth='10'"),
    "CINEON": ("cineon", "color_mode='RGB'"),
    "JPEG2000": ("jp2", "quality=80"),
    "WEBP": ("webp", "quality=80"),
}
SCRIPT = """
import bpy
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y = 64, 36
scene.render.resolution_percentage = 100
scene.render.engine = 'CYCLES'
scene.cycles.samples, scene.cycles.use_denoising = 1, False
for kind, settings in {kinds!r}:
    try:
        scene.render.image_settings.file_format = kind
    except TypeError:
        print("absent", kind)
        continue
    exec("scene.render.image_settings." + settings.split("=")[0] + " = " + settings.split("=")[1])
    scene.render.filepath = {folder!r} + "/" + kind + "_####"
    bpy.ops.render.render(animation=True)
"""


@pytest.fixture(scope="module")
def blender_frames(tmp_path_factory):
    blender = shutil.which("blender")
    if blender is None:
        pytest.skip("no blender on PATH")
    folder = tmp_path_factory.mktemp("frames")
    script = folder / "render.py"
    kinds = [(kind, setting) for kind, (_, setting) in BLENDER_KINDS.items()]
    script.write_text(SCRIPT.format(kinds=kinds, folder=str(folder)))
    command = [blender, "-b", "--factory-startup", "-noaudio", "-s", "1", "-e", "1"]
    expression = "import bpy; s = bpy.context.scene; s.frame_start = s.frame_end = 1"
    subprocess.run(
        [*command[:4], "--python-expr", expression, "--python", str(script)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return folder


@pytest.mark.blender
@pytest.mark.parametrize("kind", BLENDER_KINDS)
def test_what_blender_writes_is_whole_and_what_is_cut_is_not(blender_frames, kind):
    frames = list(blender_frames.glob(f"{kind}_0001*"))
    if not frames:
        pytest.skip(f"this Blender does not write {kind}")
    (frame,) = frames
    assert verify_file(SHARE, str(frame)) == Picture(BLENDER_KINDS[kind][0], 64, 36)
    data = frame.read_bytes()
    for length in {len(data) - 1, len(data) // 2, len(data) // 4, 30, 0}:
        with pytest.raises(BrokenImage):
            verify(io.BytesIO(data[:length]), frame.name)
