"""Farms on real MooseFS and GlusterFS volumes, whose servers die, hang and come back."""

import json
import subprocess
from collections import Counter

from test_frames import number

from renderd.core.chunk import State
from renderd.spool import nodes
from tests.farm.workstation import RENDERD

FRAMES = 30


def render(farm, daemons=3):
    """A job of ten chunks under way on some daemons, two clients between them; its jid."""
    jid = farm.add(farm.info("--seconds=0.3", frames=f"1-{FRAMES}", chunk=3))
    for number_ in range(daemons):
        farm.up(f"ws{number_}")
    farm.until(lambda: farm.tally(jid)[State.DONE] >= 1, "a chunk is done")
    return jid


def check(farm, jid):
    """The job is done, each chunk committed once, each frame whole, nobody thought dead."""
    assert farm.ended(jid) == "done"
    farm.until(lambda: len(farm.commits(jid)) >= FRAMES // 3, "all journals are written")
    commits = Counter(event["chunk"] for event in farm.commits(jid))
    assert commits == dict.fromkeys(range(1, FRAMES // 3 + 1), 1)
    assert [number(path) for path in farm.frames()] == list(range(1, FRAMES + 1))
    assert nodes.dead(farm.spool) == set()


def test_a_render_does_not_notice_that_a_server_died(farm, volume):
    jid = render(farm)
    volume.lose(0)
    check(farm, jid)
    volume.bring(0)
    volume.settle()


def test_without_servers_a_daemon_answers_and_later_goes_on(farm, volume):
    jid = render(farm)
    for server in range(3):
        volume.lose(server)
    for daemon in farm.daemons:
        farm.until(lambda d=daemon: troubled(d.status()), f"{daemon.name} says what is wrong")
    for server in range(3):
        volume.bring(server)
    volume.settle()
    check(farm, jid)
    for daemon in farm.daemons:
        farm.until(lambda d=daemon: not troubled(d.status()), f"{daemon.name} is well again")


def troubled(status):
    return status["share_hangs"] or status["trouble"]


def test_the_doctor_finds_nothing_bad(farm, volume):
    line = [str(RENDERD), "doctor", "--json", "--spool", str(farm.root)]
    said = subprocess.run(line, capture_output=True, text=True, check=False).stdout
    answers = {answer["name"]: answer["verdict"] for answer in json.loads(said)["answers"]}
    assert {"rename", "exclusive mkdir", "put in place", "file times", "odd names"} <= set(answers)
    assert "bad" not in answers.values()
