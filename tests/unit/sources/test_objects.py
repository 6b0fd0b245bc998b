"""Kubernetes objects as the compiler knows them."""

from typing import Any

import pytest

from servicegraph.model.cluster import (
    GENERATED_LABELS,
    ContainerPort,
    EndpointSlice,
    Namespace,
    Service,
    ServicePort,
    Workload,
)
from servicegraph.model.refs import ServiceKey, WorkloadKey
from servicegraph.model.selectors import EVERYTHING, Operator, Requirement, Selector
from servicegraph.sources.objects import NodeAddresses, decode, key_of

SEARCH = {"app": "search"}


def service(**spec: Any) -> Service:
    found = decode(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "search", "namespace": "shop"}, "spec": spec}
    )
    assert isinstance(found, Service)
    return found


def template(labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"labels": SEARCH if labels is None else labels},
        "spec": {"containers": [{"name": "main"}]} | spec,
    }


def workload(kind: str, spec: dict[str, Any], api_version: str = "apps/v1", **metadata: Any) -> Workload | None:
    named = {"name": "search", "namespace": "shop"} | metadata
    found = decode({"apiVersion": api_version, "kind": kind, "metadata": named, "spec": spec})
    assert found is None or isinstance(found, Workload)
    return found


def deployment(pod: dict[str, Any] | None = None, selector: dict[str, Any] | None = None) -> Workload:
    spec = {"selector": {"matchLabels": SEARCH} if selector is None else selector, "template": pod or template()}
    found = workload("Deployment", spec)
    assert found is not None
    return found


class TestService:
    def test_keeps_what_the_compiler_reads(self) -> None:
        ports = [
            {"port": 80, "targetPort": "http", "name": "web", "nodePort": 30080},
            {"port": 53, "targetPort": 5353, "protocol": "UDP"},
        ]
        assert service(selector=SEARCH, ports=ports, clusterIP="10.96.0.7", sessionAffinity="None") == Service(
            key=ServiceKey("shop", "search"),
            selector=Selector.from_labels(SEARCH),
            ports=(ServicePort(80, "http", "TCP", "web"), ServicePort(53, 5353, "UDP")),
        )

    def test_a_missing_target_port_is_the_port(self) -> None:
        assert service(ports=[{"port": 80}]).ports == (ServicePort(80, 80),)

    @pytest.mark.parametrize("spec", [{}, {"selector": {}}, {"selector": None}])
    def test_without_selector_others_say_its_addresses(self, spec: dict[str, Any]) -> None:
        assert service(**spec).selector is None

    def test_headless(self) -> None:
        assert service(clusterIP="None").headless
        assert not service(clusterIP="").headless

    def test_an_external_name_has_no_pods_whatever_its_selector_says(self) -> None:
        found = service(type="ExternalName", externalName="db.example.com", selector=SEARCH)
        assert (found.external_name, found.selector) == ("db.example.com", None)

    def test_an_external_name_counts_only_for_its_type(self) -> None:
        assert service(type="ClusterIP", externalName="db.example.com").external_name is None


