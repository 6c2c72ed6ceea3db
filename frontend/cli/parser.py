"""The command line's grammar: no abbreviations, one clear sentence, the nearest valid word."""

import argparse
import contextlib
import re
from typing import NoReturn

from renderd.errors import UsageError

_CHOICE = re.compile(r"invalid choice: '(?P<word>[^']*)' \(choose from (?P<known>.*)\)")


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises UsageError and never abbreviates."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong, with the nearest valid word where one is known."""
        from renderd.core.label import nearest  # noqa: PLC0415  needs difflib, only for errors

        if found := _CHOICE.search(message):
            known = re.findall(r"[\w-]+", found["known"])
            message = message[: found.start()] + f"there is no {found['word']!r}"
            raise UsageError(message.removeprefix("argument "), nearest(found["word"], known))
        verb = self.prog.partition(" ")[2]
        raise UsageError(message, f"see: render {verb} --help" if verb else "see: render --help")

    def take_late(self, args: argparse.Namespace, words: list[str]) -> list[str]:
        """Give words that stand behind an option to the argument that takes many; the rest.

        argparse fills it once, from the words that stand together.
        """
        many = [a for a in self._actions if not a.option_strings and a.nargs in ("*", "+")]
        if not many:
            return words
        late = [word for word in words if word == "-" or not word.startswith("-")]
        setattr(args, many[0].dest, [*getattr(args, many[0].dest), *late])
        return [word for word in words if word not in late]

    def refuse_unknown(self, words: list[str]) -> None:
        """Raise UsageError for words that no option takes, naming the nearest option."""
        from renderd.core.label import nearest  # noqa: PLC0415

        if not words:
            return
        word = words[0].partition("=")[0]
        options = [o for o in self._option_string_actions if o.startswith("--")]
        remedy = nearest(word, options) if word.startswith("-") else ""
        if not remedy.startswith("did"):
            remedy = f"see: {self.prog} --help"
        raise UsageError(f"{self.prog} does not take {word!r}", remedy)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options that hold everywhere; those it has already stay."""
    for flags, kwargs in (
        (("--spool",), {"metavar": "DIR", "help": "the farm's folder"}),
        (("--json",), {"action": "store_true", "help": "one JSON object for programs"}),
        (
            ("--color",),
            {
                "action": argparse.BooleanOptionalAction,
                "help": "colours even when piped, or none (NO_COLOR)",
            },
        ),
    ):
        # SUPPRESS: a verb's default must not overwrite what stood before the verb
        with contextlib.suppress(argparse.ArgumentError):
            parser.add_argument(*flags, **{**kwargs, "default": argparse.SUPPRESS})  # type: ignore[arg-type]


def jobs_argument(parser: argparse.ArgumentParser, *, many: bool = True) -> None:
    """Let a verb take jobs by id, unique prefix or name."""
    says = "by id, unique prefix of it, or name"
    if many:
        parser.add_argument("jobs", nargs="+", metavar="JOB", help=says)
    else:
        parser.add_argument("job", metavar="JOB", help=says)
