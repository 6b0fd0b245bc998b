"""What a proof says: which flows, of whose pods, for which entry or rule. Exactness is a property, tested there."""

from collections.abc import Iterable
from typing import Any

from servicegraph.model.policy import ANY_PEER, Declared, Mode, PodPeer
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import EVERYTHING, Selector
from servicegraph.verify.ends import NamedPort, Pod
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.portsets import ALL, PortName
from servicegraph.verify.proof import Kind, Proof, prove
from servicegraph.verify.words import Words
from tests.unit.verify.made import GRAPH, IN, OUT, app, cidr, declared, flow, peer, pods, policy, ports, rule

DB = declared("db", flow(IN, pods("web"), 80, text="web calls db"))
RIGHT = policy("p", "db", ingress=[rule("from", peer("web"), on=(80,))])
DENY = Declared("shop", isolated=(IN,), graph=GRAPH, path=".spec.isolation")


def told(said: Iterable[Declared], policies: Iterable[NetworkPolicy], **more: Any) -> list[str]:
    """The sentences, in order."""
    said = list(said)
    words = Words(said)
    proof = prove(said, policies, **more)
    return [words.difference(d) for d in (*proof.missing, *proof.extra)]


def test_a_missing_flow_names_its_entry_and_the_policies_that_cut_it() -> None:
    proof = prove([DB], [policy("p", "db"), policy("all", {})])
    (found,) = proof.missing
    assert (found.kind, found.peer, found.ports) == (Kind.MISSING, pods("web"), ports(80))
    assert found.origin is not None
    assert found.origin.text == "web calls db"
    assert [str(cause) for cause in found.causes] == ["shop/all", "shop/p"]
    assert (found.subject.service, found.subject.pods, found.subject.graph) == (
        ServiceKey("shop", "db"),
        app("db"),
        GRAPH,
    )
    assert proof.extra == ()


def test_another_selector_of_the_same_pods_is_as_good() -> None:
    assert prove([DB], [policy("p", {}, ingress=[rule("from", peer("web"), on=(80,))])]).exact
    both = [policy("p", {}), policy("q", {}, ingress=[rule("from", peer("web"), on=(80,))])]
    assert prove([DB], both).exact


def test_a_narrower_selector_leaves_the_other_pods_of_the_service_open() -> None:
    narrow = policy("p", {"matchLabels": {"app": "db", "tier": "x"}}, ingress=[rule("from", peer("web"), on=(80,))])
    assert told([DB], [narrow]) == [
        "not isolated: anywhere -> shop/db (pods app=db,tier!=x) on every port: "
        "no policy selects these pods for Ingress"
    ]


def test_only_what_is_declared_to_be_isolated_counts() -> None:
    elsewhere = policy("q", "other", ingress=[{}])
    assert prove([DB], [RIGHT, elsewhere, policy("r", "db", egress=[])]).exact
    assert prove([declared("db", isolated=())], []).exact


def test_a_rule_that_opens_more_is_named_with_the_ports_that_are_too_many() -> None:
    wide = policy("p", "db", ingress=[rule("from", peer("web"), on=({"port": 80, "endPort": 90},))])
    assert told([DB], [wide]) == [
        "extra: pods app=web in shop -> shop/db 81-90: not declared, allowed by shop/p ingress[0].from[0]"
    ]


def test_what_no_peer_limits_is_told_as_anywhere() -> None:
    open_to_all = policy("q", "db", ingress=[rule("from", on=(80,))])
    assert told([DB], [RIGHT, open_to_all]) == [
        "extra: anywhere -> shop/db 80: not declared, allowed by shop/q ingress[0]"
    ]
    everything = declared("db", flow(IN, ANY_PEER, 80))
    assert [d.peer for d in prove([everything], [policy("p", "db")]).missing] == [ANY_PEER]


