"""What the doctor makes of what a cluster told."""

import msgspec
import pytest
import yaml

from servicegraph.adopt import crd
from servicegraph.adopt.check import Result
from servicegraph.adopt.doctor import diagnose
from servicegraph.adopt.facts import DaemonSet, DNSFacts, Facts, Lease, Operator
from servicegraph.adopt.permissions import NEEDED, Permission
from servicegraph.model.profile import DNS, STANDARD, DNSService
from servicegraph.model.refs import ServiceKey, WorkloadKey
from tests.contract import CRD, ROOT

RBAC = ROOT / "config" / "rbac"


def daemon_set(name: str, ready: int = 3, desired: int = 3, tag: str = "", words: tuple[str, ...] = ()) -> DaemonSet:
    return DaemonSet(WorkloadKey("kube-system", "apps", "DaemonSet", name), desired, ready, (tag,), words)


CACHE = daemon_set("node-local-dns", words=("-conf", "/etc/Corefile", "-localip", "169.254.25.10,10.96.0.10"))
KUBE_DNS = DNSFacts(
    ServiceKey("kube-system", "kube-dns"),
    (("k8s-app", "kube-dns"),),
    (("TCP", 53), ("UDP", 53)),
    (("TCP", 53), ("UDP", 53)),
    2,
)
WELL = Facts(
    "v1.36.3",
    True,
    (daemon_set("cilium"), daemon_set("kube-proxy")),
    "system/operator",
    (),
    own_version="0.1.0",
    crd_fields=crd.known(),
    operator=Operator("0.1.0", 2, 2),
    lease=Lease("operator-1", 3.0, 15.0),
    dns=KUBE_DNS,
    profile=STANDARD,
)


def told(check: str, **facts: object) -> tuple[Result, str]:
    """Of a cluster that is well but for these facts: every other check says so."""
    found = {c.name: c for c in diagnose(msgspec.structs.replace(WELL, **facts))}
    others = [c.name for c in found.values() if c.result is not Result.OK and c.name != check]
    assert others == [], found
    return found[check].result, found[check].message


def test_all_is_well() -> None:
    assert {check.result for check in diagnose(WELL)} == {Result.OK}
    assert told("Enforcement") == (Result.OK, "DaemonSet kube-system/cilium")


@pytest.mark.parametrize(
    ("version", "result"),
    [
        ("v1.29.0", Result.OK),
        ("v1.31.4-gke.1256000", Result.OK),
        ("v1.28.15", Result.ERROR),
        ("v2.0.0", Result.OK),
        ("", Result.WARNING),
    ],
)
def test_kubernetes_is_new_enough(version: str, result: Result) -> None:
    assert told("Kubernetes", version=version)[0] is result


def test_without_the_api_it_says_what_to_apply() -> None:
    result, message = told("ServiceGraph API", serves_graphs=False)
    assert result is Result.ERROR and "-k config/crd" in message


def test_a_plugin_that_enforces_nothing_is_said_plainly() -> None:
    result, message = told("Enforcement", daemon_sets=(daemon_set("kube-flannel-ds"), daemon_set("kube-proxy")))
    assert result is Result.WARNING
    assert "may have no effect" in message and "kube-flannel-ds does not enforce" in message


@pytest.mark.parametrize(("ready", "desired"), [(2, 3), (0, 0)])
def test_nodes_without_an_agent_are_counted(ready: int, desired: int) -> None:
    result, message = told("Enforcement", daemon_sets=(daemon_set("cilium", ready, desired),))
    assert result is Result.WARNING and f"cilium is ready on {ready} of {desired} nodes" in message


@pytest.mark.parametrize(
    ("check", "fact"), [("Enforcement", {"daemon_sets": None}), ("Operator's permissions", {"denied": None})]
)
def test_what_the_user_may_not_see_is_not_called_well(check: str, fact: dict[str, None]) -> None:
    result, message = told(check, **fact)
    assert result is Result.WARNING and "not known: you may not" in message


def test_missing_permissions_are_named() -> None:
    result, message = told("Operator's permissions", denied=NEEDED[:7])
    assert result is Result.ERROR
    assert "system/operator may not get servicegraphs.servicegraph.dev, list" in message and "and 2 more" in message


def test_a_schema_of_another_version_is_told_by_its_fields() -> None:
    result, message = told("ServiceGraph API", crd_fields=crd.known() - {"services[].calls[].fqdn"})
    assert result is Result.ERROR and "without services[].calls[].fqdn" in message and "-k config/crd" in message
    result, message = told("ServiceGraph API", crd_fields=crd.known() | {"services[].priority"})
    assert result is Result.WARNING and "with services[].priority" in message


