"""Links between the pages of the checkout lead somewhere, and the index of docs/ leads to every page there."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.contract import ROOT, sections

DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")]

LINK = re.compile(r"\]\((?!https?:)(?P<page>[^)#]*)(?:#(?P<fragment>[^)]*))?\)")
LINKS = sorted(
    {
        (page.relative_to(ROOT).as_posix(), link["page"], link["fragment"] or "")
        for page in PAGES
        for link in LINK.finditer(page.read_text())
    }
)


@cache
def fragments(page: Path) -> set[str]:
    return {section.slug for section in sections(page)}


@pytest.mark.parametrize(("page", "target", "fragment"), LINKS)
def test_a_link_leads_to_a_page_and_a_heading(page: str, target: str, fragment: str) -> None:
    there = (ROOT / page).parent / target if target else ROOT / page
    assert there.exists()
    assert not fragment or fragment in fragments(there)


def test_the_index_names_every_page() -> None:
    linked = {target for page, target, _ in LINKS if page == "docs/README.md"}
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} == linked - {"adr/README.md"}
