"""Blender's command-line options: how many words each takes, when it acts.

Blender walks its command line several times.  The early walks look at every word,
also at those that are another option's value; only the last one acts in order and
opens the files.  So a scene called ``-y`` switches scripts on (``-S -y``), one called
``-v`` prints the version and exits 0, and an option behind ``-a`` comes too late.
Source: source/creator/creator_args.cc of Blender 2.80 to 5.1, tested on 3.4.1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: The long names and their short twins, told apart nowhere else.
TWINS = {
    "--background": "-b",
    "--render-anim": "-a",
    "--render-frame": "-f",
    "--scene": "-S",
    "--frame-start": "-s",
    "--frame-end": "-e",
    "--frame-jump": "-j",
    "--render-output": "-o",
    "--engine": "-E",
    "--render-format": "-F",
    "--use-extension": "-x",
    "--threads": "-t",
    "--python": "-P",
    "--enable-autoexec": "-y",
    "--disable-autoexec": "-Y",
    "--debug": "-d",
    "--version": "-v",
    "--help": "-h",
    "/?": "-h",
    "--quiet": "-q",
    "--command": "-c",
    "--window-geometry": "-p",
    "--window-border": "-w",
    "--window-fullscreen": "-W",
    "--window-maximized": "-M",
    "--start-console": "-con",
    "--register": "-r",
    "-R": "-r",
}

#: Options that act on the scene that is open when their turn comes.
ON_SCENE = frozenset({"-S", "-o", "-s", "-e", "-j", "-E", "-F", "-x"})
#: Options that render when their turn comes.
RENDERING = frozenset({"-a", "-f"})
#: Options that say which frames.
RANGE = frozenset({"-s", "-e", "-j", "-a", "-f"})
#: Options that run a person's Python, which may open files and render by itself.
SCRIPTS = frozenset({"-P", "--python-text", "--python-expr", "--python-console"})
#: Options that make Blender do something else and leave.
LEAVING = frozenset({"-h", "-v", "-c", "-r", "--register-allusers", "--unregister"})

_WITH_VALUE = """
    -S -o -s -e -j -f -E -F -x -t -P --python-text --python-expr --python-exit-code --addons
    --log --log-level --log-file --verbose --debug-value --debug-gpu-scope-capture
    --debug-gpu-shader-source --env-system-datafiles --env-system-scripts --env-system-python
    --env-system-extensions --app-template --gpu-backend --gpu-vsync --qos
    --gpu-compilation-subprocesses -setaudio -g"""
_FLAGS = """
    -b -a -y -Y -d -v -h -q -w -W -M -con -r --factory-startup -noaudio --no-native-pixels
    --no-window-frame --no-window-focus --register-allusers --unregister --unregister-allusers
    --python-console --python-use-system-env --log-show-basename --log-show-backtrace
    --log-show-timestamp --log-show-memory --log-show-source --log-list-categories --offline-mode
    --online-mode --disable-crash-handler --disable-abort-handler --profile-gpu --open-last
    --disable-depsgraph-on-file-load --disable-liboverride-auto-resync --enable-event-simulate
    --enable-new-depsgraph --enable-copy-on-write --enable-static-override -nojoystick -noglsl
    -D"""
_ONE_VALUE = frozenset(_WITH_VALUE.split())
_NO_VALUE = frozenset(_FLAGS.split())

_IN_ORDER = ON_SCENE | RENDERING | SCRIPTS | {"--addons", "--python-exit-code", "--open-last"}


@dataclass(frozen=True, slots=True)
class Option:
    """One option with its values, or one bare word, and where it stands."""

    name: str  #: the short twin where there is one; "" for a bare word (a file to open)
    words: tuple[str, ...]  #: as written, values included
    at: int  #: index of the first word in the command line

    @property
    def value(self) -> str:
        """The last word: the option's value, or the bare word itself."""
        return self.words[-1]

    @property
    def has_value(self) -> bool:
        """False for flags, and for an option at the end of the line that lacks its value."""
        return len(self.words) > 1


def value_count(name: str) -> int | None:
    """How many values the option (short name) takes; None for an unknown one."""
    if name in _ONE_VALUE:
        return 1
    if name == "-p":
        return 4
    if name in _NO_VALUE or name.startswith("--debug-"):
        return 0
    return None


def is_mistakable(value: str) -> bool:
    """Whether Blender may take this value for one of its options on an early walk."""
    return value.startswith("-") or value == "/?"


def is_early(value: str) -> bool:
    """Whether the word is an option that acts wherever it stands, even as another's value."""
    name = TWINS.get(value, value)
    return value_count(name) is not None and name not in _IN_ORDER


def walk(words: Sequence[str]) -> Iterator[Option]:
    """Split the words behind the program into options and files, as Blender's last walk does.

    What follows ``--`` belongs to scripts and comes as one option of that name.
    """
    at = 0
    while at < len(words):
        word = words[at]
        name = TWINS.get(word, word)
        if name in ("--", "-c"):
            yield Option(name, tuple(words[at:]), at)
            return
        count = value_count(name)
        if count is None and not word.startswith("-"):
            yield Option("", (word,), at)
        elif count is None and _looks_like_value(words[at + 1 : at + 2]):
            yield Option(name, tuple(words[at : at + 2]), at)
            at += 1
        else:
            yield Option(name, tuple(words[at : at + 1 + (count or 0)]), at)
            at += count or 0
        at += 1


def _looks_like_value(words: Sequence[str]) -> bool:
    """Whether the word behind an option we do not know is its value rather than a file."""
    return bool(words) and not words[0].startswith("-") and ".blend" not in words[0].lower()
