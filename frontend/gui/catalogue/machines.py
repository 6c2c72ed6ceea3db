"""What machines can be told."""

from functools import partial

from frontend.gui.actions import About, Deed
from frontend.gui.deeds import machines
from renderd.core.wire import Op

_HOUR = 3600.0

DEEDS = (
    Deed(
        key="pause",
        title="&Pause until I say",
        about=About.MACHINES,
        does="Give back what runs there and take nothing more",
        icon="pause",
        do=machines.pause,
        may=machines.any_alive,
    ),
    Deed(
        key="pause-hour",
        title="Pause for an &hour",
        about=About.MACHINES,
        does="Give back what runs there and take nothing more for an hour",
        icon="pause",
        do=partial(machines.pause, seconds=_HOUR),
        may=machines.any_alive,
    ),
    Deed(
        key="pause-morning",
        title="Pause until tomorrow &9:00",
        about=About.MACHINES,
        does="Give back what runs there and take nothing more until nine o'clock",
        icon="pause",
        do=lambda desk: machines.pause(desk, machines.until_morning()),
        may=machines.any_alive,
    ),
    Deed(
        key="resume",
        title="&Resume",
        about=About.MACHINES,
        does="Take chunks again",
        icon="resume",
        do=lambda desk: machines.send(desk, Op.RESUME, "Goes on:"),
        may=machines.any_saying("paused"),
    ),
    Deed(
        key="drain",
        title="&Drain",
        about=About.MACHINES,
        does="Finish the chunks in work, then leave",
        icon="drain",
        do=lambda desk: machines.send(desk, Op.DRAIN, "Drains:"),
        may=machines.any_alive,
    ),
    Deed(
        key="undrain",
        title="&Stay after all",
        about=About.MACHINES,
        does="Take back a drain or restart",
        icon="resume",
        do=lambda desk: machines.send(desk, Op.UNDRAIN, "Stays:"),
        may=machines.any_saying("draining"),
    ),
    Deed(
        key="restart",
        title="R&estart renderd",
        about=About.MACHINES,
        does="End the frames in work, then begin anew with what is installed now",
        icon="reload",
        do=lambda desk: machines.send(desk, Op.RESTART, "Restarts:"),
        may=machines.any_alive,
    ),
    Deed(
        key="kill",
        title="Stop &chunks…",
        about=About.MACHINES,
        does="Stop what runs there and give it back",
        icon="kill",
        do=machines.kill,
        may=machines.any_running,
        destroys=True,
    ),
    Deed(
        key="quit",
        title="&Quit renderd…",
        about=About.MACHINES,
        does="Give back what runs there and leave the farm",
        icon="quit",
        do=machines.quit_,
        may=machines.any_alive,
        destroys=True,
    ),
    Deed(
        key="wake",
        title="&Wake up",
        about=About.MACHINES,
        does="Call machines that are off over the network (wake on LAN)",
        icon="wake",
        do=machines.wake,
        may=machines.any_asleep,
    ),
    Deed(
        key="note",
        title="&Note…",
        about=About.MACHINES,
        does="Write down what everybody should know of the machine",
        icon="note",
        shortcut="Ctrl+Shift+N",
        do=machines.note,
        may=machines.one_chosen,
    ),
    Deed(
        key="copy-machine",
        title="Copy &name",
        about=About.MACHINES,
        does="Copy the machines' names",
        icon="copy",
        do=machines.copy_names,
        may=machines.any_chosen,
    ),
)
