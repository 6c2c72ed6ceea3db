"""Folders that every desktop has: home, documents, and their like."""

from dataclasses import dataclass

import platformdirs


@dataclass(frozen=True, slots=True)
class SystemPlace:
    """A folder by the name that people know it by."""

    name: str
    path: str
    icon: str = "folder"


def system_places(home: str) -> list[SystemPlace]:
    """The user's folders, as the desktop's settings name them; each once, home first."""
    named = [
        SystemPlace("Home", home, "home"),
        SystemPlace("Desktop", platformdirs.user_desktop_dir()),
        SystemPlace("Documents", platformdirs.user_documents_dir()),
        SystemPlace("Downloads", platformdirs.user_downloads_dir()),
        SystemPlace("Pictures", platformdirs.user_pictures_dir(), "image"),
        SystemPlace("Videos", platformdirs.user_videos_dir(), "movie"),
    ]
    paths: dict[str, SystemPlace] = {}
    for one in named:
        paths.setdefault(one.path, one)
    return list(paths.values())
