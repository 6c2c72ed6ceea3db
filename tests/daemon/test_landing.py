"""Frames of an attempt get their names when whole, and only by the rules."""

import errno
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pytest
from PIL import Image

from renderd.core import frames as ranges
from renderd.core.frameset import FrameSet
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.daemon import landing
from renderd.daemon.landing import Landing, OutputGone
from renderd.errors import OutputOwned
from renderd.spool import closing, frames, jobs, passes, sets, tickets
from renderd.spool.layout import CANCELLED, Spool
from renderd.spool.output import Output
from renderd.spool.share import PosixShare

STEM = "00001.1.ws07-0123abcd"


def picture(kind: str = "PNG", side: int = 4) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), (7, 8, 9)).save(out, kind)
    return out.getvalue()


@dataclass
class Attempt:
    """One attempt's output, its landing, and what its program would write."""

    spool: Spool
    output: Output
    landing: Landing

    def render(self, name: str, data: bytes = b"") -> None:
        folder = self.output.private(STEM)
        os.makedirs(folder, exist_ok=True)
        Path(folder, name).write_bytes(data or picture())

    def there(self) -> list[str]:
        return sorted(p.name for p in Path(self.output.folder).iterdir() if p.is_file())


MakeAttempt = Callable[..., Attempt]


@pytest.fixture
def attempt(spool: Spool, tmp_path: Path) -> MakeAttempt:
    def make(
        pattern: str = "o_####.png",
        writes: Writes = Writes.PRIVATE,
        alive: Callable[[], bool] = lambda: True,
    ) -> Attempt:
        runs = ranges.parse("1-3")
        out = f"{tmp_path}/out/{pattern}"
        info = Info(commands=(("prog", "{out}"),), frames=runs)
        draft = Draft(name="s", slug="s", info=info, runs=runs, out=out, writes=writes)
        job: Job = jobs.read(spool, jobs.publish(spool, draft, jobs.Order("me@here")))
        output = frames.locate(spool, job)
        assert output is not None
        made = Landing(spool, output, STEM, [1, 2, 3], alive)
        assert made.begin() == [1, 2, 3]
        return Attempt(spool, output, made)

    return make


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the output's."""
    for place in ("/dev/shm", "/var/tmp", "/tmp"):
        if os.path.isdir(place) and os.stat(place).st_dev != tmp_path.stat().st_dev:
            with tempfile.TemporaryDirectory(dir=place) as folder:
                yield Path(folder)
            return
    pytest.skip("this machine has one file system only")


def again(made: Attempt) -> Landing:
    """What the next attempt finds."""
    return Landing(made.spool, made.output, "00001.2.ws07-0123abcd", [1, 2, 3], lambda: True)


def test_a_whole_frame_gets_its_name_and_its_receipt(attempt: MakeAttempt) -> None:
    made = attempt()
    made.render("o_0001.png")
    assert made.landing.sweep(is_final=False) == 1
    assert made.there() == ["o_0001.png"]
    assert again(made).begin() == [2, 3]
    assert made.landing.missing() == "frame 2, 3 was not written"


def test_a_half_written_frame_waits_and_lands_when_whole(attempt: MakeAttempt) -> None:
    made = attempt()
    made.render("o_0001.png", picture()[:-7])
    assert made.landing.sweep(is_final=False) == 0
    assert "frame 1, 2, 3" in made.landing.missing()
    made.render("o_0001.png")
    assert made.landing.sweep(is_final=False) == 1
    assert made.landing.complaints == {}


@pytest.mark.parametrize(("kind", "ending"), [("TIFF", "tif"), ("TGA", "tga"), ("BMP", "bmp")])
def test_a_kind_that_cannot_prove_itself_waits_for_a_word_or_the_end(
    attempt: MakeAttempt, kind: str, ending: str
) -> None:
    made = attempt(f"o_####.{ending}")
    made.render(f"o_0001.{ending}", picture(kind))
    made.render(f"o_0002.{ending}", picture(kind))
    assert made.landing.sweep(is_final=False) == 0
    assert made.landing.sweep(is_final=False, saved=[1]) == 1
    assert made.landing.sweep(is_final=True) == 1


