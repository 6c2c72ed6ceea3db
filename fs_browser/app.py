"""The `fs` command: a window to choose files in, or a folder printed as rows."""

import argparse
import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Collection, Sequence
from typing import NoReturn
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import renderd
from fs_browser import printout
from fs_browser.core.kinds import Kind
from fs_browser.core.listing import natural, scan
from fs_browser.core.sequences import FileSequence, Row, group
from renderd.blend.names import shown
from renderd.errors import RenderdError, UsageError

INTERRUPTED = 130
_BLEND = re.compile(r"\.blend[0-9]*$", re.IGNORECASE)
_DESCRIPTION = """\
Choose files in a window that works like Blender's file browser; their paths are printed, one a
line.  Without a screen, and with --list or --json, the folder is printed as rows instead: folders
first, numbered files as one row with their frames and what is missing of them, .blend files with
the scenes and frames they ask to be rendered.

  fs ~/shots                           a window; what is chosen is printed
  blender "$(fs --filter blend)"       open a .blend chosen there
  fs --multiple --choose --json        several, as one JSON object
  fs --save shot_v001.blend            a name for a file to be written
  fs --list ~/shots --filter blend     rows: .blend files and their scenes
  fs --json ~/shots                    rows as one JSON object, for programs"""
_EPILOG = """\
Keys of the window: Enter opens, Backspace or P goes to the parent, H shows hidden files, A selects
all, + and - count the number in a name, Ctrl+F filters.  Exit status: 0 chosen or printed, 1
cancelled, or the folder cannot be read, 2 usage."""
_CANCELLED = 1


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises UsageError."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command line."""
        raise UsageError(message, "see: fs --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit status, as documented in docs/reference/fs.md."""
    words = sys.argv[1:] if argv is None else list(argv)
    _let_any_text_pass()
    try:
        status = _run(words)
        sys.stdout.flush()
    except RenderdError as error:
        return _fail(error, words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has seen enough; nothing more may be written, not even at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        return _fail(RenderdError(f"the list cannot be written: {error.strerror or error}"), words)
    return status


def read_rows(folder: str, kinds: Collection[Kind] = (), *, with_hidden: bool = False) -> list[Row]:
    """Return a folder's rows, folders first and numbers in order; no kinds means all.

    Raises RenderdError with one sentence when the folder cannot be read.
    """
    try:
        entries = list(scan(folder, with_hidden=with_hidden))
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error
    rows = group(entry for entry in entries if not kinds or entry.kind in kinds)
    return sorted(rows, key=lambda row: (row.kind is not Kind.FOLDER, natural(_first_name(row))))


def _run(words: list[str]) -> int:
    parser = _parser()
    try:
        args, rest = parser.parse_known_args(_located(words))
    except SystemExit as end:
        return int(end.code or 0)
    if rest:
        raise _unknown(parser, rest[0])
    if args.version:
        sys.stdout.write(f"fs {renderd.__version__}\n")
        return 0
    if _wants_window(args):
        _choose(args)
    rows = read_rows(args.dir, args.filter, with_hidden=args.hidden)
    write = printout.documents if args.json else printout.lines
    sys.stdout.writelines(write(args.dir, rows))
    return 0


def _located(words: Sequence[str]) -> list[str]:
    """The words of a desktop, which names files by URLs: the folder of the first in their place."""
    urls = [word for word in words if word.startswith("file:///")]
    kept = [word for word in words if word not in urls]
    for url in urls[:1]:
        path = os.fsdecode(unquote_to_bytes(url.removeprefix("file://")))
        kept.append(os.path.dirname(path) if _BLEND.search(path) else path)
    return kept


def _wants_window(args: argparse.Namespace) -> bool:
    """Whether to choose in a window.  Raises UsageError where that is asked for but cannot be."""
    asked = args.choose or args.multiple or args.save is not None
    if asked and args.list:
        raise UsageError("--list prints a folder; nothing is chosen", "leave it away to choose")
    if asked and not has_screen():
        raise UsageError("there is no screen here to show a window on", "fs --list prints the rows")
    return asked or (not args.list and not args.json and has_screen())


def has_screen() -> bool:
    """Whether a window can be shown: a display, or a platform that Qt is told."""
    if sys.platform in ("darwin", "win32"):
        return True
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return any(os.environ.get(name) for name in names)


def _choose(args: argparse.Namespace) -> NoReturn:
    # Only here: a list starts without the libraries of a desktop.
    from fs_browser.window import choose  # noqa: PLC0415

    folder = args.dir
    if folder.startswith("file://"):  # as a file manager names it
        folder = unquote(urlsplit(folder).path, errors="surrogateescape")
    paths = choose(folder, args.filter, is_multiple=args.multiple, save_name=args.save)
    status = 0 if paths else _CANCELLED
    if args.json:
        sys.stdout.write(printout.chosen(paths, status))
    sys.stdout.flush()
    if not args.json:
        # as bytes: a name need not be text
        sys.stdout.buffer.write(b"".join(os.fsencode(path) + b"\n" for path in paths))
        sys.stdout.buffer.flush()
    # Threads may hang in a share, or draw a picture: Qt may not be taken down below them.
    os._exit(status)


def _parser() -> Parser:
    parser = Parser(
        prog="fs",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dir", nargs="?", default=".", metavar="DIR", help="the folder; else this")
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        type=_kind,
        metavar="KIND",
        help="only these rows: " + ", ".join(Kind) + "; may be repeated",
    )
    parser.add_argument("--list", action="store_true", help="print rows, also where a screen is")
    parser.add_argument(
        "--choose", action="store_true", help="choose in a window, also with --json"
    )
    parser.add_argument("--multiple", action="store_true", help="several files may be chosen")
    parser.add_argument("--save", metavar="NAME", help="choose where to save; NAME is offered")
    parser.add_argument("--hidden", action="store_true", help="rows of .name and name~, too")
    parser.add_argument("--json", action="store_true", help="one JSON object, a row a line")
    parser.add_argument("--version", action="store_true", help="say the version and leave")
    return parser


def _kind(word: str) -> Kind:
    try:
        return Kind(word)
    except ValueError:
        from renderd.core.label import nearest  # noqa: PLC0415  needs difflib, only for errors

        raise UsageError(f"there is no kind {word!r}", nearest(word, map(str, Kind))) from None


def _unknown(parser: argparse.ArgumentParser, word: str) -> UsageError:
    from renderd.core.label import nearest  # noqa: PLC0415

    if not word.startswith("-"):
        return UsageError(f"fs takes one folder; {word!r} is too many", "quote a name with blanks")
    options = [option for option in parser._option_string_actions if option.startswith("--")]
    remedy = nearest(word.partition("=")[0], options)
    return UsageError(
        f"fs does not take {word!r}", remedy if remedy.startswith("did") else "see: fs --help"
    )


def _first_name(row: Row) -> str:
    return row.entries[0].name if isinstance(row, FileSequence) else row.name


def _unreadable(folder: str, error: OSError | ValueError) -> RenderdError:
    name = shown(folder)
    if isinstance(error, FileNotFoundError):
        advice = "check the spelling and whether it is mounted"
        return RenderdError(f"{name}: there is no such folder", advice)
    if isinstance(error, NotADirectoryError):
        return RenderdError(f"{name}: is a file, not a folder", "name the folder that it is in")
    reason = getattr(error, "strerror", None) or str(error)
    return RenderdError(f"{name}: the folder cannot be read: {reason.lower()}")


def _let_any_text_pass() -> None:
    # A name that the terminal's encoding lacks is shown with its code in its place.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fail(error: RenderdError, words: Sequence[str]) -> int:
    status = error.exit_status
    with contextlib.suppress(OSError):
        sys.stderr.write(f"fs: {error}\n")
        if "--json" in words:
            value = {"schema": printout.SCHEMA, "code": status}
            told = {"error": error.message, "remedy": error.remedy}
            sys.stdout.write(json.dumps(value | told) + "\n")
            sys.stdout.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
