"""A dropped file becomes one job, or is refused with words; never lost, never run half-written."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from renderd import plan
from renderd.core import farm
from renderd.core.job import Draft
from renderd.core.names import parse_adopting
from renderd.spool import frames, jobs, orders, tickets, trust
from renderd.spool.adopt import PATIENCE, Adopter
from renderd.spool.layout import HELD, QUEUE, WAITING, Spool
from renderd.spool.listing import chunks
from renderd.spool.share import PosixShare

INC = "ws07-0123abcd"


@pytest.fixture
def adopter(spool: Spool) -> Adopter:
    def planner(info: Any, name: str) -> Draft:
        return plan.from_info(info, name, spool.farm, "linux")

    return Adopter(spool, INC, planner, trust.policy_of(spool))


def drop(spool: Spool, data: bytes | str, name: str = "shot.info") -> Path:
    path = Path(spool.at(name))
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    os.chmod(path, 0o644)
    return path


def look(adopter: Adopter, start: float = 0.0, seconds: float = 6.0) -> None:
    """What a daemon's polls do, with a clock of our own."""
    now = start
    while now < start + seconds:
        adopter.look(tuple(os.listdir(adopter.spool.root)), now)
        now += 0.5


def why(spool: Spool) -> str:
    (found,) = Path(spool.at("bad")).glob("*.why")
    return found.read_text()


def test_a_dropped_command_becomes_a_job(spool: Spool, adopter: Adopter) -> None:
    drop(spool, "echo hello\n")
    look(adopter)
    (ticket,) = tickets.listed(spool, QUEUE)
    assert ticket.slug == "shot"
    assert Path(spool.at(QUEUE, ticket.name)).read_text() == "echo hello\n"
    assert [c.run for c in chunks(spool, ticket.jid)] == [None]
    assert not Path(spool.at("shot.info")).exists()


def test_a_file_is_not_taken_in_before_it_was_the_same_twice(
    spool: Spool, adopter: Adopter
) -> None:
    drop(spool, "echo hello\n")
    look(adopter, seconds=1.6)
    assert tickets.everywhere(spool) == {}


def test_an_output_outside_the_allowed_folders_is_refused_and_not_made(
    spool: Spool, adopter: Adopter, tmp_path: Path
) -> None:
    adopter.outputs = ((), (str(tmp_path / "frames"),))
    drop(spool, f"frames: 1-4\nout: {tmp_path}/else/x_####.png\n\nprog {{out}}\n")
    look(adopter)
    assert "is not allowed" in why(spool)
    assert not (tmp_path / "else").exists()
    assert adopter.refused == 1


def test_a_slow_writer_is_waited_for(spool: Spool, adopter: Adopter) -> None:
    path = drop(spool, "frames: 1-20\n")
    with path.open("a") as file:  # the writer keeps its file open while it is renamed
        look(adopter, 0.0, 1.5)
        file.write("\necho {start}")
        file.flush()
        look(adopter, 1.5, 1.5)
        file.write(" {end}\n")
        file.flush()
        look(adopter, 3.0, 6.0)
    (ticket,) = tickets.listed(spool, QUEUE)
    assert len(chunks(spool, ticket.jid)) == 2


def test_an_empty_file_is_refused_after_a_minute(spool: Spool, adopter: Adopter) -> None:
    drop(spool, "")
    look(adopter, 0.0, PATIENCE - 5)
    assert os.listdir(spool.at("bad")) == []
    look(adopter, PATIENCE, 2 * PATIENCE)
    assert "is empty" in why(spool)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("framez: 1-10\n\necho\n", "frames"),
        ("frames: 1-\n\necho\n", "1-"),
        (b"echo \xff\n", "UTF-8"),
        (b"echo \0\n", "NUL"),
        ("echo 'open\n", "quot"),
        ("name: only headers\n", "command"),
        ("blender -b /no/file.blend\n", "nothing would be rendered"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    spool: Spool, adopter: Adopter, data: bytes | str, says: str
) -> None:
    drop(spool, data)
    look(adopter)
    assert says in why(spool)
    assert tickets.everywhere(spool) == {}
    (kept,) = Path(spool.at("bad")).glob("*.info")
    assert kept.read_bytes() == (data.encode() if isinstance(data, str) else data)


