"""1,500 services and 9,300 calls: the page draws them, moves them and finds one among them."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.opened import Opened

SERVICE = "team-007/svc-00767"
STILL = """() => new Promise(done => {
    const canvas = document.querySelector("#canvas canvas");
    const [before, draws] = [canvas.toDataURL(), []];
    const stroke = CanvasRenderingContext2D.prototype.stroke;
    const later = window.setTimeout;
    window.setTimeout = () => 0;  // it does not come to rest, however slow the frames are
    CanvasRenderingContext2D.prototype.stroke = function (...path) { draws.push(1); return stroke.apply(this, path); };
    canvas.parentElement.dispatchEvent(new WheelEvent("wheel", {deltaY: -200, clientX: 400, clientY: 400}));
    requestAnimationFrame(() => requestAnimationFrame(() => {
        CanvasRenderingContext2D.prototype.stroke = stroke;
        window.setTimeout = later;
        done([canvas.toDataURL() !== before, draws.length]);
    }));
})"""


def test_it_is_drawn_and_a_service_is_found(page: Page, large: Path) -> None:
    opened = Opened.at(page, large)
    assert len(opened.document["edges"]) > 9_300
    page.keyboard.press("/")
    page.keyboard.type(SERVICE)
    page.keyboard.press("Enter")
    expect(opened.heading).to_have_text(SERVICE)
    opened.click_at(-50, -50)
    opened.click(SERVICE)
    expect(opened.heading).to_have_text(SERVICE)
    page.keyboard.press("c")
    expect(page.locator("#without-policies")).to_contain_text("1499 of 1499")
    page.keyboard.press("t")
    expect(page.locator("#tables tbody").first.locator("tr")).to_have_count(300)


def test_while_it_moves_nothing_is_drawn_anew(page: Page, large: Path) -> None:
    Opened.at(page, large)
    moved, strokes = page.evaluate(STILL)
    assert moved
    assert strokes == 0
