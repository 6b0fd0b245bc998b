"""Random small clusters: names that collide, labels that overlap, everything at once.

Each part is drawn from all its variants in one go, from strategies made once: that is what keeps generating fast.
"""

from itertools import combinations, product
from typing import TypeVar

from hypothesis import strategies as st

from servicegraph.model.cluster import (
    Cluster,
    ContainerPort,
    DrainingTerm,
    EndpointSlice,
    Listening,
    Namespace,
    Service,
    ServicePort,
    Workload,
)
from servicegraph.model.profile import DNS, APIServer, ClusterProfile, DNSService, ProfileParty, Ranges
from servicegraph.model.refs import GraphKey, ServiceKey, WorkloadKey
from servicegraph.model.resource import PodsSpec
from servicegraph.model.selectors import Selector

T = TypeVar("T")

NAMESPACES = ("a", "b")
NAMES = ("s0", "s1", "s2")
DNS_KEY = ServiceKey("kube-system", "kube-dns")
OUTSIDE = "198.51.100.7"
PROFILE = ClusterProfile(
    dns=DNS(
        service=DNSService(
            namespace=DNS_KEY.namespace, name=DNS_KEY.name, labels={"k8s-app": "kube-dns"}, ports=("53/UDP", "53/TCP")
        ),
        addresses=("169.254.20.10",),
    ),
    api_server=APIServer(addresses=("10.0.0.1",), port=6443, webhook_sources=("10.0.0.0/28",)),
    ranges=Ranges(pods=("10.244.0.0/16",), services=("10.96.0.0/16",), nodes=("10.0.0.0/24",)),
    parties=(
        ProfileParty(name="proxy", cidr="10.30.0.0/24"),
        ProfileParty(name="probes", pods=PodsSpec(namespace="b", labels={"app": "s1"})),
    ),
)


def some(items: list[T], most: int) -> list[tuple[T, ...]]:
    """The combinations of up to `most` items, the fewest first."""
    return [chosen for size in range(most + 1) for chosen in combinations(items, size)]


_SERVICE_PORTS = [
    chosen
    for chosen in some(
        [
            ServicePort(80, 8080, "TCP", "http"),
            ServicePort(80, "web", "TCP", "http"),
            ServicePort(9090, "metrics", "TCP", "metrics"),
            ServicePort(9090, 9090, "TCP", "metrics"),
            ServicePort(53, 5353, "UDP", "dns"),
            ServicePort(8080, 8080),
        ],
        3,
    )
    if len({(p.port, p.protocol) for p in chosen}) == len(chosen)
]
_POD_PORTS = [
    chosen
    for chosen in some(
        [
            ContainerPort(8080, "TCP", "web"),
            ContainerPort(8081, "TCP", "web"),
            ContainerPort(9090, "TCP", "metrics"),
            ContainerPort(9091, "TCP", "metrics"),
            ContainerPort(8080, "TCP", "http"),
            ContainerPort(7000),
        ],
        3,
    )
    if len({p.name for p in chosen}) == len(chosen)
]
LABELS = [{"app": name} | ({"track": track} if track else {}) for track, name in product((None, "1", "2"), NAMES)]
_LISTENINGS = [
    Listening(((ServicePort(80, 8080, "TCP", "http"), 8080),)),
    Listening(((ServicePort(80, 8888, "TCP", "http"), 8888),)),
    Listening((), (ContainerPort(8888, "TCP", "web"),)),
]
_DNS_SERVICE = Service(
    DNS_KEY,
    Selector.from_labels({"k8s-app": "dns"}),
    (ServicePort(53, "dns", "UDP", "dns"), ServicePort(53, 5353, "TCP", "dns-tcp")),
)
_DNS_PODS = Workload(
    WorkloadKey(DNS_KEY.namespace, "apps", "Deployment", "coredns"),
    Selector.from_labels({"k8s-app": "dns"}),
    {"k8s-app": "dns"},
    (ContainerPort(5353, "UDP", "dns"),),
)
_ANYWHERE = [ServiceKey(namespace, name) for namespace, name in product(NAMESPACES, NAMES)]