def test_of_a_failed_attempt_only_proven_and_announced_frames_are_kept(
    attempt: MakeAttempt,
) -> None:
    made = attempt("o_####.tga")
    for frame in (1, 2):
        made.render(f"o_000{frame}.tga", picture("TGA"))
    assert made.landing.salvage(saved=[2]) == 1
    assert made.there() == ["o_0002.tga"]


def test_files_that_are_no_frames_of_the_chunk_stay_where_they_are(attempt: MakeAttempt) -> None:
    made = attempt()
    for name in ("o_0004.png", "other.png", "o_1.png", "o_0001.png.tmp"):
        made.render(name)
    assert made.landing.sweep(is_final=True) == 0
    assert made.there() == []


def test_a_frame_may_end_as_the_program_likes(attempt: MakeAttempt) -> None:
    made = attempt("o_####")
    made.render("o_0001.png")
    assert made.landing.sweep(is_final=False) == 1
    assert made.there() == ["o_0001.png"]


def test_a_frame_of_another_size_is_refused_across_chunks(attempt: MakeAttempt) -> None:
    made = attempt()
    made.render("o_0001.png")
    made.landing.sweep(is_final=False)
    other = Landing(made.spool, made.output, STEM, [2, 3], lambda: True)
    other.begin()
    made.render("o_0002.png", picture(side=8))
    assert other.sweep(is_final=True) == 0
    assert "8×8 pixels, the job's other frames have 4×4" in other.missing()


def test_a_link_in_place_of_a_frame_is_refused(attempt: MakeAttempt, tmp_path: Path) -> None:
    made = attempt()
    (tmp_path / "secret.png").write_bytes(picture())
    os.makedirs(made.output.private(STEM), exist_ok=True)
    os.symlink(tmp_path / "secret.png", f"{made.output.private(STEM)}/o_0001.png")
    assert made.landing.sweep(is_final=True) == 0
    assert made.there() == []


def test_a_node_that_may_be_dead_puts_nothing_in_place(attempt: MakeAttempt) -> None:
    made = attempt(alive=lambda: False)
    made.render("o_0001.png")
    with pytest.raises(OutputGone, match="declared dead"):
        made.landing.sweep(is_final=False)
    assert made.there() == []


def test_an_output_that_became_anothers_is_left_alone(attempt: MakeAttempt) -> None:
    made = attempt()
    made.render("o_0001.png")
    Path(made.output.owner).write_text("anotherjob")
    with pytest.raises(OutputGone, match="belongs to job anotherjob now"):
        made.landing.sweep(is_final=False)


def test_a_frame_with_a_receipt_is_not_replaced_by_a_late_one(attempt: MakeAttempt) -> None:
    made = attempt()
    made.render("o_0001.png")
    late = Landing(made.spool, made.output, STEM, [1, 2, 3], lambda: True)
    late.begin()
    made.landing.sweep(is_final=False)
    before = Path(made.output.folder, "o_0001.png").stat().st_ino
    made.render("o_0001.png", picture(side=4) + b"")
    late.sweep(is_final=True)
    assert Path(made.output.folder, "o_0001.png").stat().st_ino == before


def test_a_frame_changed_since_its_receipt_is_rendered_again(attempt: MakeAttempt) -> None:
    made = attempt()
    made.render("o_0001.png")
    made.landing.sweep(is_final=False)
    Path(made.output.folder, "o_0001.png").write_bytes(b"painted over")
    assert again(made).begin() == [1, 2, 3]


def test_a_movie_counts_for_all_its_frames(attempt: MakeAttempt) -> None:
    made = attempt("film_####", Writes.MOVIE)
    made.render("film_0001-0003.mkv", b"moving pictures")
    assert made.landing.sweep(is_final=False) == 0
    assert made.landing.sweep(is_final=True) == 3
    assert made.landing.missing() == ""
    assert frames.read_receipt(made.spool, made.output, made.landing.movie)


