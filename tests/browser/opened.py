"""A report as its reader handles it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

ROOT = Path(__file__).parents[2]
NODE_MODULES = ROOT / "tools" / "page" / "node_modules"


@dataclass(frozen=True)
class Opened:
    """A page, and the document in it."""

    page: Page
    document: Any

    @classmethod
    def at(cls, page: Page, file: Path) -> "Opened":
        """Open a file and wait until it is drawn."""
        page.goto(file.as_uri())
        page.wait_for_selector("#canvas:not([aria-busy])")
        return cls(page, json.loads(page.locator("#report").text_content() or ""))

    @property
    def panel(self) -> Locator:
        """What is told about the selection."""
        return self.page.locator("#panel")

    @property
    def heading(self) -> Locator:
        """Whom the panel is about."""
        return self.panel.locator("h2")

    def click(self, node: str) -> None:
        """Click a node where it is drawn."""
        left, top, width, height = self.document["layout"]["nodes"][node]
        self.click_at(left + width / 2, top + height / 2)

    def click_edge(self, source: str, target: str) -> None:
        """Click an edge near its end, clear of everything else."""
        (number,) = [n for n, e in enumerate(self.document["edges"]) if (e["source"], e["target"]) == (source, target)]
        *_, (_, _), (x, y) = self.document["layout"]["edges"][number]
        self.click_at(x - 12, y)

    def click_at(self, x: float, y: float) -> None:
        """Click a point of the layout."""
        moved_x, moved_y, scale = map(float, (self.page.locator("#canvas").get_attribute("data-view") or "").split())
        box = self.page.locator("#canvas").bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + moved_x + x * scale, box["y"] + moved_y + y * scale)

    def shot(self) -> bytes:
        """What is on the canvas."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return self.page.locator("#canvas canvas").screenshot()
