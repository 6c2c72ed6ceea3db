"""Spools on real temporary folders, and jobs in them."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from renderd.core import frames
from renderd.core.infofile import Info
from renderd.core.job import Draft
from renderd.core.label import slug
from renderd.spool import claims, jobs, layout, nodes, tickets
from renderd.spool.claims import Claim
from renderd.spool.layout import Spool
from renderd.spool.listing import chunks
from renderd.spool.moves import Outcome
from renderd.spool.share import PosixShare
from renderd.spool.survey import Survey

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # windows of tests are drawn nowhere

settings.register_profile("any machine", deadline=None)  # a slow one breaks no test
settings.load_profile("any machine")

MakeSpool = Callable[[], Spool]
Publish = Callable[..., str]
INC = "ws07-0123abcd"


class Worker:
    """A registered node that moves chunks by hand, as a daemon's loop would."""

    def __init__(self, spool: Spool, inc: str = INC, **facts: object) -> None:
        self.spool, self.inc = spool, inc
        self.pulse = nodes.register(spool, inc, {"node": inc.rpartition("-")[0], **facts}, 5)

    def claim(self, jid: str, index: int) -> Claim:
        """Take one waiting chunk."""
        waiting = next(c for c in chunks(self.spool, jid) if c.index == index)
        claims.declare_intent(self.spool, self.inc, jid, waiting.group)
        held = claims.prepare(self.spool, self.inc, jid, waiting)
        assert claims.take(self.spool, held, waiting) is Outcome.WON
        return held

    def finish(self, jid: str, *indices: int) -> None:
        """Let chunks be done."""
        for index in indices:
            assert claims.finish(self.spool, self.claim(jid, index)) is Outcome.WON

    def fail(self, jid: str, *indices: int, why: str = "fail: exit 1") -> None:
        """Let chunks fail for good, each with a note."""
        for index in indices:
            held = self.claim(jid, index)
            claims.note_error(self.spool, held, why + "\n")
            assert claims.give_up(self.spool, held) is Outcome.WON

    def close(self, jid: str, *, has_failed: bool = False) -> None:
        """Close a job all of whose chunks have ended."""
        survey = Survey(jid, jobs.read(self.spool, jid).chunks)
        place = tickets.find(self.spool, jid)
        assert place
        assert jobs.close(self.spool, place, survey, has_failed=has_failed)


@pytest.fixture
def worker(spool: Spool) -> Worker:
    """One node, ws07, in the spool."""
    return Worker(spool)


@pytest.fixture
def make_worker(spool: Spool) -> Callable[..., Worker]:
    """A further node in the spool, by its incarnation and facts."""
    return lambda inc, **facts: Worker(spool, inc, **facts)


@pytest.fixture
def make_spool(tmp_path: Path) -> MakeSpool:
    """A new spool in a folder of its own at each call."""

    def make() -> Spool:
        root = tmp_path / f"spool{len(list(tmp_path.glob('spool*')))}"
        root.mkdir(mode=0o700)
        for folder in layout.FOLDERS:
            (root / folder).mkdir()
        identity = layout.Identity(f"test{root.name:0>8}")
        (root / layout.SPOOL_FILE).write_text(identity.text())
        return layout.open_spool(PosixShare(), str(root), random.Random(7), "test")

    return make


@pytest.fixture
def spool(make_spool: MakeSpool) -> Spool:
    """An empty spool."""
    return make_spool()


@pytest.fixture
def publish(spool: Spool) -> Publish:
    """Publish a job of a plain command; its jid."""

    def put(
        name: str = "shot",
        span: str = "1-30",
        *,
        held: bool = False,
        after: tuple[str, ...] = (),
        **said: object,
    ) -> str:
        runs = frames.parse(span) if span else None
        words = ("prog", "{start}", "{end}") if span else ("prog",)
        info = Info(commands=(words,), frames=runs, **said)  # type: ignore[arg-type]
        draft = Draft(name=name, slug=slug(name), info=info, runs=runs, size=info.chunk or 10)
        return jobs.publish(spool, draft, jobs.Order("me@here", is_held=held, after=after))

    return put


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave Qt's messages to the programs themselves, but in tests of windows."""
    for item in items:
        if not {"gui", "fs_browser"} & set(item.path.parts):
            item.add_marker(pytest.mark.no_qt_log)
