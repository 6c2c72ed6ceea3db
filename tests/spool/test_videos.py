"""A job with `video:` gets one movie, whatever dies between the two."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from renderd.core import frames as ranges
from renderd.core import video, videojob
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.errors import BrokenImage, OutputOwned
from renderd.spool import closing, control, frames, jobs, movies, orders, redos, tickets
from renderd.spool.janitor import Janitor
from renderd.spool.layout import Spool
from renderd.spool.share import PosixShare


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    """A job of three chunks that is to become a movie."""
    runs = ranges.parse("1-6")
    info = Info(
        commands=(("prog", "{out}"),),
        frames=runs,
        video=video.parse("h264"),
        extra=(("x-fps", "24"),),
    )
    out = f"{tmp_path}/out/shot_####.png"
    return Draft(
        name="shot", slug="shot", info=info, runs=runs, size=2, out=out, writes=Writes.PRIVATE
    )


def publish(spool: Spool, draft: Draft, **order) -> str:
    return jobs.publish(spool, draft, jobs.Order("me@here", **order))


def movie_places(spool: Spool) -> list[str]:
    found = tickets.everywhere(spool).values()
    return [folder for folder, ticket in found if ticket.slug == "shot-video"]


class Dying(PosixShare):
    """A share whose program is killed before it lets a movie in."""

    def rename(self, old: str, new: str) -> None:
        if "-video.info" in old and "/waiting/" in new:
            raise KeyboardInterrupt
        super().rename(old, new)


def test_the_movie_waits_for_the_last_frame_and_then_may_run(spool: Spool, draft, worker):
    jid = publish(spool, draft)
    assert movie_places(spool) == ["waiting"]
    worker.finish(jid, 1, 2, 3)
    worker.close(jid)
    assert movie_places(spool) == ["queue"]


def test_a_publisher_that_dies_between_the_two_loses_no_movie(spool: Spool, draft, worker):
    dying = replace(spool, share=Dying())
    with pytest.raises(KeyboardInterrupt):
        publish(dying, draft)
    assert movie_places(spool) == []
    [jid] = tickets.everywhere(spool)
    worker.finish(jid, 1, 2, 3)
    worker.close(jid)
    assert movie_places(spool) == ["queue"]


def test_a_closer_that_dies_as_well_leaves_it_to_the_janitor(spool: Spool, draft, worker):
    dying = replace(spool, share=Dying())
    with pytest.raises(KeyboardInterrupt):
        publish(dying, draft)
    [jid] = tickets.everywhere(spool)
    worker.finish(jid, 1, 2, 3)
    worker.spool = dying
    with pytest.raises(KeyboardInterrupt):
        worker.close(jid)
    assert movie_places(spool) == []
    for _ in range(2):
        Janitor(spool).sweep(0.0)
        jobs.let_videos_in(spool, jid)
        jobs.release_dependants(spool)
    assert movie_places(spool) == ["queue"]


def test_a_job_that_is_built_twice_has_one_movie(spool: Spool, draft):
    jid = "k2p2x7abcd"
    for _ in range(2):
        jobs.build(spool, jid, draft, jobs.Order("me@here"))
    assert len([n for n in Path(spool.job(jid)).iterdir() if "-video" in n.name]) == 1
    assert len(list(Path(spool.at("jobs")).iterdir())) == 2


def test_a_job_that_is_never_published_takes_its_movie_along(spool: Spool, draft):
    other = publish(spool, replace(draft, info=replace(draft.info, video=None)))
    with pytest.raises(OutputOwned, match=other):
        publish(spool, draft)
    orders.cancel(spool, other)
    jid = "k2p2x7abcd"
    jobs.build(spool, jid, draft, jobs.Order("me@here"))
    jobs.discard(spool, jid)
    assert [p.name for p in Path(spool.at("jobs")).iterdir()] == [other]


def test_a_movie_that_another_job_writes_is_refused_with_its_frames(spool: Spool, draft):
    publish(spool, draft)
    elsewhere = draft.out.replace("shot_", "other_")
    film = video.parse(f"h264 {Path(draft.out).parent}/shot.mp4")
    with pytest.raises(OutputOwned, match=r"shot\.mp4 is being written"):
        publish(spool, replace(draft, out=elsewhere, info=replace(draft.info, video=film)))
    assert len(tickets.everywhere(spool)) == 2


def test_cancelling_a_job_cancels_its_movie_and_no_other(spool: Spool, draft):
    first = publish(spool, draft)
    other = replace(draft, out=draft.out.replace("shot_", "other_"), name="b", slug="b")
    publish(spool, other)
    orders.cancel(spool, first)
    assert movie_places(spool) == ["cancelled"]
    [(_, movie)] = [p for p in tickets.everywhere(spool).values() if p[1].slug == "shot-video"]
    assert first in control.read(spool, movie.jid).reason
    assert "b-video" in {t.slug for t in tickets.listed(spool, "waiting")}


def test_a_job_that_is_replaced_takes_its_movie_along(spool: Spool, draft):
    publish(spool, draft)
    publish(spool, replace(draft, info=replace(draft.info, video=None)), replaces=True)
    assert movie_places(spool) == ["waiting"]
    Janitor(spool).sweep(0.0)
    assert movie_places(spool) == ["cancelled"]


def test_a_job_held_for_its_output_takes_the_movies_over_too_when_released(spool: Spool, draft):
    first = publish(spool, replace(draft, info=replace(draft.info, video=None)))
    jid = publish(spool, draft, owns_output=False, is_held=True)
    control.change(spool, jid, reason="its output is another's")
    orders.cancel(spool, first)
    orders.release(spool, jid)
    [movie] = jobs.videos_of(spool, jid)
    output = frames.locate(spool, jobs.read(spool, movie.jid))
    assert output
    assert frames.why_not_able(spool, output) == ""


def box(kind: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return (8 + len(data)).to_bytes(4, "big") + kind + data


def mp4(count: int) -> bytes:
    """A movie's boxes, with an index of so many pictures."""
    sides = (64 << 16).to_bytes(4, "big") + (48 << 16).to_bytes(4, "big")
    handler = box(b"hdlr", bytes(8), b"vide", bytes(13))
    sizes = box(b"stsz", bytes(8), count.to_bytes(4, "big"), bytes(4 * count))
    media = box(b"mdia", handler, box(b"minf", box(b"stbl", sizes)))
    sound = box(b"trak", box(b"mdia", box(b"hdlr", bytes(8), b"soun", bytes(13))))
    track = box(b"trak", box(b"tkhd", bytes(76), sides), media)
    return box(b"ftyp", b"isom") + box(b"moov", sound, track) + box(b"mdat", bytes(50))


