"""python tests/golden/releases/make_spool.py VERSION: a small spool, by a past release's code.

A job half done by a node that died, one that waits for it, one that is held, one done with its
files, one that failed, and a file half-way in: `tests/golden/spool-VERSION`.
"""

import random
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
version = sys.argv[1]
sys.path.insert(0, str(HERE / f"renderd-{version}.zip"))

import renderd  # noqa: E402
from renderd.core import frames  # noqa: E402
from renderd.core.infofile import Info  # noqa: E402
from renderd.core.job import Draft  # noqa: E402
from renderd.core.names import Adopting, new_jid  # noqa: E402
from renderd.spool import (  # noqa: E402
    claims,
    control,
    foundation,
    history,
    jobs,
    moves,
    nodes,
    orders,
    tickets,
)
from renderd.spool.layout import DONE, FAILED, QUEUE, open_spool  # noqa: E402
from renderd.spool.listing import chunks  # noqa: E402
from renderd.spool.share import PosixShare  # noqa: E402

LEFT, DEAD = "ws07-3f2a9c10", "ws02-77aa01f2"
root, rng, share = HERE.parent / f"spool-{version}", random.Random(1), PosixShare()
shutil.rmtree(root, ignore_errors=True)
foundation.found(share, str(root), foundation.Wishes(trusts_share=True), rng)
spool = open_spool(share, str(root), rng, LEFT)


def publish(name: str, last: int, **order: object) -> str:
    info = Info(commands=(("sh", "-c", "exit 0", "{start}", "{end}"),), retries=1)
    runs = frames.parse(f"1-{last}")
    draft = Draft(name=name, slug=name.replace(" ", "-"), info=info, runs=runs, size=10)
    return jobs.publish(spool, draft, jobs.Order("anna@ws01", **order))


def claim(jid: str, inc: str, index: int) -> claims.Claim:
    waiting = next(c for c in chunks(spool, jid) if c.index == index)
    claims.declare_intent(spool, inc, jid, waiting.group)
    held = claims.prepare(spool, inc, jid, waiting)
    assert claims.take(spool, held, waiting) is moves.Outcome.WON
    return held


pulses = {
    inc: nodes.register(spool, inc, {"node": inc[:4], "version": renderd.__version__}, 5)
    for inc in (LEFT, DEAD)
}
shot = publish("shot 010", 40)
publish("after it", 10, after=(shot,))
publish("grade", 10, is_held=True)
done, broken = publish("ready", 10), publish("broken", 10)

claims.finish(spool, claim(shot, LEFT, 1))
back = claim(shot, LEFT, 2)
claims.note_error(spool, back, "fail: no licence\n")
claims.give_back(spool, back, is_failure=True)
tickets.bump(spool, shot)
claim(shot, DEAD, 3)
control.change(spool, shot, note="deliver on Friday")

claims.finish(spool, claim(done, LEFT, 1))
tickets.turn_surely(spool, done, DONE)
lost = claim(broken, LEFT, 1)
claims.note_error(spool, lost, "fail: cannot read the scene\n")
claims.give_up(spool, lost)
tickets.turn_surely(spool, broken, FAILED)
orders.set_priority(spool, shot, 70)

text = b"frames: 1-4\n\nsh -c 'exit 0' {start} {end}\n"
share.create(spool.at("adopting", Adopting(DEAD, new_jid(rng), "half-way").name), text)
event = {"t": 1.0, "ev": "done", "jid": shot, "chunk": 1, "attempt": 1, "frames": 10, "wall": 9.0}
history.append(spool, LEFT, [event])
nodes.publish_status(spool, LEFT, {"node": "ws07"})
nodes.leave(spool, pulses[DEAD], owns_nothing=False)
assert {t.jid for t in tickets.listed(spool, QUEUE)} == {shot}
