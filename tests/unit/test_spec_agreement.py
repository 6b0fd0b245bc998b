"""The CRD, the parser's types and docs/spec.md tell the same API, field by field."""

from typing import Any

import pytest
import yaml

from servicegraph.compiler.parse import parse
from servicegraph.model.resource import GraphSpec
from tests.contract import CRD, SPEC, STATUS, beyond_schema, refused, sections, spec_examples
from tests.fields import of_document, of_schema, of_type

SCHEMA: dict[str, Any] = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
IN_SCHEMA = of_schema(SCHEMA["properties"]["spec"])
IN_TYPES = of_type(GraphSpec)
EXAMPLES = spec_examples()
REFUSED = refused()
BEYOND_SCHEMA = beyond_schema()

SAME = {"defaults.accepts": "services[].accepts"}
"""Lists whose entries the page explains once, under the other name."""

SHORT = {
    "calls": ("services[].calls",),
    "accepts": ("services[].accepts",),
    "pods": ("services[].calls[].pods", "services[].accepts[].pods"),
    "matchExpressions": tuple(
        f"services[].{verb}[].pods.{selector}.matchExpressions"
        for verb in ("calls", "accepts")
        for selector in ("namespaceSelector", "podSelector")
    ),
}
"""What the first part of a path stands for in headings, each meaning all of them."""

WRITTEN_FIELDS = sorted(
    path for path in IN_SCHEMA if not path.endswith("[]") and not path.startswith(tuple(f"{s}[]" for s in SAME))
)

READ_BY_THE_PARSER = {
    "addresses: an empty list of exceptions": "as if it was not written",
    "parties: a party that is no DNS label": "the profile names none such, so it is an unknown party",
    "parties: an empty reason": "it changes nothing",
    "ports: a listening port with too long a name": "nothing can call it by that name",
    "selectors: no terms": "as if it was not written",
    "shape: a direction twice": "it is meant once",
    "shape: a problem that is no code": "nothing is ignored",
}
"""What the API server refuses and the parser takes, with what it takes it for: none of it opens anything."""


def documented() -> dict[str, tuple[str, list[Any]]]:
    """The text and the examples of the section that explains it, by the path of the field."""
    found = {}
    for section in sections(SPEC):
        for name in section.fields:
            head, dot, rest = name.partition(".")
            for long in SHORT.get(head.removesuffix("[]"), (head.removesuffix("[]"),)):
                path = f"{long}{'[]' if head.endswith('[]') else ''}{dot}{rest}"
                found[path] = (section.text, [example for _, example in section.examples])
    return found


DOCUMENTED = documented()


def test_the_schema_and_the_types_have_the_same_fields() -> None:
    assert sorted(IN_SCHEMA) == sorted(IN_TYPES)


@pytest.mark.parametrize("path", sorted(IN_SCHEMA.keys() & IN_TYPES.keys()))
def test_the_schema_and_the_types_say_the_same_of_a_field(path: str) -> None:
    assert IN_SCHEMA[path] == IN_TYPES[path]


def test_entries_explained_once_are_the_same_in_the_schema() -> None:
    for one, other in SAME.items():
        mine = {path.removeprefix(one): field for path, field in IN_SCHEMA.items() if path.startswith(f"{one}[]")}
        theirs = {path.removeprefix(other): field for path, field in IN_SCHEMA.items() if path.startswith(f"{other}[]")}
        assert mine == theirs


def test_the_page_explains_no_field_that_does_not_exist() -> None:
    assert sorted(DOCUMENTED.keys() - set(WRITTEN_FIELDS)) == []


@pytest.mark.parametrize("path", WRITTEN_FIELDS)
def test_the_page_explains_a_field_with_an_example(path: str) -> None:
    assert path in DOCUMENTED, f"no section of docs/spec.md names `{path}` in its heading"
    text, examples = DOCUMENTED[path]
    spellings = alternatives(path) if "Selector" in path else {path}
    assert any(spelling in of_document(example) for example in examples for spelling in spellings), (
        f"no example of the section that explains `{path}` has it"
    )
    values = IN_SCHEMA[path].values | IN_SCHEMA.get(f"{path}[]", IN_SCHEMA[path]).values
    assert [value for value in values if value not in text] == []


def alternatives(path: str) -> set[str]:
    """The same field of the other places where it is written alike."""
    return {
        path.replace(a, b).replace(c, d)
        for a, b in (("", ""), ("calls", "accepts"))
        for c, d in (("", ""), ("namespaceSelector", "podSelector"), ("podSelector", "namespaceSelector"))
    }


@pytest.mark.parametrize("resource", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_the_parser_reads_every_example(resource: dict[str, Any]) -> None:
    parsed = parse(resource)
    assert parsed.problems == ()
    assert parsed.graph is not None


@pytest.mark.parametrize("path", WRITTEN_FIELDS)
def test_the_whole_vocabulary_has_a_field(path: str) -> None:
    (vocabulary,) = (r["spec"] for r in EXAMPLES.values() if r["metadata"]["name"] == "vocabulary")
    assert alternatives(path) & set(of_document(vocabulary))


def test_the_page_tells_the_limits_of_the_schema() -> None:
    told = next(section.text for section in sections(SPEC) if section.title.startswith("Limits"))
    spec = SCHEMA["properties"]["spec"]["properties"]
    service = spec["services"]["items"]["properties"]
    entry = service["calls"]["items"]["properties"]
    for limit, row in (
        (spec["services"]["maxItems"], "services in a graph | {:,} |"),
        (service["calls"]["maxItems"], "`calls` or `accepts` of a service | {:,} |"),
        (service["accepts"]["maxItems"], "`calls` or `accepts` of a service | {:,} |"),
        (spec["defaults"]["properties"]["accepts"]["maxItems"], "`defaults.accepts` | {:,} |"),
        (service["selects"]["maxItems"], "`selects` of a service | {:,} |"),
        (service["ports"]["maxItems"], "ports of an entry or a service | {:,} |"),
        (entry["ports"]["maxItems"], "ports of an entry or a service | {:,} |"),
        (entry["except"]["maxItems"], "`except` of a cidr | {:,} |"),
    ):
        assert row.format(limit) in told


@pytest.mark.parametrize("case", REFUSED)
def test_the_parser_refuses_what_the_api_server_refuses(case: str) -> None:
    resource, _ = REFUSED[case]
    assert (parse(resource).graph is not None) == (case in READ_BY_THE_PARSER)


@pytest.mark.parametrize(("resource", "path", "message"), BEYOND_SCHEMA.values(), ids=BEYOND_SCHEMA.keys())
def test_the_parser_refuses_what_is_beyond_the_schema(resource: dict[str, Any], path: str, message: str) -> None:
    (problem,) = parse(resource).problems
    assert problem.path == path
    assert message in problem.message


@pytest.mark.parametrize("path", of_schema(SCHEMA["properties"]["status"]))
def test_the_status_page_explains_a_field(path: str) -> None:
    field = path.removesuffix("[]").replace("problems[].", "").replace("conditions[].", "")
    told = STATUS.read_text()
    assert f"`{field}`" in told or f"{field}: " in told
