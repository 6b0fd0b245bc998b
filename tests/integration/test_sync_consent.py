"""Calls across namespaces: the caller's half needs the caller alone, the callee's half the callee's consent (R7)."""

import pytest

from tests.integration.kube import Kube, Object
from tests.integration.look import edges, policies, problems, ready, settled
from tests.integration.operators import Operator
from tests.integration.support import History, Scene, everything_seen
from tests.integration.world import app, graph, service
from tests.support.verdict import Pod
from tests.waiting import eventually

CALL = "checkout > ledger:8080"


class Street:
    """A shop whose checkout calls the ledger of a bank, in another namespace."""

    def __init__(self, kube: Kube, shop: str, bank: str) -> None:
        self.kube, self.shop, self.bank = kube, shop, bank
        self.scene = Scene(
            {
                "checkout": Pod(shop, {"app": "checkout"}),
                "thief": Pod(shop, {"app": "thief"}),
                "ledger": Pod(bank, {"app": "ledger"}),
                "vault": Pod(bank, {"app": "vault"}),
            },
            (8080, 9090),
        )
        kube.apply(*app(shop, "checkout"), *app(bank, "ledger", "vault"))

    def call(self, *ports: int | str) -> Object:
        """The shop's graph."""
        entry: Object = {"service": "ledger", "namespace": self.bank} | ({"ports": list(ports)} if ports else {})
        return graph(self.shop, "shop", {"checkout": {"calls": [entry]}})

    def adopt(self, accepts: bool = False, ports: tuple[int, ...] = (), **spec: object) -> Object:
        """The bank's graph, that accepts checkout or does not."""
        entry: Object = {"service": "checkout", "namespace": self.shop} | ({"ports": list(ports)} if ports else {})
        return graph(self.bank, "bank", {"ledger": {"accepts": [entry] if accepts else []}}, **spec)

    def flows(self) -> set[str]:
        """Who reaches the ledger, pods of the bank too."""
        return self._across(self.scene.allows(self.kube))

    def moments(self, history: History) -> list[set[str]]:
        return [self._across(self.scene.flows(moment)) for moment in history.moments()]

    def edges(self) -> dict[str, int]:
        return edges(self.kube, self.shop)

    def caller_half(self) -> str:
        found: str = policies(self.kube, self.shop)["checkout"]["metadata"]["resourceVersion"]
        return found

    def _across(self, flows: set[str]) -> set[str]:
        return {flow for flow in flows if flow.partition(" > ")[2].startswith("ledger:")}


OPEN = {f"{name} > ledger:{port}" for name in ("thief", "vault") for port in (8080, 9090)}


@pytest.fixture
def street(kube: Kube, operator: Operator, namespace: str, neighbour: str) -> Street:
    found = Street(kube, namespace, neighbour)
    everything_seen(kube)
    return found


@pytest.fixture
def calling(street: Street) -> Street:
    """The shop has adopted, the bank has not: the callee is outside, and nothing isolates it."""
    street.kube.apply(street.call())
    eventually(lambda: settled(street.kube, street.shop))
    assert street.flows() == {CALL} | OPEN
    assert "CalleeNotIsolated" in problems(street.kube, street.shop)
    return street


def test_a_call_awaits_consent_is_accepted_and_withdrawn(kube: Kube, street: Street) -> None:
    kube.apply(street.adopt())
    eventually(lambda: ready(kube, street.bank, "bank") and "ledger" in policies(kube, street.bank))
    history = History(kube, street.shop, street.bank)
    kube.apply(street.call())
    eventually(lambda: street.edges() == {"total": 1, "awaitingConsent": 1})
    eventually(lambda: ready(kube, street.shop), "waiting for others is no failure of this graph")
    eventually(lambda: problems(kube, street.shop).keys() == {"AwaitingConsent"})
    assert not any(street.moments(history)), "without consent nothing passes"
    before = street.caller_half()
    kube.apply(street.adopt(accepts=True))
    eventually(lambda: street.flows() == {CALL})
    eventually(lambda: street.edges() == {"total": 1, "active": 1})
    eventually(lambda: not problems(kube, street.shop))
    kube.apply(street.adopt())
    eventually(lambda: not street.flows(), "withdrawn at once")
    eventually(lambda: street.edges() == {"total": 1, "awaitingConsent": 1})
    assert street.caller_half() == before, "all the while the caller's half is as it was"


