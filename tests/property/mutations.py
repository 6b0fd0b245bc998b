"""Policies that were right, changed in one place, or joined by one more."""

import copy
from typing import Any

from hypothesis import strategies as st

from tests.property.clusters import LABELS, NAMESPACES

Manifest = dict[str, Any]

_SELECTORS: list[Any] = [
    {},
    *({"matchLabels": labels} for labels in LABELS),
    {"matchExpressions": [{"key": "app", "operator": "In", "values": ["s0", "s1"]}]},
    {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["s0", "s1"]}]},
    {"matchExpressions": [{"key": "track", "operator": "Exists"}]},
    {"matchExpressions": [{"key": "track", "operator": "DoesNotExist"}]},
    {"matchLabels": {"app": "s0"}, "matchExpressions": [{"key": "track", "operator": "NotIn", "values": ["1"]}]},
]
_NAMESPACE_SELECTORS: list[Any] = [
    {},
    {"matchLabels": {"team": "x"}},
    {"matchLabels": {"kubernetes.io/metadata.name": "a"}},
    {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]},
]
_BLOCKS: list[Any] = [
    {"cidr": "0.0.0.0/0"},
    {"cidr": "::/0"},
    {"cidr": "198.51.100.0/24"},
    {"cidr": "198.51.100.0/24", "except": ["198.51.100.0/25"]},
    {"cidr": "10.0.0.0/8", "except": ["10.96.0.0/16", "10.244.0.0/16"]},
    {"cidr": "169.254.20.10/32"},
]
_PEERS = st.one_of(
    st.builds(lambda pods: {"podSelector": pods}, st.sampled_from(_SELECTORS)),
    st.builds(
        lambda pods, inside: {"podSelector": pods, "namespaceSelector": inside},
        st.sampled_from(_SELECTORS),
        st.sampled_from(_NAMESPACE_SELECTORS),
    ),
    st.builds(lambda block: {"ipBlock": block}, st.sampled_from(_BLOCKS)),
)
_PORTS = st.sampled_from(
    [
        {},
        {"port": 80},
        {"port": 8080},
        {"port": 53, "protocol": "UDP"},
        {"port": 8000, "endPort": 8100},
        {"protocol": "UDP"},
        {"port": 1, "endPort": 65535},
    ]
)


def _rules(side: str) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {}, optional={side: st.lists(_PEERS, max_size=2), "ports": st.lists(_PORTS, max_size=2)}
    )


@st.composite
def foreign(draw: st.DrawFn) -> Manifest:
    """A policy of somebody else."""
    types = draw(st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]]))
    spec = {
        "podSelector": draw(st.sampled_from(_SELECTORS)),
        "policyTypes": types,
        "ingress": draw(st.lists(_rules("from"), max_size=2)) if "Ingress" in types else [],
        "egress": draw(st.lists(_rules("to"), max_size=2)) if "Egress" in types else [],
    }
    return _policy("theirs", draw(st.sampled_from(NAMESPACES)), spec)


def _policy(name: str, namespace: str, spec: Any) -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def mutated(manifests: list[Manifest], draw: Any) -> tuple[list[Manifest], str]:
    """The manifests with one change, and the namespace that it is in. `draw` draws from a strategy."""
    found = copy.deepcopy(manifests)
    kinds = ["join", "drop", "subject", "types", "rule", "peer", "peer", "port", "port"] if found else ["join"]
    kind = draw(st.sampled_from(kinds))
    if kind == "join":
        added = draw(foreign())
        return [*found, added], added["metadata"]["namespace"]
    number = draw(st.integers(0, len(found) - 1))
    namespace = found[number]["metadata"]["namespace"]
    spec = found[number]["spec"]
    rules = [(spec[field], index, side) for field, side in _FIELDS for index in range(len(spec[field]))]
    if kind == "drop" or (kind in ("rule", "peer", "port") and not rules):
        del found[number]
    elif kind == "subject":
        spec["podSelector"] = draw(st.sampled_from(_SELECTORS))
    elif kind == "types":
        spec["policyTypes"] = draw(st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]]))
    else:
        of, index, side = draw(st.sampled_from(rules))
        _change(of, index, side, kind, draw)
    return found, namespace


_FIELDS = (("ingress", "from"), ("egress", "to"))


def _change(rules: list[Any], index: int, side: str, kind: str, draw: Any) -> None:
    if kind == "rule":
        del rules[index]
        return
    items = rules[index].get(side if kind == "peer" else "ports")
    if not items:
        rules[index] = draw(_rules(side))
        return
    place = draw(st.integers(0, len(items) - 1))
    if draw(st.booleans()):
        items[place] = draw(_PEERS if kind == "peer" else _PORTS)
    elif len(items) > 1:
        del items[place]
    else:
        del rules[index]
