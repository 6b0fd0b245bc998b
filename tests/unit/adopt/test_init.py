"""What is drafted from manifests: who is let in, and on which ports."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from servicegraph.adopt.draft import DraftEntry, DraftService
from servicegraph.adopt.init import drafts
from servicegraph.model.profile import STANDARD
from servicegraph.sources import application
from servicegraph.sources.documents import documents

Drafted = dict[str, DraftService]
GATEWAY = "gateway.networking.k8s.io/v1"


@pytest.fixture
def drafted(tmp_path: Path) -> Any:
    def of(*objects: dict[str, Any], without: Iterable[str] = ()) -> Drafted:
        file = tmp_path / "app.yaml"
        file.write_text(yaml.safe_dump_all(objects))
        found = application.read(documents([str(file)]))
        assert not found.input.errors
        written = drafts(found.input.cluster, found.configuration, STANDARD, without)
        return {f"{draft.key.namespace}/{service.name}": service for draft in written for service in draft.services}

    return of


def thing(api: str, kind: str, name: str, namespace: str = "shop", **body: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **body}


def service(name: str, *ports: dict[str, Any], namespace: str = "shop") -> dict[str, Any]:
    return thing("v1", "Service", name, namespace, spec={"selector": {"app": name}, "ports": list(ports)})


def workload(
    name: str, app: str = "", namespace: str = "shop", ports: Iterable[dict[str, Any]] = (), **env: str
) -> dict[str, Any]:
    labels = {"app": app or name}
    variables = [{"name": key, "value": value} for key, value in env.items()]
    container = {"name": name, "env": variables, "ports": list(ports)}
    template = {"metadata": {"labels": {**labels, "of": name}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {**labels, "of": name}}, "template": template}
    return thing("apps/v1", "Deployment", name, namespace, spec=spec)


def written(entries: Iterable[DraftEntry]) -> list[Any]:
    return [dict(entry.value) for entry in entries if entry.written]


def route(kind: str, parent: dict[str, Any]) -> dict[str, Any]:
    backend = {"name": "web", "port": 80}
    return thing(GATEWAY, kind, "r", spec={"parentRefs": [parent], "rules": [{"backendRefs": [backend]}]})


WEB = (service("web", {"port": 80, "targetPort": 8080}), workload("web"))


def test_a_route_of_a_mesh_lets_nobody_in_from_outside(drafted: Any) -> None:
    mesh = drafted(*WEB, route("HTTPRoute", {"kind": "Service", "group": "", "name": "web"}))
    assert written(mesh["shop/web"].accepts) == []
    gateway = drafted(*WEB, route("HTTPRoute", {"name": "public"}))
    assert written(gateway["shop/web"].accepts) == [{"anywhere": True, "ports": [8080]}]


def test_a_call_on_a_service_of_several_parts_names_the_ports_of_the_pods(drafted: Any) -> None:
    ports = ({"port": 80, "targetPort": 8080}, {"port": 81, "targetPort": "admin"})
    metrics = [{"name": "metrics", "containerPort": 9090}]
    blue = workload("blue", "api", ports=metrics, DB_URL="http://db")
    green = workload("green", "api", ports=metrics)
    found = drafted(
        service("api", *ports), service("db", {"port": 80}), blue, green,
        workload("web", API_URL="http://api"), workload("root", API_URL="http://api:81"),
    )  # fmt: skip
    assert written(found["shop/web"].calls) == [{"service": of, "ports": [8080]} for of in ("blue", "green")]
    assert written(found["shop/root"].calls) == [{"service": of, "ports": ["admin"]} for of in ("blue", "green")]


def test_a_port_has_its_name_by_number_and_protocol(drafted: Any) -> None:
    balanced = service("web", {"port": 443, "targetPort": 8443})
    balanced["spec"]["type"] = "LoadBalancer"
    listens = [
        {"name": "https", "containerPort": 8443},
        {"name": "h3", "containerPort": 8443, "protocol": "UDP"},
    ]
    found = drafted(balanced, workload("web", ports=listens))
    assert written(found["shop/web"].accepts) == [{"anywhere": True, "ports": ["https"]}]


LEDGER = (
    service("ledger", {"port": 80}, {"port": 81}, namespace="bank"),
    workload("ledger", namespace="bank", WEB_URL="http://web.shop:80"),
)


def test_a_namespace_that_has_a_graph_still_calls_and_is_called(drafted: Any) -> None:
    found = drafted(
        *LEDGER, service("web", {"port": 80}), workload("web", LEDGER="http://ledger.bank:81"), without=["bank"]
    )
    assert found.keys() == {"shop/web"}
    assert written(found["shop/web"].calls) == [{"service": "ledger", "namespace": "bank", "ports": [81]}]
    assert written(found["shop/web"].accepts) == [{"service": "ledger", "namespace": "bank"}]


def test_an_ingress_controller_of_the_system_is_a_caller(drafted: Any) -> None:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    ingress = thing("networking.k8s.io/v1", "Ingress", "public", spec={"defaultBackend": backend})
    controller = (
        service("traefik", {"port": 80}, namespace="kube-system"),
        workload("traefik", namespace="kube-system"),
    )
    found = drafted(*WEB, *controller, ingress, without=["kube-system"])
    assert written(found["shop/web"].accepts) == [{"service": "traefik", "namespace": "kube-system"}]


@pytest.mark.parametrize("controlled", [True, False])
def test_an_ingress_on_a_port_that_is_none_is_told_and_opens_nothing(drafted: Any, controlled: bool) -> None:
    backend = {"service": {"name": "web", "port": {"number": 81}}}
    ingress = thing("networking.k8s.io/v1", "Ingress", "public", spec={"defaultBackend": backend})
    found = drafted(*WEB, ingress, *[workload("traefik")] * controlled)
    assert written(found["shop/web"].accepts) == []
    assert [e.review for e in found["shop/web"].accepts] == [("port 81 is no port of the Service, which has 80",)]
    assert all(written(service.calls) == [] for service in found.values())


def test_a_port_in_digits_of_another_kind_is_none(drafted: Any) -> None:
    scraped = workload("web", ports=[{"containerPort": 9090}])
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": "\u00b2"}
    scraped["spec"]["template"]["metadata"]["annotations"] = annotations
    assert [entry.value["ports"] for entry in drafted(scraped)["shop/web"].accepts] == [[9090]]


def test_every_port_of_webhooks_is_let_in(drafted: Any) -> None:
    clients = [{"service": {"name": "hooks", "namespace": "shop", "port": port}} for port in (443, 444)]
    webhooks = [{"name": f"h{number}", "clientConfig": client} for number, client in enumerate(clients)]
    api = "admissionregistration.k8s.io/v1"
    found = drafted(
        service("hooks", {"port": 443, "targetPort": 8443}, {"port": 444, "targetPort": 9443}), workload("hooks"),
        thing(api, "ValidatingWebhookConfiguration", "hooks", webhooks=webhooks),
    )  # fmt: skip
    assert written(found["shop/hooks"].accepts) == [{"kubeAPIServer": True, "ports": [8443, 9443]}]


@pytest.mark.parametrize("beside", [{"DB_PORT": "5432"}, {"OTHER_URL": "db:5432"}, {}])
def test_a_host_alone_has_the_port_that_stands_beside_it(drafted: Any, beside: Any) -> None:
    found = drafted(
        service("db", {"port": 5432}, {"port": 9187}), workload("db"), workload("web", DB_HOST="db", **beside)
    )
    (call,) = found["shop/web"].calls
    assert call.written and dict(call.value) == {"service": "db"} | ({"ports": [5432]} if beside else {})
    assert bool(call.review) is not bool(beside)


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_a_route_is_called_what_it_is(drafted: Any, kind: str) -> None:
    accepts = drafted(*WEB, route(kind, {"name": "public"}))["shop/web"].accepts
    assert accepts[0].seen[0].startswith(f"{kind} r (")


def test_a_webhook_on_a_port_that_is_none_is_told_and_opens_nothing(drafted: Any) -> None:
    client = {"service": {"name": "web", "namespace": "shop", "port": 443}}
    hook = thing(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "web",
        webhooks=[{"name": "h", "clientConfig": client}],
    )
    (entry,) = drafted(*WEB, hook)["shop/web"].accepts
    assert not entry.written and entry.review == ("port 443 is no port of the Service, which has 80",)
