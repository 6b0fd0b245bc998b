"""Live policies: what counts as the same, and whose they are (R15)."""

import msgspec
import pytest

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.emit.names import (
    HASH_ANNOTATION,
    LISTENING_ANNOTATION,
    MANAGED_BY_LABEL,
    RENDERED_BY,
    rendered_name,
)
from servicegraph.controller.live import LivePolicy, Standing, service_of, standing
from servicegraph.controller.policykinds import NETWORK_POLICIES, WirePolicy, read_policy, spec_digest
from servicegraph.model.cluster import Listening
from servicegraph.model.policy import Engine
from tests.unit.controller.planning import UID, default_deny, exemption, service_policy

RENDERED = {MANAGED_BY_LABEL: RENDERED_BY}
SEARCH = manifest(service_policy("search", "frontend"))
OWNER = {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph", "name": "shop", "uid": UID}


def live(**metadata: object) -> LivePolicy:
    found = {**SEARCH["metadata"], "uid": "1", "resourceVersion": "1", **metadata}
    return read_policy(msgspec.json.encode({"metadata": found, "spec": SEARCH["spec"]}))


def test_the_digest_is_that_of_the_hash_annotation() -> None:
    assert live().spec == SEARCH["metadata"]["annotations"][HASH_ANNOTATION]


@pytest.mark.parametrize("left_out", ["ingress", "egress"])
def test_rules_that_are_left_out_are_empty_ones(left_out: str) -> None:
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [], "egress": []}
    assert spec_digest(spec) == spec_digest({k: v for k, v in spec.items() if k != left_out})
    assert spec_digest(spec) != spec_digest({**spec, left_out: [{}]})


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, Standing.OURS),
        ({"annotations": {}, "ownerReferences": [OWNER]}, Standing.OURS),
        ({"annotations": {}, "ownerReferences": [{**OWNER, "uid": "another"}]}, Standing.TAKEN),
        ({"annotations": {}}, Standing.TAKEN),
        ({"name": "mine"}, Standing.FOREIGN),
        ({"name": "sg-mine"}, Standing.FOREIGN),
        (
            {"name": f"rendered-{SEARCH['metadata']['name']}", "labels": RENDERED},
            Standing.RENDERED,
        ),
    ],
    ids=str,
)
def test_whose_a_policy_is(metadata: dict[str, object], expected: Standing) -> None:
    assert standing(live(**metadata), {UID}) is expected


@pytest.mark.parametrize(
    ("name", "service"),
    [
        (service_policy("search").name, "search"),
        (service_policy("a-1of2", part=1, parts=2).name, "a-1of2"),
        (service_policy("web-0123456789").name, "web-0123456789"),
        (exemption("search").name, "search"),
        (default_deny().name, None),
        ("sg-search", None),
        ("search-0123456789", None),
    ],
)
def test_the_service_of_a_name(name: str, service: str | None) -> None:
    assert service_of(name) == service


def test_a_name_under_another_subject_is_not_genuine() -> None:
    assert live().genuine
    moved = {**SEARCH["spec"], "podSelector": {"matchLabels": {"app": "planted"}}}
    metadata = {**SEARCH["metadata"], "uid": "1", "resourceVersion": "1"}
    assert not read_policy(msgspec.json.encode({"metadata": metadata, "spec": moved})).genuine


def test_an_annotation_that_cannot_be_read_says_nothing() -> None:
    assert live(annotations={LISTENING_ANNOTATION: "nonsense"}).listenings == (Listening(),)


def test_a_policy_of_the_other_kind_with_a_name_of_ours_is_a_policy_of_others() -> None:
    name = "sg-web-0123456789-cilium"
    written = {"metadata": {"name": name, "namespace": "shop", "resourceVersion": "7"}, "spec": {"ingress": [{}]}}
    key, policy, _ = NETWORK_POLICIES.read(msgspec.json.decode(msgspec.json.encode(written), type=WirePolicy))
    assert policy is not None
    assert key == (policy.namespace, policy.name) != ("shop", name), "the other object of that name may be ours"
    assert policy.alien
    assert policy.rules is not None
    assert (policy.engine, standing(policy, ())) == (Engine.NETWORK_POLICY, Standing.FOREIGN)


def test_a_copy_for_cilium_is_known_as_one() -> None:
    name = rendered_name("sg-web-0123456789-cilium")
    copy = read_policy(msgspec.json.encode({"metadata": {"name": name, "labels": RENDERED}}))
    assert (copy.name, copy.engine, standing(copy, ())) == (name, Engine.CILIUM, Standing.RENDERED)
    assert copy.alien
    assert copy.rules is None, "what it means is not known"