def test_crlf_and_a_bom_are_read(spool: Spool, adopter: Adopter) -> None:
    drop(spool, b"\xef\xbb\xbfframes: 1-20\r\n\r\necho {start}\r\n")
    look(adopter)
    (ticket,) = tickets.listed(spool, QUEUE)
    assert len(chunks(spool, ticket.jid)) == 2


def test_a_link_and_a_pipe_are_refused_unread(
    spool: Spool, adopter: Adopter, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("echo secret\n")
    os.symlink(secret, spool.at("link.info"))
    os.mkfifo(spool.at("pipe.info"))
    look(adopter)
    assert tickets.everywhere(spool) == {}
    look(adopter, 100.0, PATIENCE + 10)
    texts = " ".join(p.read_text() for p in Path(spool.at("bad")).glob("*.why"))
    assert "symbolic link" in texts
    assert "no regular file" in texts


def test_a_folder_of_that_name_is_left_alone(spool: Spool, adopter: Adopter) -> None:
    os.mkdir(spool.at("folder.info"))
    look(adopter, 0.0, PATIENCE + 10)
    assert os.path.isdir(spool.at("folder.info"))


def test_a_reused_name_makes_two_jobs(spool: Spool, adopter: Adopter) -> None:
    drop(spool, "echo one\n")
    look(adopter)
    drop(spool, "echo two\n")
    look(adopter, 10.0)
    assert len(tickets.listed(spool, QUEUE)) == 2


def test_a_second_job_into_one_output_is_held_with_the_reason(
    spool: Spool, adopter: Adopter, tmp_path: Path
) -> None:
    text = f"out: {tmp_path}/out/a_####.png\nframes: 1-10\n\nprog {{out}}\n"
    drop(spool, text, "one.info")
    look(adopter)
    drop(spool, text, "two.info")
    look(adopter, 10.0)
    (first,), (second,) = tickets.listed(spool, QUEUE), tickets.listed(spool, HELD)
    control = Path(spool.job(second.jid, "control")).read_text()
    assert first.jid in control


def test_a_job_held_for_its_output_and_queued_by_hand_takes_it_when_it_is_free(
    spool: Spool, adopter: Adopter, tmp_path: Path
) -> None:
    text = f"out: {tmp_path}/out/a_####.png\nframes: 1-10\n\nprog {{out}}\n"
    drop(spool, text, "one.info")
    look(adopter)
    drop(spool, text, "two.info")
    look(adopter, 10.0)
    (first,), (second,) = tickets.listed(spool, QUEUE), tickets.listed(spool, HELD)
    orders.cancel(spool, first.jid)
    os.rename(spool.at(HELD, second.name), spool.at(QUEUE, second.next().name))
    job = jobs.read(spool, second.jid)
    output = frames.locate(spool, job)
    assert output
    assert frames.is_lost(spool, output)  # which makes a node settle whose it is


def test_a_dropped_job_for_a_disk_of_one_machine_is_held_until_somebody_means_it(
    spool: Spool, adopter: Adopter, tmp_path: Path
) -> None:
    adopter.local_disk = lambda folder: "ext4 on /" if folder.endswith("/out") else ""
    drop(spool, f"out: {tmp_path}/out/a_####.png\nframes: 1-10\n\nprog {{out}}\n")
    look(adopter)
    (ticket,) = tickets.listed(spool, HELD)
    control = Path(spool.job(ticket.jid, "control")).read_text()
    assert "on ws07, which took it in" in control
    assert "is on a disk of this machine alone (ext4 on /)" in control
    assert not (tmp_path / "out").exists()
    orders.release(spool, ticket.jid)
    assert tickets.listed(spool, QUEUE)


@pytest.mark.parametrize("looks", [1, 2])
def test_a_share_that_goes_away_while_a_dropped_job_is_built_gets_no_marks_beside_it(
    spool: Spool, adopter: Adopter, tmp_path: Path, looks: int
) -> None:
    answers = iter([*[""] * looks, "ext4 on /", "ext4 on /"])
    adopter.local_disk = lambda _folder: next(answers)
    drop(spool, f"out: {tmp_path}/out/a_####.png\nframes: 1-10\n\nprog {{out}}\n")
    look(adopter)
    look(adopter, 10.0)
    assert not tickets.listed(spool, QUEUE)
    (ticket,) = tickets.listed(spool, HELD)
    assert "of this machine alone" in Path(spool.job(ticket.jid, "control")).read_text()
    assert not (tmp_path / "out" / ".renderd").exists()
    assert (tmp_path / "out").exists() == (looks > 1)  # seen in time, not even its folder is made


def test_a_job_queued_by_hand_that_nobody_gave_its_output_takes_it_when_released(
    spool: Spool, adopter: Adopter, tmp_path: Path
) -> None:
    adopter.local_disk = lambda _folder: "ext4 on /"
    drop(spool, f"out: {tmp_path}/out/a_####.png\nframes: 1-10\n\nprog {{out}}\n")
    look(adopter)
    (held,) = tickets.listed(spool, HELD)
    os.rename(spool.at(HELD, held.name), spool.at(QUEUE, held.next().name))
    output = frames.locate(spool, jobs.read(spool, held.jid))
    assert output
    assert frames.why_not_able(spool, output)
    (tmp_path / "out").mkdir()
    orders.release(spool, held.jid)
    assert not frames.why_not_able(spool, output)


def test_a_job_for_a_share_that_is_not_mounted_on_its_adopter_is_held_with_the_reason(
    spool: Spool, adopter: Adopter, tmp_path: Path
) -> None:
    (tmp_path / "proj").mkdir()
    name = "darwin" if sys.platform == "darwin" else "linux"
    rules = farm.parse(f'[roots]\nproj = {{ {name} = "{tmp_path}/proj" }}\n')
    adopter.spool = replace(spool, farm=rules)
    adopter.plan = lambda info, named: plan.from_info(info, named, rules, name)
    drop(spool, "out: {proj}/out/a_####.png\nframes: 1-10\n\nprog {out}\n")
    look(adopter)
    (held,) = tickets.listed(spool, HELD)
    control = Path(spool.job(held.jid, "control")).read_text()
    assert "on ws07, which took it in: {proj}, where the frames go, is not seen here" in control
    assert not any((tmp_path / "proj").iterdir())
    (tmp_path / "proj" / "assets").mkdir()  # it is mounted now
    orders.release(adopter.spool, held.jid)
    assert (tmp_path / "proj/out/.renderd" / held.jid / "since").read_text().strip() == held.jid


def test_after_a_name_that_comes_within_a_minute_waits_for_it(
    spool: Spool, adopter: Adopter, publish: Callable[..., str]
) -> None:
    drop(spool, "after: sim\n\necho\n")
    look(adopter, 0.0, 20.0)
    assert tickets.everywhere(spool) == {}
    sim = publish("sim")
    look(adopter, 20.0, 5.0)
    (ticket,) = tickets.listed(spool, WAITING)
    assert jobs.read(spool, ticket.jid).info.after == (sim,)


def test_after_a_name_that_never_comes_is_refused(spool: Spool, adopter: Adopter) -> None:
    drop(spool, "after: sim\n\necho\n")
    look(adopter, 0.0, PATIENCE + 10)
    assert "no job is called 'sim'" in why(spool)


def test_a_dead_nodes_adoption_is_taken_over_under_a_new_jid(
    spool: Spool, adopter: Adopter
) -> None:
    name = "ws99-ffffffff~aaaaaaaaaa~shot.info"
    drop(spool, "echo hello\n", f"adopting/{name}")
    os.mkdir(spool.job("aaaaaaaaaa"))
    assert adopter.take_over(set(), 0.0) == {"ws99-ffffffff"}
    assert adopter.take_over({"ws99-ffffffff"}, 0.0) == set()
    look(adopter)
    (ticket,) = tickets.listed(spool, QUEUE)
    assert ticket.jid != "aaaaaaaaaa"
    assert not os.path.exists(spool.job("aaaaaaaaaa"))


def test_an_own_leftover_is_gone_on_with(spool: Spool, adopter: Adopter) -> None:
    drop(spool, "echo hello\n", f"adopting/{INC}~habcdef~shot.info")
    adopter.take_over(set(), 0.0)
    files = [n for n in os.listdir(spool.at("adopting")) if os.path.isfile(spool.at("adopting", n))]
    names = [parse_adopting(n) for n in files]
    assert [n.is_first_hop for n in names if n] == [False]
    look(adopter)
    assert len(tickets.listed(spool, QUEUE)) == 1


def test_both_moves_delivered_again_lay_no_second_file_over_the_first(
    spool: Spool, adopter: Adopter
) -> None:
    moves: list[tuple[str, str]] = []

    class Recorder(PosixShare):
        def rename(self, old: str, new: str) -> None:
            super().rename(old, new)
            moves.append((old, new))

    adopter.spool = replace(spool, share=Recorder())
    drop(spool, "echo first\n")
    look(adopter, seconds=1.6)
    drop(spool, "echo second\n")
    for old, new in moves:  # what a network does that delivers a request twice
        with contextlib.suppress(OSError):
            os.rename(old, new)
    look(adopter, 2.0, 12.0)
    texts = [Path(spool.at(QUEUE, t.name)).read_text() for t in tickets.listed(spool, QUEUE)]
    assert sorted(texts) == ["echo first\n", "echo second\n"]
    assert os.listdir(spool.at("adopting")) == []


def test_a_file_that_duplicates_lay_where_a_job_came_from_takes_nothing_from_that_job(
    spool: Spool, adopter: Adopter
) -> None:
    drop(spool, "echo first\n")
    look(adopter)
    (first,) = tickets.listed(spool, QUEUE)
    drop(spool, "echo second\n", f"adopting/{INC}~{first.jid}~shot.info")
    adopter.take_over(set(), 10.0)
    look(adopter, 10.0)
    assert len(tickets.listed(spool, QUEUE)) == 2
    assert [c.run for c in chunks(spool, first.jid)] == [None]


def test_an_empty_folder_in_the_place_of_a_dropped_file_goes_and_takes_nothing_with_it(
    spool: Spool, adopter: Adopter
) -> None:
    drop(spool, "echo first\n")
    look(adopter)
    (first,) = tickets.listed(spool, QUEUE)
    os.mkdir(spool.at("adopting", f"{INC}~{first.jid}~shot.info"))
    os.mkdir(spool.at("adopting", "ws99-ffffffff~habcdef~shot.info"))
    adopter.take_over({"ws99-ffffffff"}, 10.0)
    look(adopter, 10.0)
    assert os.listdir(spool.at("adopting")) == os.listdir(spool.at("bad")) == []
    assert [c.run for c in chunks(spool, first.jid)] == [None]


def test_of_two_nodes_one_adopts(spool: Spool, adopter: Adopter) -> None:
    other = Adopter(spool, "ws08-0123abcd", adopter.plan, adopter.policy)
    for n in range(20):
        drop(spool, f"echo {n}\n", f"drop{n}.info")
    for step in range(16):
        for one in (adopter, other):
            one.look(tuple(os.listdir(spool.root)), step / 2)
    assert len(tickets.listed(spool, QUEUE)) == 20


def test_a_dropped_file_of_which_the_server_forgot_chunks_comes_in_again(
    spool: Spool, adopter: Adopter
) -> None:
    class Forgetful(PosixShare):
        """A server that forgets an acknowledged chunk once, as after a power cut without sync."""

        has_forgotten = False

        def rename(self, old: str, new: str) -> None:
            super().rename(old, new)
            if "/queue/" in new and not self.has_forgotten:
                self.has_forgotten = True
                (chunk,) = Path(spool.root).glob("jobs/*/000/00001_*")
                chunk.unlink()

    adopter.spool = replace(spool, share=Forgetful())
    drop(spool, "frames: 1-20\n\nprog {start}\n")
    look(adopter, seconds=12.0)
    (ticket,) = tickets.listed(spool, QUEUE)
    assert len(chunks(spool, ticket.jid)) == 2
    assert os.listdir(spool.at("jobs")) == [ticket.jid]


def test_a_dropped_file_waits_while_its_outputs_disk_is_full(
    spool: Spool, adopter: Adopter, tmp_path: Path
) -> None:
    class Full(PosixShare):
        """A share whose outputs lie on a disk without room."""

        def mkdir(self, path: str) -> None:
            if path.endswith("/frames"):
                raise OSError(errno.ENOSPC, "no space left on device", path)
            super().mkdir(path)

    adopter.spool = replace(spool, share=Full())
    drop(spool, f"frames: 1-4\nout: {tmp_path}/frames/x_####.png\n\nprog {{out}}\n")
    look(adopter, seconds=100.0)
    assert os.listdir(spool.at("bad")) == []
    adopter.spool = spool
    look(adopter, 100.0)
    assert len(tickets.listed(spool, QUEUE)) == 1


class Silent(PosixShare):
    """A share on which some moves time out, and are done later."""

    def __init__(self) -> None:
        self.parts: list[str] = []  #: of the new names of the next moves that do so
        self.late: list[tuple[str, str]] = []

    def rename(self, old: str, new: str) -> None:
        if self.parts and self.parts[0] in new:
            del self.parts[0]
            self.late.append((old, new))
            raise OSError(errno.ETIMEDOUT, "timed out", old)
        super().rename(old, new)


def test_a_chunk_whose_move_is_in_doubt_is_never_written_a_second_time(
    spool: Spool, adopter: Adopter
) -> None:
    """Nor where the way to another jid is in doubt as well: late, it would come back once more."""
    adopter.spool = replace(spool, share=(share := Silent()))
    drop(spool, "frames: 1-30\n\nprog {start} {end}\n")
    share.parts = ["/000/00002_", "/adopting/"]
    look(adopter, seconds=4.0)
    late, _ = share.late
    look(adopter, 4.0)
    (ticket,) = tickets.listed(spool, QUEUE)
    assert ticket.jid not in late[1]
    assert not Path(late[1]).exists()


class Failing(PosixShare):
    """A share that answers some of its calls with errors."""

    def __init__(self) -> None:
        self.makes: list[OSError] = []  #: what the next new files meet, done or not
        self.is_full = False

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "no space left on device", path)
        super().create(path, data, sync=sync)
        if self.makes:
            raise self.makes.pop()


