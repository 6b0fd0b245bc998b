"""Plans: only what differs, in the order that never cuts a declared call."""

import msgspec
import pytest

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.emit.names import DEFAULT_DENY, HASH_ANNOTATION, SERVICE_LABEL
from servicegraph.controller.compare import Action, Verb
from servicegraph.controller.isolation import RESERVED
from servicegraph.controller.live import graph_owner
from servicegraph.controller.manifests import body
from servicegraph.controller.plan import held
from servicegraph.model.policy import Direction, Mode
from servicegraph.model.refs import GraphKey
from tests.unit.controller.planning import (
    BOTH,
    UID,
    Namespace,
    default_deny,
    exemption,
    record,
    selector,
    service_policy,
)

SEARCH = service_policy("search", "frontend")
DATABASE = service_policy("database", "search")
OTHER = GraphKey("shop", "other")


def verbs(actions: list[Action] | tuple[Action, ...]) -> list[tuple[Verb, str]]:
    return [(action.verb, action.name) for action in actions]


def test_missing_policies_are_created_with_their_owner() -> None:
    found = Namespace([SEARCH, DATABASE]).plan()
    assert verbs(found.actions) == [(Verb.CREATE, DATABASE.name), (Verb.CREATE, SEARCH.name)]
    assert len(found.phases) == 1
    assert all(action.owners == (graph_owner("shop", UID),) for action in found.actions)


def test_what_is_live_already_is_not_written() -> None:
    namespace = Namespace([SEARCH, DATABASE])
    namespace.settle()
    assert not namespace.plan().actions


def test_only_what_differs_is_written_on_the_object_it_was_decided_on() -> None:
    namespace = Namespace([SEARCH, DATABASE])
    namespace.settle()
    live = namespace.live.get(SEARCH.name)
    assert live is not None
    namespace.want([service_policy("search", "frontend", "checkout"), DATABASE])
    (action,) = namespace.plan().actions
    assert (action.verb, action.name) == (Verb.UPDATE, SEARCH.name)
    assert action.wanted is not None
    metadata = body(action, action.wanted)["metadata"]
    assert (metadata["uid"], metadata["resourceVersion"]) == (live.uid, live.version)


def test_a_plan_for_some_names_leaves_the_others_alone() -> None:
    namespace = Namespace([SEARCH, DATABASE])
    assert verbs(namespace.plan(SEARCH.name).actions) == [(Verb.CREATE, SEARCH.name)]


def test_a_term_that_moved_goes_after_its_successor_is_accepted() -> None:
    namespace = Namespace([SEARCH])
    namespace.settle()
    moved = service_policy("search", "frontend", subject=selector("search-two"))
    namespace.want([moved])
    found = namespace.plan(SEARCH.name)
    assert verbs(found.actions) == [(Verb.CREATE, moved.name), (Verb.DELETE, SEARCH.name)]
    assert found.phases[-1][0].needs == {moved.name}


def test_a_name_that_somebody_else_holds_is_never_written() -> None:
    namespace = Namespace([SEARCH])
    theirs = manifest(SEARCH)
    theirs["metadata"]["annotations"] = {}
    namespace.put(theirs)
    found = namespace.plan()
    assert (found.actions, found.taken) == ((), frozenset({SEARCH.name}))
    namespace.want([])
    assert not namespace.plan().actions


@pytest.mark.parametrize("mark", ["annotation", "owner"])
def test_one_mark_makes_it_ours_and_the_other_is_restored(mark: str) -> None:
    namespace = Namespace([SEARCH])
    (create,) = namespace.plan().actions
    assert create.wanted is not None
    made = body(create, create.wanted)
    if mark == "owner":
        del made["metadata"]["annotations"][HASH_ANNOTATION]
    else:
        made["metadata"]["ownerReferences"] = []
    namespace.put(made)
    (action,) = namespace.settle()
    assert action.verb is Verb.UPDATE
    live = namespace.live.get(SEARCH.name)
    assert live is not None
    assert live.owners == (graph_owner("shop", UID),)
    assert HASH_ANNOTATION in live.annotations


