"""Which file a frame becomes."""

import pytest

from renderd.blender.formats import expected_path, extension, format_name, is_movie


@pytest.mark.parametrize(
    ("value", "ending"),
    [(17, ".png"), (4, ".jpg"), (23, ".exr"), (28, ".exr"), (22, ".tif"), (35, ".webp")],
)
def test_imtypes_have_the_endings_that_blender_adds(value, ending):
    assert extension(value) == ending
    assert extension(format_name(value)) == ending


def test_words_of_the_command_line_mean_the_same():
    assert format_name("TGA") == format_name(0) == "TARGA"
    assert format_name("NOPE") == format_name(999) == ""


@pytest.mark.parametrize("value", [15, 16, 24, 31, 32, 33, "FFMPEG", "AVIJPEG"])
def test_movies_are_told_from_images(value):
    assert is_movie(value)
    assert extension(value) == ""


@pytest.mark.parametrize(
    ("pattern", "value", "use_extension", "path"),
    [
        ("/o/f_####", "PNG", True, "/o/f_0012.png"),
        ("/o/f_", 17, True, "/o/f_0012.png"),
        ("/o/f_####.png", "PNG", True, "/o/f_0012.png"),
        ("/o/f_####.PNG", "PNG", True, "/o/f_0012.PNG"),
        ("/o/f_####.png", "OPEN_EXR", True, "/o/f_0012.exr"),
        ("/o/f.v2_##", "OPEN_EXR", True, "/o/f.v2_12.exr"),
        ("/o/f_####", "PNG", False, "/o/f_0012"),
        ("/o.png/f", "JPEG", True, "/o.png/f0012.jpg"),
        ("/o/f_", 999, True, "/o/f_0012"),
    ],
)
def test_the_expected_file_is_named(pattern, value, use_extension, path):
    assert expected_path(pattern, 12, value, use_extension) == path
