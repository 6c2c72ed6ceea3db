"""What can be done to chunks."""

from frontend.gui.actions import About, Deed
from frontend.gui.deeds import chunks

DEEDS = (
    Deed(
        key="next-failed",
        title="Ne&xt failed chunk",
        does="Select the next chunk of the job that failed",
        about=About.JOBS,
        shortcut="F8",
        do=lambda desk: desk.failed_wanted.emit(),
        may=chunks.any_failed,
    ),
    Deed(
        key="chunk-retry",
        title="Retr&y chunks",
        about=About.CHUNKS,
        does="Run the selected failed chunks again",
        icon="retry",
        do=chunks.retry,
        may=chunks.any_in({"fail"}),
    ),
    Deed(
        key="chunk-skip",
        title="&Skip chunks…",
        about=About.CHUNKS,
        does="Count the selected chunks as done, without their frames",
        icon="skip",
        do=chunks.skip,
        may=chunks.any_in({"fail", "wait"}),
        destroys=True,
    ),
    Deed(
        key="chunk-kill",
        title="S&top chunks…",
        about=About.CHUNKS,
        does="Stop what runs of the selected chunks and give it back",
        icon="kill",
        do=chunks.kill,
        may=chunks.any_in({"run"}),
        destroys=True,
    ),
    Deed(
        key="chunk-copy",
        title="&Copy chunks",
        about=About.CHUNKS,
        does="Copy frames, state, machine and last line of the selected chunks",
        icon="copy",
        do=chunks.copy,
        may=chunks.any_chunk,
    ),
)
