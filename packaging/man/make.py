"""Writes the manual pages renderd.1, render.1 and fs.1 from the commands' own help.

    python packaging/man/make.py FOLDER

Nothing is written twice: options and verbs are what `--help` says, what stands here is only the
frame around them.
"""

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import renderd
from frontend.cli import app as render_app
from frontend.cli import verbs
from fs_browser import app as fs_app
from renderd.daemon import app as renderd_app

DAEMON_VERBS = ("init", "doctor", "config", "install", "uninstall")
FILES = r"""
.SH FILES
.TP
.I /etc/neogeo-renderd/config.toml
.TQ
.I ~/.config/neogeo-renderd/config.toml
Settings of the machine and of the user.  The environment
.RB ( RENDERD_SPOOL ,
\&...) and flags go before them.
.TP
.I $XDG_RUNTIME_DIR/neogeo-renderd/<node>.sock
The daemon's socket, for its own user and root only.
"""
DAEMON = r"""
.SH DESCRIPTION
.B renderd
renders what a shared folder, the spool, holds: it claims chunks of jobs one after the other, runs
their commands in the background on this machine, verifies the frames and puts them in place.
Any number of machines do so on one spool without a server.
.PP
Without a verb it works until it is told to stop.
SIGTERM stops its commands, gives their chunks back with the finished frames kept, and leaves within
10 seconds; a second one at once.
SIGHUP reads the settings again.
"""
FRONT = r"""
.SH DESCRIPTION
.B render
queues jobs in a spool and shows and changes what is there, through the daemon of this machine where
one answers and else in the folder itself.
Jobs are named by id, by a unique prefix of it or by name.
"""


BROWSER = r"""
.SH DESCRIPTION
.B fs
shows a window to choose files in, which works like Blender's file browser, and prints the paths of
what was chosen; without a screen it prints a folder as rows, numbered files as one.
"""


def main(folder: str) -> None:
    """Write the pages into a folder."""
    daemon = _page("renderd", "render what a shared folder holds", DAEMON)
    daemon += _help("OPTIONS", renderd_app.main, ["--help"])
    for verb in DAEMON_VERBS:
        daemon += _help(f"RENDERD {verb.upper()}", renderd_app.main, [verb, "--help"])
    front = _page("render", "queue jobs on a render farm and look after them", FRONT)
    front += _help("OVERVIEW", render_app.main, ["--help"])
    for verb in verbs.NAMES:
        front += _help(f"RENDER {verb.upper()}", render_app.main, [verb, "--help"])
    browser = _page("fs", "choose files, or list a folder", BROWSER)
    browser += _help("OPTIONS", fs_app.main, ["--help"])
    Path(folder, "fs.1").write_text(f"{browser}.SH SEE ALSO\n.BR render (1)\n", encoding="ascii")
    for name, text, other in (("renderd", daemon, "render"), ("render", front, "renderd")):
        page = f"{text}{FILES.lstrip()}.SH SEE ALSO\n.BR {other} (1)\n"
        Path(folder, f"{name}.1").write_text(page, encoding="ascii")


def _page(name: str, says: str, description: str) -> str:
    head = f'.TH {name.upper()} 1 "" "neogeo-renderd {renderd.__version__}" "User Commands"\n'
    return f"{head}.SH NAME\n{name} \\- {says}\n{description.lstrip()}"


def _help(title: str, command: Callable[[list[str]], int], words: list[str]) -> str:
    """A section with what a command says of itself, lines as they are."""
    os.environ["COLUMNS"] = "78"  # argparse would ask the terminal of whoever builds
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        command(words)
    return f".SH {title}\n.nf\n{_literal(said.getvalue().strip())}\n.fi\n"


def _literal(text: str) -> str:
    """Text that roff leaves alone: ASCII, no escapes, no requests at a line's start."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"[^\x00-\x7f]", lambda m: f"\\[u{ord(m[0]):04X}]", text)
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


if __name__ == "__main__":
    main(sys.argv[1])
