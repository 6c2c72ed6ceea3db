"""A node driven by hand: its time passes and its work ends as a test says."""

import random
from dataclasses import dataclass, field
from typing import Any

from renderd import plan
from renderd.core.names import Beat
from renderd.core.policy import Able
from renderd.daemon.loop import Loop, Message, Nudge
from renderd.daemon.node import Node
from renderd.daemon.shortages import Shortages
from renderd.daemon.work import Ending, Result, Work
from renderd.host.load import LoadSampler
from renderd.spool import nodes, trust
from renderd.spool.adopt import Adopter
from renderd.spool.janitor import Janitor
from renderd.spool.layout import Spool


@dataclass
class Driven:
    """A node whose time passes when we say so and whose work ends as we say."""

    loop: Loop
    time: list[float]
    works: list[Work] = field(default_factory=list)

    @property
    def node(self) -> Node:
        return self.loop.node

    def tick(self, seconds: float = 0.0, *messages: Message) -> None:
        self.time[0] += seconds
        self.loop.tick(list(messages))

    def run(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass in small steps."""
        for _ in range(int(seconds / step)):
            self.tick(step)

    def end(self, ending: Ending = Ending.DONE, reason: str = "", peak: int = 0) -> None:
        """The chunk in work ends."""
        work = self.works.pop(0)
        told = Result(work=work, ending=ending, reason=reason, wall=1.0, peak_bytes=peak)
        self.tick(0.0, told)

    def work_off(self, ending: Ending = Ending.DONE, most: int = 200) -> int:
        """End everything that is started until nothing more is; how many chunks that were."""
        count = 0
        self.tick(0.0, Nudge())
        while self.works and count < most:
            self.end(ending, "made to fail" if ending.is_failure else "")
            count += 1
        return count


def drive(spool: Spool, time: list[float], inc: str, slots: int = 1, **able: Any) -> Driven:
    """Register a node on a spool; it does nothing until it is ticked."""
    name = inc.rpartition("-")[0]
    works: list[Work] = []
    able.setdefault("ram_bytes", 16 << 30)

    def planner(info: Any, label: str) -> Any:
        return plan.from_info(info, label, spool.farm, "linux")

    node = Node(
        spool=spool,
        inc=inc,
        name=name,
        slots=slots,
        able=Able(name=name, inc=inc, **able),
        pulse=nodes.Pulse("00", Beat(inc, 0, 5, "aaaa")),
        adopter=Adopter(spool, inc, planner, trust.policy_of(spool)),
        shortages=Shortages(spool, "linux", f"{spool.root}/tmp"),
        start=works.append,
        rng=random.Random(inc),
        started=time[0],
    )
    node.pulse = nodes.register(spool, inc, {"node": name, "ram": able["ram_bytes"]}, 5)
    loop = Loop(node, Janitor(spool), LoadSampler(), clock=lambda: time[0])
    node.breathe = node.adopter.breathe = loop.janitor.breathe = loop.breathe
    return Driven(loop, time, works)
