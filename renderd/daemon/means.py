"""What every runner needs of this machine and of the daemon."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from renderd.blender.versions import BlenderProgram
from renderd.daemon.work import Result
from renderd.host.guard import Guard
from renderd.spool.layout import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Made once a daemon; its callables may be called from any thread."""

    spool: Spool
    guard: Guard
    node: str
    environ: Mapping[str, str]
    hang_after: float
    log_bytes: int
    report: Callable[[Result], None]
    confirm_alive: Callable[[], bool]
    patience: float = 300.0  #: seconds for which a whole frame waits for a target held open
    blenders: Callable[[], Sequence[BlenderProgram]]
    allows: Callable[[str], bool] = lambda _: True  #: whether files may go into a folder
    programs: Callable[[], Sequence[tuple[str, ...]]] = lambda: ()  #: lists; all must allow
    gpu_is_busy: Callable[[], bool] = lambda: False
    is_warm: Callable[[], bool] = lambda: False  #: whether Blenders may stay open here
    ram_bytes: int = 0  #: memory that jobs may have here; 0: not known
    scratch: Callable[[], AbstractContextManager[str]] = lambda: contextlib.nullcontext("")
    clock: Callable[[], float] = time.monotonic
