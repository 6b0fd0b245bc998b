"""A tenant who may edit ServiceGraphs, Services and EndpointSlices of one namespace opens no other with them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.kube import MERGE, Audit, Kube, Object, Refused, path_of
from tests.integration.look import complete, settled, status, versions
from tests.integration.operators import Operator, kubeconfig_of, leading, operating
from tests.integration.support import History, Scene, policy_writes
from tests.integration.world import SHOP, app, calls, graph, service
from tests.support.verdict import Pod
from tests.waiting import eventually

PROFILE: Object = {
    "apiVersion": "servicegraph.dev/v1alpha1",
    "kind": "ClusterProfile",
    "ranges": {"pods": ["10.244.0.0/16"], "services": ["10.96.0.0/16"], "nodes": ["10.0.0.0/24"]},
}
RIGHTS = [
    {"apiGroups": [""], "resources": ["services"], "verbs": ["*"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["*"]},
]
VICTIM_POD, SOMEWHERE = "10.244.3.7", "203.0.113.9"
Attack = Callable[[str, str], list[Object]]
"""What a tenant writes, given its namespace and the victim's."""


@pytest.fixture(scope="module")
def operator(account: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that knows the cluster's ranges."""
    folder = tmp_path_factory.mktemp("operator")
    profile = folder / "profile.yaml"
    profile.write_text(json.dumps(PROFILE))
    with operating(account, folder, profile=str(profile)) as running:
        yield leading(running)


@pytest.fixture
def victim(kube: Kube, operator: Operator, neighbour: str, namespace: str) -> str:
    """A namespace with the shop, whose database calls the tenant's `partner`, and who calls whom settled."""
    services = {**SHOP, "database": {"calls": [{"service": "partner", "namespace": namespace}]}}
    kube.apply(*app(neighbour, *SHOP), graph(neighbour, "shop", services))
    kube.apply(*app(namespace, "attacker", "partner"))
    eventually(lambda: complete(kube, neighbour))
    return neighbour


@pytest.fixture
def tenant(kube: Kube, namespace: str, tmp_path: Path) -> Kube:
    """Somebody with the servicegraph-editor role, Services and EndpointSlices of one namespace."""
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "tenant"}}
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    kube.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "tenant"}})
    kube.call("POST", f"{path}/roles", {**rbac, "rules": RIGHTS})
    subjects = [{"kind": "ServiceAccount", "name": "tenant", "namespace": namespace}]
    for kind, name in (("Role", "tenant"), ("ClusterRole", "servicegraph-editor")):
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
        body = {**rbac, "metadata": {"name": name}, "subjects": subjects, "roleRef": reference}
        kube.call("POST", f"{path}/rolebindings", body)
    found = Kube(kubeconfig_of(kube, namespace, "tenant", tmp_path))
    paths = [path_of(kind, namespace) for kind in ("Service", "ServiceGraph")]
    eventually(lambda: all(found.try_call("GET", path)[0] == 200 for path in paths), "the authorizer knows")
    return found


def pods(tenant: str, victim: str) -> Scene:
    """The pods of both, and one more of the tenant's that has the labels of the victim's database."""
    names = {name: Pod(victim, {"app": name}) for name in (*SHOP, "stranger")}
    mine = {name: Pod(tenant, {"app": name}) for name in ("attacker", "partner")}
    return Scene({**names, **mine, "disguised": Pod(tenant, {"app": "database"})}, (22, 8080))


def crossing(kube: Kube, tenant: str, victim: str) -> set[str]:
    """What passes between the namespaces, where the victim is isolated."""
    tenants, isolated = {"attacker", "partner", "disguised"}, set(SHOP)
    ends = {flow: set(flow.partition(":")[0].split(" > ")) for flow in pods(tenant, victim).allows(kube)}
    return {flow for flow, both in ends.items() if both & tenants and both & isolated}


def slice_of(namespace: str, service: str, address: str, **metadata: object) -> Object:
    labels = {"kubernetes.io/service-name": service}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{service}-{address.replace('.', '-')}", "namespace": namespace, "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 22, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        **metadata,
    }


def without_pods(namespace: str, name: str, **spec: object) -> Object:
    """A Service that selects nothing."""
    found = service(namespace, name, http=22)
    return {**found, "spec": {"ports": found["spec"]["ports"], "selector": None, **spec}}


def into(victim: str, *parties: Object) -> Object:
    every = [{"service": name, "namespace": victim} for name in (*SHOP, "nothing")]
    return {"calls": [*every, *parties]}


def calling(tenant: str, victim: str) -> list[Object]:
    wide: Object = {"pods": {"namespaceSelector": {}, "podSelector": {}}, "ports": ["1-65535"]}
    return [graph(tenant, "attack", {"attacker": into(victim, wide)})]


def impersonating(tenant: str, victim: str) -> list[Object]:
    """The same names as the victim's, of graph, services and labels, and marks as the operator writes them."""
    open_: Object = {"accepts": [{"anywhere": True, "ports": ["http"]}]}
    found = graph(tenant, "shop", {name: {**open_, "selects": [{"labels": {"app": name}}]} for name in SHOP})
    marks = {"servicegraph.dev/graph": "shop", "servicegraph.dev/service": "database"}
    found["metadata"] |= {"labels": marks, "annotations": {"servicegraph.dev/hash": "0" * 32}}
    return [*(service(tenant, name) for name in SHOP), found]


