"""The report's page in a browser: what a reader does, and what it shows."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from servicegraph.answers.impact import impact
from servicegraph.answers.reach import Reach
from servicegraph.cli.reading import Where, read
from servicegraph.cli.scenes import scene_of
from tests.browser.opened import NODE_MODULES, ROOT, Opened


def test_the_whole_first(opened: Opened) -> None:
    expect(opened.heading).to_have_text("Overview")
    expect(opened.panel).to_contain_text("9 of 90 connections between services are open")
    expect(opened.panel).to_contain_text("Unsupported")


def test_a_click_on_a_service_tells_its_edges_and_policies(opened: Opened) -> None:
    opened.click("bank/accounts")
    expect(opened.heading).to_have_text("bank/accounts")
    expect(opened.panel).to_contain_text("examples/bank/servicegraph.yaml:25")
    policy = opened.panel.locator("details.policy").first
    policy.locator("summary").click()
    expect(policy).to_contain_text("gateway calls accounts [http]")
    expect(policy).to_contain_text("examples/bank/servicegraph.yaml:22")


def test_a_click_on_an_edge_tells_its_ports_and_its_entry(opened: Opened) -> None:
    opened.click_edge("payments/ledger", "to 10.20.0.0/16 except 10.20.5.0/24")
    expect(opened.heading).to_have_text("payments/ledger → to 10.20.0.0/16 except 10.20.5.0/24")
    expect(opened.panel).to_contain_text("Kafka brokers outside the cluster")


def test_a_click_beside_everything_goes_back(opened: Opened) -> None:
    opened.click("bank/accounts")
    opened.click_at(5, 5)
    expect(opened.heading).to_have_text("Overview")


def test_names_in_the_panel_lead_on(opened: Opened) -> None:
    opened.click("bank/accounts")
    opened.panel.get_by_role("button", name="payments/ledger", exact=True).first.click()
    expect(opened.heading).to_have_text("payments/ledger")


def test_a_compromised_service_reaches_what_impact_says(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    reach = Reach(scene_of(read(Where(profile="examples/bank/profile.yaml"), ["examples/bank"])))
    for key in sorted(reach.services):
        told = impact(reach, key)
        opened.page.keyboard.press("/")
        opened.page.keyboard.type(str(key))
        opened.page.locator(f"#hits [data-id='{key}']").click()
        opened.page.keyboard.press("c")
        rows = opened.panel.locator(".radius li")
        expect(rows).to_have_count(len(told.reaches))
        found = [(row.locator(".link").inner_text(), row.locator(".hops").inner_text()) for row in rows.all()]
        assert found == [(str(r.service), f"{r.hops} hop{'s' * (r.hops > 1)}") for r in told.reaches]
        expect(opened.page.locator("#with-policies")).to_contain_text(f"{len(told.reaches)} of {told.others}")
        opened.page.keyboard.press("c")


def test_the_hits_are_gone_when_the_search_is_left(opened: Opened) -> None:
    """At once: what is typed after a quick return has hits of its own."""
    opened.page.keyboard.press("/")
    opened.page.keyboard.type("ledger")
    expect(opened.page.locator("#hits li").first).to_be_visible()
    search = opened.page.locator("#search")
    assert search.evaluate("search => (search.blur(), document.getElementById('hits').hidden)")
    expect(search).to_have_attribute("aria-expanded", "false")


def test_without_policies_all_are_in_reach(opened: Opened) -> None:
    opened.click("bank/gateway")
    opened.panel.get_by_role("switch", name="Compromised").click()
    opened.page.locator("#without-policies").click()
    expect(opened.panel).to_contain_text("Every one of 9 services is one hop away.")
    expect(opened.page.locator("#said")).to_have_text(
        "bank/gateway compromised: reaches 9 of 9 services without policies"
    )


def test_keys_alone_lead_everywhere(opened: Opened) -> None:
    keys = opened.page.keyboard
    keys.press("/")
    keys.type("gate")
    expect(opened.page.locator("#hits li")).to_have_count(1)
    keys.press("Enter")
    expect(opened.heading).to_have_text("bank/gateway")
    keys.press("ArrowRight")
    expect(opened.heading).to_have_text(re.compile("bank/(accounts|cards)"))
    keys.press("ArrowLeft")
    keys.press("Enter")
    expect(opened.panel).to_be_focused()
    keys.press("Escape")
    expect(opened.heading).to_have_text("Overview")
    keys.press("t")
    expect(opened.page.locator("#tables caption").first).to_have_text("10 services")
    keys.press("t")
    keys.press("?")
    expect(opened.page.locator("#help")).to_be_visible()
    keys.press("Escape")
    expect(opened.page.locator("#help")).to_be_hidden()


def test_tab_passes_every_control_and_shows_where_it_is(opened: Opened) -> None:
    passed = set()
    for _ in range(25):
        opened.page.keyboard.press("Tab")
        passed.add(opened.page.evaluate("document.activeElement.id"))
        outline = opened.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or opened.page.evaluate("document.activeElement === document.body")
    assert passed >= {"search", "show-graph", "show-tables", "theme", "show-help", "canvas", "fit", "panel"}


def test_filters_take_away_and_give_back(opened: Opened) -> None:
    before = opened.shot()
    box = opened.page.get_by_role("checkbox", name=re.compile("^Active"))
    box.uncheck()
    assert opened.shot() != before
    opened.page.keyboard.press("Escape")
    opened.page.locator("#show-tables").click()
    expect(opened.page.locator("#tables caption").nth(1)).to_have_text("1 edge")
    opened.page.locator("#filters summary", has_text="Namespaces").click()
    opened.page.get_by_role("checkbox", name="payments").uncheck()
    expect(opened.page.locator("#tables caption").first).to_have_text("8 services")


def test_a_search_narrows_the_tables(opened: Opened) -> None:
    opened.page.locator("#show-tables").click()
    opened.page.locator("#search").fill("ledger")
    expect(opened.page.locator("#tables caption").first).to_have_text("2 services")


def test_states_are_told_by_more_than_colour(page: Page, consent: Path) -> None:
    opened = Opened.at(page, consent)
    opened.page.locator("#show-tables").click()
    expect(opened.page.locator("#tables .badge.AwaitingConsent")).to_have_count(3)
    patterns = opened.page.eval_on_selector_all(
        ".sample path", "all => all.map(p => p.getAttribute('stroke-dasharray'))"
    )
    assert len(patterns) == len(set(patterns)) == 2


def test_wheel_and_buttons_move_the_graph(opened: Opened) -> None:
    scale = "Number(document.getElementById('canvas').dataset.view.split(' ')[2])"
    start = opened.page.evaluate(scale)
    opened.page.mouse.move(500, 500)
    opened.page.mouse.wheel(0, -300)
    opened.page.wait_for_function(f"{scale} > {start}")
    opened.page.locator("#fit").click()
    opened.page.wait_for_function(f"{scale} === {start}")


def test_dark_is_what_the_system_prefers_until_the_reader_says_otherwise(browser: Browser, bank: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    opened = Opened.at(page, bank)
    dark = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    expect(opened.page.locator("#theme")).to_have_attribute("aria-pressed", "true")
    shot = opened.shot()
    opened.page.locator("#theme").click()
    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    assert opened.shot() != shot
    page.close()


def test_paper_has_the_picture_and_every_row(opened: Opened, tmp_path: Path) -> None:
    opened.page.pdf(path=tmp_path / "report.pdf")
    rows = opened.page.locator("#tables tbody").nth(1).locator("tr")
    expect(rows).to_have_count(len(opened.document["edges"]))
    assert (opened.page.locator("#paper").get_attribute("src") or "").startswith("data:image/png")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["whole", "service", "compromised", "edge", "tables", "help"])
def test_nothing_that_axe_knows_keeps_anybody_out(scheme: Any, state: str, browser: Browser, bank: Path) -> None:
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, viewport={"width": 1400, "height": 800})
    opened = Opened.at(context.new_page(), bank)
    if state in ("service", "compromised"):
        opened.click("bank/gateway")
    if state == "edge":
        opened.click_edge("payments/ledger", "to 10.20.0.0/16 except 10.20.5.0/24")
    keys = {"compromised": "c", "tables": "t", "help": "?"}
    if state in keys:
        opened.page.keyboard.press(keys[state])
    opened.page.add_script_tag(path=NODE_MODULES / "axe-core" / "axe.min.js")
    found = opened.page.evaluate("() => axe.run()")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    context.close()
