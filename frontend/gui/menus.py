"""Every action of the window, and which menu, toolbar and context menu shows it."""

from functools import partial

from frontend.gui.actions import Deed
from frontend.gui.deeds import adding, chunks, here, jobs, machines, studies
from frontend.gui.desk import Desk
from renderd.core.wire import Op

_HOUR = 3600.0


def _of_jobs() -> tuple[Deed, ...]:
    return (
        Deed(
            key="add",
            title="&Add …",
            does="Queue .blend files; they can also be dropped onto the window",
            icon="add",
            shortcut="Ctrl+O",
            do=adding.add,
        ),
        Deed(
            key="hold",
            title="&Hold",
            does="Start nothing more of the selected jobs; what runs goes on to its end",
            icon="hold",
            shortcut="Ctrl+H",
            do=jobs.hold,
            may=jobs.any_in(jobs.OPEN),
        ),
        Deed(
            key="release",
            title="&Release",
            does="Let the selected jobs render again",
            icon="release",
            shortcut="Ctrl+Shift+H",
            do=jobs.release,
            may=jobs.any_in({"held"}),
        ),
        Deed(
            key="retry",
            title="Retry &failed",
            does="Run the failed chunks of the selected jobs again",
            icon="retry",
            shortcut="Ctrl+R",
            do=jobs.retry,
            may=jobs.any_failed,
        ),
        Deed(
            key="skip",
            title="S&kip failed…",
            does="Count failed chunks as done, without their frames",
            icon="skip",
            do=jobs.skip_failed,
            may=jobs.any_failed,
        ),
        Deed(
            key="cancel",
            title="&Cancel…",
            does="Start nothing more of the selected jobs and stop what runs",
            icon="cancel",
            shortcut="Ctrl+K",
            do=jobs.cancel,
            may=jobs.any_in(jobs.CHANGEABLE | {"failed"}),
        ),
        Deed(
            key="remove",
            title="Re&move…",
            does="Take the selected jobs out of the list; their frames stay",
            icon="remove",
            shortcut="Delete",
            do=jobs.remove,
            may=jobs.any_job,
        ),
        Deed(
            key="up",
            title="Priority &up",
            does="Ten more: sooner",
            icon="up",
            shortcut="Ctrl+Up",
            do=partial(jobs.change_priority, by=10),
            may=jobs.any_in(jobs.CHANGEABLE),
        ),
        Deed(
            key="down",
            title="Priority &down",
            does="Ten less: later",
            icon="down",
            shortcut="Ctrl+Down",
            do=partial(jobs.change_priority, by=-10),
            may=jobs.any_in(jobs.CHANGEABLE),
        ),
        Deed(
            key="undo",
            title="&Undo",
            does="Take back the last hold, release or priority",
            icon="retry",
            shortcut="Ctrl+Z",
            do=Desk.undo,
            may=lambda desk: bool(desk.undoable),
        ),
    )


