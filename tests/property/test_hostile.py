"""Whatever stands in the cluster's objects, the compiler compiles: an exception would end it for every tenant."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.compiler.emit.kubernetes import manifest
from servicegraph.compiler.incremental import compile_all
from servicegraph.compiler.parse import parse
from servicegraph.model.cluster import Cluster, EndpointSlice, Namespace, Service, Workload
from servicegraph.model.graph import Graph
from servicegraph.model.profile import ClusterProfile, check
from servicegraph.sources.objects import NodeAddresses, Object, decode
from tests.property.clusters import NAMES, NAMESPACES, PROFILE
from tests.property.damage import ANY, damaged, places

Raw = dict[str, Any]

_TEXTS = ["", "a", "..", "../../x", "a/b", "-", "*", "\x00", "é", "x" * 300, "80", "http", "None", "kubernetes"]
_ADDRESSES = [
    *("10.244.0.9", "198.51.100.7", "010.0.0.1", "::ffff:10.96.0.1", "::ffff:169.254.169.254", "fe80::1%eth0", "::"),
    *("0.0.0.0", "255.255.255.255", "example.com", "", "10.0.0.1/32", "1", "2001:DB8::1", "fd00::1", "1.2.3.4.5"),
]
_NUMBERS = [-1, 0, 1, 80, 8080, 65535, 65536, 2**31, 2**63, 2**64, 10**30]
_HOSTILE = st.one_of(ANY, st.sampled_from([*_TEXTS, *_ADDRESSES, *_NUMBERS]))


def _object(api_version: str, kind: str, namespace: str, name: str, **rest: Any) -> Raw:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace, "name": name}, **rest}


def _pods(name: str, host: bool = False) -> Raw:
    ports = [{"name": "http", "containerPort": 8080}, {"containerPort": 53, "protocol": "UDP"}]
    spec = {"containers": [{"name": "main", "ports": ports}], "initContainers": [{"restartPolicy": "Always"}]}
    return {"metadata": {"labels": {"app": name}}, "spec": spec | ({"hostNetwork": True} if host else {})}


def _slice(namespace: str, service: str, name: str, family: str, addresses: list[str], port: int | None) -> Raw:
    ports = [{"name": "http", "port": port, "protocol": "TCP"}]
    made = _object("discovery.k8s.io/v1", "EndpointSlice", namespace, name, addressType=family, ports=ports)
    made["metadata"]["labels"] = {"kubernetes.io/service-name": service}
    return {**made, "endpoints": [{"addresses": addresses}]}


def _placed(name: str) -> list[Raw]:
    selector = {"matchLabels": {"app": name}, "matchExpressions": [{"key": "t", "operator": "In", "values": ["a"]}]}
    ports = [{"name": "http", "port": 80, "targetPort": "http"}, {"port": 90, "targetPort": 8080, "protocol": "UDP"}]
    spec = {"selector": selector, "template": _pods(name)}
    return [
        made
        for namespace in NAMESPACES
        for made in (
            _object("v1", "Service", namespace, name, spec={"selector": {"app": name}, "ports": ports}),
            _object("v1", "Service", namespace, name, spec={"selector": {}, "ports": ports}),
            _object("v1", "Service", namespace, name, spec={"type": "ExternalName", "externalName": "x.example.com"}),
            _object("v1", "Service", namespace, name, spec={"selector": {"app": name}, "clusterIP": "None"}),
            _object("apps/v1", "Deployment", namespace, name, spec=spec),
            _object("apps/v1", "DaemonSet", namespace, name, spec={**spec, "template": _pods(name, host=True)}),
            _object("batch/v1", "Job", namespace, name, spec={"template": _pods(name)}),
            _object("batch/v1", "CronJob", namespace, name, spec={"jobTemplate": {"spec": {"template": _pods(name)}}}),
            _object("argoproj.io/v1", "Rollout", namespace, name, spec=spec),
        )
    ]


_SLICES = st.builds(
    _slice,
    st.sampled_from([*NAMESPACES, "default", "kube-system"]),
    st.sampled_from([*NAMES, "kubernetes", "kube-dns"]),
    st.sampled_from(["s0-x", "kubernetes", "planted"]),
    st.sampled_from(["IPv4", "IPv6", "FQDN", ""]),
    st.lists(st.sampled_from(_ADDRESSES), max_size=3),
    st.sampled_from([None, *_NUMBERS]),
)
_OBJECTS = st.one_of(
    st.sampled_from([made for name in NAMES for made in _placed(name)]),
    _SLICES,
    st.builds(
        lambda name, address: _object(
            "v1", "Node", "", name, status={"addresses": [{"type": "InternalIP", "address": address}]}
        ),
        st.sampled_from(["one", "two"]),
        st.sampled_from(_ADDRESSES),
    ),
    st.builds(lambda name: _object("v1", "Namespace", "", name), st.sampled_from([*NAMESPACES, "default"])),
)


@st.composite
def _near_misses(draw: st.DrawFn) -> Raw:
    """An object that the API has, most often with something else in one of its places."""
    raw: Raw = draw(_OBJECTS)
    if draw(st.integers(0, 3)) == 0:
        return raw
    found: Raw = damaged(raw, draw(st.sampled_from(list(places(raw)))), draw(_HOSTILE), None)
    return found


_PARTIES: list[Raw] = [
    *({"service": name, "namespace": namespace} for name in NAMES for namespace in NAMESPACES),
    *({"pods": {"namespaceSelector": {}, "podSelector": {}}}, {"pods": {"labels": {"app": "s0"}}}),
    *({"kubeAPIServer": True}, {"party": "proxy"}, {"party": "probes"}, {"party": "nobody"}),
    *({"internet": True, "ports": [443]}, {"nodes": True, "ports": ["1-65535"]}, {"cidr": "::/0", "ports": [1]}),
    *({"cidr": "0.0.0.0/1", "ports": [80]}, {"cidr": "198.51.100.0/24", "ports": [80]}),
]
_TERMS: list[Raw] = [
    {"workload": {"apiVersion": "argoproj.io/v1", "kind": "Rollout", "name": "s0"}},
    {"workload": {"kind": "Job", "name": "s1"}},
    {"service": "s2"},
]


def _graph(namespace: str, isolation: str) -> Graph | None:
    services: list[Raw] = [
        {"name": name, "calls": [*_PARTIES, {"fqdn": "example.com", "ports": [443]}], "accepts": _PARTIES}
        | ({"selects": _TERMS} if name == "s2" else {})
        for name in NAMES
    ]
    raw = _object("servicegraph.dev/v1alpha1", "ServiceGraph", namespace, "g")
    return parse({**raw, "spec": {"isolation": isolation, "services": services}}).graph


_GRAPHS = [graph for graph in (_graph("a", "Members"), _graph("b", "Namespace")) if graph is not None]
_PROFILE = msgspec.to_builtins(PROFILE)


@st.composite
def _profiles(draw: st.DrawFn) -> ClusterProfile:
    """A profile that is right by itself: the one of these tests, or what a change in it leaves."""
    raw = damaged(_PROFILE, draw(st.sampled_from(list(places(_PROFILE)))), draw(_HOSTILE), None)
    try:
        return check(msgspec.convert(raw, ClusterProfile))
    except ValueError:
        return PROFILE


def test_the_graphs_are_right_by_themselves() -> None:
    assert len(_GRAPHS) == len(NAMESPACES)


@given(st.lists(_near_misses(), max_size=8), _profiles())
def test_every_cluster_is_compiled(raws: list[Raw], profile: ClusterProfile) -> None:
    compiled = compile_all(_GRAPHS, _cluster(raws), profile)
    for policy in compiled.policies:
        msgspec.json.encode(manifest(policy))


def _cluster(raws: list[Raw]) -> Cluster:
    found = [made for made in map(_decoded, raws) if made is not None]
    return Cluster(
        services=tuple(o for o in found if isinstance(o, Service)),
        workloads=tuple(o for o in found if isinstance(o, Workload)),
        namespaces=tuple(o for o in found if isinstance(o, Namespace)),
        endpoint_slices=tuple(o for o in found if isinstance(o, EndpointSlice)),
        node_addresses=tuple(a for o in found if isinstance(o, NodeAddresses) for a in o.addresses),
    )


def _decoded(raw: Raw) -> Object | None:
    """The object, or nothing where it is refused: with ValueError, and nothing else."""
    try:
        return decode(raw)
    except ValueError:
        return None