def test_dry_run_and_invalid_graphs_are_frozen() -> None:
    namespace = Namespace([SEARCH, DATABASE])
    namespace.settle()
    dry = [msgspec.structs.replace(service_policy("search", "nobody"), mode=Mode.DRY_RUN)]
    namespace.want(dry)
    namespace.graphs = (record(mode=Mode.DRY_RUN, held_services=frozenset({"search"})),)
    assert not namespace.plan().actions
    assert str(held(namespace.view, UID, [SEARCH.name])) == "create 0, update 1 and delete 1"
    namespace.want([service_policy("search", "nobody")])
    namespace.graphs = (record(frozen=True, held_services=frozenset({"search", "database"})),)
    assert not namespace.plan().actions
    namespace.graphs = (record(),)
    assert verbs(namespace.plan().actions) == [(Verb.UPDATE, SEARCH.name), (Verb.DELETE, DATABASE.name)]


def test_one_service_in_dry_run_is_frozen_and_the_others_are_not() -> None:
    namespace = Namespace([SEARCH, DATABASE])
    namespace.settle()
    namespace.want([service_policy("search", mode=Mode.DRY_RUN), service_policy("database", "nobody")])
    namespace.graphs = (record(held_services=frozenset({"search"})),)
    assert verbs(namespace.plan().actions) == [(Verb.UPDATE, DATABASE.name)]


def test_a_former_term_of_a_service_in_dry_run_stays() -> None:
    namespace = Namespace([SEARCH])
    namespace.settle()
    namespace.want([])
    namespace.graphs = (record(held_services=frozenset({"search"})),)
    assert not namespace.plan().actions


def test_a_label_that_somebody_changed_is_a_difference() -> None:
    namespace = Namespace([SEARCH])
    namespace.settle()
    changed = manifest(SEARCH)
    changed["metadata"]["labels"][SERVICE_LABEL] = "another"
    changed["metadata"]["ownerReferences"] = [msgspec.to_builtins(graph_owner("shop", UID))]
    namespace.put(changed)
    assert verbs(namespace.plan().actions) == [(Verb.UPDATE, SEARCH.name)]


def test_policies_of_a_graph_that_is_gone_are_deleted() -> None:
    namespace = Namespace([SEARCH])
    namespace.settle()
    namespace.want([])
    namespace.graphs = (record(OTHER, "uid-of-other"),)
    assert verbs(namespace.plan().actions) == [(Verb.DELETE, SEARCH.name)]


