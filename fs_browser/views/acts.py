"""What a person can do in the browser: one action each for button, menu and keys."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, Qt
from PyQt6.QtGui import QAction, QKeySequence

from fs_browser import icons, theme
from fs_browser.views import deeds

if TYPE_CHECKING:
    from fs_browser.views.browser import Browser


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One action: its words and keys, and what it does."""

    key: str
    do: Callable[["Browser"], None]
    title: str  #: with & before its mnemonic
    does: str  #: a sentence, shown as a tooltip
    icon: str = ""
    keys: tuple[str, ...] = ()
    is_switch: bool = False


ACTS = (
    Act(
        key="back",
        do=deeds.back,
        title="&Back",
        does="The folder before",
        icon="back",
        keys=("Alt+Left",),
    ),
    Act(
        key="forward",
        do=deeds.forward,
        title="&Forward",
        does="The folder one has come back from",
        icon="forward",
        keys=("Alt+Right",),
    ),
    Act(
        key="up",
        do=deeds.up,
        title="&Parent folder",
        does="The folder that holds this one",
        icon="parent",
        keys=("P", "Backspace", "Alt+Up"),
    ),
    Act(
        key="reload",
        do=deeds.reload,
        title="&Reload",
        does="Read the folder again",
        icon="reload",
        keys=("R", "F5"),
    ),
    Act(key="home", do=deeds.home, title="&Home", does="Your own folder", keys=("Alt+Home",)),
    Act(
        key="make_folder",
        do=deeds.make_folder,
        title="&New folder",
        does="Make a folder here and name it",
        icon="folder-add",
        keys=("I", "Ctrl+Shift+N"),
    ),
    Act(
        key="rename",
        do=deeds.rename,
        title="Re&name",
        does="Give the selected file another name",
        keys=("F2",),
    ),
    Act(
        key="trash",
        do=deeds.trash,
        title="&Delete…",
        does="Move the selected files to the trash",
        icon="remove",
        keys=("Delete", "X"),
    ),
    Act(
        key="all",
        do=deeds.select_all,
        title="Select &all",
        does="Select everything that is shown",
        keys=("A", "Ctrl+A"),
    ),
    Act(
        key="none",
        do=deeds.select_none,
        title="Select n&one",
        does="Select nothing",
        keys=("Alt+A",),
    ),
    Act(
        key="invert",
        do=deeds.invert,
        title="&Invert selection",
        does="Select what is not selected",
        keys=("Ctrl+I",),
    ),
    Act(
        key="hidden",
        do=deeds.show_hidden,
        title="&Hidden files",
        does="Show .names and names~",
        icon="hidden",
        keys=("H",),
        is_switch=True,
    ),
    Act(
        key="tiles",
        do=deeds.show_tiles,
        title="&Thumbnails",
        does="Show pictures",
        icon="grid",
        keys=("Ctrl+1",),
        is_switch=True,
    ),
    Act(
        key="list",
        do=deeds.show_list,
        title="&List",
        does="Show names in columns",
        icon="list",
        keys=("Ctrl+2",),
        is_switch=True,
    ),
    Act(
        key="details",
        do=deeds.show_details,
        title="D&etails",
        does="Show frames, scenes, times and sizes",
        icon="details",
        keys=("Ctrl+3",),
        is_switch=True,
    ),
    Act(
        key="search",
        do=deeds.type_filter,
        title="Filter by te&xt",
        does="Show only names that hold what is typed",
        keys=("Ctrl+F", "/"),
    ),
    Act(key="path", do=deeds.type_path, title="Path", does="Type where to go", keys=("Ctrl+L",)),
    Act(
        key="bookmark",
        do=deeds.bookmark,
        title="&Bookmark this folder",
        does="Keep this folder in the side bar",
        icon="bookmark",
        keys=("Ctrl+D",),
        is_switch=True,
    ),
    Act(
        key="places",
        do=deeds.show_places,
        title="&Places",
        does="Show the side bar",
        keys=("T",),
        is_switch=True,
    ),
    Act(
        key="copy",
        do=deeds.copy_paths,
        title="&Copy path",
        does="Put the selected paths onto the clipboard",
        icon="copy",
        keys=("Ctrl+C",),
    ),
)
CONTEXT = ("copy", "", "make_folder", "rename", "trash", "", "all", "none", "invert", "",
           "hidden", "bookmark", "reload")  # fmt: skip


class Acts(QObject):
    """The actions of one browser, by key."""

    def __init__(self, owner: "Browser") -> None:
        super().__init__(owner)  # goes with it, and hears no more of colours
        self._made = {act.key: self._make(act, owner) for act in ACTS}
        theme.of().changed.connect(self._tint)
        self._tint()

    def __getitem__(self, key: str) -> QAction:
        return self._made[key]

    def _make(self, act: Act, owner: "Browser") -> QAction:
        made = QAction(act.title, owner)
        native = QKeySequence.SequenceFormat.NativeText
        keys = ", ".join(QKeySequence(one).toString(native) for one in act.keys)
        made.setToolTip(f"{act.does} ({keys})" if keys else act.does)
        made.setShortcuts([QKeySequence(one) for one in act.keys])
        made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        made.setCheckable(act.is_switch)
        made.triggered.connect(lambda _=False: act.do(owner))
        owner.addAction(made)
        return made

    def _tint(self) -> None:
        for act in ACTS:
            if act.icon:
                self._made[act.key].setIcon(icons.icon(act.icon))
