"""What helps a person who is new here, and who helps them."""

from frontend.gui.actions import About, Deed
from frontend.gui.deeds import guide

DEEDS = (
    Deed(
        key="steps",
        title="&First steps",
        about=About.WINDOW,
        does="How a shot gets rendered, in six lines",
        icon="info",
        shortcut="F1",
        do=guide.show_steps,
    ),
    Deed(
        key="keys",
        title="&Keys",
        about=About.WINDOW,
        does="Every action that has a key",
        shortcut="Ctrl+F1",
        do=lambda desk: desk.dialog_wanted.emit("keys"),
    ),
    Deed(
        key="states",
        title="What the &states mean",
        about=About.WINDOW,
        does="What queued, waiting, held, failed … mean of jobs and of machines",
        do=guide.show_states,
    ),
    Deed(
        key="copy-report",
        title="&Copy a report for who helps",
        about=About.WINDOW,
        does="Copy versions, farm and numbers of jobs and machines, to paste into a message",
        icon="copy",
        do=guide.copy_report,
    ),
    Deed(
        key="about",
        title="&About Render",
        about=About.WINDOW,
        does="Version, licence and farm",
        do=guide.show_about,
    ),
)
