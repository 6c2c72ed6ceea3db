"""What renderers print, and what the farm makes of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderd.core.causes import CAUSES
from renderd.core.frames import Run
from renderd.core.progress import LINE_LIMIT, Kind, Watch, clean, read_line


@pytest.mark.parametrize(
    ("line", "frame", "percent"),
    [
        (  # 3.4, Cycles
            "Fra:12 Mem:141.86M (Peak 149.25M) | Time:00:02.20 | Remaining:00:43.28 |"
            " Mem:158.63M, Peak:158.63M | Scene, ViewLayer | Sample 24/96",
            12,
            25,
        ),
        ("Fra:2 Mem:42.41M (Peak 43.52M) | Time:00:08.56 | Rendering 32 / 64 samples", 2, 50),
        ("00:03.413  render           | Fra: 1 | Mem: 1450M | Sample 64/128", 1, 50),  # 5.x
        ("00:00.985  render           | Fra: 7 | Rendering 2 / 8 samples", 7, 25),
        ("Fra:-3 Mem:2.79M (0.00M, Peak 12.3M) Scene, Part 16-64", -3, 25),  # 2.7x, internal
        ("Fra:5 Mem:1M | Time:00:01.00 | Scene | Rendered 30/60 Tiles", 5, 50),  # 2.8x
        ("Fra:5 Mem:1M | Time:00:01.00 | Scene | Path Tracing Tile 3/4", 5, 75),  # 2.7x, Cycles
        ("ALF_PROGRESS 40%", None, 40),
        ("openjd_progress: 12.5", None, 12.5),
        (" 10%\r 20%\rProgress: 30%\n", None, 30),
    ],
)
def test_percentages_are_read(line, frame, percent):
    event = read_line(line)
    assert (event.kind, event.frame, event.percent) == (Kind.PERCENT, frame, percent)


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("Saved: '/tmp/o/x_0001.png'", "/tmp/o/x_0001.png"),
        ("Saved: '/a/it's 0001.png'\n", "/a/it's 0001.png"),
        ("00:00.282  render           | Saved: '/o/b_0001.png'", "/o/b_0001.png"),
        ("Saved: /a/1.png Time: 00:00.12 (Saving: 00:00.01)", "/a/1.png"),  # 2.6x
        ("   wood.png   16.0M (16,777:20.234  render   | Saved: 'C:\\o\\1.jpg'", "C:\\o\\1.jpg"),
        ("Writing /x/a.0001.exr took 0.12 seconds", "/x/a.0001.exr"),
    ],
)
def test_saved_files_are_read(line, path):
    event = read_line(line)
    assert (event.kind, event.path) == (Kind.SAVED, path)


@pytest.mark.parametrize("line", ["Append frame 3", "00:00.253  render    | Video append frame 3"])
def test_a_frame_added_to_a_movie_counts_as_saved(line):
    event = read_line(line)
    assert (event.kind, event.frame) == (Kind.SAVED, 3)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("Error: Cannot render, no camera", "no-camera"),
        ("System is out of GPU memory", "gpu-memory"),
        ("System is out of GPU and shared host memory", "gpu-memory"),
        ("CUDA error: Out of memory in cuMemAlloc(&device_pointer, size)", "gpu-memory"),
        ("Fra:151 Mem:1M | Cancel | CUDA error: Out of memory in cuLaunchKernel", "gpu-memory"),
        ("CUDA error: Illegal address in cuCtxSynchronize(), line 1372", "gpu"),
        ("Failed to create CUDA context (Unknown error)", "gpu"),
        ("Calloc returns null: len=33177600 in imb_addrectfloatImBuf, total 4", "memory"),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "memory"),
        ("Can't find scene: 'Nope' in file: '/p/x.blend'", "wrong-scene"),
        ("Error: Failed to read blend file '/p/x.blend', not a blend file", "not-a-blend"),
        ("Error: File format is not supported in file '/p/x.json'", "not-a-blend"),
        ("Error: Cannot read file '/p/x.blend': No such file or directory", "no-blend"),
        ("Error: Render error (Invalid argument) cannot save: '/p/1.png'", "save"),
        ("Unknown encoder 'libsvtav1'", "encoder"),
        ("imb_savepng: Cannot open file for writing: '/p/1.png'", "save"),
        ("Error: Render error (No space left on device) cannot save: '/p/1.png'", "disk-full"),
        ("Writing: /tmp/shot.crash.txt", "crash"),
        ("Warning: Unable to open '/p/lib.blend': No such file or directory", "missing-file"),
        ("Info: Cannot find lib '/p/lib.blend'", "missing-file"),
        ("Info: LIB: Scene: 'A' missing from '/p/lib.blend', parent '<direct>'", "missing-file"),
        ("Error: engine not found 'NOPE'", "engine"),
        ("Error: Build without OpenImageDenoiser", "denoiser"),
        ("unknown argument, loading as file: --foo", "unknown-option"),
        ("Error: not a number '-s / --frame-start x'.", "option"),
        ("Unable to open a display", "display"),
        ("[error] No license available for feature redshift", "licence"),
        ("ERROR: Could not obtain a licence: checkout failed", "licence"),
        ("OSError: [Errno 116] Stale file handle", "share"),
    ],
)
def test_a_failure_is_told_with_advice(line, cause):
    event = read_line(line)
    assert (event.kind, event.cause) == (Kind.FAILURE, cause)
    assert event.says
    assert event.advice
    assert read_line(f"\x1b[1;31m{line}\x1b[0m\r\n") == event


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_every_cause_speaks_plainly_and_its_phrases_are_lower_case(cause):
    assert cause.says[0].islower() or cause.says.startswith("Blender")
    assert not cause.says.endswith(".")
    assert all(phrase == phrase.lower() for phrase in cause.phrases)


def test_what_calls_itself_an_error_is_one_and_a_warning_only_warns():
    assert read_line("Error: something odd").kind is Kind.FAILURE
    assert read_line("Warning: something odd").kind is Kind.WARNING
    assert read_line("WARN (bke.customdata): layer is NULL").kind is Kind.WARNING
    assert read_line("00:00.361  image            | ERROR it went wrong").kind is Kind.FAILURE


def test_a_failed_script_warns_because_blender_goes_on():
    for line in (
        "Error: Python: Traceback (most recent call last):",
        "ModuleNotFoundError: No module named 'foo'",
    ):
        event = read_line(line)
        assert (event.kind, event.cause) == (Kind.WARNING, "python")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Blender 3.4.1",
        "Blender quit",
        " Time: 00:00.11 (Saving: 00:00.08)",
        'Read blend: "/p/shot_error.blend"',
        "Scene switch for render: 'B' in file: '/p/x.blend'",
        "EGL Error (0x3001): EGL_NOT_INITIALIZED: EGL is not initialized",
        "Managed to successfully fallback to surfaceless EGL rendering!",
        "openjd_progress: 400",
        "openjd_progress: soon",
        "openjd_redacted_env: SECRET=error",
    ],
)
def test_lines_that_tell_nothing_are_silent(line):
    assert read_line(line) is None


def test_openjd_words_are_understood():
    assert read_line("openjd_status: baking 3 of 9").text == "baking 3 of 9"
    failed = read_line("openjd_fail: no license left")
    assert (failed.kind, failed.cause, failed.says) == (
        Kind.FAILURE,
        "licence",
        "no license left",
    )


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_line_is_read_without_harm(text):
    event = read_line(text)
    assert event is None or event.text.isprintable() or "\t" in event.text


@pytest.mark.parametrize("piece", ["A", "\x1b[", "' ", "Fra:1 ", "Saved: '", "9", "a.", "error "])
def test_a_line_of_a_megabyte_is_cut_first(piece):
    line = piece * (1_000_000 // len(piece))
    assert len(clean(line)) <= LINE_LIMIT + 3
    read_line(line)


def watched(lines, **known):
    watch = Watch(**known)
    for line in lines:
        watch.feed(line)
    return watch


def test_a_run_is_followed_frame_by_frame():
    watch = Watch(run=Run(1, 4))
    told = []
    for frame in (1, 2):
        watch.feed(f"Fra:{frame} Mem:1M | Scene | Sample 5/10")
        told.append(watch.fraction)
        watch.feed(f"Saved: '/o/f_000{frame}.png'")
        told.append(watch.fraction)
    assert told == [0.125, 0.25, 0.375, 0.5]
    assert watch.saved == ["/o/f_0001.png", "/o/f_0002.png"]
    assert watch.done == {1, 2}


def test_an_engine_that_only_prints_paths_is_followed_by_them():
    lines = ["Saved: '/o/f_0007.png'", "Saved: '/o/f_0008.png'"]
    watch = watched(lines, run=Run(7, 10), out="/o/f_####")
    assert (watch.done, watch.frame, watch.fraction) == ({7, 8}, 8, 0.5)


def test_several_files_of_one_frame_count_once():
    lines = ["Fra:1 Mem:1M | x", "Saved: '/o/f_0001_L.png'", "Saved: '/o/f_0001_R.png'"]
    assert watched(lines, run=Run(1, 2)).fraction == 0.5


def test_a_program_that_counts_the_whole_run_is_believed():
    assert watched(["openjd_progress: 40"], run=Run(1, 10)).fraction == 0.4


def test_the_likeliest_reason_comes_first():
    watch = watched(
        [
            "Error: something odd",
            "Warning: Unable to open '/p/lib.blend': No such file or directory",
            "Can't find scene: 'Nope' in file: '/p/x.blend'",
        ]
    )
    assert watch.reason.cause == "wrong-scene"
    assert watched([]).reason is None
    assert watched(["Error: something odd"]).reason.text == "Error: something odd"


def test_endless_complaints_are_not_kept():
    assert len(watched(["Error: again"] * 1000).failures) < 100


def test_a_file_of_a_frame_is_not_the_frame_once_the_prologue_tells_when_it_is_whole():
    watch = Watch(run=Run(1, 3), out="o_####.png")
    for line in ("renderd: passes", "Saved: '/p/passes/z_0001.exr'", "Saved: '/x/o_0001.png'"):
        watch.feed(line)
    assert watch.done == set()
    watch.feed("renderd: whole 1")
    assert watch.done == {1}
    assert watch.feed("renderd: whole -12").frame == -12
    assert watch.feed("renderd: whole 1 and more") is None
