"""Nothing but a folder or a file of one name is opened, written or removed where a daemon does."""

import contextlib
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from renderd.core import frames as ranges
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.daemon.gathering import OutputGone
from renderd.daemon.landing import open_landing
from renderd.daemon.work import Work
from renderd.errors import RenderdError
from renderd.spool import (
    closing,
    control,
    frames,
    history,
    inspection,
    jobs,
    layout,
    libraries,
    nodes,
    passes,
    retention,
    sets,
    view,
)
from renderd.spool.allowed import output_allowed
from renderd.spool.janitor import Janitor
from renderd.spool.layout import Spool
from renderd.spool.moves import ensure_folder, names, remove_folder, remove_tree
from renderd.spool.retention import DAY, HOUR
from renderd.spool.share import PosixShare
from tests.conftest import INC, Publish, Worker
from tests.farm import standin

SECRET = b"the artist's own words\n"
DEEP = b"[" * 100_000


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of the daemon's user, with a file, that is nobody else's business."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "diary").write_bytes(SECRET)
    (folder / ".DS_Store").write_bytes(SECRET)
    return folder


def intact(own: Path) -> bool:
    return sorted(p.name for p in own.iterdir()) == [".DS_Store", "diary"] and all(
        p.read_bytes() == SECRET for p in own.iterdir()
    )


def link(path: str, own: Path) -> None:
    os.symlink(own / "diary", path)


def hard_link(path: str, own: Path) -> None:
    os.link(own / "diary", path)


def pipe(path: str, own: Path) -> None:
    os.mkfifo(path)


def folder(path: str, own: Path) -> None:
    os.mkdir(path)


def device(path: str, own: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero: it never ends


KINDS = [link, hard_link, pipe, folder, *([device] if os.geteuid() == 0 else [])]
UNREAD = [kind for kind in KINDS if kind is not hard_link]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["append", "rewrite"])
def test_what_is_written_goes_into_a_file_of_one_name_only(tmp_path, own, kind, way):
    path = str(tmp_path / "log")
    kind(path, own)
    with pytest.raises(OSError, match=r"\[Errno \d+\]"):
        getattr(PosixShare(), way)(path, b"forged\n")
    assert intact(own)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["create", "copy"])
def test_what_is_made_anew_takes_no_name_that_is_there(tmp_path, own, kind, way):
    path = str(tmp_path / "log")
    kind(path, own)
    (tmp_path / "source").write_bytes(b"forged\n")
    steps = {
        "create": lambda: PosixShare().create(path, b"forged\n"),
        "copy": lambda: PosixShare().copy(str(tmp_path / "source"), path),
    }
    with pytest.raises(FileExistsError):
        steps[way]()
    assert intact(own)


@pytest.mark.parametrize("kind", UNREAD)
@pytest.mark.parametrize("way", ["read", "open", "sync_file", "lock"])
def test_what_is_read_is_a_file_itself_and_nobody_waits(tmp_path, own, kind, way):
    if way == "lock" and kind in (pipe, device):
        return  # opened without waiting, and never read or written
    path = str(tmp_path / "file")
    kind(path, own)
    with pytest.raises(OSError, match=r"\[Errno \d+\]"):
        getattr(PosixShare(), way)(path)


@pytest.mark.parametrize("kind", [pipe, folder])
@pytest.mark.parametrize("way", ["open_target", "stat_target"])
def test_what_a_person_names_may_be_a_link_and_still_never_makes_anybody_wait(
    tmp_path, own, kind, way
):
    kind(str(tmp_path / "thing"), own)
    os.symlink(tmp_path / "thing", tmp_path / "shot.blend")
    with pytest.raises(OSError, match=r"\[Errno \d+\]"):
        getattr(PosixShare(), way)(str(tmp_path / "shot.blend"))