class TestWorkloads:
    def test_ports_are_those_of_what_keeps_running(self) -> None:
        pod = template(
            containers=[
                {"ports": [{"containerPort": 9090, "name": "metrics"}, {"containerPort": 8080}]},
                {"name": "b"},
            ],
            initContainers=[
                {"ports": [{"containerPort": 1}]},
                {"restartPolicy": "Always", "ports": [{"containerPort": 53, "protocol": "UDP"}]},
            ],
        )
        assert deployment(pod).ports == (
            ContainerPort(53, "UDP"),
            ContainerPort(8080),
            ContainerPort(9090, "TCP", "metrics"),
        )

    def test_host_network(self) -> None:
        assert deployment(template(hostNetwork=True)).host_network
        assert not deployment().host_network

    def test_the_selector_is_its_own_with_expressions(self) -> None:
        expression = {"key": "tier", "operator": "NotIn", "values": ["b", "a"]}
        found = deployment(selector={"matchLabels": SEARCH, "matchExpressions": [expression]})
        assert found.selector == Selector.from_labels(SEARCH).both(
            Selector.of([Requirement("tier", Operator.NOT_IN, ("a", "b"))])
        )
        assert found.template_labels == SEARCH

    @pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
    def test_every_kind_of_apps(self, kind: str) -> None:
        found = workload(kind, {"selector": {"matchLabels": SEARCH}, "template": template()})
        assert found is not None
        assert found.key == WorkloadKey("shop", "apps", kind, "search")

    def test_generated_labels_are_no_selector_of_a_job(self) -> None:
        labels = SEARCH | dict.fromkeys(GENERATED_LABELS, "x")
        found = workload(
            "Job", {"template": template(labels), "selector": {"matchLabels": {"controller-uid": "x"}}}, "batch/v1"
        )
        assert found is not None
        assert found.selector == Selector.from_labels(SEARCH)
        assert found.template_labels == labels

    def test_a_job_with_nothing_else_has_no_stable_labels(self) -> None:
        found = workload("Job", {"template": template({"job-name": "x", "controller-uid": "y"})}, "batch/v1")
        assert found is not None
        assert found.selector == EVERYTHING

    def test_a_cron_job_is_read_through_both_templates(self) -> None:
        pod = template(containers=[{"ports": [{"containerPort": 8080}]}])
        found = workload("CronJob", {"jobTemplate": {"spec": {"template": pod}}}, "batch/v1")
        assert found is not None
        assert (found.selector, found.ports) == (Selector.from_labels(SEARCH), (ContainerPort(8080),))

    @pytest.mark.parametrize(
        ("kind", "owner", "replicas", "kept"),
        [
            ("ReplicaSet", "Deployment", 3, False),
            ("ReplicaSet", "Rollout", 3, True),
            ("ReplicaSet", "Rollout", 0, False),
            ("Job", "CronJob", 1, False),
            ("Job", "Workflow", 1, True),
        ],
    )
    def test_what_repeats_its_owner_is_left_out(self, kind: str, owner: str, replicas: int, kept: bool) -> None:
        group = "batch/v1" if kind == "Job" else "apps/v1"
        spec = {"selector": {"matchLabels": SEARCH}, "template": template(), "replicas": replicas}
        reference = {"kind": owner, "name": "search", "controller": True}
        assert (workload(kind, spec, group, ownerReferences=[reference]) is not None) == kept

    def test_an_owner_that_does_not_control_it_is_no_reason(self) -> None:
        spec = {"selector": {"matchLabels": SEARCH}, "template": template(), "replicas": 0}
        assert workload("ReplicaSet", spec, ownerReferences=[{"kind": "Deployment", "name": "search"}]) is not None

    def test_kinds_of_others_that_look_like_one(self) -> None:
        spec = {
            "selector": {"matchLabels": SEARCH},
            "template": template(containers=[{"ports": [{"containerPort": 80}]}]),
        }
        found = workload("Rollout", spec, "argoproj.io/v1alpha1")
        assert found is not None
        assert found.key == WorkloadKey("shop", "argoproj.io", "Rollout", "search")
        assert (found.selector, found.ports) == (Selector.from_labels(SEARCH), (ContainerPort(80),))

    @pytest.mark.parametrize(
        "spec",
        [
            {"selector": {"matchLabels": SEARCH}, "template": {"spec": {"machine": "large"}}},
            {"selector": SEARCH, "template": template()},
            {"template": template()},
            {"selector": {"matchLabels": SEARCH}},
        ],
        ids=["no pods", "no label selector", "no selector", "no template"],
    )
    def test_kinds_of_others_that_do_not(self, spec: dict[str, Any]) -> None:
        assert workload("Thing", spec, "example.com/v1") is None


class TestEndpointSlice:
    def read(self, labels: dict[str, str], **fields: Any) -> EndpointSlice | None:
        raw = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "db-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "db"} | labels},
            "addressType": "IPv4",
        }
        found = decode(raw | fields)
        assert found is None or isinstance(found, EndpointSlice)
        return found

    def test_addresses_and_ports_in_one_order(self) -> None:
        endpoints = [
            {"addresses": [f"198.51.100.{n}"], "conditions": {"ready": n % 2 == 0}} for n in (9, 7, 8, 3, 1, 5, 2)
        ]
        ports = [{"name": "web", "port": 80}, {"port": 53, "protocol": "UDP"}, {"name": "", "port": None}]
        found = self.read({}, endpoints=endpoints, ports=ports)
        assert found == EndpointSlice(
            namespace="shop",
            name="db-1",
            service="db",
            addresses=tuple(f"198.51.100.{n}" for n in (1, 2, 3, 5, 7, 8, 9)),
            ports=(ContainerPort(53, "UDP"), ContainerPort(80, "TCP", "web")),
        )

    def test_names_for_addresses_are_left_out(self) -> None:
        assert self.read({}, addressType="FQDN") is None

    def test_those_of_the_built_in_controller_are_left_out(self) -> None:
        label = "endpointslice.kubernetes.io/managed-by"
        assert self.read({label: "endpointslice-controller.k8s.io"}) is None
        assert self.read({label: "endpointslicemirroring-controller.k8s.io"}) is not None

    def test_one_of_no_service_is_left_out(self) -> None:
        assert self.read({"kubernetes.io/service-name": ""}) is None


