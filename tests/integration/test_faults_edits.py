"""Policies that somebody else edits, deletes or relabels come back; a policy that is not ours is never touched."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.kube import APPLY, Audit, Kube, Object, path_of
from tests.integration.look import complete, condition, policies, problems, settled, versions
from tests.integration.operators import Operator, down
from tests.integration.world import SHOP, app, calls, graph
from tests.waiting import eventually

DENY = "sg-default-deny"
INTRUDER = "intruder"
Contents = dict[str, Any]
Edit = Callable[[Kube, str, str], Object]


@pytest.fixture
def fortress(kube: Kube, operator: Operator, namespace: str) -> str:
    """The shop under Namespace isolation, its default deny included."""
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP, isolation="Namespace"))
    eventually(lambda: complete(kube, namespace))
    return namespace


def contents(kube: Kube, namespace: str) -> Contents:
    """Everything about the policies that is the operator's to say; owners by name, for UIDs change."""
    return {
        found["metadata"]["name"]: (
            found["spec"],
            found["metadata"].get("labels"),
            found["metadata"].get("annotations"),
            sorted(owner["name"] for owner in found["metadata"].get("ownerReferences", ())),
        )
        for found in kube.list("NetworkPolicy", namespace)
    }


def name_of(kube: Kube, namespace: str, service: str = "database") -> str:
    name: str = policies(kube, namespace)[service]["metadata"]["name"]
    return name


def merged(patch: Object) -> Edit:
    """As `kubectl patch` and `kubectl edit` do."""
    return lambda kube, namespace, name: kube.patch("NetworkPolicy", namespace, name, patch, INTRUDER)


def applied(spec: Object) -> Edit:
    """As a GitOps tool does that forces its own manifest of the same name."""

    def edit(kube: Kube, namespace: str, name: str) -> Object:
        whole = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], **spec}
        body = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name},
            "spec": whole,
        }
        path = path_of("NetworkPolicy", namespace, name)
        found: Object = kube.call("PATCH", path, body, APPLY, fieldManager=INTRUDER, force="true")
        return found

    return edit


def replaced(spec: Object) -> Edit:
    """As `kubectl replace` does."""

    def edit(kube: Kube, namespace: str, name: str) -> Object:
        found: Object = {**(kube.get("NetworkPolicy", namespace, name) or {}), "spec": spec}
        return dict(kube.call("PUT", path_of("NetworkPolicy", namespace, name), found, fieldManager=INTRUDER))

    return edit