def _of_frames() -> tuple[Deed, ...]:
    return (
        Deed(
            key="redo",
            title="Redo &frames…",
            does="Render some frames again; each old one stays until its new one is whole",
            icon="redo",
            shortcut="Ctrl+Shift+R",
            do=jobs.redo_frames,
            may=jobs.one_with_frames,
        ),
        Deed(
            key="redo-broken",
            title="Redo missing or &broken",
            does="Look at every frame, and render again what is missing or broken",
            icon="redo",
            do=studies.redo_broken,
            may=jobs.one_with_frames,
        ),
        Deed(
            key="verify",
            title="&Verify frames",
            does="Look at every frame to its last pixel: missing, broken, odd, black",
            icon="verify",
            shortcut="Ctrl+Shift+V",
            do=studies.verify,
            may=jobs.one_with_frames,
        ),
        Deed(
            key="frames",
            title="C&hange frames…",
            does="Cancel what waits and render another range; whole frames are kept",
            icon="frames",
            do=jobs.change_frames,
            may=jobs.one_with_frames,
        ),
        Deed(
            key="duplicate",
            title="&Duplicate…",
            does="Queue the job once more, held, with an output of its own",
            icon="duplicate",
            shortcut="Ctrl+D",
            do=jobs.duplicate,
            may=jobs.one_job,
        ),
        Deed(
            key="folder",
            title="Open &output folder",
            does="Show where the frames lie in the file manager",
            icon="open",
            shortcut="Ctrl+Return",
            do=jobs.open_folder,
            may=jobs.any_output,
        ),
        Deed(
            key="copy-path",
            title="Copy &path",
            does="Copy where the frames lie",
            icon="copy",
            shortcut="Ctrl+Shift+C",
            do=jobs.copy_path,
            may=jobs.any_output,
        ),
        Deed(
            key="copy-id",
            title="Copy &id",
            does="Copy the jobs' ids, for the command line",
            do=jobs.copy_ids,
            may=jobs.any_job,
        ),
        Deed(
            key="copy-command",
            title="Copy command &line",
            does="Copy what the first chunk runs",
            do=studies.copy_command,
            may=jobs.one_job,
        ),
        Deed(
            key="log",
            title="Show &log",
            does="Show what the selected chunk, or the job's newest, printed",
            icon="log",
            shortcut="Ctrl+L",
            do=chunks.show_log,
            may=jobs.any_job,
        ),
        Deed(
            key="preview",
            title="Show &pictures",
            does="Show the frames of the job that are there, and mark those that lack",
            icon="preview",
            shortcut="Ctrl+P",
            do=chunks.show_frames,
            may=jobs.one_with_frames,
        ),
        Deed(
            key="why",
            title="&Why is it not rendering?",
            does="Say of each machine why it does or does not take the job",
            icon="why",
            shortcut="Ctrl+I",
            do=studies.why,
            may=jobs.one_job,
        ),
    )


def _of_chunks() -> tuple[Deed, ...]:
    return (
        Deed(
            key="chunk-retry",
            title="Retr&y chunks",
            does="Run the selected failed chunks again",
            icon="retry",
            do=chunks.retry,
            may=chunks.any_in({"fail"}),
        ),
        Deed(
            key="chunk-skip",
            title="&Skip chunks…",
            does="Count the selected chunks as done, without their frames",
            icon="skip",
            do=chunks.skip,
            may=chunks.any_in({"fail", "wait"}),
        ),
        Deed(
            key="chunk-kill",
            title="S&top chunks…",
            does="Stop what runs of the selected chunks and give it back",
            icon="kill",
            do=chunks.kill,
            may=chunks.any_in({"run"}),
        ),
        Deed(
            key="chunk-copy",
            title="&Copy chunks",
            does="Copy frames, state, machine and last line of the selected chunks",
            icon="copy",
            do=chunks.copy,
            may=chunks.any_chunk,
        ),
    )


def _of_machines() -> tuple[Deed, ...]:
    return (
        Deed(
            key="pause",
            title="&Pause until I say",
            does="Give back what runs there and take nothing more",
            icon="pause",
            do=machines.pause,
            may=machines.any_alive,
        ),
        Deed(
            key="pause-hour",
            title="Pause for an &hour",
            does="Give back what runs there and take nothing more for an hour",
            icon="pause",
            do=partial(machines.pause, seconds=_HOUR),
            may=machines.any_alive,
        ),
        Deed(
            key="pause-morning",
            title="Pause until tomorrow &9:00",
            does="Give back what runs there and take nothing more until nine o'clock",
            icon="pause",
            do=lambda desk: machines.pause(desk, machines.until_morning()),
            may=machines.any_alive,
        ),
        Deed(
            key="resume",
            title="&Resume",
            does="Take chunks again",
            icon="resume",
            do=lambda desk: machines.send(desk, Op.RESUME, "Goes on:"),
            may=machines.any_saying("paused"),
        ),
        Deed(
            key="drain",
            title="&Drain",
            does="Finish the chunks in work, then leave",
            icon="drain",
            do=lambda desk: machines.send(desk, Op.DRAIN, "Drains:"),
            may=machines.any_alive,
        ),
        Deed(
            key="undrain",
            title="&Stay after all",
            does="Take back a drain or restart",
            icon="resume",
            do=lambda desk: machines.send(desk, Op.UNDRAIN, "Stays:"),
            may=machines.any_saying("draining"),
        ),
        Deed(
            key="restart",
            title="R&estart renderd",
            does="End the frames in work, then begin anew with what is installed now",
            icon="reload",
            do=lambda desk: machines.send(desk, Op.RESTART, "Restarts:"),
            may=machines.any_alive,
        ),
        Deed(
            key="kill",
            title="Stop &chunks…",
            does="Stop what runs there and give it back",
            icon="kill",
            do=machines.kill,
            may=machines.any_running,
        ),
        Deed(
            key="quit",
            title="&Quit renderd…",
            does="Give back what runs there and leave the farm",
            icon="quit",
            do=machines.quit_,
            may=machines.any_alive,
        ),
        Deed(
            key="wake",
            title="&Wake up",
            does="Call machines that are off over the network (wake on LAN)",
            icon="wake",
            do=machines.wake,
            may=machines.any_asleep,
        ),
        Deed(
            key="note",
            title="&Note…",
            does="Write down what everybody should know of the machine",
            icon="note",
            shortcut="Ctrl+Shift+N",
            do=machines.note,
            may=machines.one_chosen,
        ),
        Deed(
            key="copy-machine",
            title="Copy &name",
            does="Copy the machines' names",
            icon="copy",
            do=machines.copy_names,
            may=machines.any_chosen,
        ),
    )


