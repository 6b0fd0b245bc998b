"""Namespace isolation: the default deny is the last to come and the first to go (R18)."""

import pytest

from tests.integration.kube import Audit, Kube, Object
from tests.integration.look import policies, settled, versions
from tests.integration.operators import Operator
from tests.integration.support import everything_seen
from tests.integration.world import SHOP, app, calls, graph
from tests.waiting import eventually

DENY = "sg-default-deny"


def isolated(namespace: str, services: dict[str, Object] | None = None, **spec: str) -> Object:
    return graph(namespace, "shop", services or dict(SHOP), isolation="Namespace", **spec)


@pytest.fixture
def fortress(kube: Kube, operator: Operator, namespace: str, audit: Audit) -> str:
    """The shop under Namespace isolation, and nothing written since."""
    kube.apply(*app(namespace, *SHOP))
    everything_seen(kube)
    kube.apply(isolated(namespace))
    eventually(lambda: settled(kube, namespace), "the shop is Ready")
    audit.reset()
    return namespace


def deny(kube: Kube, namespace: str) -> Object | None:
    return kube.get("NetworkPolicy", namespace, DENY)


def writes(audit: Audit, namespace: str) -> list[tuple[str, str]]:
    """Verb and name of every write of a policy that was accepted, in the order of the answers."""
    entries = audit.writes(namespace, "networkpolicies")
    return [(e["verb"], e["objectRef"]["name"]) for e in entries if e["responseStatus"]["code"] < 300]


def test_the_deny_comes_last_and_owns_the_others(kube: Kube, operator: Operator, namespace: str, audit: Audit) -> None:
    kube.apply(*app(namespace, *SHOP))
    everything_seen(kube)
    kube.apply(isolated(namespace))
    eventually(lambda: settled(kube, namespace), "the shop is Ready")
    found = deny(kube, namespace)
    assert found is not None
    assert found["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    order = [name for _, name in writes(audit, namespace)]
    assert order[0] == order[-1] == DENY, "reserved first, in effect last"
    assert len(order) == 5
    for policy in kube.list("NetworkPolicy", namespace):
        owners = {owner["name"] for owner in policy["metadata"]["ownerReferences"]}
        assert owners == ({"shop"} if policy["metadata"]["name"] == DENY else {"shop", DENY})
        assert all("blockOwnerDeletion" not in owner for owner in policy["metadata"]["ownerReferences"])


def test_the_deny_goes_first(kube: Kube, fortress: str, audit: Audit) -> None:
    kube.apply(isolated(fortress, mode="Off"))
    eventually(lambda: not kube.list("NetworkPolicy", fortress), "everything is taken away")
    eventually(lambda: len(writes(audit, fortress)) == 4)
    assert writes(audit, fortress)[0] == ("delete", DENY)


def test_a_service_that_is_off_is_exempt(kube: Kube, fortress: str, audit: Audit) -> None:
    before = versions(kube, fortress)
    kube.apply(isolated(fortress, {**SHOP, "search": {**calls("database"), "mode": "Off"}}))
    eventually(lambda: settled(kube, fortress), "the shop is Ready")
    open_ = [p for p in kube.list("NetworkPolicy", fortress) if p["metadata"]["name"].endswith("-open")]
    assert [p["spec"]["podSelector"] for p in open_] == [{"matchLabels": {"app": "search"}}]
    assert open_[0]["spec"]["ingress"] == open_[0]["spec"]["egress"] == [{}]
    after = versions(kube, fortress)
    assert all(after[name] == version for name, version in before.items() if name in after), "others are unchanged"
    order = [name for verb, name in writes(audit, fortress) if "search" in name and verb in ("patch", "delete")][-2:]
    assert order[0].endswith("-open"), "the exemption is there before the policy goes"


def test_a_deny_that_somebody_deleted_comes_back_at_once(kube: Kube, fortress: str) -> None:
    kube.delete("NetworkPolicy", fortress, DENY)
    eventually(lambda: deny(kube, fortress) is not None, "the deny is back")

    def owned() -> bool:
        uid = (deny(kube, fortress) or {"metadata": {"uid": ""}})["metadata"]["uid"]
        others = [p for p in kube.list("NetworkPolicy", fortress) if p["metadata"]["name"] != DENY]
        return len(others) == 3 and all(
            [o["uid"] for o in p["metadata"]["ownerReferences"] if o["name"] == DENY] == [uid] for p in others
        )

    eventually(owned, "and owns the others again")
    eventually(lambda: (deny(kube, fortress) or {"spec": {}})["spec"].get("podSelector") == {}, "and is in effect")


def test_a_deny_of_two_graphs_stays_for_the_other(kube: Kube, operator: Operator, namespace: str) -> None:
    kube.apply(*app(namespace, *SHOP, "extra"))
    everything_seen(kube)
    kube.apply(isolated(namespace), graph(namespace, "more", {"extra": {}}, isolation="Namespace"))
    eventually(lambda: settled(kube, namespace) and settled(kube, namespace, "more"))
    eventually(
        lambda: {o["name"] for o in (deny(kube, namespace) or {})["metadata"]["ownerReferences"]} == {"shop", "more"}
    )
    kube.delete("ServiceGraph", namespace, "shop")
    eventually(lambda: policies(kube, namespace).keys() == {"extra", "default"}, "only the other graph's are left")


def test_exemptions_stay_while_the_deny_is_held_and_go_after_it(
    kube: Kube, operator: Operator, namespace: str, audit: Audit
) -> None:
    others: dict[str, Object] = {"legacy": {"mode": "Off"}, "half": {"directions": ["Ingress"]}}
    kube.apply(*app(namespace, *SHOP, *others))
    everything_seen(kube)
    kube.apply(isolated(namespace), graph(namespace, "more", others))
    eventually(lambda: settled(kube, namespace) and settled(kube, namespace, "more"))
    eventually(lambda: len(versions(kube, namespace)) == 6, "the deny, three of the shop, half, an exemption")
    before = versions(kube, namespace)
    kube.apply(isolated(namespace, mode="DryRun"))
    eventually(lambda: reason(kube, namespace) == "DryRun", "the shop is in DryRun")
    assert versions(kube, namespace) == before, "the deny is live, and so are the exemptions from it"
    audit.reset()
    kube.apply(graph(namespace, "shop", dict(SHOP)))
    eventually(lambda: not any(p["metadata"]["name"].endswith("-open") for p in kube.list("NetworkPolicy", namespace)))
    assert writes(audit, namespace)[0] == ("delete", DENY)


def reason(kube: Kube, namespace: str) -> str:
    found = (kube.get("ServiceGraph", namespace, "shop") or {}).get("status", {}).get("conditions", [])
    return next((item["reason"] for item in found if item["type"] == "Ready"), "")
