"""The server's truth as a value: each call gives another one, and an answer.

The exhaustive search goes back to where it was: nothing here changes in place.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tests.sim.share import SECOND_ANSWER


class Call(NamedTuple):
    """A program's request: what, of which path, and the new name or the content."""

    op: str
    path: str
    arg: Any = None


class Answer(NamedTuple):
    """What the program hears: a value, or the errno of a refusal."""

    value: Any = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Past:
    """A folder as it was before its last change, and the program that changed it."""

    names: tuple[str, ...]
    by: int


@dataclass(frozen=True, slots=True)
class Truth:
    """All folders with their files, and what a stale list of one may still show."""

    folders: Mapping[str, Mapping[str, bytes]]
    past: Mapping[str, Past] = field(default_factory=dict)

    @property
    def key(self) -> Any:
        """Equal for equal truths; hashable."""
        folders = tuple((p, tuple(sorted(f.items()))) for p, f in sorted(self.folders.items()))
        return folders, tuple(sorted((p, w.names, w.by) for p, w in self.past.items()))

    def names(self, folder: str) -> list[str]:
        """What lies in a folder; nothing where there is none."""
        return list(self.folders.get(folder, ()))

    def without_past(self) -> "Truth":
        """The same where no list is stale any more."""
        return replace(self, past={}) if self.past else self

    def apply(self, call: Call, by: int) -> tuple["Truth", Answer]:
        """Do what a program asks; the truth after it, and its answer."""
        try:
            return getattr(self, f"_{call.op}")(call, by)
        except OSError as error:
            return self, Answer(number=error.errno or errno.EIO)

    def _put(self, by: int, *changes: tuple[str, bytes | None]) -> "Truth":
        folders, past = dict(self.folders), dict(self.past)
        for path, data in changes:
            folder, _, name = path.rpartition("/")
            past[folder] = Past(tuple(self.folders[folder]), by)
            held = dict(folders[folder])
            if data is None:
                del held[name]
            else:
                held[name] = data
            folders[folder] = held
        return Truth(folders, past)

    def _folder(self, path: str) -> Mapping[str, bytes]:
        if path not in self.folders:
            raise FileNotFoundError(errno.ENOENT, path)
        return self.folders[path]

    def _file(self, path: str) -> bytes:
        folder, _, name = path.rpartition("/")
        held = self._folder(folder)
        if name not in held:
            raise FileNotFoundError(errno.ENOENT, path)
        return held[name]

    def _listdir(self, call: Call, by: int) -> tuple["Truth", Answer]:
        return self, Answer(tuple(self._folder(call.path)))

    def _read(self, call: Call, by: int) -> tuple["Truth", Answer]:
        return self, Answer(self._file(call.path))

    def _stat(self, call: Call, by: int) -> tuple["Truth", Answer]:
        if call.path in self.folders:
            return self, Answer("folder")
        return self, Answer(len(self._file(call.path)))

    def _lock(self, call: Call, by: int) -> tuple["Truth", Answer]:
        self._file(call.path)
        return self, Answer()

    def _create(self, call: Call, by: int) -> tuple["Truth", Answer]:
        folder, _, name = call.path.rpartition("/")
        if name in self._folder(folder):
            raise FileExistsError(errno.EEXIST, call.path)
        return self._put(by, (call.path, call.arg)), Answer()

    def _rename(self, call: Call, by: int) -> tuple["Truth", Answer]:
        data = self._file(call.path)
        self._folder(call.arg.rpartition("/")[0])
        if call.path == call.arg:
            return self, Answer()
        return self._put(by, (call.path, None), (call.arg, data)), Answer()

    def _unlink(self, call: Call, by: int) -> tuple["Truth", Answer]:
        self._file(call.path)
        return self._put(by, (call.path, None)), Answer()

    def _mkdir(self, call: Call, by: int) -> tuple["Truth", Answer]:
        if call.path in self.folders:
            raise FileExistsError(errno.EEXIST, call.path)
        return replace(self, folders={**self.folders, call.path: {}}), Answer()

    def _rmdir(self, call: Call, by: int) -> tuple["Truth", Answer]:
        if self._folder(call.path):
            raise OSError(errno.ENOTEMPTY, call.path)
        left = {path: held for path, held in self.folders.items() if path != call.path}
        return replace(self, folders=left), Answer()


ASKS = frozenset({"listdir", "read", "stat", "lock"})
#: the faults that a call may meet, and what the world does of it
FAULTS = ("error before", "error after", "lost reply", "late", "delayed", "stale")


def strike(
    truth: Truth, call: Call, by: int, fault: str
) -> tuple[Truth, Answer, Call | None] | None:
    """A call that a fault hits: truth, answer, and what the server hears once more later.

    None where this fault cannot make a difference to this call.
    """
    if fault == "error before":
        return truth, Answer(number=errno.EIO), None
    if call.op in ASKS:
        return _stale(truth, call, by) if fault == "stale" else None
    after, answer = truth.apply(call, by)
    if answer.number or after is truth:
        return (truth, Answer(number=errno.EIO), call) if fault == "delayed" else None
    if fault == "error after":
        return after, Answer(number=errno.EIO), None
    if fault == "lost reply" and call.op in SECOND_ANSWER:
        return after, Answer(number=SECOND_ANSWER[call.op]), None
    if fault == "late":
        return after, answer, call
    if fault == "delayed":
        return truth, Answer(number=errno.ETIMEDOUT), call
    return None


def _stale(truth: Truth, call: Call, by: int) -> tuple[Truth, Answer, None] | None:
    past = truth.past.get(call.path)
    if past is None or past.by == by or call.op != "listdir":
        return None  # a client always sees its own changes
    return truth, Answer(past.names), None