def _of_farm() -> tuple[Deed, ...]:
    return (
        Deed(
            key="here-hour",
            title="Pause this machine for an &hour",
            does="Give back what renders here and take nothing more for an hour",
            icon="pause",
            shortcut="Ctrl+Alt+P",
            do=partial(here.pause, seconds=_HOUR),
            may=here.may_pause,
        ),
        Deed(
            key="here-morning",
            title="Pause this machine until tomorrow &9:00",
            does="Give back what renders here and take nothing more until nine o'clock",
            icon="pause",
            do=lambda desk: here.pause(desk, machines.until_morning()),
            may=here.may_pause,
        ),
        Deed(
            key="here-pause",
            title="&Pause this machine until I say",
            does="Give back what renders here and take nothing more",
            icon="pause",
            do=here.pause,
            may=here.may_pause,
        ),
        Deed(
            key="here-resume",
            title="&Resume this machine",
            does="Let this machine render again",
            icon="resume",
            shortcut="Ctrl+Alt+R",
            do=here.resume,
            may=here.may_resume,
        ),
        Deed(
            key="settings",
            title="Se&ttings…",
            does="Colours, notifications, the tray, what opens frames",
            icon="settings",
            shortcut="Ctrl+,",
            do=lambda desk: desk.dialog_wanted.emit("settings"),
        ),
        Deed(
            key="leave",
            title="&Quit",
            does="Close the window; renderd goes on rendering",
            icon="quit",
            shortcut="Ctrl+Q",
            do=lambda desk: desk.dialog_wanted.emit("leave"),
        ),
        Deed(
            key="set-up",
            title="Set &up a farm…",
            does="Choose or make a farm, and have this machine render for it",
            icon="farm",
            do=lambda desk: desk.dialog_wanted.emit("set-up"),
        ),
    )


def deeds() -> tuple[Deed, ...]:
    """Every action."""
    return (*_of_farm(), *_of_jobs(), *_of_frames(), *_of_chunks(), *_of_machines())


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
        "redo-broken",
        "verify",
    ),
    *("skip", "frames", "", "up", "down", "", "duplicate", "copy-path", "copy-id"),
    *("copy-command", "", "cancel", "remove"),
)
CHUNKS = ("log", "preview", "redo", "", "chunk-retry", "chunk-skip", "chunk-kill", "", "chunk-copy")
MACHINES = (
    *("pause", "pause-hour", "pause-morning", "resume", "", "drain", "undrain", "restart"),
    *("", "wake", "note", "copy-machine", "", "kill", "quit"),
)
HERE = ("here-hour", "here-morning", "here-pause", "here-resume")
BAR = (
    ("&Farm", (*HERE, "", "set-up", "settings", "", "leave")),
    ("&Edit", ("undo", "", "copy-path", "copy-id", "copy-command")),
    ("&Job", ("add", "", *JOBS)),
    ("&Chunk", CHUNKS),
    ("&Machine", MACHINES),
)
TOOLBAR = (
    "add",
    "",
    "hold",
    "release",
    "",
    "retry",
    "redo",
    "verify",
    "",
    "up",
    "down",
    "",
    "why",
    "log",
    "preview",
    "folder",
)
WITH_WORDS = ("add",)  #: of the toolbar, that say their title beside the icon
