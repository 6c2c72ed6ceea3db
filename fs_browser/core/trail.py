"""Where a person has been, to go back and forward, as in a browser of pages."""


class Trail:
    """Folders in the order of visits, and which of them is the present one."""

    def __init__(self) -> None:
        self._been: list[str] = []
        self._at = -1

    def go(self, folder: str) -> None:
        """Visit a folder; what lay forward is forgotten."""
        if self._been and self._been[self._at] == folder:
            return
        del self._been[self._at + 1 :]
        self._been.append(folder)
        self._at += 1

    def drop(self) -> None:
        """Forget the present folder: it is none."""
        del self._been[self._at :]
        self._at -= 1

    def back(self) -> str | None:
        """The folder before, which is the present one now; None at the first."""
        return self._step(-1)

    def forward(self) -> str | None:
        """The folder one has come back from; None at the last."""
        return self._step(1)

    @property
    def may_go_back(self) -> bool:
        """Whether there is a folder before."""
        return self._at > 0

    @property
    def may_go_forward(self) -> bool:
        """Whether one has come back."""
        return self._at < len(self._been) - 1

    def _step(self, by: int) -> str | None:
        if not 0 <= self._at + by < len(self._been):
            return None
        self._at += by
        return self._been[self._at]
