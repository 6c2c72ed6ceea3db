"""A .blend as this machine reads it, and paths as this farm writes them."""

import os
import re
from dataclasses import dataclass

from renderd import blend
from renderd.blend import BlendFile, SceneSettings
from renderd.core import infofile, label
from renderd.core.farm import PLATFORMS, Farm
from renderd.core.source import Stamp
from renderd.errors import BlendError, InfoFileError

LEADING_ROOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of the .blend behind a command, without Blender."""

    file: BlendFile
    settings: tuple[SceneSettings, ...]
    stamp: Stamp  #: as it stood before it was read

    @classmethod
    def read(cls, path: str) -> "Source":
        """Read a .blend; raises BlendError."""
        try:
            before = os.stat(path)
        except OSError as error:
            raise BlendError(f"{path}: {error.strerror or error}") from None
        stamp = Stamp(before.st_size, before.st_mtime_ns)
        return cls(blend.read(path), blend.read_settings(path), stamp)

    def scene(self, name: str) -> SceneSettings:
        """The settings of a named scene; of the scene Blender opens with where none is named.

        Raises InfoFileError that names the nearest scene.
        """
        listed = [s for s in self.settings if s.is_listed] or list(self.settings)
        chosen = [s for s in self.settings if s.name == name] if name else listed
        if chosen:
            return chosen[0]
        known = ", ".join(repr(label.label(s.name)) for s in self.settings[:8]) or "no scene"
        wanted = repr(label.label(name)) if name else "a scene"
        raise InfoFileError(f"{self.file.path} has no scene {wanted}", f"it has {known}")


@dataclass(frozen=True, slots=True)
class Place:
    """This farm's path roots as this machine sees them."""

    farm: Farm
    platform: str

    def read(self, path: str, *, is_needed: bool) -> Source | None:
        """A .blend at this machine's path; None where it is not needed and not seen here."""
        local = self.farm.expand_roots(path, self.platform)
        try:
            return Source.read(local)
        except BlendError:
            if is_needed or os.path.lexists(local):
                raise
            return None

    def rooted(self, path: str) -> str:
        """A literal path below its root, whichever platform it was written on."""
        for platform in (self.platform, *PLATFORMS):
            found = self.farm.contract_roots(path, platform)
            if found != infofile.escape(path):
                return found
        return infofile.escape(path)

    def check(self, path: str, what: str, *, is_here: bool) -> None:
        """Refuse a path that means another place on each node, or none; `is_here`: on this."""
        root = LEADING_ROOT.match(path)
        if root is None and not path.startswith("/"):
            said = repr(label.label(path))
            raise InfoFileError(
                f"the {what} {said} is not absolute: every node would look elsewhere",
                "begin it with / or a path root of farm.toml",
            )
        if root is not None and root[1] not in {known.name for known in self.farm.roots}:
            known = [known.name for known in self.farm.roots]
            remedy = label.nearest(root[1], known) if known else "farm.toml has no [roots]"
            raise InfoFileError(f"{{{root[1]}}} is no path root of farm.toml", remedy)
        if is_here and (lacking := self.farm.lacking_roots(path, self.platform)):
            raise InfoFileError(
                f"this machine has no path for {{{lacking[0]}}}, where the {what} is",
                "add one to farm.toml, or queue it on another machine",
            )