class TestDefaultDeny:
    """R18."""

    GRAPH = record(isolates_namespace=True)

    def test_it_is_reserved_first_and_in_effect_last(self) -> None:
        written = Namespace([SEARCH, DATABASE, default_deny()], self.GRAPH).settle()
        assert verbs(written) == [
            (Verb.CREATE, DEFAULT_DENY),
            (Verb.CREATE, DATABASE.name),
            (Verb.CREATE, SEARCH.name),
            (Verb.UPDATE, DEFAULT_DENY),
        ]
        assert written[0].wanted is not None
        assert body(written[0], written[0].wanted)["spec"] == RESERVED
        assert {owner.name for owner in written[1].owners} == {"shop", DEFAULT_DENY}

    def test_it_waits_for_every_allow(self) -> None:
        namespace = Namespace([SEARCH, DATABASE, default_deny()], self.GRAPH)
        namespace.accept(namespace.plan().actions[0])
        found = namespace.plan()
        assert found.phases[-1][0].needs == {SEARCH.name, DATABASE.name}

    def test_it_waits_for_a_name_that_is_taken(self) -> None:
        namespace = Namespace([SEARCH, default_deny()], self.GRAPH)
        theirs = manifest(SEARCH)
        theirs["metadata"]["annotations"] = {}
        namespace.put(theirs)
        found = namespace.plan()
        assert found.actions[0].needs == {SEARCH.name}

    def test_it_is_repaired_without_waiting(self) -> None:
        namespace = Namespace([SEARCH, default_deny()], self.GRAPH)
        namespace.settle()
        opened = manifest(default_deny())
        opened["spec"]["ingress"] = [{}]
        namespace.put(opened)
        namespace.want([service_policy("search"), default_deny()])
        found = namespace.plan(DEFAULT_DENY)
        assert found.actions[-1].name == DEFAULT_DENY
        assert not found.actions[-1].needs

    def test_deleted_by_somebody_it_comes_back_before_owners_are_set_right(self) -> None:
        namespace = Namespace([SEARCH, default_deny()], self.GRAPH)
        namespace.settle()
        namespace.live.drop(DEFAULT_DENY)
        written = namespace.settle(DEFAULT_DENY)
        assert verbs(written) == [(Verb.CREATE, DEFAULT_DENY), (Verb.UPDATE, SEARCH.name)]
        assert not written[0].reserve

    def test_it_goes_first(self) -> None:
        namespace = Namespace([SEARCH, default_deny()], self.GRAPH)
        namespace.settle()
        namespace.want([])
        written = namespace.plan().actions
        assert verbs(written) == [(Verb.DELETE, DEFAULT_DENY), (Verb.DELETE, SEARCH.name)]
        assert written[1].needs == {DEFAULT_DENY}

    def test_every_graph_that_asks_owns_it(self) -> None:
        namespace = Namespace([default_deny()], self.GRAPH, record(OTHER, "uid-of-other", isolates_namespace=True))
        (created,) = namespace.plan().actions
        assert [owner.name for owner in created.owners] == ["other", "shop"]

    def test_a_frozen_policy_is_not_opened_by_an_exemption(self) -> None:
        namespace = Namespace([SEARCH, default_deny()], self.GRAPH)
        namespace.settle()
        dry = service_policy("search", "frontend", mode=Mode.DRY_RUN)
        namespace.want([dry, exemption("search"), default_deny()])
        namespace.graphs = (record(isolates_namespace=True, held_services=frozenset({"search"})),)
        assert not namespace.plan().actions
        namespace.live.drop(SEARCH.name)
        assert verbs(namespace.plan().actions) == [(Verb.CREATE, exemption("search").name)]

    def test_an_exemption_that_no_service_needs_any_more_goes_though_its_graph_is_in_dry_run(self) -> None:
        dry = record(OTHER, "uid-of-other", mode=Mode.DRY_RUN, held_services=frozenset({"old"}))
        namespace = Namespace([default_deny(), exemption("old", OTHER)], self.GRAPH, dry)
        namespace.settle()
        namespace.graphs = (self.GRAPH, record(OTHER, "uid-of-other", mode=Mode.DRY_RUN))
        namespace.want([default_deny(), service_policy("new", subject=selector("old"))])
        namespace.settle()
        assert set(namespace.live) == {DEFAULT_DENY, service_policy("new", subject=selector("old")).name}


class TestSplit:
    """R13."""

    PARTS = tuple(service_policy("hub", f"caller-{part}", part=part, parts=3) for part in range(3))

    def test_the_first_part_allows_everything_until_the_last_is_accepted(self) -> None:
        written = Namespace(self.PARTS).settle()
        first, second, third = (policy.name for policy in self.PARTS)
        assert verbs(written) == [
            (Verb.CREATE, first),
            (Verb.CREATE, second),
            (Verb.CREATE, third),
            (Verb.UPDATE, first),
        ]
        assert written[0].open == BOTH
        assert written[3].open == ()

    def test_a_subject_that_is_isolated_is_not_opened(self) -> None:
        namespace = Namespace([service_policy("hub", "caller-0")])
        namespace.settle()
        namespace.want(self.PARTS)
        written = namespace.settle()
        assert all(not action.open for action in written)
        assert written[-1].verb is Verb.DELETE
        assert written[-2].name == self.PARTS[0].name, "the first part follows the others"

    def test_only_the_direction_that_is_new_is_opened(self) -> None:
        before = msgspec.structs.replace(service_policy("hub", "caller-0"), directions=(Direction.INGRESS,))
        namespace = Namespace([before])
        namespace.settle()
        namespace.want(self.PARTS)
        assert namespace.plan().actions[0].open == (Direction.EGRESS,)

    def test_an_interrupted_spread_is_finished(self) -> None:
        namespace = Namespace(self.PARTS)
        for action in namespace.plan().actions[:2]:
            namespace.accept(action)
        first, _, third = (policy.name for policy in self.PARTS)
        assert verbs(namespace.settle()) == [(Verb.CREATE, third), (Verb.UPDATE, first)]

    def test_the_first_part_closes_only_after_the_others(self) -> None:
        namespace = Namespace([service_policy("hub", "caller-0")])
        namespace.settle()
        namespace.want(self.PARTS)
        (closing,) = (a for a in namespace.plan().actions if a.name == self.PARTS[0].name)
        assert closing.needs == {policy.name for policy in self.PARTS[1:]}
