"""Wanted and live policies for the planner's tests."""

from collections.abc import Iterable
from typing import Any

import msgspec

from servicegraph.compiler.emit.names import DEFAULT_DENY, exemption_name, policy_name
from servicegraph.controller.compare import Action, Verb
from servicegraph.controller.live import LivePolicy
from servicegraph.controller.manifests import body
from servicegraph.controller.plan import Plan, plan
from servicegraph.controller.policykinds import read_policy
from servicegraph.controller.view import ByName, GraphRecord, NamespaceView, Wanted, wanted
from servicegraph.model.policy import ANY_PEER, Direction, Mode, Origin, PodPeer, Policy, PolicyKind, Rule
from servicegraph.model.ports import PortRange
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.model.selectors import EVERYTHING, Selector

NAMESPACE = "shop"
SHOP = GraphKey(NAMESPACE, "shop")
UID = "uid-of-shop"
BOTH = (Direction.INGRESS, Direction.EGRESS)
_HTTP = (PortRange("TCP", 8080, 8080),)


def selector(name: str) -> Selector:
    return Selector.from_labels({"app": name})


def service_policy(
    name: str,
    *callers: str,
    subject: Selector | None = None,
    part: int = 0,
    parts: int = 1,
    mode: Mode = Mode.ENFORCE,
    graph: GraphKey = SHOP,
) -> Policy:
    origin = Origin(graph, ".spec", "test")
    rules = tuple(Rule((PodPeer(selector(caller)),), _HTTP, (origin,)) for caller in callers)
    chosen = subject or selector(name)
    return Policy(
        namespace=NAMESPACE,
        name=policy_name(name, chosen, part, parts),
        kind=PolicyKind.SERVICE,
        graph=graph,
        service=ServiceKey(NAMESPACE, name),
        subject=chosen,
        directions=BOTH,
        ingress=rules,
        egress=(),
        mode=mode,
        part=part,
        parts=parts,
    )


def exemption(name: str, graph: GraphKey = SHOP) -> Policy:
    allow_all = (Rule((ANY_PEER,), None, ()),)
    return msgspec.structs.replace(
        service_policy(name, graph=graph),
        name=exemption_name(name, selector(name)),
        kind=PolicyKind.EXEMPTION,
        ingress=allow_all,
        egress=allow_all,
    )


def default_deny(graph: GraphKey = SHOP) -> Policy:
    return Policy(NAMESPACE, DEFAULT_DENY, PolicyKind.DEFAULT_DENY, graph, None, EVERYTHING, BOTH, (), ())


def record(key: GraphKey = SHOP, uid: str = UID, **fields: Any) -> GraphRecord:
    return GraphRecord(key, uid, **fields)


class Namespace:
    """A namespace that takes a plan's writes as the API server would."""

    def __init__(self, policies: Iterable[Policy], *graphs: GraphRecord) -> None:
        self.graphs = graphs or (record(),)
        self.wanted: ByName[Wanted] = ByName()
        self.live: ByName[LivePolicy] = ByName()
        self.versions = 0
        self.want(policies)

    def want(self, policies: Iterable[Policy]) -> None:
        self.wanted = ByName({policy.name: wanted(policy, {}) for policy in policies})

    @property
    def view(self) -> NamespaceView:
        return NamespaceView(NAMESPACE, self.wanted, self.live, {graph.key: graph for graph in self.graphs})

    def plan(self, *names: str) -> Plan:
        return plan(self.view, names or None)

    def put(self, manifest_: dict[str, Any], uid: str = "") -> LivePolicy:
        """Take an object as the API server gives it back: empty lists of rules are left out."""
        self.versions += 1
        old = self.live.get(manifest_["metadata"]["name"])
        spec = {key: value for key, value in manifest_["spec"].items() if value != []}
        metadata = {
            **manifest_["metadata"],
            "uid": old.uid if old else uid or f"uid-{self.versions}",
            "resourceVersion": str(self.versions),
        }
        found = read_policy(msgspec.json.encode({"metadata": metadata, "spec": spec}))
        self.live.put(found.name, found)
        return found

    def accept(self, action: Action) -> None:
        if action.verb is Verb.DELETE:
            self.live.drop(action.name)
        elif action.wanted is not None:
            self.put(body(action, action.wanted))

    def settle(self, *names: str) -> list[Action]:
        """Carry out plans for these names, or all, until there is nothing left; all the writes in order."""
        written: list[Action] = []
        for _ in range(10):
            found = self.plan(*names).actions
            if not found:
                return written
            for action in found:
                self.accept(action)
                written.append(action)
        raise AssertionError("the plans never end")
