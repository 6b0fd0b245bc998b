"""What the doctor makes of what a cluster told."""

import msgspec
import pytest
import yaml

from servicegraph.adopt.doctor import DaemonSet, Facts, Result, diagnose
from servicegraph.adopt.permissions import NEEDED, Permission
from servicegraph.model.refs import WorkloadKey
from tests.contract import ROOT

RBAC = ROOT / "config" / "rbac"


def daemon_set(name: str, ready: int = 3, desired: int = 3) -> DaemonSet:
    return DaemonSet(WorkloadKey("kube-system", "apps", "DaemonSet", name), desired, ready)


WELL = Facts("v1.36.3", True, (daemon_set("cilium"), daemon_set("kube-proxy")), "system/operator", ())


def told(check: str, **facts: object) -> tuple[Result, str]:
    """Of a cluster that is well but for these facts: every other check says so."""
    found = {c.name: c for c in diagnose(msgspec.structs.replace(WELL, **facts))}
    assert [c.name for c in found.values() if c.result is not Result.OK and c.name != check] == []
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
