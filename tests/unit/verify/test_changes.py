"""What a change of policies is called, and that only what changes is told."""

from servicegraph.model.policy import ANY_PEER
from servicegraph.model.selectors import Selector
from servicegraph.verify.changes import Change, ChangeKind, compare
from servicegraph.verify.policies import NetworkPolicy
from tests.unit.verify.made import IN, OUT, app, cidr, peer, pods, policy, ports, rule

WEB = rule("from", peer("web"), on=(80,))


def told(old: list[NetworkPolicy], new: list[NetworkPolicy]) -> list[Change]:
    return list(compare(old, new))


def kinds(old: list[NetworkPolicy], new: list[NetworkPolicy]) -> list[tuple[str, object, object]]:
    return [(c.kind.value, c.peer, c.ports) for c in told(old, new)]


def test_the_same_flows_written_otherwise_are_no_change() -> None:
    one = [policy("p", "db", ingress=[rule("from", peer("web"), peer("api"), on=(80, 443))])]
    other = [
        policy("q", "db", ingress=[rule("from", peer("web", "shop"), on=(443,)), rule("from", peer("api"), on=(443,))]),
        policy("r", "db", ingress=[rule("from", peer("api"), on=(80,)), rule("from", peer("web"), on=(80,))]),
    ]
    assert told(one, other) == []


def test_a_new_peer_is_added_and_names_its_rule() -> None:
    old = [policy("p", "db", ingress=[WEB])]
    new = [policy("p", "db", ingress=[WEB, rule("from", peer("api"), on=(80,))])]
    (change,) = told(old, new)
    assert (change.kind, change.peer, change.ports) == (ChangeKind.ADDED, pods("api"), ports(80))
    assert (change.namespace, change.direction, change.pods) == ("shop", IN, app("db"))
    assert [str(cause) for cause in change.causes] == ["shop/p ingress[1].from[0]"]
    (change,) = told(new, old)
    assert (change.kind, change.peer) == (ChangeKind.REMOVED, pods("api"))
    assert [str(cause) for cause in change.causes] == ["shop/p ingress[1].from[0]"]


def test_more_ports_widen_and_fewer_narrow() -> None:
    old = [policy("p", "db", ingress=[WEB])]
    new = [policy("p", "db", ingress=[rule("from", peer("web"), on=(80, 443))])]
    assert kinds(old, new) == [("Widened", pods("web"), ports(443))]
    assert kinds(new, old) == [("Narrowed", pods("web"), ports(443))]


def test_a_wider_block_is_told_by_what_it_adds() -> None:
    def to(block: str) -> list[NetworkPolicy]:
        return [policy("p", "db", egress=[rule("to", {"ipBlock": {"cidr": block}}, on=(443,))])]

    found = told(to("10.0.0.0/9"), to("10.0.0.0/8"))
    assert [(c.kind.more, c.peer, c.direction) for c in found] == [(True, cidr("10.128.0.0/9"), OUT)]


def test_pods_that_nothing_isolates_any_more_are_opened() -> None:
    old = [policy("p", "db", ingress=[WEB])]
    (change,) = told(old, [])
    assert (change.kind, change.pods, change.peer) == (ChangeKind.OPENED, app("db"), ANY_PEER)
    (change,) = told([], old)
    assert (change.kind, change.pods) == (ChangeKind.ISOLATED, app("db"))


def test_a_narrower_subject_opens_the_rest() -> None:
    old = [policy("p", "db", ingress=[WEB])]
    new = [policy("p", {"matchLabels": {"app": "db", "tier": "x"}}, ingress=[WEB])]
    (change,) = told(old, new)
    assert change.kind is ChangeKind.OPENED
    assert change.pods.matches({"app": "db"})
    assert not change.pods.matches({"app": "db", "tier": "x"})


def test_what_another_policy_allows_all_along_is_no_change() -> None:
    always = policy("always", {}, ingress=[rule("from", peer("api"), on=(80,))])
    old = [policy("p", "db", ingress=[WEB]), always]
    new = [policy("p", "db", ingress=[WEB, rule("from", peer("api"), on=(80,))]), always]
    assert told(old, new) == []
    assert kinds([policy("p", {}, ingress=[])], [policy("p", {}, ingress=[]), always]) == [
        ("Added", pods("api"), ports(80))
    ]
    assert compare([], []) == ()
    assert told(new, [*new, policy("none", {}, ingress=[])]) == []
    assert Selector() == told([], [policy("p", {}, ingress=[])])[0].pods