def accepting(tenant: str, victim: str) -> list[Object]:
    parties: list[Object] = [{"service": name, "namespace": victim} for name in SHOP]
    return [graph(tenant, "attack", {"attacker": {"accepts": parties}}, isolation="Namespace")]


def external_names(tenant: str, victim: str) -> list[Object]:
    name = f"database.{victim}.svc.cluster.local"
    spec = {"type": "ExternalName", "externalName": name, "ports": None}
    return [
        without_pods(tenant, "partner", **spec),
        without_pods(tenant, "detour", **spec),
        graph(tenant, "attack", {"attacker": calls("detour"), "partner": {}}),
    ]


def addresses(tenant: str, victim: str) -> list[Object]:
    slices = [slice_of(tenant, name, address) for name in ("partner", "detour") for address in (VICTIM_POD, SOMEWHERE)]
    services = [without_pods(tenant, name) for name in ("partner", "detour")]
    return [*services, *slices, graph(tenant, "attack", {"attacker": calls("detour")})]


def slices_of_others(tenant: str, victim: str) -> list[Object]:
    reference = {"kind": "Pod", "namespace": victim, "name": "database-0"}
    ends = [{"addresses": [VICTIM_POD], "conditions": {"ready": True}, "targetRef": reference}]
    stolen = [slice_of(tenant, name, VICTIM_POD, endpoints=ends) for name in SHOP]
    return [*stolen, graph(tenant, "attack", {"attacker": into(victim)})]


def more_ports(tenant: str, victim: str) -> list[Object]:
    """The victim calls whatever `partner` exposes: of the tenant's own pods, and of no others."""
    return [service(tenant, "partner", http="http", ssh=22)]


def other_pods(tenant: str, victim: str) -> list[Object]:
    return [service(tenant, "partner", {"app": "database"}, http=8080)]


UNCHANGED: tuple[Attack, ...] = (calling, impersonating, accepting, slices_of_others)
WITHDRAWN: tuple[Attack, ...] = (external_names, addresses)


@pytest.mark.parametrize("attack", UNCHANGED, ids=lambda attack: attack.__name__)
def test_the_neighbours_policies_stay_as_they_are(
    kube: Kube, tenant: Kube, victim: str, namespace: str, audit: Audit, attack: Attack
) -> None:
    before, flows, history = versions(kube, victim), crossing(kube, namespace, victim), History(kube, victim)
    assert flows == {"database > partner:8080"}
    audit.reset()
    tenant.apply(*attack(namespace, victim))
    name = attack(namespace, victim)[-1]["metadata"]["name"]
    eventually(lambda: status(kube, namespace, name), "the operator has seen it all")
    eventually(lambda: len(policy_writes(audit, namespace)) > 0, "and drawn its conclusions")
    assert crossing(kube, namespace, victim) <= flows
    assert history.written() == []
    assert versions(kube, victim) == before


@pytest.mark.parametrize("attack", WITHDRAWN, ids=lambda attack: attack.__name__)
def test_a_callee_that_becomes_an_address_is_called_no_more(
    kube: Kube, tenant: Kube, victim: str, namespace: str, attack: Attack
) -> None:
    """Whoever writes the addresses of a Service would else write into the policies of its callers (R10)."""
    for made in attack(namespace, victim):
        if made["kind"] == "Service":
            tenant.delete("Service", namespace, made["metadata"]["name"])
        tenant.apply(made)
    eventually(lambda: not settled(kube, victim), "the call is not active any more")
    eventually(lambda: crossing(kube, namespace, victim) == set(), "and not allowed")
    assert "ipBlock" not in json.dumps(kube.list("NetworkPolicy", victim))
    mine = json.dumps(kube.list("NetworkPolicy", namespace))
    assert VICTIM_POD not in mine


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        (more_ports, {"database > partner:8080", "database > partner:22"}),
        (other_pods, {"database > disguised:8080"}),
    ],
    ids=["more ports", "other pods"],
)
def test_a_callee_that_moves_stays_in_its_namespace(
    kube: Kube, tenant: Kube, victim: str, namespace: str, attack: Attack, expected: set[str]
) -> None:
    tenant.apply(*attack(namespace, victim))
    eventually(lambda: crossing(kube, namespace, victim) == expected, "the caller follows its callee")


def test_a_tenant_may_write_nothing_else(tenant: Kube, namespace: str, neighbour: str) -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "mine", "namespace": namespace},
        "spec": {"podSelector": {}},
    }
    for refused in (policy, graph(neighbour, "attack", SHOP), service(neighbour, "search")):
        with pytest.raises(Refused):
            tenant.apply(refused)
    tenant.apply(graph(namespace, "mine", SHOP))
    with pytest.raises(Refused):
        tenant.call("PATCH", path_of("ServiceGraph", namespace, "mine") + "/status", {"status": {}}, MERGE)
