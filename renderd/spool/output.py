"""The output of one job on this machine, and the receipts of its frames."""

import hashlib
import json
from dataclasses import dataclass

from renderd.core.job import Writes
from renderd.core.outputs import frame_of, owned
from renderd.spool.layout import SIDE


@dataclass(frozen=True, slots=True)
class Output:
    """Where one job's frames go on this machine."""

    jid: str
    folder: str  #: absolute, path roots expanded
    pattern: str  #: base name with `#`
    writes: Writes
    redoes: str = ""  #: the job whose frames this one renders again

    @property
    def own(self) -> str:
        """The job's own folder beside the frames."""
        return self.beside(self.jid)

    @property
    def owner(self) -> str:
        """The file that names the job that owns this pattern."""
        return f"{self._key}.owner"

    def guest(self, jid: str) -> str:
        """The file that lets a redo job write beside the owner."""
        return f"{self._key}.guest.{jid}"

    @property
    def host(self) -> str:
        """The job whose frames these are: the one that is redone, else this job itself."""
        return self.redoes or self.jid

    @property
    def _key(self) -> str:
        # The base name only: nodes may mount the folder at different paths.
        key = hashlib.sha256(owned(self.pattern).encode()).hexdigest()[:16]
        return f"{self.folder}/{SIDE}/{key}"

    def private(self, stem: str) -> str:
        """The folder one attempt renders into."""
        return f"{self.own}/{stem}"

    def beside(self, jid: str) -> str:
        """The folder that a job of this output has beside the frames."""
        return f"{self.folder}/{SIDE}/{jid}"

    def receipt(self, frame: int | str, of: str = "") -> str:
        """The path of a frame's receipt, also of another job."""
        return f"{self.beside(of or self.jid)}/ok/{frame}"

    def frame_of(self, name: str) -> int | None:
        """The frame a file name is, by this output's pattern."""
        return frame_of(self.pattern, name)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A frame's files as they were put in place: name, size in bytes, server mtime in ns.

    A name is a base name in the output's folder, or a whole path with path roots.
    """

    files: tuple[tuple[str, int, int], ...]
    size: tuple[int, int]  #: width and height in pixels, (0, 0) where unknown

    def text(self) -> str:
        """One line of JSON."""
        return json.dumps({"files": self.files, "size": self.size}) + "\n"
