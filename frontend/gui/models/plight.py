"""What is wrong with the farm as a whole, as an artist can do something about it."""

from dataclasses import dataclass

from renderd.core.label import label
from renderd.errors import (
    ConfigError,
    FormatNewer,
    RenderdError,
    ShareHangs,
    SpoolNotMounted,
    SpoolUnsafe,
)

_GOES_ON = "What other machines render goes on, and nothing is lost."


@dataclass(frozen=True, slots=True)
class Plight:
    """A sentence of what is wrong and what to do; for who looks after the farm, the rest."""

    says: str = ""
    detail: str = ""

    def __bool__(self) -> bool:
        return bool(self.says)


def of(error: object, root: str) -> Plight:
    """Tell why a farm's folder cannot be used."""
    where = label(root, 200)
    detail = label(_detail(error), 500)
    if isinstance(error, ConfigError):
        return Plight(str(error), detail)
    if isinstance(error, SpoolNotMounted):
        says = f"No farm is in {where}. Is the server's folder mounted on this machine?  {_GOES_ON}"
    elif isinstance(error, ShareHangs):
        says = f"The server of {where} has not answered for a while. {_GOES_ON}"
    elif isinstance(error, FormatNewer):
        says = f"The farm in {where} is newer than this program: upgrade it on this machine."
    elif isinstance(error, SpoolUnsafe):
        says = f"The farm in {where} is not safe to use: {label(str(error), 300)}"
    else:
        says = f"The farm in {where} cannot be read: {_reason(error)}.  {_GOES_ON}"
    return Plight(says, detail)


def silent(root: str, seconds: float) -> Plight:
    """A folder that does not answer."""
    says = f"{label(root, 200)} has not answered for {seconds:.0f} s. What is shown is old. "
    return Plight(says + _GOES_ON, "the server or the network is away, or the mount hangs")


def _reason(error: object) -> str:
    cause = error.__cause__ if isinstance(error, RenderdError) else error
    if isinstance(cause, OSError):
        return label(cause.strerror or str(cause), 200)
    return label(error.message if isinstance(error, RenderdError) else str(error), 300)


def _detail(error: object) -> str:
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}; prove the mount: renderd doctor"
    return str(error)
