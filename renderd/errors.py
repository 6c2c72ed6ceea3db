"""Every error a person can meet, as one tree.

RenderdError                exit 1
├── UsageError              exit 2    the command line or a value on it
│   ├── FramesError                   a frame range
│   ├── InfoFileError                 an info file
│   ├── OutputOwned                   an output that an open job writes
│   └── OutputUnseen                  an output on a share that is not mounted here
├── ConfigError             exit 2    config file, environment, farm.toml
├── BlendError              exit 1    a .blend that cannot be read
├── SourceError             exit 1    the .blend behind a job, which cannot be kept as it is
│   └── SourceChanged                 it was saved while it was queued
├── BrokenImage             exit 1    a frame's file that is not whole
├── Refused                 exit 1    a dropped file that may not run, with the reason
├── SpoolError              exit 10   the share
│   ├── SpoolNotMounted
│   ├── SpoolUnsafe
│   ├── ShareUnsure
│   ├── ShareHangs
│   └── FormatNewer         exit 12
├── LockTimeout             exit 11
├── DaemonNotRunning        exit 13
└── WireError               exit 1    a request or answer on the local socket that cannot be read
The other exit statuses: 0 done, 3 partly done, 130 interrupted.
"""


class RenderdError(Exception):
    """One clear sentence for a person, with the remedy where one is known."""

    exit_status = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class UsageError(RenderdError):
    """What was asked for cannot be meant: the sentence names the word and the valid ones."""

    exit_status = 2


class FramesError(UsageError):
    """A frame range that cannot be read or is too long."""


class InfoFileError(UsageError):
    """An info file that is refused, with its line and the nearest valid key."""


class OutputOwned(UsageError):
    """Another open job writes the same frames; the sentence names it."""


class OutputUnseen(UsageError):
    """The path root that the frames go to is not mounted here: nothing may be made in its place."""


class ConfigError(RenderdError):
    """A setting that is unknown or of the wrong kind, with the file or variable it stands in."""

    exit_status = 2


class BlendError(RenderdError):
    """A .blend file that is malformed, cut, too large or no .blend at all."""


class SourceError(RenderdError):
    """The .blend behind a job cannot be kept as it was queued."""


class SourceChanged(SourceError):
    """The .blend was saved while it was being queued: plan the job anew."""


class SpoolError(RenderdError):
    """The share cannot be used for what was asked."""

    exit_status = 10


class SpoolNotMounted(SpoolError):
    """The folder is there but not our spool: an empty mount point or another farm's."""


class SpoolUnsafe(SpoolError):
    """People who must not may write here; running commands from it would be running theirs."""


class ShareUnsure(SpoolError):
    """The share answered neither yes nor no: look again, act on nothing."""


class ShareHangs(SpoolError):
    """A call of the share does not come back: a hard mount whose server is away."""


class FormatNewer(SpoolError):
    """The spool was made by a newer release; this one must not touch it."""

    exit_status = 12


class LockTimeout(RenderdError):
    """Somebody else holds the lock for longer than we may wait."""

    exit_status = 11


class DaemonNotRunning(RenderdError):
    """No daemon answers on this machine's socket."""

    exit_status = 13


class BrokenImage(RenderdError):
    """A frame's file that is cut short, damaged or no picture of the kind its name says."""


class Refused(RenderdError):
    """A dropped file that must not become a job; the sentence goes into the .why beside it."""


class WireError(RenderdError):
    """A line on the local socket that is too long, torn or of another protocol version."""
