"""Which folders a path that is being typed may go on with."""

import os
from dataclasses import dataclass

from fs_browser.core.listing import is_hidden, natural

_MOST = 5000


@dataclass(frozen=True, slots=True)
class Typed:
    """A path that is being typed."""

    folder: str  #: in which what is typed last would lie
    written: str  #: that folder as it was typed, up to its last divider
    begun: str  #: what follows


def split(typed: str, here: str, home: str) -> Typed:
    """Take apart what was typed, from a folder; `~` is the home."""
    head, divider, begun = typed.rpartition(os.sep)
    written = head + divider
    if written == "~/" or written.startswith("~/"):
        whole = os.path.join(home, written[2:])
    else:
        whole = os.path.join(here, written)
    return Typed(os.path.normpath(whole), written, begun)


def folders(folder: str) -> list[str]:
    """The names of folders in a folder, hidden ones last.  Raises OSError."""
    with os.scandir(folder) as found:
        names = [one.name for one in found if one.is_dir()]
    return sorted(names, key=lambda name: (is_hidden(name), natural(name)))[:_MOST]