@st.composite
def _service(draw: st.DrawFn) -> Service:
    key, labels, ports, headless = draw(_SERVICE)
    labels = {"app": key.name} if labels == "own" else labels
    selector = Selector.from_labels(labels) if isinstance(labels, dict) else None
    return Service(key, selector, ports, headless, "db.example.com" if labels == "external" else None)


@st.composite
def _workload(draw: st.DrawFn, wild: bool) -> Workload:
    place, labels, ports, variant = draw(_WORKLOAD)
    labels = {"app": place.name} if labels == "own" else labels
    shared = wild and variant > 3
    own = {} if shared else {"workload": place.name}
    selector = Selector.from_labels({**labels, **own})
    template = {**labels, **own, **({"extra": "1"} if variant % 2 else {})}
    key = WorkloadKey(place.namespace, "apps", "Deployment", place.name)
    return Workload(key, selector, template, ports, wild and variant == 7)


_SERVICE = st.tuples(
    st.sampled_from(_ANYWHERE),
    st.sampled_from(["own"] * 9 + LABELS + [None] * 5 + ["external"]),
    st.sampled_from(_SERVICE_PORTS + [ports for ports in _SERVICE_PORTS if any(p.target == "web" for p in ports)] * 2),
    st.sampled_from([False] * 4 + [True]),
)
_WORKLOAD = st.tuples(
    st.sampled_from([*_ANYWHERE, *(ServiceKey(namespace, "w4") for namespace in NAMESPACES)]),
    st.sampled_from(["own"] * 4 + LABELS[:3] * 2 + LABELS),
    st.sampled_from(_POD_PORTS + [ports for ports in _POD_PORTS if any(p.name == "web" for p in ports)] * 2),
    st.integers(0, 7),
)
_DRAINING = st.builds(
    DrainingTerm,
    st.sampled_from(_ANYWHERE),
    st.sampled_from([Selector.from_labels(labels) for labels in LABELS]),
    st.sampled_from(_LISTENINGS),
)
_SLICE = st.builds(
    lambda place, addresses, port: EndpointSlice(
        place.namespace, f"{place.name}-x", place.name, addresses, (ContainerPort(port, "TCP", "http"),)
    ),
    st.sampled_from(_ANYWHERE),
    st.sampled_from([*some([OUTSIDE, "10.244.0.9"], 2), (OUTSIDE,)]),
    st.sampled_from([8080, 8443]),
)


def _clusters(wild: bool) -> st.SearchStrategy[Cluster]:
    dns = [((), ()), ((_DNS_SERVICE,), (_DNS_PODS,))]
    return st.builds(
        lambda services, workloads, dns, incumbents, **rest: Cluster(
            services=(*services, *dns[0]),
            workloads=(*workloads, *dns[1]),
            incumbents=tuple((key, GraphKey(key.namespace, owner)) for key, owner in incumbents.items()),
            **rest,
        ),
        services=st.lists(_service(), min_size=4, max_size=6, unique_by=lambda service: service.key),
        workloads=st.lists(_workload(wild), min_size=4, max_size=7, unique_by=lambda made: made.key),
        dns=st.sampled_from(dns),
        incumbents=st.dictionaries(st.sampled_from(_ANYWHERE), st.sampled_from(["g0", "g1"]), max_size=2),
        namespaces=st.sampled_from(some([Namespace("a", {"team": "x"}), Namespace("b", {"team": "x"})], 2)),
        endpoint_slices=st.lists(_SLICE, max_size=4, unique_by=lambda s: (s.namespace, s.name)).map(tuple),
        node_addresses=st.sampled_from(some(["10.0.0.4", "10.0.0.5"], 2)),
        draining=st.lists(_DRAINING, max_size=2).map(tuple),
    )


CLUSTERS = _clusters(wild=True)
TAME_CLUSTERS = _clusters(wild=False)
"""Those in which each workload's pods can be told from others and none is on the host's network."""