def test_a_node_that_slept_and_then_met_one_error_does_not_refuse_the_file(
    spool: Spool, adopter: Adopter
) -> None:
    adopter.spool = replace(spool, share=(share := Failing()))
    drop(spool, "echo hello\n")
    look(adopter, seconds=1.0)
    assert adopter.held
    share.makes = [OSError(errno.EINVAL, "invalid argument")]
    look(adopter, start=1.0 + 5 * PATIENCE)
    assert not share.makes
    assert len(tickets.listed(spool, QUEUE)) == 1


def test_nothing_is_refused_while_the_disk_is_too_full_to_say_why(
    spool: Spool, adopter: Adopter
) -> None:
    adopter.spool = replace(spool, share=(share := Failing()))
    path = drop(spool, "")
    with path.open("w") as script:  # it cannot write either
        share.is_full = True
        look(adopter, seconds=2 * PATIENCE)
        assert os.listdir(spool.at("bad")) == []
        share.is_full = False
        script.write("echo hello\n")
    look(adopter, start=2 * PATIENCE)
    assert len(tickets.listed(spool, QUEUE)) == 1


def test_what_a_nas_box_leaves_in_the_root_is_no_drop(spool: Spool, adopter: Adopter) -> None:
    for name in ("shot.info@SynoEAStream", "._shot.info", "#shot.info#"):
        drop(spool, "echo hello\n", name)
    for folder in ("@eaDir", "#recycle", "queue/@eaDir", "adopting/@eaDir"):
        (Path(spool.root) / folder).mkdir()
        (Path(spool.root) / folder / "shot.info").write_text("echo hello\n")
    look(adopter)
    assert tickets.everywhere(spool) == {}
    assert os.listdir(spool.at("bad")) == []
