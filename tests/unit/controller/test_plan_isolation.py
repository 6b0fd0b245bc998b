"""Whatever two graphs of a namespace turn into, no single write cuts what passes before and after (R18).

The graph `walls` isolates the namespace or does not; `shop` declares `legacy` in different ways, which `front` calls
and which calls `back`. Plans are carried out one write at a time, each write is refused once, and the manifests that
are live after each write are evaluated.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest

from servicegraph.controller.compare import Action, Verb
from servicegraph.controller.graphs import LiveGraph
from servicegraph.controller.live import LivePolicy
from servicegraph.controller.view import GraphRecord
from servicegraph.model.graph import Graph
from servicegraph.model.policy import Policy
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.refs import GraphKey
from tests.support.verdict import Manifest, Pod, Verdicts
from tests.unit.compiler.cluster import World, app, graph
from tests.unit.controller.planning import NAMESPACE, Namespace

WALLS = {
    "both": "{isolation: Namespace, services: [{name: wall}]}",
    "ingress": "{isolation: Namespace, directions: [Ingress], services: [{name: wall}]}",
    "egress": "{isolation: Namespace, directions: [Egress], services: [{name: wall}]}",
    "dry": "{isolation: Namespace, mode: DryRun, services: [{name: wall}]}",
    "dry members": "{mode: DryRun, services: [{name: wall}]}",
    "members": "{services: [{name: wall}]}",
    "off": '{isolation: Namespace, mode: "Off", services: [{name: wall}]}',
    "gone": None,
    "invalid": None,
}
LEGACY = {
    "enforced": "calls: [{service: back}]",
    "off": 'mode: "Off", calls: [{service: back}]',
    "dry": "mode: DryRun, calls: [{service: back}]",
    "half": "directions: [Ingress], calls: [{service: back}]",
}
PORT = ("TCP", 8080)
PODS = [Pod(NAMESPACE, {"app": name}, name) for name in ("wall", "front", "legacy", "back", "bare")]
Step = tuple[str, str]
Flow = tuple[str, str]
HALVES = [(f"{pod.name} {side}", pod, peer) for side in ("from", "to") for pod, peer in product(PODS, PODS)]


@cache
def shop_of(legacy: str) -> Graph:
    services = f"[{{name: front, calls: [{{service: legacy}}]}}, {{name: legacy, {LEGACY[legacy]}}}, {{name: back}}]"
    return graph(f"{NAMESPACE}/shop", f"{{services: {services}}}")


@cache
def compiled(step: Step) -> tuple[tuple[Policy, ...], tuple[GraphRecord, ...]]:
    walls, legacy = step
    spec = WALLS[walls]
    graphs = [shop_of(legacy), *([graph(f"{NAMESPACE}/walls", spec)] if spec else [])]
    apps = [app(f"{NAMESPACE}/{name}") for name in ("wall", "front", "legacy", "back")]
    records = [LiveGraph(g.key, f"uid-of-{g.key.name}", 1, 1, {}, g).record for g in graphs]
    if walls == "invalid":
        key = GraphKey(NAMESPACE, "walls")
        broken = Problem(Code.INVALID, Severity.ERROR, key, ".spec", "broken, and never seen otherwise")
        records.append(LiveGraph(key, "uid-of-walls", 1, 1, {}, None, (broken,)).record)
    return World(*graphs, *apps).compilation.policies, tuple(records)


class Cluster(Namespace):
    """A namespace that knows what passes in it."""

    def __init__(self) -> None:
        super().__init__([])
        self.manifests: dict[str, Manifest] = {}

    def put(self, manifest_: dict[str, Any], uid: str = "") -> LivePolicy:
        self.manifests[manifest_["metadata"]["name"]] = manifest_
        return super().put(manifest_, uid)

    def accept(self, action: Action) -> None:
        if action.verb is Verb.DELETE:
            del self.manifests[action.name]
        super().accept(action)

    def passes(self) -> set[Flow]:
        verdicts = Verdicts(self.manifests.values(), {})
        return {
            (half, peer.name)
            for half, pod, peer in HALVES
            if (verdicts.ingress if half.endswith("from") else verdicts.egress)(pod, peer, PORT)
        }

    def become(self, step: Step) -> None:
        policies, self.graphs = compiled(step)
        self.want(policies)

    def copy(self) -> "Cluster":
        made = Cluster()
        made.versions, made.graphs, made.wanted, made.manifests = 10**6, self.graphs, self.wanted, {**self.manifests}
        for policy in self.live.values():
            made.live.put(policy.name, policy)
        return made

    def writes(self, refused: str = "", backwards: bool = False) -> Iterator[Action]:
        """Carry out plans as they come but for one name, which is never accepted; every write that is."""
        for _ in range(10):
            done = 0
            plan = self.plan()
            held = {refused, *plan.taken}
            for phase in plan.phases:
                ready = [a for a in phase if a.name not in held and not a.needs & held]
                held |= {a.name for a in phase} - {a.name for a in ready}
                for action in reversed(ready) if backwards else ready:
                    self.accept(action)
                    done += 1
                    yield action
            if not done:
                return
        raise AssertionError("the plans never end")


def after(*steps: Step) -> Cluster:
    cluster = Cluster()
    for step in steps:
        cluster.become(step)
        list(cluster.writes())
    return cluster


def steps_from(first: Step) -> list[Step]:
    walls, legacy = first
    return [(other, legacy) for other in WALLS if other != walls] + [(walls, other) for other in LEGACY]


@pytest.mark.parametrize("history", [(), (("both", "enforced"),)], ids=["fresh", "isolated"])
@pytest.mark.parametrize("walls", WALLS)
@pytest.mark.parametrize("legacy", LEGACY)
def test_no_write_cuts_what_passes_before_and_after(history: tuple[Step, ...], walls: str, legacy: str) -> None:
    start = after(*history, (walls, legacy))
    before = start.passes()
    for step in steps_from((walls, legacy)):
        start.become(step)
        end = start.copy()
        names = {action.name for action in end.writes()}
        kept = before & end.passes()
        for refused, backwards in product(["", *sorted(names)], [False, True]):
            cluster = start.copy()
            for action in cluster.writes(refused, backwards):
                cut = kept - cluster.passes()
                assert not cut, f"{step}: {action.verb} {action.name} cuts {sorted(cut)[:4]}, refused: {refused or '-'}"


@pytest.mark.parametrize("history", [(), (("both", "enforced"),), (("both", "off"),), (("both", "half"),)])
@pytest.mark.parametrize("walls", [walls for walls in WALLS if walls not in ("invalid", "dry members")])
def test_exempt_traffic_passes_while_a_deny_is_live(history: tuple[Step, ...], walls: str) -> None:
    everyone = {pod.name for pod in PODS}
    off = after(*history, (walls, "off")).passes()
    assert {peer for half, peer in off if half == "legacy to"} == everyone
    assert {peer for half, peer in off if half == "legacy from"} == everyone
    half = after(*history, (walls, "half")).passes()
    assert {peer for half, peer in half if half == "legacy to"} == everyone
    assert {peer for half, peer in half if half == "legacy from"} == {"front"}


@pytest.mark.parametrize("walls", ["dry members", "invalid"])
@pytest.mark.parametrize("legacy", ["off", "half"])
def test_exemptions_from_a_deny_that_nothing_wants_but_its_graph_holds_stay(walls: str, legacy: str) -> None:
    cluster = after(("both", legacy))
    before = cluster.passes()
    cluster.become((walls, legacy))
    list(cluster.writes())
    assert "sg-default-deny" in cluster.manifests
    assert cluster.passes() == before


@pytest.mark.parametrize("walls", ["dry members", "invalid"])
def test_a_service_that_goes_off_meanwhile_keeps_what_its_policy_allows(walls: str) -> None:
    cluster = after(("both", "enforced"), (walls, "enforced"))
    before = cluster.passes()
    cluster.become((walls, "off"))
    list(cluster.writes())
    assert cluster.passes() >= before


def test_no_exemption_is_written_for_a_deny_that_is_not_live() -> None:
    assert not [name for name in after(("dry", "off")).manifests if name.endswith("-open")]
    cluster = after(("both", "off"), ("dry", "off"))
    cluster.accept(Action(verb=Verb.DELETE, name="sg-default-deny"))
    list(cluster.writes())
    assert not [name for name in cluster.manifests if name.endswith("-open")]
