"""Ways into Services from outside, and pods that ask to be scraped: Ingress, HTTPRoute, Service types, annotations."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from servicegraph.adopt.found import Exposure, Place, Scrape, Webhook
from servicegraph.model.refs import ServiceKey, WorkloadKey
from servicegraph.sources import waywire
from servicegraph.sources.documents import Document
from servicegraph.sources.resources import Resource
from servicegraph.sources.settings import template_path

SCRAPE, SCRAPE_PORT = "prometheus.io/scrape", "prometheus.io/port"
_OPEN = ("LoadBalancer", "NodePort")

Found = Exposure | Scrape | Webhook


def exposures(document: Document, namespace: str) -> Iterator[Found]:
    """What an object opens; nothing where it is of another kind. Raises MalformedError."""
    reader = _READERS.get((document.data.get("apiVersion"), document.data.get("kind")))
    if reader is not None:
        shape, translate = reader
        kind: Resource[tuple[str, str], Any] = Resource("", "", str(document.data["kind"]), "", shape, _key, _item)
        found: Any = kind.decode(document.data, namespace)
        yield from translate(found, document, found.metadata.namespace or namespace)


def scrape(key: WorkloadKey, document: Document) -> Iterator[Scrape]:
    """Whether the annotations of a pod template ask to be scraped."""
    path = f"{template_path(key.kind)}.metadata.annotations"
    value: Any = document.data
    for step in path.split(".")[1:]:
        value = (value.get(step) if isinstance(value, Mapping) else None) or {}
    if str(value.get(SCRAPE, "")).lower() == "true":
        place = Place(document.file, document.line(f"{path}.{SCRAPE}"), f"{key.kind} {key.name}, annotation {SCRAPE}")
        yield Scrape(key, None, str(value.get(SCRAPE_PORT, "")), place)


def _service(found: waywire.ExposedService, document: Document, namespace: str) -> Iterator[Found]:
    key, kind = ServiceKey(namespace, found.metadata.name), found.spec.type
    if kind in _OPEN:
        place = Place(document.file, document.line(".spec.type"), f"Service {key.name}, type {kind}")
        yield Exposure(key, "", kind, (), place)
    annotations = found.metadata.annotations
    if annotations.get(SCRAPE, "").lower() == "true":
        line = document.line(f".metadata.annotations.{SCRAPE}")
        place = Place(document.file, line, f"Service {key.name}, annotation {SCRAPE}")
        yield Scrape(None, key, annotations.get(SCRAPE_PORT, ""), place)


def _ingress(found: waywire.Ingress, document: Document, namespace: str) -> Iterator[Found]:
    backends = [(".spec.defaultBackend", found.spec.default_backend)]
    for number, rule in enumerate(found.spec.rules):
        for index, path in enumerate(rule.http.paths):
            backends.append((f".spec.rules[{number}].http.paths[{index}]", path.backend))
    for at, backend in backends:
        if (service := backend.service) is not None:
            place = Place(document.file, document.line(at), f"Ingress {found.metadata.name}")
            port = service.port.name or str(service.port.number or "")
            yield Exposure(ServiceKey(namespace, service.name), port, "Ingress", (), place)


def _route(found: waywire.Route, document: Document, namespace: str) -> Iterator[Found]:
    """Nothing for routes of a mesh, whose only parents are Services: https://gateway-api.sigs.k8s.io/mesh/."""
    gateways = tuple(
        ServiceKey(ref.namespace or namespace, ref.name) for ref in found.spec.parent_refs if ref.kind != "Service"
    )
    if found.spec.parent_refs and not gateways:
        return
    for number, rule in enumerate(found.spec.rules):
        for index, ref in enumerate(rule.backend_refs):
            if ref.kind in ("", "Service") and not ref.group:
                at = f".spec.rules[{number}].backendRefs[{index}]"
                place = Place(document.file, document.line(at), f"{document.data['kind']} {found.metadata.name}")
                key = ServiceKey(ref.namespace or namespace, ref.name)
                yield Exposure(key, str(ref.port or ""), "Gateway", gateways, place)


def _webhooks(found: waywire.WebhookConfiguration, document: Document, _: str) -> Iterator[Found]:
    for index, webhook in enumerate(found.webhooks):
        if (service := webhook.client_config.service) is not None:
            what = f"{document.data['kind']} {found.metadata.name}"
            place = Place(document.file, document.line(f".webhooks[{index}]"), what)
            yield Webhook(ServiceKey(service.namespace, service.name), service.port, place)


def _key(namespace: str, name: str) -> tuple[str, str]:
    return namespace, name


def _item(_: tuple[str, str], found: Any) -> Any:
    return found


_Translate = Callable[[Any, Document, str], Iterator[Found]]
_ADMISSION = "admissionregistration.k8s.io/v1"
_READERS: Mapping[tuple[Any, Any], tuple[type[Any], _Translate]] = {
    ("v1", "Service"): (waywire.ExposedService, _service),
    ("networking.k8s.io/v1", "Ingress"): (waywire.Ingress, _ingress),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): (waywire.Route, _route),
    ("gateway.networking.k8s.io/v1", "GRPCRoute"): (waywire.Route, _route),
    ("gateway.networking.k8s.io/v1beta1", "HTTPRoute"): (waywire.Route, _route),
    (_ADMISSION, "ValidatingWebhookConfiguration"): (waywire.WebhookConfiguration, _webhooks),
    (_ADMISSION, "MutatingWebhookConfiguration"): (waywire.WebhookConfiguration, _webhooks),
}
