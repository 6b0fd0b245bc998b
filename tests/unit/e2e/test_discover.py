"""The ends that are found in what the API server tells of a cluster."""

from typing import Any, cast

from tests.e2e.discover import discover
from tests.e2e.ends import Target
from tests.e2e.pods import Role, role_of
from tests.integration.kube import Kube, Object


class Told:
    """An API server that has these objects."""

    def __init__(self, **kinds: list[Object]) -> None:
        self._kinds = kinds

    def list(self, kind: str, namespace: str) -> list[Object]:
        return self._kinds.get(kind, [])


def node(name: str) -> Object:
    return {"metadata": {"name": name}}


def pods(role: Role, *addresses: str, at: str = "one", **spec: Any) -> list[Object]:
    template = role.manifests("shop")[0]["spec"]["template"]
    return [
        {
            "metadata": {
                "name": f"{role.name}-{address}",
                "namespace": "shop",
                "labels": template["metadata"]["labels"],
            },
            "spec": template["spec"] | {"nodeName": at} | spec,
            "status": {"podIP": address, "conditions": [{"type": "Ready", "status": "True"}]},
        }
        for address in addresses
    ]


def service(role: Role, address: str) -> Object:
    found = role.manifests("shop")[1]
    return found | {"spec": found["spec"] | {"clusterIP": address}}


def by_url(*objects: Object, pods: list[Object]) -> dict[str, Target]:
    kube = cast(Kube, Told(Pod=pods, Service=list(objects), Node=[node("one"), node("two")]))
    return {target.url: target for target in discover(kube, {"shop": ""}, role_of).targets}


def test_a_pod_is_called_on_every_port_that_it_listens_on_over_both_protocols() -> None:
    web = Role(name="web", tcp={"http": 8080}, udp={"talk": 53}, more="9000-9001")
    numbers = (53, 8080, 9000, 9001)
    expected = {f"{protocol}://10.0.0.1:{number}" for protocol in ("tcp", "udp") for number in numbers}
    assert by_url(pods=pods(web, "10.0.0.1")).keys() == expected


def test_a_service_leads_to_the_ports_of_the_pods_behind_it() -> None:
    stable = Role(name="stable", app="web", tcp={"http": 8080})
    canary = Role(name="canary", app="web", tcp={"http": 8081})
    found = by_url(service(stable, "10.1.0.1"), pods=pods(stable, "10.0.0.1") + pods(canary, "10.0.0.2", at="two"))
    through = found["tcp://10.1.0.1:80"]
    assert through.arrivals == {("stable", 8080), ("canary", 8081)}
    assert through.nodes == {"one", "two"}
    assert through.answers == through.pods == {"stable-10.0.0.1", "canary-10.0.0.2"}


def test_a_headless_service_has_no_address() -> None:
    web = Role(name="web")
    assert all("10.0.0.1" in url for url in by_url(service(web, "None"), pods=pods(web, "10.0.0.1")))


def test_pods_that_go_or_are_not_ready_or_do_not_serve_are_no_ends() -> None:
    going, starting, calling = pods(Role(name="web"), "10.0.0.1", "10.0.0.2", "10.0.0.3")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    starting["status"]["conditions"][0]["status"] = "False"
    calling["spec"] = {**calling["spec"], "containers": [{"args": ["call", "tcp://x:1"]}]}
    assert not by_url(pods=[going, starting, calling])


def test_a_pod_in_the_network_of_a_control_plane_stands_for_the_api_server_as_a_caller() -> None:
    role = Role(name="node", kind="DaemonSet", exposes={})
    found = pods(role, "10.9.0.1", at="one") + pods(role, "10.9.0.2", at="two")
    nodes = [node("one"), {"metadata": {"name": "two", "labels": {"node-role.kubernetes.io/control-plane": ""}}}]
    ends = discover(cast(Kube, Told(Pod=found, Node=nodes)), {"shop": "x/"}, role_of)
    assert [(source.role, source.in_network) for source in ends.sources] == [
        ("x/node", False),
        ("control-plane", False),
    ]
    assert {name for target in ends.targets for name in target.answers} == {"one", "two"}