def test_consent_that_is_not_used_is_told(kube: Kube, street: Street) -> None:
    kube.apply(street.adopt(accepts=True), graph(street.shop, "shop", {"checkout": {}}))
    eventually(lambda: "UnusedConsent" in problems(kube, street.bank, "bank"))
    eventually(lambda: not street.flows(), "accepting opens nothing by itself")
    kube.apply(street.call())
    eventually(lambda: street.flows() == {CALL})
    eventually(lambda: not problems(kube, street.bank, "bank"))


def test_consent_to_some_ports(kube: Kube, street: Street) -> None:
    kube.apply(service(street.bank, "ledger", http=8080, admin=9090))
    kube.apply(street.adopt(accepts=True, ports=(80,)), street.call(80, 81))
    eventually(lambda: street.edges() == {"total": 2, "active": 1, "awaitingConsent": 1}, "an edge for each state")
    eventually(lambda: street.flows() == {CALL})
    kube.apply(street.adopt(accepts=True))
    eventually(lambda: street.flows() == {CALL, "checkout > ledger:9090"})
    eventually(lambda: street.edges() == {"total": 1, "active": 1})


def test_the_message_does_not_tell_whether_the_callee_exists(kube: Kube, street: Street) -> None:
    nobody = {"calls": [{"service": "nobody", "namespace": street.bank}]}
    kube.apply(street.adopt(), street.call())
    eventually(lambda: street.edges() == {"total": 1, "awaitingConsent": 1})
    refused = problems(kube, street.shop)
    kube.apply(graph(street.shop, "shop", {"checkout": nobody}))
    eventually(lambda: "nobody" in problems(kube, street.shop).get("AwaitingConsent", ""))
    assert street.edges() == {"total": 1, "awaitingConsent": 1}
    absent = problems(kube, street.shop)
    assert {code: message.replace("nobody", "ledger") for code, message in absent.items()} == refused


@pytest.mark.parametrize(
    "spec",
    [{"mode": "DryRun"}, {"mode": "Off"}, {"directions": ["Egress"]}, {"mode": "DryRun", "isolation": "Namespace"}],
    ids=str,
)
def test_a_neighbour_cuts_nothing_that_it_does_not_isolate(kube: Kube, calling: Street, spec: Object) -> None:
    before = calling.caller_half()
    history = History(kube, calling.shop, calling.bank)
    kube.apply(calling.adopt(**spec))
    eventually(lambda: calling.edges() == {"total": 1, "awaitingConsent": 1}, "its word counts in any mode")
    eventually(lambda: ready(kube, calling.bank, "bank"))
    assert all(flows == {CALL} | OPEN for flows in calling.moments(history))
    kube.delete("ServiceGraph", calling.bank, "bank")
    eventually(lambda: calling.edges() == {"total": 1, "active": 1})
    assert calling.caller_half() == before


def test_a_neighbour_that_isolates_with_consent_cuts_nothing(kube: Kube, calling: Street) -> None:
    before = calling.caller_half()
    history = History(kube, calling.shop, calling.bank)
    kube.apply(calling.adopt(accepts=True, isolation="Namespace"))
    eventually(lambda: calling.flows() == {CALL}, "and closes the rest")
    eventually(lambda: ready(kube, calling.bank, "bank"))
    kube.delete("ServiceGraph", calling.bank, "bank")
    eventually(lambda: calling.flows() == {CALL} | OPEN)
    assert all(CALL in flows for flows in calling.moments(history))
    assert calling.caller_half() == before


def test_a_neighbour_that_isolates_another_service(kube: Kube, calling: Street) -> None:
    history = History(kube, calling.shop, calling.bank)
    kube.apply(graph(calling.bank, "bank", {"vault": {}}))
    eventually(lambda: "vault" in policies(kube, calling.bank))
    assert all(CALL in flows for flows in calling.moments(history))
    assert calling.edges() == {"total": 1, "active": 1}


def test_an_accepted_caller_that_no_graph_declares(kube: Kube, street: Street) -> None:
    """The caller is outside: the callee's half is written, and stays when the caller adopts."""
    kube.apply(street.adopt(accepts=True))
    eventually(lambda: street.flows() == {CALL})
    history = History(kube, street.shop, street.bank)
    kube.apply(street.call())
    eventually(lambda: street.flows() == {CALL})
    assert all(CALL in flows for flows in street.moments(history))
