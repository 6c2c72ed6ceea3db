"""The pages hang together: every link leads somewhere, every decision is short."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(DOCS.parent)))
def test_every_link_to_a_page_leads_to_one(page):
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    assert [to for to in links if "://" not in to and not (page.parent / to).exists()] == []


def test_every_picture_is_small_and_some_page_shows_it():
    text = "".join(page.read_text("utf-8") for page in PAGES)
    pictures = sorted((DOCS / "images").glob("*.png"))
    assert [one.name for one in pictures if f"{one.name})" not in text] == []
    assert 0 < sum(one.stat().st_size for one in pictures) < 2.5e6


@pytest.mark.parametrize("page", sorted(DOCS.glob("adr/*.md")), ids=lambda p: p.stem)
def test_a_decision_fits_a_screen(page):
    assert len(page.read_text("utf-8").splitlines()) <= 40


def test_the_glossary_is_in_order_and_has_each_word_once():
    rows = re.findall(r"^\| ([a-z][a-z ]*?) \|", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    words = [word for word in rows if word != "word"]
    assert words == sorted(set(words))


SECURITY = (DOCS / "explanation" / "security.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", SECURITY)


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED)))
def test_a_test_that_the_security_page_names_is_there(path, name):
    assert f"\ndef {name}(" in (DOCS.parent / path).read_text("utf-8")


def test_every_threat_on_the_security_page_has_a_test():
    table = SECURITY.partition("| threat | answer | test |")[2].partition("\n\n")[0]
    rows = [row for row in table.splitlines() if row.startswith("| ") and "---" not in row]
    assert len(rows) > 30
    assert [row for row in rows if "::test_" not in row] == []
