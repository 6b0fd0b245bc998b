"""Whatever stands in the cluster's objects, the compiler compiles: an exception would end it for every tenant."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.incremental import compile_all
from servicegraph.compiler.parse import parse
from servicegraph.model.cluster import Cluster, EndpointSlice, Namespace, Service, Workload
from servicegraph.model.graph import Graph
from servicegraph.model.profile import APIServer, ClusterProfile, check
from servicegraph.sources.objects import NodeAddresses, Object, decode
from tests.property.clusters import NAMES, NAMESPACES, PROFILE
from tests.property.damage import ANY, damaged, places

Raw = dict[str, Any]

_TEXTS = ["", "a", "..", "../../x", "a/b", "-", "*", "\x00", "é", "x" * 300, "80", "http", "None", "FQDN", "kubernetes"]
_ADDRESSES = [
    *("10.244.0.9", "198.51.100.7", "010.0.0.1", "::ffff:10.96.0.1", "::ffff:169.254.169.254", "fe80::1%eth0", "::"),
    *("0.0.0.0", "255.255.255.255", "example.com", "", "10.0.0.1/32", "1", "2001:DB8::1", "fd00::1", "1.2.3.4.5"),
]
_NUMBERS = [-1, 0, 1, 80, 8080, 65535, 65536, 2**31, 2**63, 2**64, 10**30]
_WRITTEN = st.sampled_from(_TEXTS + _ADDRESSES + _ADDRESSES)
_COUNTED = st.sampled_from(_NUMBERS)


def _object(api_version: str, kind: str, namespace: str, name: str, **rest: Any) -> Raw:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace, "name": name}, **rest}


def _pods(name: str, host: bool = False) -> Raw:
    ports = [{"name": "http", "containerPort": 8080}, {"containerPort": 53, "protocol": "UDP"}]
    spec = {"containers": [{"name": "main", "ports": ports}], "initContainers": [{"restartPolicy": "Always"}]}
    return {"metadata": {"labels": {"app": name}}, "spec": spec | ({"hostNetwork": True} if host else {})}


def _slice(namespace: str, service: str, name: str, addresses: list[str], port: int) -> Raw:
    ports = [{"name": "http", "port": port, "protocol": "TCP"}]
    made = _object("discovery.k8s.io/v1", "EndpointSlice", namespace, name, addressType="IPv4", ports=ports)
    made["metadata"]["labels"] = {"kubernetes.io/service-name": service}
    return {**made, "endpoints": [{"addresses": addresses}]}


def _world(namespace: str) -> list[Raw]:
    """What a namespace may hold: a Service and its pods, one without selector, and workloads of every kind."""
    selector = {"matchLabels": {"app": "s0"}, "matchExpressions": [{"key": "t", "operator": "In", "values": ["a"]}]}
    ports = [{"name": "http", "port": 80, "targetPort": "http"}, {"port": 90, "targetPort": 8080, "protocol": "UDP"}]
    spec = {"selector": selector, "template": _pods("s0")}
    return [
        _object("v1", "Namespace", "", namespace),
        _object("v1", "Service", namespace, "s0", spec={"selector": {"app": "s0"}, "ports": ports}),
        _object("apps/v1", "Deployment", namespace, "s0", spec=spec),
        _object("argoproj.io/v1", "Rollout", namespace, "s0", spec=spec),
        _object("v1", "Service", namespace, "s1", spec={"selector": {}, "ports": ports[:1]}),
        _slice(namespace, "s1", "s1-x", ["198.51.100.7", "2001:db8::7"], 8080),
        _object("batch/v1", "Job", namespace, "s1", spec={"template": _pods("s1")}),
        _object(
            "v1", "Service", namespace, "s2", spec={"selector": {"app": "s2"}, "clusterIP": "None", "ports": ports}
        ),
        _object("batch/v1", "CronJob", namespace, "s2", spec={"jobTemplate": {"spec": {"template": _pods("s2")}}}),
        _object("apps/v1", "DaemonSet", namespace, "s2", spec={**spec, "template": _pods("s2", host=True)}),
    ]


_OBJECTS = [
    *(made for namespace in NAMESPACES for made in _world(namespace)),
    _slice("default", "kubernetes", "kubernetes", ["172.16.0.2"], 6443),
    _slice("default", "kubernetes", "planted", ["172.16.0.3"], 22),
    _object("v1", "Node", "", "one", status={"addresses": [{"type": "InternalIP", "address": "10.0.0.4"}]}),
]
_PLACES = [(index, path) for index, made in enumerate(_OBJECTS) for path in places(made)]


def _hostile(value: Any) -> st.SearchStrategy[Any]:
    """What may stand where this stood: mostly of the same type."""
    alike = _WRITTEN if isinstance(value, str) else _COUNTED if isinstance(value, int) else ANY
    return st.one_of(alike, alike, alike, ANY)


@st.composite
def _near_misses(draw: st.DrawFn) -> list[Raw]:
    """The objects of a cluster, many of them with something else in one place."""
    found = list(_OBJECTS)
    for index, path in draw(st.lists(st.sampled_from(_PLACES), min_size=8, max_size=12, unique_by=lambda p: p[0])):
        found[index] = damaged(found[index], path, draw(_hostile(_at(found[index], path))), None)
    return found


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    return _at(value[path[0]], path[1:]) if path else value


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
_PROFILE = msgspec.to_builtins(msgspec.structs.replace(PROFILE, api_server=APIServer()))
_PROFILE_PLACES = list(places(_PROFILE))


@st.composite
def _profiles(draw: st.DrawFn) -> ClusterProfile:
    """A profile that is right by itself: the one of these tests, or what a change in it leaves."""
    path = draw(st.sampled_from(_PROFILE_PLACES))
    raw = damaged(_PROFILE, path, draw(_hostile(_at(_PROFILE, path))), None)
    try:
        return check(msgspec.convert(raw, ClusterProfile))
    except ValueError:
        return msgspec.convert(_PROFILE, ClusterProfile)


def test_the_graphs_are_right_by_themselves() -> None:
    assert len(_GRAPHS) == len(NAMESPACES)


@given(_near_misses(), _profiles())
def test_every_cluster_is_compiled(raws: list[Raw], profile: ClusterProfile) -> None:
    compiled = compile_all(_GRAPHS, _cluster(raws), profile)
    for policy in compiled.policies:
        msgspec.json.encode(manifest(policy))
        for rule in (*policy.ingress, *policy.egress):
            assert all(1 <= ports.start <= ports.end <= 65535 for ports in rule.ports or ())


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
