"""Why renders fail: what programs print, said again in plain words with advice."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason a render fails, with the texts that give it away.

    A phrase is lower case; ``a + b`` asks for both in one line.
    """

    name: str  #: stable, for policies and statistics
    says: str  #: one sentence for a person
    advice: str
    phrases: tuple[str, ...]
    is_fatal: bool = False  #: what is rendered from here on is not what was asked for


MISSING_FILE = "missing-file"  #: a library, an image, a cache
UNKNOWN_NODE = "unknown-node"
DRIVER = "driver"
UNBAKED = "unbaked"
#: What `missing: fail` means: Blender goes on without them, and the picture is another one.
COMPLAINTS = frozenset((MISSING_FILE, UNKNOWN_NODE, DRIVER))
#: What is wrong with the job on every node alike, and speaks against none.
OF_THE_JOB = frozenset(("no-camera", "wrong-scene", "option", DRIVER))
NO_BLEND = "no-blend"
MEMORY = "memory"  #: the program had not enough of it, and said so
UNABLE = "unable"  #: add-ons and device are not as farm.toml asks: says our script in Blender
UNABLE_SAYS = "renderd: unable: "

DISK_FULL, SAVE, SHARE, LICENCE = "disk-full", "save", "share", "licence"  #: perhaps no failure

