"""What the emitted policies allow is what the graphs declare, for every pair of pods and every port."""

from itertools import product

from hypothesis import given

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.model.policy import Mode
from tests.property.clusters import LABELS, NAMESPACES, OUTSIDE
from tests.property.compiled import compiled
from tests.property.reference import Reference
from tests.property.scenarios import TAME_SCENARIOS, Scenario
from tests.support.verdict import Address, End, Pod, Verdicts

ADDRESSES = [Address(ip) for ip in (OUTSIDE, "198.51.100.8", "10.244.0.9", "10.0.0.1", "10.0.0.4", "10.30.0.3")]
PORTS = [("TCP", number) for number in (80, 6443, 7000, 8080, 8081, 8443, 8888, 9090, 9091)] + [
    ("UDP", 53),
    ("UDP", 5353),
]
BARE = [Pod(namespace, labels, f"bare-{labels}") for namespace in NAMESPACES for labels in LABELS[:6]]
STRANGER = Pod("gone", {"app": "s0", "team": "x"}, "stranger")
DNS = [Pod("kube-system", {"k8s-app": label}, label) for label in ("dns", "kube-dns")]


@given(TAME_SCENARIOS)
def test_policies_allow_exactly_what_is_declared(scenario: Scenario) -> None:
    policies = [manifest(p) for p in compiled(scenario).policies if p.mode is Mode.ENFORCE]
    verdicts = Verdicts(policies, {n.name: n.labels for n in scenario.cluster.namespaces})
    reference = Reference(scenario)
    found = [Pod(w.key.namespace, w.template_labels or {}, str(w.key)) for w in scenario.cluster.workloads]
    ends: list[End] = [*found, *BARE, STRANGER, *DNS, *ADDRESSES]
    for pod in [end for end in ends if isinstance(end, Pod)]:
        for direction, allowed in (("Ingress", verdicts.ingress), ("Egress", verdicts.egress)):
            peers = ends if verdicts.isolated(pod, direction) else ends[:1]
            for peer, port in product(peers, PORTS):
                declared = reference.allows(pod, direction, peer, port)
                assert allowed(pod, peer, port) == declared, f"{direction} {port} of {pod} with {peer}"