def test_a_movie_that_is_cut_short_is_not_put_in_place(attempt: MakeAttempt) -> None:
    made = attempt("film_####", Writes.MOVIE)
    made.render("film_0001-0003.mp4", b"moving pictures")
    assert made.landing.sweep(is_final=True) == 0
    assert "is not whole" in made.landing.missing()
    assert not Path(made.output.folder, "film_0001-0003.mp4").exists()


def test_a_movie_that_is_in_place_is_not_rendered_again_by_the_next_attempt(
    attempt: MakeAttempt,
) -> None:
    made = attempt("film_####", Writes.MOVIE)
    made.render("film_0001-0003.mkv", b"moving pictures")
    made.landing.sweep(is_final=True)
    second = again(made)
    assert second.begin() == []
    second.sweep(is_final=True)
    assert second.missing() == ""


def test_each_run_of_a_job_has_a_movie_of_its_own(attempt: MakeAttempt) -> None:
    made = attempt("film_####", Writes.MOVIE)
    made.render("film_0001-0003.mkv", b"moving pictures")
    made.landing.sweep(is_final=True)
    other = Landing(made.spool, made.output, "00002.1.ws07-0123abcd", [7, 8], lambda: True)
    assert other.begin() == [7, 8]


def test_an_empty_or_failed_movie_is_none(attempt: MakeAttempt) -> None:
    made = attempt("film_####", Writes.MOVIE)
    Path(made.output.private(STEM), "film_0001-0003.mkv").touch()
    assert made.landing.sweep(is_final=True) == 0
    made.render("film_0001-0003.mkv", b"half of it")
    assert made.landing.salvage(saved=[1, 2, 3]) == 0
    assert made.there() == []


def test_frames_written_in_place_count_at_the_end_when_fresh_and_whole(
    attempt: MakeAttempt,
) -> None:
    made = attempt(writes=Writes.ITSELF)
    folder = Path(made.output.folder)
    (folder / "o_0001.png").write_bytes(picture())
    (folder / "o_0002.png").write_bytes(picture()[:-3])
    (folder / "o_0003.png").write_bytes(picture())
    os.utime(folder / "o_0003.png", (1, 1))
    assert made.landing.sweep(is_final=False) == 0
    assert made.landing.sweep(is_final=True) == 1
    assert set(made.landing.complaints) == {2, 3}
    assert "older than this run" in made.landing.complaints[3]


class Refusing(PosixShare):
    """A real share on which moves into the output, or new files, are refused for a while."""

    def __init__(self, number: int, call: str = "rename", text: str = "/out/o_") -> None:
        self.number, self.call, self.text = number, call, text

    def _refuse(self, call: str, path: str) -> None:
        if self.number and call == self.call and self.text in path:
            raise OSError(self.number, os.strerror(self.number), path)

    def rename(self, old: str, new: str) -> None:
        self._refuse("rename", new)
        super().rename(old, new)

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        self._refuse("create", path)
        super().create(path, data, sync=sync)


# ETXTBSY and EBUSY are what SMB servers answer for a target that a reader holds open; no local
# file system does, so a share that refuses stands in for one.
HELD = [errno.EBUSY, errno.ETXTBSY, errno.ESTALE, errno.EAGAIN, errno.EACCES, errno.EDQUOT]


@pytest.mark.parametrize("number", HELD, ids=errno.errorcode.get)
def test_a_frame_whose_target_is_refused_waits_and_lands_when_it_is_free(
    attempt: MakeAttempt, number: int
) -> None:
    made = attempt()
    share = Refusing(number)
    made.landing.spool = made.landing.files.spool = replace(made.spool, share=share)
    made.render("o_0001.png")
    assert made.landing.sweep(is_final=False) == 0
    made.render("o_0002.png")
    assert made.landing.sweep(is_final=True) == 0
    assert sorted(made.landing.waiting) == [1, 2]
    refusal = made.landing.finish()
    assert refusal is not None
    assert refusal.number == number
    assert "/o_000" in refusal.message
    assert made.there() == []
    share.number = 0
    assert made.landing.finish() is None
    assert made.there() == ["o_0001.png", "o_0002.png"]
    assert set(frames.receipted(made.spool, made.output, [1, 2, 3])) == {1, 2}


