"""The parts of Kubernetes objects that say how a workload is reached from outside.

Read for `servicegraph init` alone: nothing here is part of what is compiled. Field names:
https://kubernetes.io/docs/reference/kubernetes-api/, https://gateway-api.sigs.k8s.io/reference/spec/.
"""

import msgspec

from servicegraph.sources.wire import Metadata


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    pass


class AnnotatedMetadata(_Wire, frozen=True):
    """ObjectMeta with its annotations."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    annotations: dict[str, str] = {}


class IngressPort(_Wire, frozen=True):
    """networking.k8s.io/v1 ServiceBackendPort."""

    name: str = ""
    number: int = 0


class IngressService(_Wire, frozen=True):
    """networking.k8s.io/v1 IngressServiceBackend."""

    name: str = ""
    port: IngressPort = IngressPort()


class IngressBackend(_Wire, frozen=True):
    """networking.k8s.io/v1 IngressBackend."""

    service: IngressService | None = None


class IngressPath(_Wire, frozen=True):
    """networking.k8s.io/v1 HTTPIngressPath."""

    backend: IngressBackend = IngressBackend()


class IngressHTTP(_Wire, frozen=True):
    """networking.k8s.io/v1 HTTPIngressRuleValue."""

    paths: tuple[IngressPath, ...] = ()


class IngressRule(_Wire, frozen=True):
    """networking.k8s.io/v1 IngressRule."""

    http: IngressHTTP = IngressHTTP()


class IngressSpec(_Wire, frozen=True):
    """networking.k8s.io/v1 IngressSpec."""

    default_backend: IngressBackend = IngressBackend()
    rules: tuple[IngressRule, ...] = ()


class Ingress(_Wire, frozen=True):
    """networking.k8s.io/v1 Ingress."""

    metadata: Metadata
    spec: IngressSpec = IngressSpec()


class Reference(_Wire, frozen=True):
    """gateway.networking.k8s.io/v1 ParentReference and BackendRef."""

    name: str = ""
    namespace: str = ""
    group: str = ""
    kind: str = ""
    port: int = 0


class RouteRule(_Wire, frozen=True):
    """gateway.networking.k8s.io/v1 HTTPRouteRule."""

    backend_refs: tuple[Reference, ...] = ()


class RouteSpec(_Wire, frozen=True):
    """gateway.networking.k8s.io/v1 HTTPRouteSpec."""

    parent_refs: tuple[Reference, ...] = ()
    rules: tuple[RouteRule, ...] = ()


class Route(_Wire, frozen=True):
    """gateway.networking.k8s.io/v1 HTTPRoute."""

    metadata: Metadata
    spec: RouteSpec = RouteSpec()


class ExposedSpec(_Wire, frozen=True):
    """core/v1 ServiceSpec."""

    type: str = "ClusterIP"


class ExposedService(_Wire, frozen=True):
    """core/v1 Service."""

    metadata: AnnotatedMetadata
    spec: ExposedSpec = ExposedSpec()


class WebhookService(_Wire, frozen=True):
    """admissionregistration.k8s.io/v1 ServiceReference."""

    name: str = ""
    namespace: str = ""
    port: int = 443


class ClientConfig(_Wire, frozen=True):
    """admissionregistration.k8s.io/v1 WebhookClientConfig."""

    service: WebhookService | None = None


class Webhook(_Wire, frozen=True):
    """admissionregistration.k8s.io/v1 ValidatingWebhook and MutatingWebhook."""

    name: str = ""
    client_config: ClientConfig = ClientConfig()


class WebhookConfiguration(_Wire, frozen=True):
    """admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration and MutatingWebhookConfiguration."""

    metadata: Metadata
    webhooks: tuple[Webhook, ...] = ()
