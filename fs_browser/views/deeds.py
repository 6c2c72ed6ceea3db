"""What each action of the browser does."""

import os
from typing import TYPE_CHECKING

from PyQt6.QtGui import QGuiApplication

from fs_browser.core.sequences import FileSequence, Row
from fs_browser.models.reading import key_of
from fs_browser.views.files import View
from renderd.blend.names import shown
from renderd.core.amounts import plural

if TYPE_CHECKING:
    from fs_browser.views.browser import Browser

_MOST_NAMES = 6  #: that the question before deleting lists


def back(browser: "Browser") -> None:
    """Go to the folder before."""
    browser.session.back()


def forward(browser: "Browser") -> None:
    """Go to the folder one has come back from."""
    browser.session.forward()


def up(browser: "Browser") -> None:
    """Go to the folder that holds this one."""
    browser.session.up()


def reload(browser: "Browser") -> None:
    """Read folder and volumes again."""
    browser.session.reload()
    browser.sidebar.places.reload()


def home(browser: "Browser") -> None:
    """Go to the user's own folder."""
    browser.session.go(os.path.expanduser("~"))


def make_folder(browser: "Browser") -> None:
    """Make a folder and let its name be typed."""
    browser.session.make_folder()


def rename(browser: "Browser") -> None:
    """Let the name of the row that keys are about be typed."""
    row = browser.files.current_row()
    if isinstance(row, FileSequence):
        browser.say("Open the sequence (→) to rename one of its files")
    elif row is not None and not row.name.isprintable():
        browser.say("✘ this name holds signs that cannot be typed")
    elif row is not None:
        browser.files.edit(key_of(row))


def trash(browser: "Browser") -> None:
    """Move what is selected to the trash, if the person means it."""
    rows = browser.files.selected()
    if rows and browser.confirm(*_question(rows, len(browser.session.paths(rows)))):
        browser.session.trash(rows)


def select_all(browser: "Browser") -> None:
    """Select all that is shown."""
    browser.files.select_all()


def select_none(browser: "Browser") -> None:
    """Select nothing."""
    browser.files.select_all(is_on=False)


def invert(browser: "Browser") -> None:
    """Select what is not selected."""
    browser.files.invert()


def show_hidden(browser: "Browser") -> None:
    """Show hidden files, or no more."""
    browser.session.show(with_hidden=browser.acts["hidden"].isChecked())


def show_tiles(browser: "Browser") -> None:
    """Show thumbnails."""
    browser.show_as(View.TILES)


def show_list(browser: "Browser") -> None:
    """Show names in columns."""
    browser.show_as(View.LIST)


def show_details(browser: "Browser") -> None:
    """Show details."""
    browser.show_as(View.DETAILS)


def type_filter(browser: "Browser") -> None:
    """Let a filter be typed."""
    browser.search.setFocus()
    browser.search.selectAll()


def type_path(browser: "Browser") -> None:
    """Let a path be typed."""
    browser.path.setFocus()
    browser.path.selectAll()


def bookmark(browser: "Browser") -> None:
    """Keep the folder, or no more."""
    is_on = browser.acts["bookmark"].isChecked()
    browser.session.bookmark(browser.session.folder, is_on=is_on)


def show_places(browser: "Browser") -> None:
    """Show the side bar, or no more."""
    browser.sidebar.setVisible(browser.acts["places"].isChecked())


def copy_paths(browser: "Browser") -> None:
    """Put the selected paths onto the clipboard."""
    clipboard = QGuiApplication.clipboard()
    rows = browser.files.selected()
    if clipboard is not None and rows:
        clipboard.setText("\n".join(browser.session.paths(rows)))
        browser.say(f"{plural(len(browser.session.paths(rows)), 'path')} copied")


def _question(rows: list[Row], files: int) -> tuple[str, str]:
    names = [shown(row.name) for row in rows[:_MOST_NAMES]]
    if len(rows) > len(names):
        names.append(f"and {len(rows) - len(names):,} more")
    title = f"Move {names[0]} to the trash?"
    if files > 1:
        title = f"Move {plural(files, 'file')} to the trash?"
    return title, "\n".join(names) if files > 1 else ""