def test_a_namespace_has_its_name_as_a_label() -> None:
    raw = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "a"}}}
    assert decode(raw) == Namespace("shop", {"kubernetes.io/metadata.name": "shop", "team": "a"})


def test_a_node_is_its_internal_addresses() -> None:
    addresses = [
        {"type": "InternalIP", "address": "192.168.1.2"},
        {"type": "ExternalIP", "address": "198.51.100.1"},
        {"type": "Hostname", "address": "one"},
        {"type": "InternalIP", "address": "fd00::2"},
        {"type": "InternalIP", "address": "one.example.com"},
        {"type": "InternalIP", "address": "fe80::1%eth0"},
    ]
    raw = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}, "status": {"addresses": addresses}}
    assert decode(raw) == NodeAddresses("one", ("192.168.1.2", "fd00::2"))


def test_an_object_that_names_no_namespace_is_where_the_reader_says() -> None:
    raw = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "search"}}
    found, default = decode(raw, "shop"), decode(raw)
    assert found is not None and default is not None
    assert (key_of(found), key_of(default)) == (("shop", "search"), ("default", "search"))


def test_a_generated_name_is_a_name() -> None:
    found = decode({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "once-"}})
    assert found is not None
    assert key_of(found) == ("default", "batch", "Job", "once-")


@pytest.mark.parametrize(
    "raw",
    [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}},
        {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "x"}, "spec": 5},
        {"kind": "Service"},
        {"apiVersion": 1, "kind": ["Service"]},
        {},
    ],
)
def test_what_the_compiler_does_not_read_is_nothing(raw: dict[str, Any]) -> None:
    assert decode(raw) is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"selector": {"app": 1}},
            r"Service search: \.spec\.selector\[\.\.\.\]: expected a string, .*put it in quotes",
        ),
        ({"ports": [{"port": 80, "protocol": "HTTP"}]}, r"\.spec\.ports\[0\]\.protocol: .*'HTTP'"),
        ({"ports": [{"port": "80"}]}, r"\.spec\.ports\[0\]\.port: expected an integer, got a string"),
        ({"ports": [{"port": 80, "targetPort": 1.5}]}, r"targetPort: expected an integer or a string, got a number"),
        ({"ports": {"port": 80}}, r"\.spec\.ports: expected a list, got a mapping"),
        ({"ports": [{"name": "http"}]}, r"\.spec\.ports\[0\]: .*missing required field port"),
        ("none", r"\.spec: expected a mapping, got a string"),
    ],
)
def test_a_malformed_field_is_named(spec: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "search"}, "spec": spec})


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, r"Service: it has no \.metadata\.name"),
        (None, r"Service: \.: .*missing required field metadata"),
        ({"name": 5}, r"Service 5: \.metadata\.name: expected a string, got an integer: put it in quotes"),
    ],
)
def test_malformed_metadata_is_named(metadata: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode({"apiVersion": "v1", "kind": "Service", "metadata": metadata})


def test_a_key_that_is_no_string_is_found_where_it_is() -> None:
    with pytest.raises(ValueError, match=r"Namespace shop: \.metadata\.labels: expected a string"):
        decode({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {1: "x"}}})


@pytest.mark.parametrize(
    "expression",
    [
        {"operator": "In", "values": ["x"]},
        {"key": "app", "operator": "IN", "values": ["x"]},
        {"key": "app", "operator": "In"},
        {"key": "app", "operator": "Exists", "values": ["x"]},
    ],
)
def test_a_malformed_selector_is_an_error(expression: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Deployment search"):
        workload("Deployment", {"selector": {"matchExpressions": [expression]}, "template": template()})
