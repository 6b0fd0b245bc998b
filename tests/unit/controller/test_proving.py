"""What is about to be written is held against the graphs, alone and with the policies of others."""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec

from servicegraph.compiler.changes import Changes
from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.incremental import Compiler
from servicegraph.controller.apply import Applier
from servicegraph.controller.compare import Action, Verb
from servicegraph.controller.live import LivePolicy
from servicegraph.controller.metrics import Metrics
from servicegraph.controller.plan import Plan
from servicegraph.controller.policykinds import read_policy
from servicegraph.controller.proofs import Proofs
from servicegraph.controller.proving import Check, Finding, beside, findings
from servicegraph.controller.state import State
from servicegraph.controller.view import wanted
from servicegraph.model.cluster import Service
from servicegraph.model.graph import Graph
from servicegraph.model.policy import Policy
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.sources.api import ApiClient
from servicegraph.sources.connection import Connection, Credentials
from servicegraph.sources.objects import decode
from tests.unit.compiler.cluster import PLAIN, app, graph
from tests.unit.verify.made import peer, policy, rule

SHOP = GraphKey("shop", "shop")
FRONTEND, SEARCH = ServiceKey("shop", "frontend"), ServiceKey("shop", "search")
NOWHERE = Connection("http://127.0.0.1:1", Credentials(lambda: None))
SERVICES: dict[str, Any] = {
    "services": [{"name": "frontend", "calls": [{"service": "search"}]}, {"name": "search"}],
    "dns": "Never",
}
MONITORING = policy("monitoring", {}, ingress=[rule("from", peer("prometheus"), on=(9090,))])


def compiled(*graphs: Graph) -> Compiler:
    compiler = Compiler(PLAIN)
    objects = [decode(raw) for name in ("frontend", "search") for raw in app(f"shop/{name}")]
    services = {item.key: item for item in objects if isinstance(item, Service)}
    compiler.update(Changes(graphs={one.key: one for one in graphs}, services=services))
    return compiler


def shop(**spec: Any) -> Graph:
    return graph("shop/shop", {**SERVICES, **spec})


def tampered(policies: Iterable[Policy]) -> list[Policy]:
    return [msgspec.structs.replace(policy, ingress=()) for policy in policies]


# Ours alone


def test_what_the_compiler_says_is_right() -> None:
    specs: list[dict[str, Any]] = [{}, {"isolation": "Namespace"}, {"mode": "DryRun"}, {"directions": ["Ingress"]}]
    for spec in specs:
        compiler = compiled(shop(**spec))
        for service in (FRONTEND, SEARCH, None):
            assert Check.of(compiler, "shop", service).fault is None


def test_a_service_that_is_off_under_a_default_deny_is_right() -> None:
    off = [{**service, "mode": "Off"} for service in SERVICES["services"]]
    compiler = compiled(shop(isolation="Namespace", services=off))
    assert compiler.policies_of(SEARCH)
    assert Check.of(compiler, "shop", SEARCH).fault is None


def test_a_policy_that_lost_a_rule_is_a_fault() -> None:
    compiler = compiled(shop())
    fault = Check(compiler.declarations_of(SEARCH), tampered(compiler.policies_of(SEARCH))).fault
    assert fault is not None
    assert "pods app=frontend in shop -> shop/search 8080" in fault


def test_a_fault_keeps_a_policy_from_being_written() -> None:
    """With nobody to write to, a write would be tried and fail as Retrying."""
    compiler = compiled(shop())
    wrong = Check(compiler.declarations_of(SEARCH), tampered(compiler.policies_of(SEARCH)))
    right = Check.of(compiler, "shop", SEARCH)

    async def refusal(check: Check) -> tuple[str, bool]:
        (found,) = compiler.policies_of(SEARCH)
        action = Action(verb=Verb.CREATE, name=found.name, wanted=wanted(found, {}, check))
        async with ApiClient(NOWHERE, timeout=1) as client:
            applier = Applier(client, State(), Metrics(), in_flight=1)
            written, refused = await applier.run("shop", Plan(phases=((action,),)), {})
        assert not written
        return refused[found.name].failure.reason, refused[found.name].failure.lasting

    assert asyncio.run(refusal(wrong)) == ("Inexact", True)
    assert asyncio.run(refusal(right)) == ("Retrying", False)


# With those of others


def test_what_others_open_is_found_at_each_service_and_named() -> None:
    compiler = compiled(shop())
    found = findings(compiler, {FRONTEND, SEARCH}, {"shop": [MONITORING]}, {})
    assert set(found) == {FRONTEND, SEARCH}
    (sentence,) = found[SEARCH].wrong
    assert sentence.startswith("extra: pods app=prometheus in shop -> shop/search 9090")
    assert "shop/monitoring ingress[0].from[0]" in sentence


def test_what_a_graph_trusts_is_no_fault_of_it() -> None:
    compiler = compiled(shop())
    found = findings(compiler, {SEARCH}, {"shop": [MONITORING]}, {SHOP: ("monitoring",)})
    assert (found[SEARCH].wrong, len(found[SEARCH].trusted)) == ((), 1)


def test_what_others_only_isolate_is_nothing() -> None:
    assert findings(compiled(shop()), {SEARCH}, {"shop": [policy("deny", {})]}, {}) == {}


def test_under_a_default_deny_the_other_pods_count() -> None:
    legacy = policy("legacy", "legacy", ingress=[{}])
    assert beside(compiled(shop()), "shop", {"shop": [legacy]}, {}) == Finding()
    compiler = compiled(shop(isolation="Namespace"))
    (sentence,) = beside(compiler, "shop", {"shop": [legacy]}, {}).wrong
    assert "pods app=legacy" in sentence
    ours = policy("ours", "search", ingress=[rule("from", peer("prometheus"))])
    assert beside(compiler, "shop", {"shop": [ours]}, {}) == Finding()


# What is due


def test_proofs_are_due_only_where_others_have_policies() -> None:
    state, one = State(), shop()
    compiler = compiled(one)
    proofs = Proofs(state)
    names = frozenset((p.namespace, p.name) for p in compiler.policies("shop"))
    delta = msgspec.structs.replace(compiler.update(Changes()), policies=names)
    proofs.note(compiler, Changes(graphs={SHOP: one}), delta)
    assert proofs.next() is None
    assert not proofs.waiting
    state.saw(_live(manifest(compiler.policies_of(SEARCH)[0]) | {"metadata": {"name": "theirs", "namespace": "shop"}}))
    assert state.touched == {"shop"}
    proofs.note(compiler, Changes(), compiler.update(Changes()))
    assert proofs.waiting == {SHOP}
    task = proofs.next()
    assert task is not None
    assert task.services == {FRONTEND, SEARCH}
    assert proofs.take(task, task.run(compiler)) == set()
    assert not proofs.waiting


def _live(raw: dict[str, Any]) -> LivePolicy:
    raw["metadata"] |= {"uid": "u", "resourceVersion": "7"}
    return read_policy(msgspec.json.encode(raw))
