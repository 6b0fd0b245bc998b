"""Whatever is given to the parser, it answers: a graph, or what is wrong and where."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from servicegraph.compiler.parse import parse
from servicegraph.model.problems import Code
from tests.property.scenarios import SCENARIOS, Scenario

_ANY = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["80", "*", "/"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
_ENVELOPE = {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph", "metadata": {"name": "g"}}
_FIELDS = [
    *("services", "name", "selects", "calls", "accepts", "ports", "service", "namespace", "pods", "labels", "cidr"),
    *("except", "fqdn", "internet", "anywhere", "kubeAPIServer", "party", "mode", "directions", "dns", "defaults"),
    *("workload", "kind", "apiVersion", "podSelector", "matchLabels", "matchExpressions", "key", "operator", "values"),
]


@given(st.dictionaries(st.text(max_size=12), _ANY, max_size=4))
def test_any_json_is_answered(raw: dict[str, Any]) -> None:
    _answered(raw)


@given(_ANY, st.dictionaries(st.sampled_from(["name", "namespace", "uid", "generation", "labels"]), _ANY))
def test_any_spec_and_metadata_are_answered(spec: Any, metadata: dict[str, Any]) -> None:
    _answered({**_ENVELOPE, "metadata": metadata})
    _answered({**_ENVELOPE, "metadata": metadata, "spec": spec})
    _answered({**_ENVELOPE, "spec": spec})


@given(SCENARIOS, st.data())
def test_near_misses_are_answered(scenario: Scenario, data: st.DataObject) -> None:
    """A graph that was valid until one value in it became something else, or one field got another name."""
    raw: Any = data.draw(st.sampled_from(scenario.graphs))
    places = list(_places(raw))
    path = data.draw(st.sampled_from(places))
    damaged = _damaged(raw, path, data.draw(_ANY), data.draw(st.sampled_from([None, *_FIELDS])))
    _answered(damaged)


def _answered(raw: dict[str, Any]) -> None:
    found = parse(raw)
    assert (found.graph is None) == bool(found.problems)
    for problem in found.problems:
        assert problem.code is Code.INVALID
        assert problem.path == "" or problem.path.startswith(".")
        assert problem.message


def _places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inner:
        yield (*path, step)
        yield from _places(item, (*path, step))


def _damaged(value: Any, path: tuple[Any, ...], new: Any, name: str | None) -> Any:
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        return [(_damaged(v, rest, new, name) if rest else new) if i == step else v for i, v in enumerate(value)]
    if rest:
        return {k: _damaged(v, rest, new, name) if k == step else v for k, v in value.items()}
    return {(name or k) if k == step else k: new if k == step and name is None else v for k, v in value.items()}
