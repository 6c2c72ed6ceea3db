"""What can be done to jobs as a whole."""

from functools import partial

from frontend.gui.actions import Deed
from frontend.gui.deeds import adding, jobs
from frontend.gui.desk import Desk

DEEDS = (
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
