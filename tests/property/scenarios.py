"""Random graphs, and the scenarios they make with the clusters they are for."""

from dataclasses import dataclass
from itertools import product
from typing import Any

from hypothesis import strategies as st

from servicegraph.model.cluster import Cluster
from tests.property.clusters import CLUSTERS, LABELS, NAMES, NAMESPACES, TAME_CLUSTERS, some

Raw = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """Resources as they are written, and the cluster they are for."""

    graphs: tuple[Raw, ...]
    cluster: Cluster


_PORTS = [list(chosen) for chosen in some([80, 8080, 9090, "http", "web", "metrics", "53/UDP", "8000-8100", 7000], 2)]
_NUMBERS = [list(chosen) for chosen in some([80, 8080, "53/UDP", "8000-8100"], 2)[1:]]
_SERVICE_PARTIES: list[Raw] = [
    {"service": name} | ({"namespace": namespace} if namespace else {})
    for namespace, name in [*product((None, *NAMESPACES * 4), NAMES), (None, "nobody"), ("gone", "s0")]
]
_CALLERS: list[Raw] = [{"service": name, "namespace": namespace} for namespace, name in product(NAMESPACES, NAMES)]
_INSIDE: list[Raw] = [{}, {"namespaceSelector": {}}, {"namespaceSelector": {"matchLabels": {"team": "x"}}}]
_PODS_PARTIES: list[Raw] = [
    {"pods": {"labels": labels} | ({"namespace": namespace} if namespace else {})}
    for namespace, labels in product((None, *NAMESPACES), LABELS[:6])
] + [{"pods": {"podSelector": {"matchLabels": labels}} | inside} for inside, labels in product(_INSIDE, LABELS[:6])]
_NAMED: list[Raw] = [{"kubeAPIServer": True}, {"party": "proxy"}, {"party": "probes"}, {"party": "nobody"}]
_PLACES: list[Raw] = [
    {"cidr": "198.51.100.0/24"},
    {"cidr": "198.51.100.0/24", "except": ["198.51.100.7/32"]},
    {"internet": True},
    {"nodes": True},
]


def _entries(services: list[Raw], own: Raw) -> st.SearchStrategy[Raw]:
    """Entries of every kind, many without ports where they may be; `services` and `own` are of one list only."""

    def with_ports(parties: list[Raw], ports: list[list[Any]]) -> st.SearchStrategy[Raw]:
        return st.builds(
            lambda party, chosen: {**party, **({"ports": chosen} if chosen else {})},
            st.sampled_from(parties),
            st.sampled_from(ports),
        )

    often = _PORTS[:1] * 60 + _PORTS[1:10] * 6 + _PORTS
    named = with_ports(services, often)
    return st.one_of(
        *[named] * 6,
        with_ports(_PODS_PARTIES, often),
        with_ports(_NAMED, often),
        with_ports([*_PLACES, own], _NUMBERS),
    )


_SETTINGS: list[Raw] = [
    {name: value for name, value in zip(("mode", "directions", "dns"), chosen, strict=True) if value}
    for chosen in product(
        (*[None] * 6, "Enforce", "DryRun", "Off"),
        (*[None] * 4, ["Ingress"], ["Egress"]),
        (None, "WhenCalling", "Always", "Never"),
    )
]
_TERMS: list[Raw] = [
    *({"service": name} for name in NAMES),
    *({"workload": {"kind": "Deployment", "name": name}} for name in NAMES),
    *({"labels": labels} for labels in LABELS),
]
_LISTENS = some([7000, {"port": 8085, "name": "web"}, {"port": 8080, "name": "http"}], 2)
_ACCEPT = _entries(_CALLERS, {"anywhere": True})
_SERVICES = st.lists(
    st.builds(
        lambda name, calls, accepts, ports, selects, settings: {
            "name": name,
            "calls": calls,
            "accepts": accepts,
            "ports": list(ports),
            "selects": list(selects),
            **settings,
        },
        st.sampled_from(NAMES),
        st.lists(_entries(_SERVICE_PARTIES, {"fqdn": "api.example.com"}), max_size=5),
        st.lists(_ACCEPT, max_size=5),
        st.sampled_from(_LISTENS),
        st.sampled_from(some(_TERMS, 0) * 250 + some(_TERMS, 2)),
        st.sampled_from(_SETTINGS),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda service: service["name"],
)
_GRAPH = st.builds(
    lambda settings, isolation, defaults, services: {
        **settings,
        "isolation": isolation,
        "defaults": {"accepts": defaults},
        "services": services,
    },
    st.sampled_from(_SETTINGS),
    st.sampled_from(["Members", "Namespace"]),
    st.one_of(st.just([]), st.lists(_ACCEPT, max_size=1)),
    _SERVICES,
)
_SPECS = st.fixed_dictionaries(
    {("a", "g0"): _GRAPH, ("b", "g0"): _GRAPH}, optional={("a", "g1"): _GRAPH, ("b", "g1"): _GRAPH}
)


def _resources(specs: dict[tuple[str, str], Raw], consent: Raw | None) -> tuple[Raw, ...]:
    """The graphs; with `consent`, every call across namespaces is accepted like that by whoever declares the callee."""
    for (namespace, _), spec in specs.items() if consent is not None else ():
        for caller, call in [(s, c) for s in spec["services"] for c in s["calls"] if "namespace" in c]:
            for (elsewhere, _), other in specs.items():
                for callee in other["services"]:
                    if (elsewhere, callee["name"]) == (call["namespace"], call["service"]):
                        accepted = {"service": caller["name"], "namespace": namespace, **(consent or {})}
                        callee["accepts"] = [*callee["accepts"], accepted]
    return tuple(
        {
            "apiVersion": "servicegraph.dev/v1alpha1",
            "kind": "ServiceGraph",
            "metadata": {"namespace": namespace, "name": name},
            "spec": spec,
        }
        for (namespace, name), spec in specs.items()
    )


GRAPHS = st.builds(_resources, _SPECS, st.sampled_from([None, None, {}, {"ports": [80]}, {"ports": ["http"]}]))
"""One or two graphs in each namespace, which may claim the same services."""

SCENARIOS = st.builds(Scenario, GRAPHS, CLUSTERS)
TAME_SCENARIOS = st.builds(Scenario, GRAPHS, TAME_CLUSTERS)
