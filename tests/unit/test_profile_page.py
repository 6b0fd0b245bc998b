"""docs/cluster-profile.md explains every field of the ClusterProfile, and every example of it is one."""

from typing import Any

import msgspec
import pytest

from servicegraph.model.profile import ClusterProfile, check
from tests.contract import PROFILE, sections
from tests.fields import of_document, of_type

ENVELOPE = {"apiVersion", "kind"}
LIKE_IN_GRAPHS = "parties[].pods."
"""Fields of graphs that profiles have too: docs/spec.md explains them."""

FIELDS = of_type(ClusterProfile)
WRITTEN_FIELDS = sorted(
    path for path in FIELDS if not path.endswith("[]") and path not in ENVELOPE and not path.startswith(LIKE_IN_GRAPHS)
)
DOCUMENTED = {field: section for section in sections(PROFILE) for field in section.fields}
EXAMPLES = {f"{PROFILE.name}:{line}": example for section in sections(PROFILE) for line, example in section.examples}


def test_the_page_explains_no_field_that_does_not_exist() -> None:
    assert sorted(DOCUMENTED.keys() - set(WRITTEN_FIELDS)) == []


@pytest.mark.parametrize("path", WRITTEN_FIELDS)
def test_the_page_explains_a_field_with_an_example(path: str) -> None:
    assert path in DOCUMENTED, f"no section of docs/cluster-profile.md names `{path}` in its heading"
    section = DOCUMENTED[path]
    assert any(path in of_document(example) for _, example in section.examples), (
        f"no example of the section that explains `{path}` has it"
    )
    assert [value for value in FIELDS[path].values if f"`{value}`" not in section.text] == []


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_every_example_is_a_profile(example: dict[str, Any]) -> None:
    assert check(msgspec.convert(example, ClusterProfile))


@pytest.mark.parametrize("path", ["engine.policyMapSize", "limits.deniedCIDRs"])
def test_the_page_tells_the_default(path: str) -> None:
    default: Any = msgspec.to_builtins(ClusterProfile(), str_keys=True) | {
        "engine": {"policyMapSize": ClusterProfile().engine.policy_map_size},
        "limits": {"deniedCIDRs": ClusterProfile().limits.denied_cidrs},
    }
    for name in path.split("."):
        default = default[name]
    told = DOCUMENTED[path].text
    assert all(str(value) in told for value in (default if isinstance(default, tuple) else [default]))