def test_one_target_held_open_keeps_no_other_frame(attempt: MakeAttempt) -> None:
    made = attempt()
    made.landing.spool = made.landing.files.spool = replace(
        made.spool, share=Refusing(errno.EBUSY, text="/out/o_0001")
    )
    made.render("o_0001.png")
    made.landing.sweep(is_final=False)
    made.render("o_0002.png")
    assert made.landing.sweep(is_final=False) == 1
    assert made.there() == ["o_0002.png"]


def test_a_receipt_without_room_costs_no_frame(attempt: MakeAttempt) -> None:
    made = attempt()
    share = Refusing(errno.ENOSPC, "create", "/new.")
    made.landing.spool = made.landing.files.spool = replace(made.spool, share=share)
    made.render("o_0001.png")
    refusal = made.landing.finish()
    assert refusal is not None
    assert "no space left" in refusal.message
    assert made.there() == [], "nothing gets its name before its receipt has room"
    share.number = 0
    assert made.landing.finish() is None
    assert made.there() == ["o_0001.png"]


def test_a_move_that_stopped_half_way_goes_on_where_it_was(attempt: MakeAttempt) -> None:
    made = attempt()
    share = Refusing(errno.EIO, text="/ok/1")  # the last of the moves: the receipt's
    made.landing.spool = made.landing.files.spool = replace(made.spool, share=share)
    made.render("o_0001.png")
    assert made.landing.finish() is not None
    assert made.there() == ["o_0001.png"]
    share.number = 0
    assert made.landing.finish() is None
    assert list(frames.receipted(made.spool, made.output, [1])) == [1]


def test_the_next_attempt_takes_over_what_could_not_be_moved(attempt: MakeAttempt) -> None:
    made = attempt()
    share = Refusing(errno.EBUSY)
    made.landing.spool = made.landing.files.spool = replace(made.spool, share=share)
    made.render("o_0001.png")
    made.render("o_0002.png", picture()[:40])  # torn
    made.landing.sweep(is_final=False)
    heir = again(made)
    heir.spool = replace(made.spool, share=share)
    assert heir.begin() == [2, 3], "what waits is not rendered anew"
    share.number = 0
    assert heir.finish() is None
    assert made.there() == ["o_0001.png"]
    heir.clear()
    assert not os.path.exists(made.output.private(STEM))


def test_a_share_that_went_away_for_a_moment_stops_nothing(attempt: MakeAttempt) -> None:
    made = attempt()
    made.render("o_0001.png")
    since, away = f"{made.output.own}/since", f"{made.output.own}/away"
    os.rename(since, away)  # what a mount point without its share shows: no mark
    assert made.landing.sweep(is_final=False) == 0
    refusal = made.landing.refusal
    assert refusal is not None
    assert "is the output share mounted?" in refusal.message
    os.rename(away, since)
    assert made.landing.finish() is None
    assert made.there() == ["o_0001.png"]


def test_a_disk_with_room_is_not_full_and_one_that_is_gone_is_not_either(
    spool: Spool, tmp_path: Path
) -> None:
    assert not landing.is_full(spool, str(tmp_path))
    assert not landing.is_full(spool, str(tmp_path / "gone"))