#: every record of a job or node that somebody reads, and how
READ: dict[str, tuple[Callable[[Spool, str], str], Callable[[Spool, str], object]]] = {
    "SPOOL": (lambda s, j: s.at("SPOOL"), lambda s, j: layout.is_mounted(s)),
    "farm.toml": (lambda s, j: s.at("farm.toml"), lambda s, j: layout.read_farm(s.share, s.root)),
    "job.info": (lambda s, j: s.job(j, "job.info"), lambda s, j: jobs.read(s, j)),
    "control": (lambda s, j: s.job(j, "control"), lambda s, j: control.read(s, j)),
    "node.info": (lambda s, j: s.node(INC, "node.info"), lambda s, j: nodes.read_facts(s, INC)),
    "status": (lambda s, j: s.node(INC, "status"), lambda s, j: nodes.read_status(s, INC)),
    "inbox": (lambda s, j: s.node(INC, "inbox", "a.order"), lambda s, j: nodes.receive(s, INC)),
    "journal": (
        lambda s, j: s.at("history", f"{INC}.jsonl"),
        lambda s, j: list(history.events(s)),
    ),
    "sizes": (lambda s, j: s.at("history", "sizes"), lambda s, j: retention.read_sizes(s)),
}


@pytest.mark.parametrize("kind", UNREAD)
@pytest.mark.parametrize("name", READ)
def test_a_record_that_is_no_file_is_read_as_nothing_or_refused(
    spool, publish, worker, own, name, kind
):
    jid = publish("shot", "1-40")
    where, read = READ[name]
    with contextlib.suppress(FileNotFoundError):
        os.unlink(where(spool, jid))
    kind(where(spool, jid), own)
    told: object = None
    with contextlib.suppress(OSError, RenderdError):
        told = read(spool, jid)
    assert "artist" not in repr(told)
    assert intact(own)


@pytest.mark.parametrize("way", [remove_tree, remove_folder])
def test_nothing_is_removed_through_a_link(spool, own, way):
    path = spool.at("trash", "thing")
    os.symlink(own, path)
    way(spool, path)
    assert intact(own)
    os.rename(own / "diary", own.parent / "diary")
    way(spool, path)  # nothing but litter is left there, which else goes with an empty folder
    assert os.listdir(own) == [".DS_Store"]


def test_a_folder_that_is_a_link_is_never_taken_for_ours(spool, own):
    ensure_folder(spool, spool.at("jobs"))
    os.symlink(own, spool.at("jobs", "aaaaaaaaaa"))
    with pytest.raises(NotADirectoryError):
        ensure_folder(spool, spool.at("jobs", "aaaaaaaaaa"))


def test_a_janitor_removes_nothing_that_a_link_leads_to(spool: Spool, own: Path):
    os.symlink(own, spool.node("gone-0123abcd"))
    Path(spool.at("dead", "gone-0123abcd")).write_bytes(b"")
    for folder in ("tmp", "trash", "bad"):
        os.symlink(own, spool.at(folder, "old"))
        os.utime(spool.at(folder, "old"), (0, 0), follow_symlinks=False)
    janitor = Janitor(spool)
    for day in range(4):
        janitor.sweep(day * (DAY + HOUR))
    assert not os.path.exists(spool.at("dead", "gone-0123abcd"))
    assert intact(own)


def test_a_closed_job_whose_folders_are_links_goes_and_what_they_lead_to_stays(
    spool: Spool, publish: Publish, worker: Worker, own: Path
):
    jid = publish("shot", "1-40")
    worker.finish(jid, 1, 2, 3, 4)
    worker.close(jid)
    for name in ("log", "err"):
        os.rmdir(spool.job(jid, name))
        os.symlink(own, spool.job(jid, name))
    os.symlink(own, spool.job(jid, "001"))
    janitor = Janitor(spool)
    for day in range(40):
        janitor.sweep(day * (DAY + HOUR))
    jobs.discard(spool, jid)
    for day in range(40, 44):
        janitor.sweep(day * (DAY + HOUR))
    assert intact(own)


