"""Which menu, toolbar and context menu shows which action."""

from frontend.gui.actions import Deed
from frontend.gui.catalogue import chunks, courtesy, farm, frames, guide, jobs, machines, pictures


def deeds() -> tuple[Deed, ...]:
    """Every action."""
    about_jobs = (*jobs.DEEDS, *frames.DEEDS, *chunks.DEEDS, *pictures.DEEDS)
    return (*farm.DEEDS, *about_jobs, *machines.DEEDS, *courtesy.DEEDS, *guide.DEEDS)


Entry = str | tuple[str, tuple[str, ...]]  #: an action's key, "", or a menu in the menu
#: keys of actions in the order in which a menu shows them; "" is a line between
JOBS = (
    *(
        "why",
        "log",
        "preview",
        "folder",
        "",
        "hold",
        "release",
        "",
        "retry",
        "redo",
        "redo-missing",
        "redo-broken",
        "redo-faulty",
        "verify",
    ),
    *("skip", "frames", "terms", "", "up", "down", "", "duplicate", "copy-path", "copy-id"),
    *("copy-command", "", "cancel", "remove"),
)
CHUNKS = (
    "log",
    "preview",
    "redo",
    "",
    "next-failed",
    "chunk-retry",
    "chunk-skip",
    "chunk-kill",
    "",
    "chunk-copy",
)
FRAMES = ("frame-open", "frame-play", "frame-show", "", "frame-copy", "", "frame-redo")
WORKS = ("works-always", "works-away", "works-off-hours", "works-never")
WORKS_HERE = ("here-always", "here-away", "here-off-hours", "here-never")
MACHINES: tuple[Entry, ...] = (
    *("pause", "pause-hour", "pause-morning", "resume", "", "drain", "undrain", "restart"),
    ("&Renders", WORKS),
    *("", "wake", "note", "copy-machine", "", "kill", "quit"),
)
HERE = ("here-hour", "here-morning", "here-pause", "here-resume")
COURTESY: tuple[Entry, ...] = ("", ("R&ender here", WORKS_HERE))
BAR: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("&Farm", (*HERE, *COURTESY, "", "set-up", "settings", "", "leave")),
    ("&Edit", ("undo", "", "copy-path", "copy-id", "copy-command")),
    ("&Job", ("add", "", *JOBS)),
    ("&Chunk", CHUNKS),
    ("F&rame", FRAMES),
    ("&Machine", MACHINES),
)
HELP = ("steps", "keys", "states", "", "copy-report", "about")
#: by page; of "a|b" the second where it makes sense and the first does not
TOOLBARS = {
    "jobs": (
        *("add", "", "hold|release", "retry", "verify"),
        *("", "why", "log", "preview", "folder"),
    ),
    "machines": ("add", "", "pause|resume", "drain|undrain", "", "note", "wake", "kill"),
    "history": ("add",),
}