def test_a_disk_that_counts_no_inodes_is_not_full(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Uncounted:  # what statvfs says on btrfs
        f_bavail = f_blocks = 1 << 20
        f_frsize = 4096
        f_files = f_ffree = f_favail = 0

    monkeypatch.setattr(os, "statvfs", lambda _path: Uncounted)
    assert not landing.is_full(spool, str(tmp_path))


def test_a_share_that_fails_for_a_moment_does_not_end_the_command(attempt: MakeAttempt) -> None:
    class Moody(PosixShare):
        """A real share that answers no question of a picture once in a while."""

        troubles = 0

        def listdir(self, path: str) -> list[str]:
            self.troubles += 1
            if self.troubles == 1:
                raise OSError(errno.ESTALE, "stale file handle", path)
            return super().listdir(path)

        def open(self, path: str) -> BinaryIO:
            if self.troubles == 2:
                raise OSError(errno.EIO, "bad weather", path)
            return super().open(path)

        def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> bytes:
            if self.troubles == 3 and path.endswith("/since"):
                self.troubles += 1
                raise OSError(errno.ESTALE, "stale file handle", path)
            return super().read(path, limit, start)

    made = attempt()
    made.render("o_0002.png")
    made.landing.spool = made.landing.files.spool = replace(made.spool, share=Moody())
    assert [made.landing.sweep(is_final=False) for _ in range(3)] == [0, 0, 1]


# Sets: what a Blender with our prologue leaves in the private folder.

PASSES = {"0": ("shadow_", "passes"), "1": ("mist_", "passes")}


def tell(made: Attempt, frame: int, *, skip: str = "", side: int = 4, stem: str = STEM) -> None:
    """Leave a whole frame as the prologue does: an image and two passes."""
    private = Path(made.output.private(stem))
    private.mkdir(exist_ok=True)
    home = Path(made.output.folder)
    table = {
        key: {"folder": str(home / folder), "patterns": [name], "node": "File Output", "owns": True}
        for key, (name, folder) in PASSES.items()
    }
    (private / "passes.json").write_text(json.dumps(table))
    files = {
        "main": f"o_{frame:04}.png",
        **{k: f"{n}{frame:04}.png" for k, (n, _) in PASSES.items()},
    }
    for key, name in files.items():
        if key != skip:
            folder = private / f"frame.{frame}" / key
            folder.mkdir(parents=True)
            (folder / name).write_bytes(picture(side=side if key == "main" else 2))


def all_there(made: Attempt) -> set[str]:
    home = Path(made.output.folder)
    found = (p.relative_to(home) for p in home.rglob("*") if p.is_file())
    return {str(path) for path in found if ".renderd" not in path.parts}


def whole(*numbers: int) -> set[str]:
    return {
        name.format(n)
        for n in numbers
        for name in ("o_{:04}.png", "passes/shadow_{:04}.png", "passes/mist_{:04}.png")
    }


def test_all_files_of_a_told_frame_land_where_they_belong(attempt: MakeAttempt) -> None:
    made = attempt()
    tell(made, 1)
    tell(made, 2)
    assert made.landing.sweep(is_final=False) == 2
    assert all_there(made) == whole(1, 2)
    assert again(made).begin() == [3]
    receipt = made.landing.receipts[1]
    assert len(receipt.files) == 3
    assert receipt.files[-1][0] == "o_0001.png"
    assert receipt.size == (4, 4)


def test_a_frame_that_is_not_told_whole_stays_private(attempt: MakeAttempt) -> None:
    made = attempt()
    tell(made, 1)
    made.render("o_0002.png")
    part = Path(made.output.private(STEM), "frame.3.part", "main")
    part.mkdir(parents=True)
    (part / "o_0003.png").write_bytes(picture())
    assert made.landing.sweep(is_final=True, saved=[2, 3]) == 1
    assert all_there(made) == whole(1)


def test_a_frame_that_lacks_a_file_of_the_first_frames_set_is_refused(
    attempt: MakeAttempt,
) -> None:
    made = attempt()
    tell(made, 1)
    tell(made, 2, skip="1")
    assert made.landing.sweep(is_final=True) == 1
    assert all_there(made) == whole(1)
    assert "frame 2, 3: it lacks" in made.landing.missing()
    assert "passes/mist_0002.png'" in made.landing.missing()


def test_frames_are_like_those_of_before_that_their_job_keeps(attempt: MakeAttempt) -> None:
    made = attempt()
    kept = FrameSet({"o_####.png": (8, 8)}, is_told=False)
    sets.enter_kept(made.landing.spool, made.output, kept)
    tell(made, 1)
    tell(made, 2, side=8)

    assert made.landing.sweep(is_final=True) == 1
    assert "o_0001.png has 4×4 pixels, the job's other frames have 8×8" in made.landing.missing()


def test_what_is_redone_is_like_the_frames_of_the_job_that_is_over(
    attempt: MakeAttempt, spool: Spool
) -> None:
    made = attempt()
    kept = FrameSet({"o_####.png": (8, 8)})
    sets.enter(spool, made.output, kept)
    closing.collect(spool, jobs.read(spool, made.output.jid))
    redo = replace(made.output, jid="k2p2x7zzzz", redoes=made.output.jid)
    assert sets.read(spool, redo) == kept


def test_a_pass_alone_is_no_frame(attempt: MakeAttempt) -> None:
    made = attempt()
    tell(made, 1, skip="main")
    assert made.landing.sweep(is_final=True) == 0
    assert "no image of its own" in made.landing.missing()


def test_nodes_that_land_their_first_frames_at_once_agree_on_one_set(attempt: MakeAttempt) -> None:
    made = attempt()
    other = again(made)
    tell(made, 1)
    tell(made, 2, skip="0", stem=other.stem)
    assert other.sweep(is_final=True) == 1  # its set is the first
    assert made.landing.sweep(is_final=True) == 0
    assert "it has " in made.landing.missing()
    assert "shadow_0001.png" in made.landing.missing()


def test_passes_may_have_sizes_of_their_own_but_one_each(attempt: MakeAttempt) -> None:
    made = attempt()
    tell(made, 1)
    tell(made, 2, side=8)
    assert made.landing.sweep(is_final=True) == 1
    assert "o_0002.png has 8×8 pixels, the job's other frames have 4×4" in made.landing.missing()


def test_a_broken_pass_keeps_its_frame_out(attempt: MakeAttempt) -> None:
    made = attempt()
    tell(made, 1)
    broken = Path(made.output.private(STEM), "frame.1", "0", "shadow_0001.png")
    broken.write_bytes(picture()[:-5])
    assert made.landing.sweep(is_final=True) == 0
    assert all_there(made) == set()
    assert "shadow_0001.png' is not whole" in made.landing.missing()


def test_two_slots_of_one_name_do_not_overwrite_each_other(
    attempt: MakeAttempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PASSES, "1", ("shadow_", "passes"))
    made = attempt()
    tell(made, 1)
    assert made.landing.sweep(is_final=True) == 0
    assert "two of its files want the name" in made.landing.missing()


def test_a_pass_without_the_frames_number_is_refused(
    attempt: MakeAttempt,
) -> None:
    made = attempt()
    tell(made, 1)
    folder = Path(made.output.private(STEM), "frame.1", "0")
    os.rename(folder / "shadow_0001.png", folder / "shadow.png")
    assert made.landing.sweep(is_final=True) == 0
    assert "does not hold the frame's number" in made.landing.missing()


class Killed(Exception):
    """The machine stops here."""


@pytest.mark.parametrize("step", range(1, 12))
def test_killed_between_the_files_of_a_set_nothing_counts_and_the_next_attempt_completes_it(
    attempt: MakeAttempt, step: int
) -> None:
    class Mortal(PosixShare):
        """A real share under a daemon that is killed at one of its moves."""

        moves = 0

        def rename(self, old: str, new: str) -> None:
            self.moves += 1
            if self.moves == step:
                raise Killed
            super().rename(old, new)

    made = attempt()
    tell(made, 1)
    made.landing.spool = made.landing.files.spool = replace(made.spool, share=Mortal())
    try:
        made.landing.sweep(is_final=False)
    except Killed:
        assert frames.read_receipt(made.spool, made.output, 1) is None
    for name in all_there(made):
        Image.open(Path(made.output.folder, name)).load()
    second = again(made)
    second.begin()
    tell(made, 1, stem=second.stem)
    second.sweep(is_final=True)
    assert 1 in second.receipts
    assert all_there(made) == whole(1)


def test_passes_on_another_disk_are_copied_and_still_all_or_none(
    attempt: MakeAttempt, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = other_disk / "passes"
    far.mkdir()
    monkeypatch.setitem(PASSES, "1", ("mist_", str(far)))
    made = attempt()
    tell(made, 1)
    assert made.landing.sweep(is_final=True) == 1
    assert (far / "mist_0001.png").read_bytes() == picture(side=2)
    assert [p.name for p in (far / ".renderd").iterdir() if "~" in p.name] == []
    assert again(made).begin() == [2, 3]
    frames.disown(made.spool, jobs.read(made.spool, made.output.jid))
    assert not (far / ".renderd").exists()


def test_a_folder_is_not_made_where_another_disk_may_be_missing(
    attempt: MakeAttempt, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PASSES, "1", ("mist_", str(other_disk / "not" / "mounted")))
    made = attempt()
    tell(made, 1)
    with pytest.raises(OutputGone, match="mount its share"):
        made.landing.sweep(is_final=True)
    assert not (other_disk / "not").exists()
    assert all_there(made) == set()


def test_passes_go_only_where_this_machine_allows_output(attempt: MakeAttempt) -> None:
    made = attempt()
    tell(made, 1)
    made.landing.files.allows = lambda folder: not folder.endswith("passes")
    with pytest.raises(OutputGone, match=r"does not allow output in .*passes"):
        made.landing.sweep(is_final=True)
    assert all_there(made) == set()


def test_two_open_jobs_do_not_write_the_same_passes(attempt: MakeAttempt) -> None:
    first, second = attempt("o_####.png"), attempt("p_####.png")
    tell(first, 1)
    first.landing.sweep(is_final=True)
    tell(second, 1)
    os.rename(
        Path(second.output.private(STEM), "frame.1", "main", "o_0001.png"),
        Path(second.output.private(STEM), "frame.1", "main", "p_0001.png"),
    )
    with pytest.raises(OutputOwned, match=f"which job {first.output.jid}"):
        second.landing.sweep(is_final=True)
    assert all_there(first) == whole(1)
    place = tickets.find(first.spool, first.output.jid)
    assert place is not None
    tickets.turn(first.spool, place, CANCELLED)
    second.landing.files.table = None
    assert second.landing.sweep(is_final=True) == 1


def test_passes_that_became_anothers_stop_the_landing(attempt: MakeAttempt) -> None:
    made = attempt()
    tell(made, 1)
    made.landing.sweep(is_final=False)
    for mark in Path(made.output.folder, "passes", ".renderd").glob("*.owner"):
        mark.unlink()
    tell(made, 2)
    with pytest.raises(OutputGone, match=r"does not see the job's mark in .*passes"):
        made.landing.sweep(is_final=False)


def test_passes_whose_share_is_not_seen_make_the_node_unable(attempt: MakeAttempt) -> None:
    made = attempt()
    tell(made, 1)
    made.landing.sweep(is_final=False)
    assert passes.why_not_able(made.spool, made.output) == ""
    os.rename(Path(made.output.folder, "passes"), Path(made.output.folder, "away"))
    assert "does not see the job's mark in" in passes.why_not_able(made.spool, made.output)


def test_a_films_passes_land_with_it(attempt: MakeAttempt) -> None:
    made = attempt("film_####", Writes.MOVIE)
    for frame in (1, 2, 3):
        tell(made, frame, skip="main")
    made.render("film_0001-0003.mkv", b"moving pictures")
    assert made.landing.sweep(is_final=True) == 3
    passed = {name for name in whole(1, 2, 3) if name.startswith("passes")}
    assert all_there(made) == {"film_0001-0003.mkv", *passed}
    assert len(made.landing.receipts[1].files) == 7
