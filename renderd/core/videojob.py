"""The job that makes a movie of another job's frames: its draft and its own keys.  Pure: no I/O.

It is a job of one chunk that comes after the other one.  Its `frames:` are the first to the last,
one movie being one file; which of them it must show stands in `x-frames`.
"""

from dataclasses import dataclass, replace

from renderd.core import frames, video
from renderd.core.frames import Run
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.core.label import label, slug
from renderd.core.names import is_jid
from renderd.core.video import Video
from renderd.errors import FramesError, UsageError

RATE = "x-fps"  #: of any job: frames a second, as its .blend says
_OF, _FRAMES, _IMAGES, _GAPS = "x-video", "x-frames", "x-images", "x-gaps"
_NOT_YET = "a" * 10  #: stands for the id of a job that is only planned
_RETRIES = 1  #: a frame that is gone does not come back by trying


@dataclass(frozen=True, slots=True)
class Film:
    """What a movie is to show."""

    of: str  #: the job whose frames they are
    images: str  #: their pattern, in info-file syntax
    runs: tuple[Run, ...]
    allows_gaps: bool


def draft(
    host: Job, wanted: Video, *, fps: str = "", allows_gaps: bool = False, waits: bool = True
) -> Draft:
    """The job that makes a movie of the host's frames when the host is done.

    Raises UsageError where the host has no frames for it or nothing says the frame rate.
    """
    runs = _check(host)
    rate = video.parse_rate(fps or dict(host.info.extra).get(RATE, "") or _no_rate(host))
    out = video.located(wanted, host.out, host.name)
    extra: tuple[tuple[str, str], ...] = ((_OF, host.jid), (_FRAMES, frames.text(runs)))
    extra += ((_IMAGES, host.out), (RATE, rate))
    name = label(f"{host.name} video")
    info = Info(
        commands=(video.command(wanted, rate, out),),
        name=name,
        frames=(Run(runs[0].first, runs[-1].last),),
        out=out,
        priority=host.info.priority,
        pool=host.info.pool,
        after=(host.jid,) if waits else (),
        whole=True,
        keep=host.info.keep,
        retries=_RETRIES,
        extra=extra + ((_GAPS, "yes"),) * allows_gaps,
    )
    made = Draft(
        name=name, slug=slug(name), info=info, runs=info.frames, out=out, writes=Writes.MOVIE
    )
    made.check()
    return made


def _check(host: Job) -> tuple[Run, ...]:
    if host.writes is Writes.MOVIE:
        raise UsageError(f"job {host.jid} writes a movie itself", "it needs no other")
    if host.writes is Writes.NOTHING or not host.info.frames:
        raise UsageError(f"job {host.jid} has no frames that the farm knows of", "name its out:")
    if host.redoes:
        raise UsageError(
            f"job {host.jid} redoes frames of {host.redoes}", f"say: render video {host.redoes}"
        )
    return frames.gather(frame for run in host.info.frames for frame in run)


def _no_rate(host: Job) -> str:
    raise UsageError(
        f"nothing says how many frames of {label(host.name)} are a second",
        f"say --fps 24, or {RATE}: 24 in an info file",
    )


def of_host(host: Job) -> Draft | None:
    """The movie that a job's own `video:` asks for; None where it asks for none."""
    return draft(host, host.info.video) if host.info.video is not None else None


def check(made: Draft) -> None:
    """Raise UsageError where a draft's own `video:` could not be made."""
    if out := out_of(made):
        check_place(out)


def check_place(out: str) -> None:
    """Raise UsageError for a movie's path that means another place on each node."""
    if not out.startswith(("/", "{")):
        raise UsageError(
            f"the movie {label(out)!r} is not absolute: every node would look elsewhere",
            "begin it with / or a path root of farm.toml",
        )


def out_of(made: Draft) -> str:
    """Where the movie of a draft's own `video:` goes; empty where it asks for none."""
    if made.info.video is None:
        return ""
    info = replace(made.info, frames=made.runs)
    host = Job(jid=_NOT_YET, info=info, chunks=1, name=made.name, out=made.out, writes=made.writes)
    return draft(host, made.info.video).out


def film_of(job: Job) -> Film | None:
    """What a job's movie is to show; None for any other job."""
    extra = dict(job.info.extra)
    if not is_jid(extra.get(_OF, "")) or job.writes is not Writes.MOVIE:
        return None
    try:
        runs = frames.parse(extra.get(_FRAMES, ""))
    except FramesError:
        return None
    return Film(extra[_OF], extra.get(_IMAGES, ""), runs, extra.get(_GAPS) == "yes")


def host_of(job: Job) -> str:
    """The job whose frames a movie shows; empty for any other job."""
    film = film_of(job)
    return film.of if film is not None else ""
