"""Selectors and ports, against sets that are small enough to try everything."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from servicegraph.model.addresses import contains, network, touches, within
from servicegraph.model.ports import PROTOCOLS, PortRange, intersect_ranges, merge_ranges, subtract_ranges
from servicegraph.model.selectors import (
    Operator,
    Requirement,
    Selector,
    from_label_selector,
    implies,
    overlap,
    satisfiable,
)
from tests.support.verdict import selects

VALUES = ("1", "2", "3")
UNIVERSE = [
    {key: value for key, value in zip(("a", "b"), chosen, strict=True) if value}
    for chosen in product((None, *VALUES, "other"), repeat=2)
]
"""Every set of labels that these selectors could tell apart."""

_values = st.sets(st.sampled_from(VALUES), min_size=1).map(lambda found: tuple(sorted(found)))
_requirements = st.one_of(
    st.builds(Requirement, st.sampled_from("ab"), st.sampled_from([Operator.IN, Operator.NOT_IN]), _values),
    st.builds(Requirement, st.sampled_from("ab"), st.sampled_from([Operator.EXISTS, Operator.DOES_NOT_EXIST])),
)
SELECTORS = st.lists(_requirements, max_size=4).map(Selector.of)
RANGES = st.lists(
    st.builds(
        lambda protocol, start, length: PortRange(protocol, start, start + length),
        st.sampled_from(PROTOCOLS[:2]),
        st.integers(1, 20),
        st.integers(0, 6),
    ),
    max_size=5,
).map(tuple)
_CIDRS = [
    f"10.0.{third}.{fourth}/{length}"
    for length in (22, 23, 24, 25, 26)
    for third in range(4)
    for fourth in (0, 64, 128)
]


def _valid(cidr: str) -> bool:
    try:
        network(cidr)
    except ValueError:
        return False
    return True


CIDRS = st.sampled_from([cidr for cidr in _CIDRS if _valid(cidr)])


@given(SELECTORS, SELECTORS)
def test_selectors_agree_with_trying_every_set_of_labels(one: Selector, other: Selector) -> None:
    first = [one.matches(labels) for labels in UNIVERSE]
    second = [other.matches(labels) for labels in UNIVERSE]
    both = [a and b for a, b in zip(first, second, strict=True)]
    assert satisfiable(one) == any(first)
    assert overlap(one, other) == any(both)
    assert implies(one, other) == all(b for a, b in zip(first, second, strict=True) if a)
    assert [one.both(other).matches(labels) for labels in UNIVERSE] == both
    without = one.without(["a"])
    assert [without.matches(labels) for labels in UNIVERSE if one.matches(labels)].count(False) == 0


@given(SELECTORS)
def test_a_selector_is_written_as_the_api_reads_it(selector: Selector) -> None:
    written = selector.to_dict()
    assert from_label_selector(written) == selector
    assert [selects(written, labels) for labels in UNIVERSE] == [selector.matches(labels) for labels in UNIVERSE]
    assert all(labels.items() >= selector.labels().items() for labels in UNIVERSE if selector.matches(labels))


def _numbers(ranges: tuple[PortRange, ...]) -> set[tuple[str, int]]:
    return {(r.protocol, number) for r in ranges for number in range(r.start, r.end + 1)}


@given(RANGES, RANGES)
def test_port_ranges_agree_with_sets_of_numbers(one: tuple[PortRange, ...], other: tuple[PortRange, ...]) -> None:
    assert _numbers(merge_ranges(one + other)) == _numbers(one) | _numbers(other)
    assert _numbers(intersect_ranges(one, other)) == _numbers(one) & _numbers(other)
    assert _numbers(subtract_ranges(one, other)) == _numbers(one) - _numbers(other)


@given(RANGES)
def test_merged_ranges_are_sorted_and_disjoint_whatever_the_order(ranges: tuple[PortRange, ...]) -> None:
    merged = merge_ranges(ranges)
    assert merged == merge_ranges(tuple(reversed(ranges))) == tuple(sorted(merged))
    assert sum(r.end - r.start + 1 for r in merged) == len(_numbers(merged))


@given(CIDRS, CIDRS, st.lists(CIDRS, max_size=5))
def test_cidrs_agree_with_sets_of_addresses(one: str, other: str, some: list[str]) -> None:
    def addresses(cidr: str) -> set[int]:
        found = network(cidr)
        return set(range(int(found.network_address), int(found.broadcast_address) + 1))

    assert contains(one, other) == (addresses(other) <= addresses(one))
    assert touches(one, other) == bool(addresses(one) & addresses(other))
    inside = within(one, some)
    assert set().union(*map(addresses, inside)) == set().union(*(addresses(c) for c in some if contains(one, c)))
    assert sum(len(addresses(cidr)) for cidr in inside) == len(set().union(*map(addresses, inside)))
