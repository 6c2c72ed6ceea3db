"""Jobs with `chunk: auto`: neighbours are taken together, and each still ends by itself."""

from renderd.core.chunk import State


def starts(mark):
    """Node and first chunk of each command line that was started."""
    return [line.split() for line in mark.read_text().splitlines()]


def auto(farm, *words, frames="1-40", **keys):
    # So much that each takes its share of what is left, however long a frame takes here.
    (farm.root / "farm.toml").write_text('[chunks]\nauto = "8h"\n')
    return farm.add(farm.info(*words, frames=frames, chunk="auto", **keys))


def test_neighbours_run_together_once_a_frame_was_timed(farm):
    mark = farm.local / "mark"
    jid = auto(farm, f"--mark={mark}", "--seconds=0.02")
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert len(farm.frames()) == 40
    assert farm.tally(jid) == {State.DONE: 40}
    farm.until(lambda: len(farm.commits(jid)) == 40, "the journal tells of each")
    assert len(starts(mark)) < 20, "hands of 1, then shares of what is left"


def test_the_chunk_with_the_bad_frame_fails_and_its_neighbours_do_not(farm):
    jid = auto(farm, "--seconds=0.02", "--skip=17", frames="1-24", retries=0)
    farm.up("ws1")
    assert farm.ended(jid) == "failed"
    assert farm.tally(jid) == {State.DONE: 23, State.FAIL: 1}
    (bad,) = (c for c in farm.chunks(jid) if c.state is State.FAIL)
    assert bad.index == 17
    assert all(c.failures == 0 for c in farm.chunks(jid) if c.index != 17)
    assert len(farm.frames()) == 23


def test_a_hand_of_a_killed_daemon_is_finished_by_others_and_no_frame_twice(farm):
    jid = auto(farm, "--seconds=0.3", frames="1-30")
    first = farm.up("ws1")
    farm.until(lambda: len(farm.running(jid)) > 2, "a hand is held")
    farm.until(lambda: len(farm.kept(jid)) > 4, "some of it is there")
    first.kill()
    kept = farm.kept(jid)
    farm.up("ws1")
    farm.up("ws2")
    assert farm.ended(jid) == "done"
    assert len(farm.frames()) == 30
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert farm.tally(jid) == {State.DONE: 30}
    farm.until(lambda: farm.litter() == [], "only frames are left")


def test_a_chunk_that_a_person_wrote_anew_runs_by_itself(farm):
    jid = auto(farm, "--seconds=0.02", frames="1-20", hold="yes")
    (odd,) = (farm.root / "jobs" / jid / "000").glob("00015_*")
    odd.write_text(odd.read_text().replace("--seconds=0.02", "--seconds=0.03"))
    farm.up("ws1")
    farm.render("release", jid)
    assert farm.ended(jid) == "done"
    logs = {p.name: p.read_text() for p in (farm.root / "jobs" / jid / "log").iterdir()}
    odd_ones = [name for name, text in logs.items() if "--seconds=0.03" in text]
    assert odd_ones
    assert all(name.startswith("00015.") for name in odd_ones)


def test_steps_stay_in_their_phase(farm):
    mark = farm.local / "mark"
    jid = auto(farm, f"--mark={mark}", "--step=3", frames="1-40x3")
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert [int(p.stem[-4:]) for p in farm.frames()] == list(range(1, 41, 3))


def test_cancelling_gives_back_all_of_a_hand(farm):
    jid = auto(farm, "--seconds=0.5", frames="1-900")
    farm.up("ws1")
    farm.until(lambda: len(farm.running(jid)) > 1, "a hand is held")
    farm.render("cancel", jid)
    farm.until(lambda: not farm.running(jid), "nothing of it runs")
    assert farm.state(jid) == "cancelled"
