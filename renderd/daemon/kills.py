"""Counts the kernel's kills for want of memory, to tell whether a command was one."""

from renderd.host import load

COUNTED_FOR = 1.0  #: seconds for which a count is believed


class Kills:
    """The count before a command and after it."""

    def __init__(self, now: float) -> None:
        self._count = load.oom_kills()
        self._counted = now

    def count(self, now: float) -> None:
        """Have a count from before the command; commands may take no time and come by hundreds."""
        if now - self._counted >= COUNTED_FOR:
            self._count, self._counted = load.oom_kills(), now

    def came(self) -> bool | None:
        """Whether the kernel counted a kill since the last look; None: unknown."""
        before, self._count = self._count, load.oom_kills()
        if before is None or self._count is None:
            return None
        return self._count > before
