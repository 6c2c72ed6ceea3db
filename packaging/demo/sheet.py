"""Puts frames side by side into one picture; runs inside Blender, which needs nothing else for it.

blender --factory-startup -b --python-exit-code 1 -P sheet.py -- COLUMNS SHEET.png FRAME.png …
"""

import array
import sys

import bpy

GAP = 4  #: pixels between frames
WIDTH = 240  #: pixels of one frame in the sheet
GREY = (0.08, 0.08, 0.08, 1.0)

Picture = tuple[int, int, array.array]  #: width, height, RGBA from the bottom row up


def main(columns: int, target: str, paths: list[str]) -> None:
    """Lay the pictures out in rows from the top left and write them as PNG."""
    pictures = [read(path) for path in paths]
    width, height, _ = pictures[0]
    rows = -(-len(pictures) // columns)
    across = columns * (width + GAP) + GAP
    up = rows * (height + GAP) + GAP
    sheet = array.array("f", GREY * (across * up))
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        left, bottom = column * (width + GAP) + GAP, (rows - 1 - row) * (height + GAP) + GAP
        put(sheet, across, picture, left, bottom)
    made = bpy.data.images.new("sheet", across, up)
    made.pixels.foreach_set(sheet)
    made.filepath_raw, made.file_format = target, "PNG"
    made.save()


def read(path: str) -> Picture:
    """A picture, made small."""
    image = bpy.data.images.load(path)
    width, height = image.size
    height = round(height * WIDTH / width)
    image.scale(WIDTH, height)
    # No numpy: some systems' Blender comes without it.
    values = array.array("f", bytes(4 * 4 * WIDTH * height))
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return WIDTH, height, values


def put(sheet: array.array, across: int, picture: Picture, left: int, bottom: int) -> None:
    """Copy a picture into the sheet, row by row."""
    width, height, values = picture
    for y in range(height):
        begin = 4 * ((bottom + y) * across + left)
        sheet[begin : begin + 4 * width] = values[4 * y * width : 4 * (y + 1) * width]


if __name__ == "__main__":
    columns, target, *paths = sys.argv[sys.argv.index("--") + 1 :]
    main(int(columns), target, paths)
