"""The lines that say what a scenario allows."""

import pytest

from tests.e2e.flows import Allowed

ROLES = ("frontend", "search", "ops/agent")


def test_a_line_allows_its_ports_and_no_others() -> None:
    allowed = Allowed(["frontend > search: 8080, 5353/UDP, 9000-9002"], ROLES)
    assert allowed.allows("frontend", "search", "TCP", 8080)
    assert allowed.allows("frontend", "search", "UDP", 5353)
    assert allowed.allows("frontend", "search", "TCP", 9002)
    assert not allowed.allows("frontend", "search", "UDP", 8080)
    assert not allowed.allows("frontend", "search", "TCP", 5353)
    assert not allowed.allows("frontend", "search", "TCP", 9003)
    assert not allowed.allows("search", "frontend", "TCP", 8080)


def test_without_ports_it_allows_all() -> None:
    assert Allowed(["frontend, search > ops/agent"], ROLES).allows("search", "ops/agent", "UDP", 1)


def test_groups_and_everyone() -> None:
    allowed = Allowed(["others > *: 80"], ROLES, {"others": ["frontend", "search"]})
    assert allowed.allows("search", "ops/agent", "TCP", 80)
    assert not allowed.allows("ops/agent", "search", "TCP", 80)


def test_lines_add_up_and_nothing_is_allowed_without() -> None:
    allowed = Allowed(["frontend > search: 1", "frontend > search: 2"], ROLES)
    assert [allowed.allows("frontend", "search", "TCP", port) for port in (1, 2, 3)] == [True, True, False]
    assert not Allowed([], ROLES).allows("frontend", "search", "TCP", 1)


@pytest.mark.parametrize("line", ["frontend > serach: 80", "nobody > search", "frontend, search"])
def test_a_misspelled_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="frontend"):
        Allowed([line], ROLES)
