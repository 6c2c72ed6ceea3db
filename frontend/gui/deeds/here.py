"""What is done to the machine that the person sits at."""

import time

from frontend import words
from frontend.farm import me
from frontend.gui.bridge import Errand
from frontend.gui.desk import Desk
from frontend.gui.models import here
from renderd.core.wire import Op, Request


def may_pause(desk: Desk) -> bool:
    """True while renderd runs on this machine."""
    return here.node(desk) is not None


def may_resume(desk: Desk) -> bool:
    """True while this machine rests because a person said so."""
    found = here.node(desk)
    return found is not None and found.status.get("state") in ("paused", "draining")


def pause(desk: Desk, seconds: float | None = None) -> None:
    """Pause this machine, for a while or until told."""
    length = {} if seconds is None else {"for": seconds, "until": round(time.time() + seconds, 3)}
    now = time.time()
    until = "until you say" if seconds is None else f"until {words.moment(now + seconds, now)}"
    _send(desk, Op.PAUSE, f"This machine pauses {until}", **length)


def resume(desk: Desk) -> None:
    """Let this machine take chunks again."""
    _send(desk, Op.RESUME, "This machine goes on")


def _send(desk: Desk, op: Op, said: str, **args: object) -> None:
    found = here.node(desk)
    if found is None:
        return
    request = Request(op, {**args, "by": me()})

    def work() -> str:
        spool = desk.open()
        desk.send(spool, found.inc, request)
        desk.nudge(spool)
        return said

    desk.order(Errand(op.value, work))