@pytest.fixture
def rendering(spool: Spool, tmp_path: Path) -> Callable[[Writes], str]:
    """Publish a job of two frames into a new folder; its jid."""

    def publish(writes: Writes) -> str:
        runs = ranges.parse("1-2")
        words = ("prog", "{start}", "{end}", "{out}")
        info = Info(commands=(words,), frames=runs, out=f"{tmp_path}/out/f_####.png")
        draft = Draft(name="f", slug="f", info=info, runs=runs, out=info.out, writes=writes)
        return jobs.publish(spool, draft, jobs.Order("me@here"))

    return publish


BESIDE = ["", "/{jid}", "/{jid}/ok", "/{jid}/00001.1." + INC]


@pytest.mark.parametrize("place", BESIDE)
def test_a_link_in_place_of_a_folder_beside_the_frames_is_not_followed(
    spool, rendering, tmp_path, own, place
):
    jid = rendering(Writes.PRIVATE)
    output = frames.locate(spool, jobs.read(spool, jid))
    assert output is not None
    path = f"{output.folder}/.renderd{place.format(jid=jid)}"
    if os.path.isdir(path):
        os.rename(path, f"{tmp_path}/moved")
    os.symlink(own, path)

    def work() -> None:
        frames.open_private(spool, output, f"00001.1.{INC}")
        frames.own(spool, jobs.read(spool, jid), replaces=False)

    with pytest.raises(NotADirectoryError):
        work()
    assert intact(own)


def claimed(spool: Spool, worker: Worker, jid: str) -> Work:
    job = jobs.read(spool, jid)
    held = worker.claim(jid, 1)
    return Work(claim=held, job=job, commands=(), output=frames.locate(spool, job), started=0.0)


def test_a_frame_that_is_a_link_out_of_the_output_roots_is_not_written(
    spool, rendering, worker, tmp_path, own
):
    jid = rendering(Writes.ITSELF)
    os.symlink(own / "diary", tmp_path / "out" / "f_0002.png")
    roots = [str(tmp_path / "out")]
    landing = open_landing(
        spool, claimed(spool, worker, jid), lambda: True, lambda path: output_allowed(path, roots)
    )
    assert landing is not None
    with pytest.raises(OutputGone, match=r"f_0002\.png, which is a link"):
        landing.begin()


def test_a_frame_takes_the_name_of_a_link_and_leaves_what_it_leads_to(
    spool, rendering, worker, tmp_path, own
):
    jid = rendering(Writes.PRIVATE)
    landing = open_landing(spool, claimed(spool, worker, jid), lambda: True, lambda _: True)
    assert landing is not None
    assert landing.begin() == [1, 2]
    os.symlink(own / "diary", tmp_path / "out" / "f_0001.png")
    os.link(own / "diary", tmp_path / "out" / "f_0002.png")
    for frame in (1, 2):
        path = f"{landing.output.private(landing.stem)}/f_{frame:04d}.png"
        Path(path).write_bytes(standin.png(frame))
    landing.sweep(is_final=True)
    assert landing.missing() == ""
    assert not (tmp_path / "out" / "f_0001.png").is_symlink()
    assert intact(own)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_renderer_leaves_that_is_no_file_is_no_frame(
    spool, rendering, worker, tmp_path, own, kind
):
    if kind is hard_link:
        return  # a whole picture under two names is a whole picture
    jid = rendering(Writes.PRIVATE)
    landing = open_landing(spool, claimed(spool, worker, jid), lambda: True, lambda _: True)
    assert landing is not None
    landing.begin()
    kind(f"{landing.output.private(landing.stem)}/f_0001.png", own)
    with contextlib.suppress(OSError):
        landing.sweep(is_final=True)
    assert "1" in landing.missing()
    assert not os.path.lexists(tmp_path / "out" / "f_0001.png")
    assert intact(own)


