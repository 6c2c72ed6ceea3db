"""A movie's chunk: the list of the frames that it is to show, every one of them whole.

ffmpeg ends at a frame that is not there and calls that success, so the list of files is made and
checked here, frame by frame; movies.py compares it with the movie that came of it.
"""

from collections import Counter
from collections.abc import Sequence

from renderd.core import frames as ranges
from renderd.core import video, videojob
from renderd.core.videojob import Film
from renderd.daemon.gathering import OutputGone
from renderd.daemon.work import Work
from renderd.errors import RenderdError, UsageError
from renderd.spool import frames, inspection, jobs, movies
from renderd.spool.formats import exr
from renderd.spool.formats.source import Source
from renderd.spool.inspection import Look, Subject
from renderd.spool.layout import Spool
from renderd.spool.moves import names
from renderd.spool.output import Output

_TOLD = 3  #: frames whose faults a sentence tells


def prepared(spool: Spool, work: Work, lines: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """A movie's command lines with the list of its frames, which is written; others as they are.

    Raises RenderdError that names the frames which are missing or not whole, OutputGone where their
    folder is not here, OSError.
    """
    film = videojob.film_of(work.job)
    if film is None or work.output is None:
        return list(lines)
    try:
        subject = inspection.of_pattern(spool.share, spool.local(film.images), film.runs)
    except UsageError as error:
        raise OutputGone(f"this node does not see the frames: {error.message}") from error
    subject = _one_file_each(spool, film, subject)
    looks: list[Look] = []
    work.message = "looks whether every frame is whole"
    for frame in subject.wanted:
        if work.stopping.is_set():
            return list(lines)  # none of which is started any more
        looks += inspection.look(spool.share, subject, frame, None)
    report = inspection.judge(subject, looks)
    faulty = set(report.sure)
    if faulty and not film.allows_gaps:
        raise RenderdError(*_refusal(work.job.jid, film, report))
    whole = [one for one in looks if one.frame not in faulty]
    if not whole:
        raise RenderdError("no frame is there to make a movie of", f"see: render verify {film.of}")
    path = _write(spool, work.output, work.stem, [f"{subject.folder}/{w.file}" for w in whole])
    return [_spoken(spool, subject, whole[0], words, path) for words in lines]


def _spoken(
    spool: Spool, subject: Subject, first: Look, words: tuple[str, ...], path: str
) -> tuple[str, ...]:
    if first.kind == "exr":
        with spool.share.open(f"{subject.folder}/{first.file}") as file:
            words = video.reads_exr(words, exr.colour_layer(Source(file)))
    return tuple(path if word == video.FRAME_LIST else word for word in words)


def _one_file_each(spool: Spool, film: Film, subject: Subject) -> Subject:
    """The main image of each frame: as its job's receipts say, else of the commonest ending."""
    known = {}
    try:
        output = frames.locate(spool, jobs.read(spool, film.of))
        known = inspection.receipts(spool, output) if output is not None else {}
    except (RenderdError, FileNotFoundError):
        pass  # its record is removed: the pattern says enough
    endings = Counter(_ending(name) for files in subject.files.values() for name in files)
    usual = endings.most_common(1)[0][0] if endings else ""
    chosen = {}
    for frame in subject.wanted:
        files = subject.files.get(frame, ())
        main = _shown(known.get(frame, ()))
        alike = [name for name in files if _ending(name) == usual]
        is_known = main and (main in files or not files)
        chosen[frame] = (main,) if is_known else tuple((alike or list(files))[:1])
    return Subject(
        folder=subject.folder, pattern=subject.pattern, wanted=subject.wanted, files=chosen
    )


def _shown(files: Sequence[str]) -> str:
    """The main image of a frame, the left one of two; empty where no receipt names one."""
    main = files[-1] if files else ""
    left = main.replace("_R.", "_L.")
    return left if left in files else main


def _ending(name: str) -> str:
    return name.rpartition(".")[2]


def _refusal(jid: str, film: Film, report: inspection.Report) -> tuple[str, str]:
    gone = ranges.text(ranges.gather(report.sure))
    told = [f for f in report.findings if f.fault.is_sure][:_TOLD]
    says = "; ".join(one.sentence for one in told)
    redo = f"render them (render redo {film.of} --frames {gone})"
    return (
        f"the movie would lack frames {gone}: {says}",
        f"{redo}, then: render retry {jid}; or say: render video {film.of} --allow-gaps",
    )


def _write(spool: Spool, output: Output, stem: str, paths: Sequence[str]) -> str:
    folder = frames.open_private(spool, output, stem)
    listing = f"{folder}/{movies.LIST}"
    if movies.LIST in names(spool, folder):
        spool.share.unlink(listing)
    spool.share.create(listing, movies.listing(spool.share, paths))
    return listing
