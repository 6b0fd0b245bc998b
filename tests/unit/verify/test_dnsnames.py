"""Which names are in which: a star is a part of one label, and alone every name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.verify import dnsnames


@pytest.mark.parametrize(
    ("pattern", "name", "held"),
    [
        ("a.example", "a.example", True),
        ("a.example", "b.example", False),
        ("*.example", "a.example", True),
        ("*.example", "a.b.example", False),
        ("*.example", "example", False),
        ("*", "a.b.example", True),
        ("a*.example", "ab.example", True),
        ("a*.example", "a*b.example", True),
        ("a*.example", "*.example", False),
        ("*.*.example", "*.b.example", True),
        ("*.b.example", "*.*.example", False),
    ],
)
def test_which_names_a_pattern_holds(pattern: str, name: str, held: bool) -> None:
    assert dnsnames.holds(pattern, name) is held


NAMES = st.lists(st.sampled_from(["a.x", "b.x", "*.x", "a.*", "*.*", "*", "a.b.x"]), max_size=4).map(tuple)
ASKED = ("a.x", "b.x", "c.x", "a.y", "a.b.x", "b.b.x")


@given(NAMES, NAMES)
def test_what_is_in_both_and_what_is_left_make_the_whole(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    def held(names: tuple[str, ...]) -> set[str]:
        return {name for name in ASKED if any(dnsnames.holds(pattern, name) for pattern in names)}

    both, left = held(dnsnames.both(one, other)), held(dnsnames.less(one, other))
    assert both <= held(one) & held(other)
    assert both | left == held(one)
