"""Runs inside an open Blender: its process, what a request may change of it, and what it used.

Loaded by obey.py, which has imported bpy; it knows Blender 2.93 to 5.x and the package bpy.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import bpy


class Baseline:
    """What a request may change of the process, as it was before the first."""

    def __init__(self) -> None:
        self.environ = dict(os.environ)
        self.path = list(sys.path)
        self.names = set(bpy.app.driver_namespace)
        self.handlers = {name: list(found) for name, found in self._lists()}
        self.addons = set(bpy.context.preferences.addons.keys())

    @staticmethod
    def _lists() -> Iterator[tuple[str, Any]]:
        for name in dir(bpy.app.handlers):
            found = getattr(bpy.app.handlers, name)
            if isinstance(found, list):
                yield name, found

    def restore(self, environ: dict[str, str], folder: str, argv: list[str]) -> None:
        """As before the first request, with what this one brings."""
        for name, found in self._lists():
            if found != self.handlers[name]:
                found[:] = self.handlers[name]
        for name in set(bpy.app.driver_namespace) - self.names:
            del bpy.app.driver_namespace[name]
        wanted = {**self.environ, **environ}
        for name in set(os.environ) - set(wanted):
            del os.environ[name]
        os.environ.update({k: v for k, v in wanted.items() if os.environ.get(k) != v})
        sys.path[:] = self.path
        sys.argv[:] = argv
        os.chdir(folder)

    def is_worn(self) -> bool:
        """Whether something changed that nothing restores."""
        return set(bpy.context.preferences.addons.keys()) != self.addons


def cpu() -> float:
    """Seconds of all threads, and of programs that scripts ran."""
    return time.process_time() + sum(os.times()[2:4])


def sizes() -> dict[str, int]:
    """Bytes resident now, and at most since the last request."""
    found = {"rss": 0, "peak": 0}
    with contextlib.suppress(OSError, ValueError), open("/proc/self/status", "rb") as file:
        for line in file:
            for word, key in ((b"VmRSS:", "rss"), (b"VmHWM:", "peak")):
                if line.startswith(word):
                    found[key] = int(line.split()[1]) * 1024
    return found


def forget_peak() -> None:
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "wb") as file:
        file.write(b"5")


def flush() -> None:
    """Everything printed, by C too, must be out before the answer is."""
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
