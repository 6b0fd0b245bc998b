"""Whatever is given to the parser, it answers: a graph, or what is wrong and where."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from servicegraph.compiler.parse import parse
from servicegraph.model.problems import Code
from tests.property.damage import ANY, damaged, places
from tests.property.scenarios import SCENARIOS, Scenario

_ENVELOPE = {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph", "metadata": {"name": "g"}}
_FIELDS = [
    *("services", "name", "selects", "calls", "accepts", "ports", "service", "namespace", "pods", "labels", "cidr"),
    *("except", "fqdn", "internet", "anywhere", "kubeAPIServer", "party", "mode", "directions", "dns", "defaults"),
    *("workload", "kind", "apiVersion", "podSelector", "matchLabels", "matchExpressions", "key", "operator", "values"),
]

_KEYS = st.one_of(st.sampled_from(["apiVersion", "kind", "metadata", "spec", "status"]), st.text(max_size=12))


@given(st.dictionaries(_KEYS, ANY, max_size=4))
def test_any_json_is_answered(raw: dict[str, Any]) -> None:
    _answered(raw)


@given(ANY, st.dictionaries(st.sampled_from(["name", "namespace", "uid", "generation", "labels"]), ANY))
def test_any_spec_and_metadata_are_answered(spec: Any, metadata: dict[str, Any]) -> None:
    _answered({**_ENVELOPE, "metadata": metadata})
    _answered({**_ENVELOPE, "metadata": metadata, "spec": spec})
    _answered({**_ENVELOPE, "spec": spec})


@given(SCENARIOS, st.data())
def test_near_misses_are_answered(scenario: Scenario, data: st.DataObject) -> None:
    """A graph that was valid until one value in it became something else, or one field got another name."""
    raw: Any = data.draw(st.sampled_from(scenario.graphs))
    path = data.draw(st.sampled_from(list(places(raw))))
    wrong = damaged(raw, path, data.draw(ANY), data.draw(st.sampled_from([None, *_FIELDS])))
    _answered(wrong)


def _answered(raw: dict[str, Any]) -> None:
    found = parse(raw)
    assert (found.graph is None) == bool(found.problems)
    for problem in found.problems:
        assert problem.code is Code.INVALID
        assert problem.path == "" or problem.path.startswith(".")
        assert problem.message
