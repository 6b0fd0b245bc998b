"""Two teams, each with a graph in a namespace of its own: storefront's checkout calls payments' ledger."""

from collections.abc import Iterable

import pytest

from tests.e2e.conftest import MakeStage
from tests.e2e.pods import Role
from tests.e2e.stage import Stage
from tests.integration.look import edges
from tests.waiting import eventually

STOREFRONT = """
services:
  - {name: checkout, calls: [{service: ledger, namespace: payments}]}
  - {name: cart}
"""
PAYMENTS = """
services: [{name: ledger}, {name: audit, calls: [{service: ledger}]}]
"""
CONSENTING = """
services:
  - {name: ledger, accepts: [{service: checkout, namespace: storefront, ports: [http]}]}
  - {name: audit, calls: [{service: ledger}]}
"""
TEAMS = {
    "storefront": ("storefront/checkout", "storefront/cart"),
    "payments": ("payments/ledger", "payments/audit"),
}
INSIDE = ("payments/audit > payments/ledger: 8080, 9090", "storefront/checkout, payments/audit > dns")


@pytest.fixture(scope="module")
def stage(make_stage: MakeStage) -> Stage:
    ledger = Role(name="ledger", namespace="payments", exposes={"http": 80, "metrics": 81})
    callers = [Role(name="checkout", namespace="storefront"), Role(name="cart", namespace="storefront")]
    return make_stage([*callers, ledger, Role(name="audit", namespace="payments"), Role(name="stranger")])


def test_a_team_is_called_only_while_it_consents(stage: Stage) -> None:
    stage.expect_all_open()

    stage.apply(STOREFRONT, namespace="storefront")
    not_adopted = ("storefront/checkout > payments/ledger: 8080, 9090", "storefront/checkout > dns")
    shows(stage, ["storefront"], *not_adopted)

    stage.apply(PAYMENTS, namespace="payments")
    shows(stage, TEAMS, *INSIDE)
    awaits(stage, 1)

    stage.apply(CONSENTING, namespace="payments")
    shows(stage, TEAMS, "storefront/checkout > payments/ledger: 8080", *INSIDE)
    awaits(stage, 1)

    stage.apply(PAYMENTS, namespace="payments")
    shows(stage, TEAMS, *INSIDE)

    stage.clear("payments")
    shows(stage, ["storefront"], *not_adopted)
    awaits(stage, 0)


def shows(stage: Stage, adopted: Iterable[str], *lines: str) -> None:
    """What passes while these teams have a graph."""
    isolated = {role for team in adopted for role in TEAMS[team]}
    stage.expect("others > others", *lines, groups={"others": stage.ends().roles - isolated})


def awaits(stage: Stage, ports: int) -> None:
    """Some ports of checkout's call are waiting for consent, and its status says so."""
    namespace = stage.namespaces["storefront"]
    eventually(
        lambda: edges(stage.kube, namespace, "graph").get("awaitingConsent", 0) == ports,
        f"{ports} port(s) of checkout's call await consent",
    )