@pytest.fixture
def movie(tmp_path: Path):
    """Write a movie and the list of files it was made of; checks it."""
    share = PosixShare()

    def check(data: bytes, listed: int, meanwhile: Callable[[Path], object] | None = None) -> None:
        (tmp_path / "a.mp4").write_bytes(data)
        paths = [tmp_path / f"it's_{n}.png" for n in range(listed)]
        for path in paths:
            path.write_bytes(b"a picture")
        with contextlib.suppress(FileNotFoundError):
            (tmp_path / movies.LIST).unlink()
        if listed:
            (tmp_path / movies.LIST).write_bytes(movies.listing(share, map(str, paths)))
        if meanwhile:
            meanwhile(paths[-1])
        movies.check(share, str(tmp_path), "a.mp4")

    return check


def test_a_movie_with_all_its_pictures_is_whole(movie):
    movie(mp4(5), 5)
    movie(mp4(5), 0)  # one of Blender's own has no list


def test_a_movie_that_shows_fewer_is_not(movie):
    with pytest.raises(BrokenImage, match="shows 4 of 5 frames"):
        movie(mp4(4), 5)


def test_a_movie_cut_anywhere_is_not_whole(movie):
    whole = mp4(5)
    for length in range(len(whole)):
        with pytest.raises(BrokenImage):
            movie(whole[:length], 5)


@pytest.mark.parametrize(
    "meanwhile", [Path.unlink, lambda p: p.write_bytes(b"other"), lambda p: os.utime(p, ns=(1, 1))]
)
def test_a_frame_replaced_while_its_movie_was_made_is_found_out(movie, meanwhile):
    with pytest.raises(BrokenImage, match=r"it's_4\.png was replaced while a\.mp4 was made"):
        movie(mp4(5), 5, meanwhile)


def test_a_movie_waits_for_whoever_renders_its_frames_anew(spool: Spool, draft, worker):
    jid = publish(spool, replace(draft, info=replace(draft.info, video=None)))
    host = jobs.read(spool, jid)
    made = videojob.draft(host, video.parse("h264"), waits=False)
    film = videojob.film_of(jobs.read(spool, publish(spool, made)))
    assert film
    assert movies.why_not_yet(spool, film).startswith(f"waits for job {jid}")
    worker.finish(jid, 1, 2, 3)
    worker.close(jid)
    closing.collect(spool, host)
    assert movies.why_not_yet(spool, film) == ""
    place = tickets.find(spool, jid)
    redo = publish(spool, redos.draft(spool, place, host, ranges.parse("2")))
    assert movies.why_not_yet(spool, film).startswith(f"waits for job {redo} (shot-redo)")
    orders.cancel(spool, redo)
    assert movies.why_not_yet(spool, film) == ""
    other = publish(spool, replace(draft, info=replace(draft.info, video=None)))
    assert other in movies.why_not_yet(spool, film)
