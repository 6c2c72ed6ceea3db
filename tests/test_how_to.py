"""The how-to pages show commands that `render` takes, and words that are really said."""

import re
import shlex
import time
from pathlib import Path

import pytest

from frontend.cli import app, verbs
from renderd.core import policy
from renderd.core.chunk import Chunk, State
from renderd.core.frames import Run
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.core.needs import Needs
from renderd.core.source import Stamp
from renderd.daemon import source
from renderd.errors import OutputOwned
from renderd.spool import jobs
from renderd.spool.sources import Difference, Kind

PAGES = sorted((Path(__file__).parents[1] / "docs" / "how-to").glob("*.md"))
WRONG = next(page for page in PAGES if page.name == "when-frames-look-wrong.md").read_text("utf-8")


def commands():
    """Every `render VERB …` of the pages, of blocks and of the text."""
    for page in PAGES:
        text = page.read_text("utf-8")
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        shown = [line for block in blocks for line in block.splitlines()]
        shown += re.findall(r"`(render [a-z][^`]*)`", re.sub(r"\n(?=\S)", " ", text))
        for line in shown:
            for one in re.split(r" && | \| ", line):
                words = shlex.split(one, comments=True)
                if len(words) > 1 and words[0] == "render":
                    yield pytest.param(words[1:], id=f"{page.stem}: {one.strip()[:60]}")


@pytest.mark.parametrize("words", [*commands()])
def test_a_command_of_a_how_to_is_one_that_the_command_line_takes(words):
    assert words[0] in verbs.NAMES
    if len(words) > 1:  # a bare verb in the text is spoken of, not shown
        assert app._parse(words[0], words).run


def job(blend, **said):
    info = Info(commands=(("blender", "-b", "{blend}", "-a"),), blend=blend, **said)
    return Job(jid="k2p2x7abcd", info=info, chunks=25)


def test_the_words_for_a_file_that_was_saved_or_lost_are_on_the_page():
    saved = time.mktime((*time.localtime()[:3], 14, 2, 0, 0, 0, -1))
    changed = Difference(Kind.SAVED, "/p/shot010.blend", Stamp(1, int(saved) * 10**9))
    assert source.sentence(job("/p/shot010.blend"), changed) in WRONG
    extra = (("x-original", "/p/shot010.blend"), ("x-snapshot", "yes"))
    copied = job("/p/.shot010.k2p2x7abcd.blend", extra=extra)
    assert source.sentence(copied, Difference(Kind.GONE, copied.info.blend)) in WRONG


def test_the_words_for_a_job_that_stopped_itself_are_on_the_page():
    def ended(index, state):
        return Chunk(index, Run(index, index), state=state, owner=f"ws{index:02d}-0123abcd")

    failed = [ended(index, State.FAIL) for index in (1, 2, 3)]
    assert policy.why_stop([*failed, ended(4, State.DONE)], 25) in WRONG
    assert policy.why_stop(failed, 100) in WRONG


def test_the_words_for_an_output_in_use_are_on_the_page(spool, tmp_path):
    def shot(name):
        info = Info(commands=(("prog", "{start}"),))
        out, runs = str(tmp_path / "out" / "shot010_####"), (Run(1, 2),)
        return Draft(name=name, slug=name, info=info, runs=runs, out=out, writes=Writes.PRIVATE)

    first = jobs.publish(spool, shot("shot010"), jobs.Order("me@here"))
    with pytest.raises(OutputOwned) as caught:
        jobs.publish(spool, shot("other"), jobs.Order("me@here"))
    said = caught.value.message.replace(str(tmp_path), "/p").replace(first, "k2p2x7abcd")
    assert said in WRONG


def test_the_words_for_another_blender_are_on_the_page():
    needs = Needs(blender="==3.4")
    made = job("/p/shot010.blend", needs=needs, extra=(("x-blend-version", "3.4"),))
    node = policy.Able(name="ws07", inc="ws07-0123abcd", blenders=("4.2.0", "5.0.1"))
    assert policy.why_not(node, made, policy.Terms()) in WRONG