#: The first that fits is taken: the narrow ones stand before the wide ones.
CAUSES = (
    Cause(
        UNABLE,
        "this node's Blender cannot render as farm.toml asks",
        "install the add-on or the GPU's driver here, or change [blender] in farm.toml",
        (UNABLE_SAYS,),
        is_fatal=True,
    ),
    Cause(
        "gpu-memory",
        "the GPU ran out of memory",
        "render on the CPU or on nodes with more GPU memory (needs: tag=…), or use smaller"
        " textures, simplify, or fewer samples at once",
        (
            "system is out of gpu",
            "out of memory in cu",
            "out of memory in hip",
            "cuda error: out of memory",
            "cuda out of memory",
            "error_out_of_memory",
            "error_device_out_of_memory",
            "hiperroroutofmemory",
            "out_of_device_memory",
            "out of device memory",
            "cumemalloc + out of memory",
            "gpu + out of memory",
        ),
        is_fatal=True,
    ),
    Cause(
        LICENCE,
        "the renderer got no licence",
        "free a seat or look at the licence server; work goes on by itself; nodes: N limits how"
        " many run at once",
        (
            # FlexNet (Maya and others): "Licensed number of users already reached. (-4,132)"
            "licensed number of users already reached",
            "connect to license server",
            "license server machine is down",
            "license checkout failed",
            "license checkout timed out",
            "flexnet licensing error",
            # RLM (Arnold, Nuke, Redshift, Clarisse): "All licenses in use (-22)"
            "all licenses in use",
            "connect to any license server",
            "error checking out license",
            "communications error with license server",
            "foundry license error",
            "watermarks because of failed authorization",
            "watermark + license",
            "watermark + licence",
            # V-Ray, Houdini and Karma, RenderMan, Octane, and those who say it in plain words
            "could not obtain a licen",
            "no licenses could be found",
            "cannot operate without a license",
            "unable to acquire + license",
            "failed to acquire + license",
            "failed to obtain + license",
            "could not acquire + license",
            "could not check out + license",
            "failed to check out + license",
            "license was not obtained",
            "license + not available",
            "license + has expired",
            "no license available",
            "no licenses available",
            "no licence available",
            "no valid license",
            "no valid licence",
            "no license found",
            "no license for",
            "no license left",
        ),
    ),
    Cause(
        DISK_FULL,
        "the disk is full where the frames go",
        "free space there or raise the quota, then retry the job",
        ("no space left on device", "disk quota exceeded", "not enough space on the disk"),
    ),
    Cause(
        SAVE,
        "a frame could not be written",
        "see that the output folder exists on this node and that its user may write there",
        (
            "cannot save:",
            "could not write",
            "couldn't write",
            "unable to write",
            "for writing",
            "error writing render result",
            "read-only file system",
            "cannot open + to write",
        ),
    ),
    Cause(
        "encoder",
        "this node's ffmpeg has not the encoder that the movie needs",
        "install one that has (h264 asks for x264, av1 for SVT-AV1), or take another preset",
        ("unknown encoder",),
    ),
    Cause(
        SHARE,
        "the file server answered with an error",
        "look at the share on this node (mount, network), then retry",
        (
            "stale file handle",
            "stale nfs file handle",
            "input/output error",
            "host is down",
            "transport endpoint is not connected",
        ),
    ),
    Cause(
        "no-camera",
        "the scene has no camera",
        "set the scene's active camera (Scene properties > Camera) and save the file",
        ("cannot render, no camera", "no camera found in scene", "no active camera"),
    ),
    Cause(
        "wrong-scene",
        "the file has no scene of that name, and Blender renders another one",
        "list the file's scenes with 'render info FILE' and correct the name",
        ("can't find scene",),
        is_fatal=True,
    ),
    Cause(
        "option",
        "Blender did not understand an option and goes on without it",
        "correct the command line; 'render add --dry-run' names what is wrong with one",
        (
            "format from '-f / --render-format' not known",
            "format from '-f  / --render-format' not known",
            "error: not a number '",
            "error: exceeds range '",
            "no blend loaded. cannot use",
            "no blend loaded. order the arguments",
            "negative range ignored '-f",
            "use '-x 1 / -x 0' to set",
        ),
        is_fatal=True,
    ),
    Cause(
        "unknown-option",
        "this Blender does not know an option of the command line",
        "correct it, or ask for a newer Blender with needs: blender>=…",
        ("unknown argument, loading as file",),
    ),
    Cause(
        "engine",
        "this Blender lacks the render engine",
        "install the engine's add-on on this node (and leave out --factory-startup), or correct -E",
        ("engine not found '", "render engine + not found", "unknown render engine"),
    ),
    Cause(
        "denoiser",
        "this Blender was built without a denoiser that the scene asks for",
        "switch denoising off, or install blender.org's Blender on this node instead of the"
        " distribution's",
        ("build without openimagedenois", "no device available to denoise", "failed to denoise"),
    ),
    Cause(
        NO_BLEND,
        "the .blend file cannot be found or opened on this node",
        "see that its share is mounted here and that path roots in farm.toml fit this system",
        (
            "cannot read file + .blend",
            "cannot open file + .blend",
            "error: file could not be loaded",
        ),
    ),
    Cause(
        "too-new",
        "the file was saved by a newer Blender than this node has",
        "install that version here, or say needs: blender>=… so that other nodes take it",
        (
            "saved by a newer",
            "written by a newer",
            "newer than this blender",
            "open it with blender",
        ),
    ),
    Cause(
        "not-a-blend",
        "the file is damaged or saved by a newer Blender than this node has",
        "compare its version ('render info FILE') with the node's, open and save it again",
        (
            "not a blend file",
            "file format is not supported",
            "failed to read blend file",
            "missing dna block",
            "unable to read + blend",
        ),
    ),
    Cause(
        MEMORY,
        "the program ran out of memory",
        "say needs: ram>=… so that larger nodes take it, or make the scene lighter",
        (
            "returns null: len=",
            "bad_alloc",
            "memoryerror",
            "cannot allocate memory",
            "out of memory",
            "oom-kill",
        ),
    ),
    Cause(
        "display",
        "this node cannot draw with its GPU without a screen",
        "use Cycles or a newer Blender, install the GPU's driver, or start it through xvfb-run",
        (
            "unable to open a display",
            "failed to create gpu context",
            "failed to initialize a gpu",
            "ghost: failed to",
            "ghost_systemegl + could not",
            "support for opengl + required",
            "could not initialize + opengl",
            "background mode + not supported + eevee",
        ),
    ),
    Cause(
        "gpu",
        "the GPU or its driver failed",
        "update or restart the driver of this node; if it happens on one node only, drain it",
        (
            "cuda error",
            "hip error",
            "optix error",
            "optix_error_",
            "oneapi error",
            "metal error",
            "cuda_error_",
            "illegal address in cu",
            "illegal address in hip",
            "launch exceeded timeout",
            "launch failed in",
            "failed to create cuda context",
            "failed to create hip context",
            "failed to create optix",
            "binary kernel for this graphics card",
            "invalid value in cu",
            "unknown error in cu",
            "error_device_lost",
        ),
        is_fatal=True,
    ),
    Cause(
        "crash",
        "Blender crashed",
        "the crash report it names says where; try another version, or Cycles on the CPU",
        (
            ".crash.txt",
            "exception_access_violation",
            "segmentation fault",
            "address boundary error",
        ),
    ),
    Cause(
        UNBAKED,
        "a simulation is not baked",
        "bake it and save the file, or render the job whole (--whole, 'whole: yes')",
        ("renderd: unbaked ",),
    ),
    Cause(
        UNKNOWN_NODE,
        "the scene uses a node that this Blender does not know",
        "install the node's add-on on this node (farm.toml: addons), or ask for a newer Blender;"
        " 'missing: warn' in the info file renders without it",
        ("renderd: unknown node ",),
    ),
    Cause(
        DRIVER,
        "a driver was not executed: its Python expression is blocked or fails here",
        "let files of a trusted folder run their scripts (farm.toml: autoexec), or bake the driver;"
        " 'missing: warn' in the info file renders without it",
        (
            "renderd: driver ",
            "restricted access disallows",
            "error in pydriver",
            "error in driver: the following python",
        ),
    ),
    Cause(
        MISSING_FILE,
        "a file that the scene uses is missing on this node",
        "copy it to the share or mount its folder here; pack it with File > External Data;"
        " 'missing: warn' in the info file renders without it",
        (
            "renderd: missing '",
            "cannot find lib",
            "data-blocks are missing",
            "missing from '",
            "warning: unable to open",
            "could not open alembic",
            "could not open usd",
            "could not create cache reader",
            "could not open as ogawa",
            'modifier: " + no such file or directory',
            "image file + not found",
            "image file + does not exist",
            "could not load image",
            "image + could not be loaded",
            "failed to open image",
            "failed to load image",
            "can't open image",
        ),
    ),
    Cause(
        "no-file",
        "a file is not there on this node",
        "copy it to the share or mount its folder here",
        (
            "unable to open file",
            "cannot open file",
            "could not be loaded",
            "file not found",
            "filenotfounderror",
            "no such file or directory",
        ),
    ),
    Cause(
        "permission",
        "the render user may not read or write a file",
        "let the farm's group read it (chmod g+r, and g+x on the folders above)",
        ("permission denied", "operation not permitted", "permissionerror"),
    ),
)


#: Flat, because every unknown line of a chatty renderer runs through all of it.
_PARTS = tuple(
    (first, tuple(rest), cause)
    for cause in CAUSES
    for first, *rest in (phrase.split(" + ") for phrase in cause.phrases)
)


def find_cause(line: str) -> Cause | None:
    """The first known cause that the line tells of, or None."""
    lower = line.lower()
    for first, rest, cause in _PARTS:
        if first in lower and all(part in lower for part in rest):
            return cause
    return None