def test_the_fields_of_the_schema_are_those_that_are_known() -> None:
    schema = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert crd.installed(schema["properties"]["spec"]) == crd.known()


@pytest.mark.parametrize(
    ("operator", "said"),
    [
        (None, "it does not run in system"),
        (Operator("0.1.0", 2, 1), "1 of 2 replicas are ready: kubectl -n system describe"),
        (Operator("0.1.0", 0, 0), "0 of 0 replicas"),
        (Operator("v0.2.0", 2, 2), "version v0.2.0 and this program 0.1.0"),
    ],
)
def test_an_operator_that_is_not_well(operator: Operator | None, said: str) -> None:
    result, message = told("Operator", operator=operator)
    assert result is Result.WARNING and said in message


def test_a_tag_that_is_no_version_says_nothing_of_it() -> None:
    assert told("Operator", operator=Operator("dev", 2, 2))[0] is Result.OK


@pytest.mark.parametrize(
    ("lease", "said"),
    [
        (None, "nobody leads"),
        (Lease("", 3.0, 15.0), "nobody leads"),
        (Lease("operator-1", 300.0, 15.0), "has not renewed its lease for 300 s"),
    ],
)
def test_a_leader_that_is_none(lease: Lease | None, said: str) -> None:
    result, message = told("Leader", lease=lease)
    assert result is Result.WARNING and said in message and "kubectl -n system logs" in message


@pytest.mark.parametrize(("tag", "result"), [("v1.15.6", "warning"), ("v1.16.0", "ok"), ("dev", "ok")])
def test_an_old_cilium_opens_one_port_of_a_range(tag: str, result: str) -> None:
    cilium = (daemon_set("cilium", tag=tag),)
    found, message = told("Port ranges", daemon_sets=cilium, ranges=("shop/shop",))
    assert found == result and (result == "ok" or "list the ports in shop/shop" in message)
    assert told("Port ranges", daemon_sets=cilium)[0] is Result.OK


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"dns": None}, "write dns.service in the ClusterProfile"),
        ({"dns": msgspec.structs.replace(KUBE_DNS, ready=0)}, "has no ready pod"),
        ({"dns": msgspec.structs.replace(KUBE_DNS, ports=(("UDP", 53),))}, "no port for both UDP and TCP"),
        (
            {"profile": msgspec.structs.replace(STANDARD, dns=DNS(DNSService("dns", "coredns")))},
            "the profile names dns/coredns, and DNS is kube-system/kube-dns",
        ),
        (
            {"dns": msgspec.structs.replace(KUBE_DNS, selector=(("k8s-app", "coredns"),))},
            "have the labels k8s-app=coredns, which the profile does not tell",
        ),
        (
            {"daemon_sets": (daemon_set("cilium"), CACHE)},
            "write dns.addresses: [169.254.25.10]",
        ),
    ],
)  # fmt: skip
def test_dns_that_is_not_as_policies_say(facts: dict[str, object], said: str) -> None:
    result, message = told("DNS", **facts)
    assert result is Result.WARNING and said in message


def test_autopath_matters_where_names_are_used() -> None:
    corefile = ".:53 {\n    autopath @kubernetes\n    forward . /etc/resolv.conf\n}\n"
    assert told("CoreDNS autopath", corefile=corefile)[0] is Result.OK
    result, message = told("CoreDNS autopath", corefile=corefile, names=("shop/shop",))
    assert result is Result.WARNING and "shop/shop" in message


@pytest.mark.parametrize(("what", "check"), [("operator", "Operator"), ("lease", "Leader"), ("dns", "DNS")])
def test_what_is_hidden_is_not_called_missing(what: str, check: str) -> None:
    result, message = told(check, hidden=frozenset({what}), **{what: None} if what != "operator" else {})
    assert result is Result.WARNING and "not known: you may not get" in message


def test_what_is_needed_is_what_is_granted() -> None:
    assert len(set(NEEDED)) == len(NEEDED)
    whole = {msgspec.structs.replace(p, cluster=False) for p in NEEDED if not p.own}
    assert whole == granted("cluster/cluster-role.yaml")
    assert {msgspec.structs.replace(p, own=False) for p in NEEDED if p.own} <= granted("operator/leader-election.yaml")
    assert {p for p in NEEDED if not p.own and not p.cluster} == granted("namespace/role.yaml")


def granted(file: str) -> set[Permission]:
    role = next(yaml.safe_load_all((RBAC / file).read_text()))
    return {
        Permission(verb, *split(resource, group))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def split(resource: str, group: str) -> tuple[str, str, str]:
    plural, _, subresource = resource.partition("/")
    return plural, group, subresource