ANY_POD: Object = {"namespaceSelector": {}}
WORLD: Object = {"ipBlock": {"cidr": "0.0.0.0/0"}}
SPECS: dict[str, Object] = {
    "ingress from everywhere": {"ingress": [{}]},
    "ingress from all pods": {"ingress": [{"from": [ANY_POD], "ports": [{"port": 8080}]}]},
    "ingress on all ports": {"ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "search"}}}]}]},
    "no ingress": {"ingress": []},
    "egress to everywhere": {"egress": [{}]},
    "egress to the world": {"egress": [{"to": [WORLD]}]},
    "only ingress": {"policyTypes": ["Ingress"]},
    "only egress": {"policyTypes": ["Egress"]},
    "other pods": {"podSelector": {"matchLabels": {"app": "other"}}},
    "fewer pods": {"podSelector": {"matchLabels": {"app": "database", "tier": "none"}}},
    "no pods": {"podSelector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}},
}
EDITS: dict[str, Edit] = {
    **{f"{name}, patched": merged({"spec": spec}) for name, spec in SPECS.items()},
    **{f"{name}, applied": applied(spec) for name, spec in SPECS.items()},
    "everything, replaced": replaced({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}),
    "everything, emptied": replaced({}),
}
MARKS: dict[str, Object] = {
    "service label": {"labels": {"servicegraph.dev/service": "other"}},
    "graph label": {"labels": {"servicegraph.dev/graph": None}},
    "manager label": {"labels": {"app.kubernetes.io/managed-by": "Helm"}},
    "all labels": {"labels": None},
    "hash": {"annotations": {"servicegraph.dev/hash": "0" * 32}},
    "no hash": {"annotations": {"servicegraph.dev/hash": None}},
    "no annotations": {"annotations": None},
    "listening": {"annotations": {"servicegraph.dev/listening": "nonsense"}},
    "draining": {"annotations": {"servicegraph.dev/draining": "[]"}},
    "no owners": {"ownerReferences": None},
    "another owner": {
        "ownerReferences": [
            {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph", "name": "nobody", "uid": "1-2-3"}
        ]
    },
}
MARKED: dict[str, Edit] = {name: merged({"metadata": change}) for name, change in MARKS.items()}


@pytest.mark.parametrize("service", ["database", "default"])
def test_an_edit_of_any_field_is_reverted(kube: Kube, fortress: str, service: str) -> None:
    """One after the other on the same policy, as somebody would who does not give up."""
    name, before = name_of(kube, fortress, service), contents(kube, fortress)
    edits = {**EDITS, **MARKED}
    if service == "default":
        del edits["no ingress, patched"]
    for what, edit in edits.items():
        version = versions(kube, fortress)[name]
        assert edit(kube, fortress, name)["metadata"]["resourceVersion"] != version, f"no edit: {what}"
        eventually(lambda: contents(kube, fortress) == before, f"reverted: {what}")
    eventually(lambda: settled(kube, fortress))


def test_fields_that_another_manager_claims_still_follow_the_graph(kube: Kube, shop: str) -> None:
    name = name_of(kube, shop)
    applied({"podSelector": {"matchLabels": {"app": "database"}}, "ingress": [], "egress": []})(kube, shop, name)
    before = contents(kube, shop)
    kube.apply(graph(shop, "shop", {**SHOP, "search": {}}))
    eventually(lambda: settled(kube, shop), "the only caller is gone")
    assert contents(kube, shop)[name] != before
    assert "ingress" not in policies(kube, shop)["database"]["spec"]
    kube.apply(graph(shop, "shop", {**SHOP, "frontend": calls("database")}))
    eventually(lambda: len(policies(kube, shop)["database"]["spec"].get("ingress", ())) == 1)


def test_edits_while_no_operator_runs_are_reverted(kube: Kube, operator: Operator, fortress: str) -> None:
    before = contents(kube, fortress)
    with down(operator):
        merged({"spec": {"ingress": [{}]}})(kube, fortress, name_of(kube, fortress, "database"))
        merged({"metadata": {"labels": None}})(kube, fortress, name_of(kube, fortress, "frontend"))
        kube.delete("NetworkPolicy", fortress, name_of(kube, fortress, "search"))
        applied({"ingress": [{}], "egress": [{}]})(kube, fortress, DENY)
        assert contents(kube, fortress) != before
    eventually(lambda: contents(kube, fortress) == before)


def test_every_policy_is_deleted_at_once(kube: Kube, fortress: str) -> None:
    before = contents(kube, fortress)
    uids = {found["metadata"]["uid"] for found in kube.list("NetworkPolicy", fortress)}
    kube.call("DELETE", path_of("NetworkPolicy", fortress))
    eventually(lambda: contents(kube, fortress) == before, "all are back")
    assert not uids & {found["metadata"]["uid"] for found in kube.list("NetworkPolicy", fortress)}
    eventually(lambda: settled(kube, fortress))


def test_a_deletion_that_a_finalizer_delays(kube: Kube, shop: str, audit: Audit) -> None:
    name, before = name_of(kube, shop), contents(kube, shop)
    kube.patch("NetworkPolicy", shop, name, {"metadata": {"finalizers": ["example.test/hold"]}})
    kube.delete("NetworkPolicy", shop, name)
    dying = versions(kube, shop)[name]
    kube.apply(graph(shop, "shop", {**SHOP, "search": {}}))
    eventually(lambda: settled(kube, shop) or condition(kube, shop, "shop", "Reconciling") == "True")
    assert versions(kube, shop)[name] == dying, "what is being deleted is left alone"
    kube.apply(graph(shop, "shop", SHOP))
    kube.patch("NetworkPolicy", shop, name, {"metadata": {"finalizers": None}})
    eventually(lambda: contents(kube, shop) == before and settled(kube, shop), "it is created anew")
    assert versions(kube, shop)[name] != dying


def theirs(namespace: str, name: str, spec: Object | None = None) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec or {"podSelector": {"matchLabels": {"app": "theirs"}}, "policyTypes": ["Ingress"]},
    }


def lost(kube: Kube, namespace: str) -> str | None:
    return condition(kube, namespace, "shop", "Stalled", "reason")


@pytest.mark.parametrize("service", ["database", "default"])
@pytest.mark.parametrize("same", [False, True], ids=["other content", "our content"])
def test_a_name_that_is_taken_is_never_touched(
    kube: Kube, operator: Operator, fortress: str, audit: Audit, service: str, same: bool
) -> None:
    name, before = name_of(kube, fortress, service), contents(kube, fortress)
    kube.delete("ServiceGraph", fortress, "shop")
    eventually(lambda: not kube.list("NetworkPolicy", fortress), "the policies are gone with the graph")
    kube.apply(theirs(fortress, name, before[name][0] if same else None))
    version = versions(kube, fortress)[name]
    audit.reset()
    kube.apply(graph(fortress, "shop", SHOP, isolation="Namespace", mode="DryRun"))
    eventually(lambda: lost(kube, fortress) == "NameTaken", "it is seen before anything may be written")
    kube.apply(graph(fortress, "shop", SHOP, isolation="Namespace"))
    eventually(lambda: lost(kube, fortress) == "NameTaken", "it says so")
    assert name in problems(kube, fortress)["NameTaken"]
    assert condition(kube, fortress, "shop", "Ready") == "False"
    others = before.keys() - {name, DENY}
    eventually(lambda: contents(kube, fortress).keys() - {name, DENY} == others, "the others are in place")
    assert versions(kube, fortress)[name] == version
    written = [e for e in audit.writes(fortress, "networkpolicies") if e["objectRef"]["name"] == name]
    assert [e for e in written if e["responseStatus"]["code"] < 300] == [], "no write of it was accepted"
    kube.delete("NetworkPolicy", fortress, name)
    eventually(lambda: settled(kube, fortress), "the name is free")
    assert contents(kube, fortress) == before


def test_a_policy_that_loses_all_our_marks_is_not_ours(kube: Kube, shop: str) -> None:
    name, before = name_of(kube, shop), contents(kube, shop)
    stripped = {"metadata": {"annotations": None, "ownerReferences": None}, "spec": {"ingress": [{}]}}
    version = merged(stripped)(kube, shop, name)["metadata"]["resourceVersion"]
    eventually(lambda: lost(kube, shop) == "NameTaken", "somebody made it theirs")
    assert versions(kube, shop)[name] == version
    kube.delete("NetworkPolicy", shop, name)
    eventually(lambda: contents(kube, shop) == before and settled(kube, shop))
