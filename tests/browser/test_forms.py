"""Mermaid and Graphviz themselves read what the report writes, and the diagrams of the documentation; its SVG is a
picture; the page's assets are current."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.opened import NODE_MODULES, ROOT

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
DIAGRAMS = [
    pytest.param(diagram, id=f"{page.relative_to(ROOT)} {number}")
    for page in PAGES
    for number, diagram in enumerate(
        re.findall(r"^```mermaid\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE), 1
    )
]
CASES = ["examples/shop", "examples/bank", "tests/golden/consent"]


def report(form: str, case: str) -> str:
    command = [sys.executable, "-m", "servicegraph.cli.main", "report", case, "-o", form]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def drawn_by_mermaid(text: str, page: Page) -> str:
    page.add_script_tag(path=NODE_MODULES / "mermaid" / "dist" / "mermaid.min.js")
    drawn: str = page.evaluate("async text => (await mermaid.render('drawn', text)).svg", text)
    return drawn


@pytest.mark.parametrize("case", CASES)
def test_mermaid_draws_it(case: str, page: Page) -> None:
    text = report("mermaid", case)
    assert drawn_by_mermaid(text, page).count("flowchart-link") >= text.count("-->")


@pytest.mark.parametrize("diagram", DIAGRAMS)
def test_mermaid_draws_the_diagrams_of_the_documentation(diagram: str, page: Page) -> None:
    assert drawn_by_mermaid(diagram, page).count("flowchart-link") >= diagram.count("-->")


@pytest.mark.parametrize("case", CASES)
def test_graphviz_draws_it(case: str, page: Page, tmp_path: Path) -> None:
    text = report("dot", case)
    (tmp_path / "empty.html").write_text("<!doctype html>")
    page.goto((tmp_path / "empty.html").as_uri())
    page.add_script_tag(path=NODE_MODULES / "@viz-js" / "viz" / "dist" / "viz-global.js")
    drawn = page.evaluate("async text => (await Viz.instance()).renderString(text, {format: 'svg'})", text)
    assert drawn.count('class="edge"') == text.count(" -> ")


@pytest.mark.parametrize("case", CASES)
def test_svg_is_a_picture(case: str, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "report.svg"
    file.write_text(report("svg", case))
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.getBBox().width") > 100
    assert page.evaluate("document.querySelectorAll('.name').length") > 2


def test_the_assets_are_what_their_sources_give(tmp_path: Path) -> None:
    project = ROOT / "tools" / "page"
    subprocess.run(["npm", "run", "--silent", "types"], cwd=project, check=True)
    subprocess.run(["node", "build.mjs", tmp_path], cwd=project, check=True)
    for built in tmp_path.iterdir():
        committed = ROOT / "operator" / "servicegraph" / "report" / "assets" / built.name
        assert built.read_bytes() == committed.read_bytes(), f"{built.name} is not current: run make assets"
