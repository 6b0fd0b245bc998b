"""Reports in headless Chromium. Whatever a page asks for beside itself, or complains of, fails the test."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from benchmarks.graphs import make
from benchmarks.shape import Shape
from tests.browser.opened import ROOT, Opened

CHROMIUM = shutil.which("chromium") or "chromium, which make test-browser installs"

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on the bank."""
    return written(tmp_path_factory.mktemp("bank"), "examples/bank", "--profile", "examples/bank/profile.yaml")


@pytest.fixture(scope="session")
def consent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on calls that await consent."""
    return written(tmp_path_factory.mktemp("consent"), "tests/golden/consent")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on 1,500 services and 9,300 calls in 15 namespaces."""
    folder = tmp_path_factory.mktemp("large")
    objects = make(Shape(services=1_500, namespaces=True)).all()
    (folder / "all.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))
    return written(folder, str(folder / "all.json"))


def written(folder: Path, *arguments: str) -> Path:
    """The page that `servicegraph report` writes."""
    command = [sys.executable, "-m", "servicegraph.cli.main", "report", *arguments]
    page = folder / "report.html"
    page.write_bytes(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    return page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page; it may read its own file and say nothing on the console."""
    context = browser.new_context(viewport={"width": 1400, "height": 800}, color_scheme="light")
    found = context.new_page()
    complaints: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            complaints.append(f"asked for {request.url}")

    found.on("console", lambda message: complaints.append(message.text))
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("request", asked)
    yield found
    context.close()
    assert complaints == []


@pytest.fixture
def opened(page: Page, bank: Path) -> Opened:
    """The bank's report, drawn."""
    return Opened.at(page, bank)
