"""What concerns this machine, the farm and the window."""

from functools import partial

from frontend.gui.actions import About, Deed
from frontend.gui.deeds import here, machines

_HOUR = 3600.0

DEEDS = (
    Deed(
        key="here-hour",
        title="Pause this machine for an &hour",
        about=About.WINDOW,
        does="Give back what renders here and take nothing more for an hour",
        icon="pause",
        shortcut="Ctrl+Alt+P",
        do=partial(here.pause, seconds=_HOUR),
        may=here.may_pause,
    ),
    Deed(
        key="here-morning",
        title="Pause this machine until tomorrow &9:00",
        about=About.WINDOW,
        does="Give back what renders here and take nothing more until nine o'clock",
        icon="pause",
        do=lambda desk: here.pause(desk, machines.until_morning()),
        may=here.may_pause,
    ),
    Deed(
        key="here-pause",
        title="&Pause this machine until I say",
        about=About.WINDOW,
        does="Give back what renders here and take nothing more",
        icon="pause",
        do=here.pause,
        may=here.may_pause,
    ),
    Deed(
        key="here-resume",
        title="&Resume this machine",
        about=About.WINDOW,
        does="Let this machine render again",
        icon="resume",
        shortcut="Ctrl+Alt+R",
        do=here.resume,
        may=here.may_resume,
    ),
    Deed(
        key="settings",
        title="Se&ttings…",
        about=About.WINDOW,
        does="Colours, notifications, the tray, what opens frames",
        icon="settings",
        shortcut="Ctrl+,",
        do=lambda desk: desk.dialog_wanted.emit("settings"),
    ),
    Deed(
        key="leave",
        title="&Quit",
        about=About.WINDOW,
        does="Close the window; renderd goes on rendering",
        icon="quit",
        shortcut="Ctrl+Q",
        do=lambda desk: desk.dialog_wanted.emit("leave"),
    ),
    Deed(
        key="set-up",
        title="Set &up a farm…",
        about=About.WINDOW,
        does="Choose or make a farm, and have this machine render for it",
        icon="farm",
        do=lambda desk: desk.dialog_wanted.emit("set-up"),
    ),
)
