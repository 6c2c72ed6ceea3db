"""What deeds ask of a person and show to them; the window answers, tests answer in its place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fs_browser.core.kinds import Kind

Check = Callable[[str], str]  #: what is wrong with what was typed; empty where nothing is


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be done about a report, on a button of its own."""

    title: str
    do: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An answer longer than a sentence: a table, and what can be done about it."""

    title: str
    says: str  #: the answer in short
    more: str = ""  #: what else is to be said of it
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    inks: Sequence[str] = ()  #: of each row's second cell, by a colour's name of the theme
    offers: Sequence[Offer] = field(default_factory=tuple)
    again: Callable[[], None] | None = None  #: asks anew; the answer takes this one's place


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One line of a form."""

    title: str
    value: str
    check: Check
    hint: str = ""  #: shown while it is empty


class Ask(Protocol):
    """A person at the window."""

    def confirm(self, title: str, says: str, yes: str) -> bool:
        """Whether something that cannot be taken back shall be done; `yes` names it."""

    def line(self, title: str, says: str, value: str, check: Check) -> str | None:
        """A line of text that passes the check; None where they would rather not."""

    def form(self, title: str, says: str, fields: Sequence[Field]) -> Sequence[str] | None:
        """A line of text for each field, all checked; None where they would rather not."""

    def files(
        self, folder: str, kinds: Sequence[Kind], *, multiple: bool = False, save_name: str = ""
    ) -> Sequence[str]:
        """Paths chosen in the file browser, or one to write to; none where they would rather not.

        An empty folder is the one where we stand.
        """

    def copy(self, text: str) -> None:
        """Put text onto the clipboard."""

    def open(self, path: str) -> None:
        """Show a folder or file in the program that the desktop has for it."""


class Nobody:
    """Asks nobody: nothing is confirmed, nothing typed."""

    def confirm(self, title: str, says: str, yes: str) -> bool:  # noqa: ARG002
        """No."""
        return False

    def line(self, title: str, says: str, value: str, check: Check) -> str | None:  # noqa: ARG002
        """Nothing."""
        return None

    def form(
        self,
        title: str,  # noqa: ARG002
        says: str,  # noqa: ARG002
        fields: Sequence[Field],  # noqa: ARG002
    ) -> Sequence[str] | None:
        """Nothing."""
        return None

    def files(
        self,
        folder: str,  # noqa: ARG002
        kinds: Sequence[Kind],  # noqa: ARG002
        *,
        multiple: bool = False,  # noqa: ARG002
        save_name: str = "",  # noqa: ARG002
    ) -> Sequence[str]:
        """None."""
        return ()

    def copy(self, text: str) -> None:
        """Nowhere."""

    def open(self, path: str) -> None:
        """Nowhere."""
