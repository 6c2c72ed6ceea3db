"""The `render` command: find the verb, load it alone, run it, say what went wrong."""

import argparse
import contextlib
import importlib
import io
import os
import sys
from collections.abc import Sequence

from frontend.cli import output, verbs
from frontend.cli.parser import Parser, add_common
from renderd.errors import RenderdError, SpoolError, UsageError

INTERRUPTED = 130
_NO_SCREEN = "There is no screen here to show the window on; the command line does everything.\n\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit status, as documented in docs/reference/render.md."""
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
        where = f"{error.filename}: " if error.filename else ""
        said = SpoolError(f"{where}{error.strerror or error}", "prove the mount: renderd doctor")
        return _fail(said, words)
    return status


def _let_any_text_pass() -> None:
    # A name that the terminal's encoding lacks is shown with a sign in its place.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _run(words: list[str]) -> int:
    verb, is_help, is_version = _scan(words)
    if is_version:
        import renderd  # noqa: PLC0415

        sys.stdout.write(f"render {renderd.__version__}\n")
        return 0
    if verb is None:
        if not is_help:
            return _show_window(words)
        sys.stdout.write(verbs.overview())
        return 0
    if verb not in verbs.NAMES and os.path.exists(verb):
        return _show_window(words)
    if verb not in verbs.NAMES:
        from renderd.core.label import nearest  # noqa: PLC0415  needs difflib, only for errors

        raise UsageError(f"there is no verb {verb!r}", nearest(verb, verbs.NAMES))
    args = _parse(verb, words)
    return args if isinstance(args, int) else int(args.run(args))


def _show_window(words: list[str]) -> int:
    if not has_screen():
        sys.stdout.write(_NO_SCREEN + verbs.overview())
        return 1
    parser = Parser(prog="render", add_help=False)
    add_common(parser)
    parser.add_argument("files", nargs="*", metavar="FILE")
    args = parser.parse_args(words, argparse.Namespace(spool=None, json=False, color=None))
    from frontend.gui import app  # noqa: PLC0415  only the window needs Qt

    return app.run(args.spool, [os.path.abspath(path) for path in args.files])


def has_screen() -> bool:
    """Whether a window can be shown; Qt itself ends the program where it cannot."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _scan(words: list[str]) -> tuple[str | None, bool, bool]:
    """The verb, and whether help or the version is asked for before it."""
    takes_value = False
    is_help = False
    for word in words:
        if takes_value:
            takes_value = False
        elif word == "--version":
            return None, False, True
        elif word in ("-h", "--help"):
            is_help = True
        elif word == "--spool":
            takes_value = True
        elif word == "--" or not word.startswith("-"):
            return (None if is_help else word), is_help, False
    return None, is_help, False


def _parse(verb: str, words: list[str]) -> argparse.Namespace | int:
    """The verb's namespace, or an exit status where its help was shown."""
    parser = Parser(prog="render", add_help=False)
    add_common(parser)
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB")
    module = importlib.import_module(f"frontend.cli.{verb.replace('-', '_')}")
    module.add_parser(subparsers)
    own = subparsers.choices[verb]
    add_common(own)
    namespace = argparse.Namespace(spool=None, json=False, color=None, run=module.run)
    try:
        args, rest = parser.parse_known_args(words, namespace)
    except SystemExit as end:
        return int(end.code or 0)
    own.refuse_unknown(own.take_late(args, rest))
    return args


def _fail(error: RenderdError, words: Sequence[str]) -> int:
    with contextlib.suppress(OSError):
        output.talk(f"render: {error}")
        if "--json" in words:
            import json  # noqa: PLC0415

            value = {
                "schema": 1,
                "code": error.exit_status,
                "error": error.message,
                "remedy": error.remedy,
            }
            sys.stdout.write(json.dumps(value) + "\n")
            sys.stdout.flush()
    return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