def test_addresses_are_compared_as_sets() -> None:
    said = declared("db", flow(OUT, cidr("10.0.0.0/8", "10.1.0.0/16"), 443), isolated=(OUT,))

    def to(*blocks: dict[str, Any]) -> NetworkPolicy:
        return policy("p", "db", egress=[rule("to", *({"ipBlock": block} for block in blocks), on=(443,))])

    assert prove([said], [to({"cidr": "10.0.0.0/16"}, {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/15"]})]).exact
    proof = prove([said], [to({"cidr": "10.0.0.0/8"})])
    assert [d.peer for d in proof.extra] == [cidr("10.1.0.0/16")]
    proof = prove([said], [to({"cidr": "10.0.0.0/9", "except": ["10.1.0.0/16"]})])
    assert [d.peer for d in proof.missing] == [cidr("10.128.0.0/9")]


def test_an_ip_block_never_makes_up_for_pods() -> None:
    anywhere = policy("p", "db", ingress=[rule("from", {"ipBlock": {"cidr": "0.0.0.0/0"}}, on=(80,))])
    proof = prove([DB], [anywhere])
    assert [d.peer for d in proof.missing] == [pods("web")]
    assert [d.peer for d in proof.extra] == [cidr("0.0.0.0/0")]


def named(policies: list[NetworkPolicy], *known: Pod) -> Proof:
    return prove([DB], policies, pods=known)


def test_a_named_port_means_what_it_means_to_the_pods_that_are_known() -> None:
    by_name = [policy("p", "db", ingress=[rule("from", peer("web"), on=("http",))])]
    right, wrong = (Pod("shop", {"app": "db"}, (NamedPort("http", "TCP", number),)) for number in (80, 81))
    assert named(by_name, right).exact
    assert not named(by_name, right, wrong).exact
    assert [(d.kind, d.ports) for d in named(by_name, wrong).extra] == [(Kind.EXTRA, ports(81))]
    unknown = named(by_name)
    assert [d.ports for d in unknown.missing] == [ports(80)]
    assert [d.ports for d in unknown.extra] == [(PortName("TCP", "http"),)]
    assert named(by_name, right, Pod("shop", {"app": "db"})).missing, "a pod without that name is not reached"


def test_under_a_default_deny_every_other_pod_is_denied() -> None:
    deny, legacy = policy("deny", {}), policy("legacy", "legacy", ingress=[{}])
    assert prove([DENY, DB], [deny, RIGHT]).exact
    (found,) = prove([DENY, DB], [deny, RIGHT, legacy]).extra
    assert (found.subject.service, found.subject.pods) == (None, app("legacy"))
    (found,) = prove([DENY, DB], [deny, RIGHT, policy("q", "db", ingress=[rule("from", peer("x"))])]).extra
    assert found.subject.service == ServiceKey("shop", "db"), "told at the service alone"
    assert {d.kind for d in prove([DENY, DB], [RIGHT]).extra} == {Kind.NOT_ISOLATED}


def test_under_a_default_deny_a_service_that_isolates_nothing_is_open() -> None:
    deny = policy("deny", {})
    off = declared("off", isolated=())
    assert prove([DENY, off], [deny, policy("open", "off", ingress=[{}])]).exact
    (found,) = prove([DENY, off], [deny]).missing
    assert (found.peer, found.ports, found.subject.service) == (ANY_PEER, ALL, ServiceKey("shop", "off"))


def test_a_default_deny_in_dry_run_denies_nothing() -> None:
    dry = Declared("shop", isolated=(IN,), graph=GRAPH, mode=Mode.DRY_RUN)
    assert prove([dry, DB], [RIGHT]).exact


def test_modes_and_draining_are_marked() -> None:
    marked = declared("db", mode=Mode.DRY_RUN, draining=True)
    (found,) = prove([marked], []).extra
    assert (found.subject.mode, found.subject.draining) == (Mode.DRY_RUN, True)


def test_services_that_share_pods_add_up() -> None:
    old = declared("old", flow(IN, pods("api"), 80), subject=app("db", track="1"))
    theirs = policy("q", {"matchLabels": {"app": "db", "track": "1"}}, ingress=[rule("from", peer("api"), on=(80,))])
    assert prove([DB, old], [RIGHT, theirs]).exact
    wide = policy("q", "db", ingress=[rule("from", peer("api"), on=(80,))])
    (found,) = prove([DB, old], [RIGHT, wide, policy("r", {"matchLabels": {"app": "db", "track": "1"}})]).extra
    assert not found.subject.pods.matches({"app": "db", "track": "1"})


def test_labels_of_known_namespaces_count_and_unknown_ones_may_have_any() -> None:
    team = Selector.from_labels({"team": "x"})
    said = declared("db", flow(IN, PodPeer(EVERYTHING, team), 80))
    one = [policy("p", "db", ingress=[rule("from", {"namespaceSelector": {"matchLabels": {"team": "x"}}}, on=(80,))])]
    own = policy("q", "db", ingress=[rule("from", {"podSelector": {}}, on=(80,))])
    assert prove([said], one).exact
    assert prove([said], [*one, own], {"shop": {"team": "x"}}).exact
    assert not prove([said], [*one, own], {"shop": {}}).exact
    assert not prove([said], [*one, own]).exact


def test_peers_that_cannot_be_are_nothing() -> None:
    unnamed = {"key": "kubernetes.io/metadata.name", "operator": "DoesNotExist"}
    nowhere = {"namespaceSelector": {"matchExpressions": [unnamed]}}
    never = {"podSelector": {"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}}
    assert prove([DB], [RIGHT, policy("q", "db", ingress=[rule("from", nowhere, never)])]).exact


def test_many_callers_do_not_make_many_differences() -> None:
    callers = [f"caller-{number}" for number in range(200)]
    said = declared("db", *(flow(IN, pods(name), 80, text=name) for name in callers))
    everyone = policy("q", "db", ingress=[rule("from", {"podSelector": {}})])
    (found,) = prove([said], [everyone]).extra
    assert found.peer == PodPeer(EVERYTHING)


def test_trusted_policies_are_told_apart() -> None:
    theirs = policy("monitoring", "db", ingress=[rule("from", peer("prometheus"))])
    proof = prove([DB], [RIGHT, theirs], trusts={GRAPH: ["monitoring"]})
    assert (proof.exact, len(proof.trusted), proof.extra) == (True, 1, ())
    assert not prove([DB], [RIGHT, theirs], trusts={GRAPH: ["p"]}).exact


def test_a_hub_is_told_in_full_however_many_callers_it_has() -> None:
    """Under a default deny too, where each flow that is too many comes to a dead end: its pods are the service's."""
    callers = [f"caller-{number}" for number in range(2_500)]
    said = declared("db", *(flow(IN, pods(name), 80, text=name) for name in callers))
    moved = policy("p", "db", ingress=[rule("from", *(peer(name) for name in callers), on=(81,))])
    proof = prove([DENY, said], [policy("deny", {}), moved])
    assert (len(proof.missing), len(proof.extra), proof.tangled) == (2_500, 2_500, ())