#: records beside the frames, which whoever can write there may have written
BESIDE_RECORDS = {
    "receipt": (lambda o: o.receipt(1), lambda s, o: frames.read_receipt(s, o, 1)),
    "set": (lambda o: f"{o.own}/set/files", lambda s, o: sets.read(s, o)),
    "kept": (lambda o: f"{o.own}/kept", lambda s, o: sets.read_kept(s, o)),
    "passes": (lambda o: f"{o.own}/passes", lambda s, o: passes.why_not_able(s, o)),
    "table": (lambda o: f"{o.own}/x/passes.json", lambda s, o: passes.read_table(s, f"{o.own}/x")),
}
ODD = [
    DEEP,
    b"[]",
    b'{"files": 7, "size": [1, 1], "told": true}',
    b'{"files": [["f", 1e999, 1]], "size": [1, 1]}',
    b'{"files": [["f", NaN, 1]], "size": [Infinity, 1]}',
    b'{"files": {"f": [1e999, 1]}, "told": 1}',
    b"\xff\xfe{}",
    b"9" * 5000,
]


@pytest.mark.parametrize("name", BESIDE_RECORDS)
@pytest.mark.parametrize("data", ODD, ids=range(len(ODD)))
def test_an_odd_record_beside_the_frames_is_as_none(spool, rendering, name, data):
    jid = rendering(Writes.PRIVATE)
    job = jobs.read(spool, jid)
    output = frames.locate(spool, job)
    assert output is not None
    where, read = BESIDE_RECORDS[name]
    Path(where(output)).parent.mkdir(exist_ok=True)
    Path(where(output)).write_bytes(data)
    assert not read(spool, output)
    closing.collect(spool, job)
    assert "frames.jsonl" in names(spool, spool.job(jid))


@pytest.mark.parametrize("data", ODD, ids=range(len(ODD)))
def test_an_odd_record_of_sizes_or_frames_costs_no_sweep_and_no_look(spool, publish, data):
    jid = publish("shot", "1-40")
    Path(spool.at("history", "sizes")).write_bytes(data)
    Path(spool.job(jid, "frames.jsonl")).write_bytes(data)
    Path(spool.job(jid, "libraries")).write_bytes(data)
    Janitor(spool).sweep(0.0)
    assert retention.read_sizes(spool).jobs == {}
    job = replace(jobs.read(spool, jid), out="/nowhere/f_####.png", writes=Writes.PRIVATE)
    output = frames.locate(spool, job)
    assert output is not None
    assert inspection.receipts(spool, output) == {}
    linked = replace(job, info=replace(job.info, extra=(("x-libraries", "1"),)))
    assert libraries.changed(spool, linked) == []
    assert [one.jid for one in view.read_jobs(spool)] == [jid]


@pytest.mark.parametrize("entry", ["../../own/diary", "/etc/passwd", "..", ".", ""])
def test_a_forged_receipt_names_files_that_are_only_looked_at(spool, rendering, own, entry):
    jid = rendering(Writes.PRIVATE)
    output = frames.locate(spool, jobs.read(spool, jid))
    assert output is not None
    forged = json.dumps({"files": [[entry, len(SECRET), 1]], "size": [1, 1]})
    Path(output.receipt(1)).write_text(forged)
    assert frames.read_receipt(spool, output, 1) is None
    closing.collect(spool, jobs.read(spool, jid))
    assert intact(own)


@pytest.mark.parametrize(
    "stem", ["00001.².x", "00001.-1.x", "00001.١.x", "x.1.y", "...", "00001.1"]
)
def test_a_folder_of_an_odd_name_beside_the_frames_is_no_attempt(spool, rendering, stem):
    jid = rendering(Writes.PRIVATE)
    output = frames.locate(spool, jobs.read(spool, jid))
    assert output is not None
    os.mkdir(f"{output.own}/{stem}")
    found = frames.earlier_attempts(spool, output, f"00001.2.{INC}")
    assert found in ([], [stem])
    Janitor(spool).sweep(0.0)
