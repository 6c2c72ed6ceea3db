"""The pages on the spool and on exit statuses say what the code does."""

import importlib
import pkgutil
import re
from pathlib import Path

import renderd
from renderd import errors
from renderd.core import chunk, names, wire
from renderd.core.chunk import State
from renderd.spool import layout

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def page(name):
    return (REFERENCE / name).read_text(encoding="utf-8")


def test_every_folder_of_a_spool_is_on_its_page():
    head = page("spool.md").split("```")[1]
    assert {f for f in layout.FOLDERS if f"{f}/" not in head} == set()


def test_every_ticket_named_on_the_page_is_one_and_moves_count_up():
    found = re.findall(r"`mv (\w+)/(p\S+\.info) (\w+)/(p\S+\.info)`", page("spool.md"))
    assert len(found) >= 4
    for old_folder, old, new_folder, new in found:
        assert {old_folder, new_folder} <= set(layout.TICKETS)
        before, after = names.parse_ticket(old), names.parse_ticket(new)
        assert before
        assert before.next(priority=after.priority) == after


def test_every_chunk_named_on_the_page_is_one():
    found = [chunk.parse(n) for n in re.findall(r"\b\d{5}_\S+?\.info", page("spool.md"))]
    assert None not in found
    assert {c.state for c in found if c} == set(State)


def test_what_the_page_moves_by_hand_is_what_skip_and_retry_do():
    moves = re.findall(r"`mv (\d{5}_\S+\.info) (\d{5}_\S+\.info)`", page("spool.md"))
    skip, retry = [(chunk.parse(a), chunk.parse(b)) for a, b in moves]
    assert skip[0].skipped(skip[1].nonce) == skip[1]
    assert retry[0].retried() == retry[1]


def test_the_order_written_by_hand_is_understood():
    text = re.search(r"echo '(\{.*?\})' > tmp/x", page("spool.md"))[1]
    assert wire.decode_request(text.encode()).op is wire.Op.DRAIN


def test_every_exit_status_is_on_its_page():
    for module in pkgutil.walk_packages(renderd.__path__, "renderd."):
        is_script = module.name.endswith(("__main__", "session"))
        if not is_script and ".inside." not in module.name:
            importlib.import_module(module.name)
    statuses = {error.exit_status for error in tree(errors.RenderdError)}
    named = set(map(int, re.findall(r"^\| (\d+) \|", page("exit-status.md"), re.MULTILINE)))
    assert statuses | {0, 3, 130} == named


def tree(kind):
    return {kind}.union(*(tree(one) for one in kind.__subclasses__()))
