"""A change recomputes what it can reach, and gives what compiling everything anew would."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.compiler.incremental import Compiler
from servicegraph.model.cluster import Cluster
from servicegraph.model.refs import GraphKey
from tests.property.clusters import CLUSTERS, PROFILE
from tests.property.compiled import compiled, difference, graphs_of, written
from tests.property.scenarios import GRAPHS, SCENARIOS, Scenario

_FIELDS = st.sampled_from(Cluster.__struct_fields__)


@st.composite
def histories(draw: st.DrawFn) -> list[Scenario]:
    """A few scenarios: the graphs, one kind of object, a single object or everything differs from the one before."""
    found = [draw(SCENARIOS)]
    for _ in range(draw(st.integers(1, 3))):
        last = found[-1]
        match draw(st.sampled_from(["graphs", "kind", "kind", "object", "object", "everything"])):
            case "graphs":
                found.append(Scenario(draw(GRAPHS), last.cluster))
            case "kind":
                field = draw(_FIELDS)
                other = {field: getattr(draw(CLUSTERS), field)}
                found.append(Scenario(last.graphs, msgspec.structs.replace(last.cluster, **other)))
            case "object":
                field = draw(_FIELDS)
                left = {field: getattr(last.cluster, field)[1:]}
                found.append(
                    Scenario(last.graphs[draw(st.integers(0, 1)) :], msgspec.structs.replace(last.cluster, **left))
                )
            case _:
                found.append(draw(SCENARIOS))
    return found


@given(histories())
def test_updating_equals_compiling_everything(history: list[Scenario]) -> None:
    compiler = Compiler(PROFILE)
    known: Scenario | None = None
    for scenario in history:
        compiler.update(difference(known, scenario))
        known = scenario
        assert compiler.compilation() == compiled(scenario)


@given(histories())
def test_the_delta_names_exactly_the_policies_that_differ_and_all_graphs_that_do(history: list[Scenario]) -> None:
    compiler = Compiler(PROFILE)
    known: Scenario | None = None
    for scenario in history:
        keys = {g.key for s in (known, scenario) if s for g in graphs_of(s)}
        before, results = _policies(compiler), _results(compiler, keys)
        delta = compiler.update(difference(known, scenario))
        known = scenario
        after = _policies(compiler)
        assert delta.policies == {name for name in before | after if before.get(name) != after.get(name)}
        now = _results(compiler, keys)
        assert delta.graphs >= {key for key in keys if results[key] != now[key]}


@given(SCENARIOS)
def test_the_same_again_is_no_change(scenario: Scenario) -> None:
    compiler = Compiler(PROFILE)
    everything = difference(None, scenario)
    compiler.update(everything)
    delta = compiler.update(everything)
    assert (delta.policies, delta.graphs) == (frozenset(), frozenset())


def _policies(compiler: Compiler) -> dict[tuple[str, str], object]:
    return {(p.namespace, p.name): written(p) for p in compiler.compilation().policies}


def _results(compiler: Compiler, keys: set[GraphKey]) -> dict[GraphKey, object]:
    return {key: compiler.result(key) for key in keys}
