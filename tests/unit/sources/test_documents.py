"""YAML and JSON text becomes plain data with the place of every part; nothing in it can hurt the reader."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicegraph.sources.documents import Document, documents, parse
from servicegraph.sources.errors import InputError


def read(text: str, name: str = "x.yaml") -> tuple[list[Document], list[InputError]]:
    found = list(parse(name, text))
    return [f for f in found if isinstance(f, Document)], [f for f in found if isinstance(f, InputError)]


def one(text: str) -> Document:
    found, errors = read(text)
    assert not errors
    (document,) = found
    return document


def faults(text: str) -> list[str]:
    return [f"{f.line}:{f.column}: {f.message}" for f in one(text).faults]


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: x\nc: [true, no, ~, null, 1.5, 0x1F, 012, '1', \"2\"]",
        "a:\n  - b: {c: d}\n  -\n    - e\n",
        "a: |\n  two\n  lines\nb: >-\n  folded\n  text",
        "base: &base {a: 1, b: 2}\nc: {<<: *base, b: 3}\nd: {<<: [*base, {e: 4}], a: 5}",
        "a: &x [1, 2]\nb: *x\nc: {d: *x}",
        "a: !!str 1\nb: ! 2",
        "? a\n: b",
        "'a': \"b\\u00e9\"",
        "a: ''\nb:\nc: .inf",
    ],
)
def test_data_is_what_the_safe_loader_gives(text: str) -> None:
    assert one(text).data == yaml.safe_load(text)


TEXT = st.text(st.characters(codec="utf-8"), min_size=1)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT | st.just(""),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(TEXT, PLAIN, min_size=1))
def test_whatever_the_dumper_writes_is_read_back(data: dict[str, Any]) -> None:
    data.pop("<<", None)
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    assert one(text).data == yaml.safe_load(text)
    assert one(json.dumps(data)).data == data


def test_dates_and_odd_keys_are_text_as_in_json() -> None:
    document = one("day: 2026-11-22\n80: a\ntrue: b\n=: =")
    assert document.data == {"day": "2026-11-22", "80": "a", "true": "b", "=": "="}
    assert not document.faults


def test_each_document_has_its_own_anchors_and_places() -> None:
    found, _ = read("a: &x 1\n---\nb: *x\n---\n# only a comment\n---\n- a list\n--- {c: 1}\n")
    assert [d.data for d in found] == [{"a": 1}, {"b": None}, {"c": 1}]
    assert [f.message for f in found[1].faults] == ["the alias *x is not defined above: write the value itself"]
    assert found[2].line(".c") == 8


def test_a_path_gives_the_line_of_its_key_or_of_the_nearest_part_around_it() -> None:
    document = one("a:\n  b:\n    - c: 1\n      d.e/f: 2\n    -\n      c: 3\n  g: {h: [1,\n 2]}\n")
    assert {path: document.line(path) for path in PATHS} == PATHS


PATHS = {
    "": 1,
    ".a": 1,
    ".a.b": 2,
    ".a.b[0]": 3,
    ".a.b[0].d.e/f": 4,
    ".a.b[1]": 6,
    ".a.b[1].c": 6,
    ".a.b[1].missing[3].deep": 6,
    ".a.b[7]": 2,
    ".a.g.h[1]": 8,
    ".nowhere": 1,
}


def test_places_in_json_with_surrogates_and_windows_line_ends() -> None:
    document = one('{\r\n  "a": "\\ud83d\\ude00",\r\n  "b": [\r\n    {"c": 1}\r\n  ]\r\n}\r\n')
    assert document.data == {"a": "\N{GRINNING FACE}", "b": [{"c": 1}]}
    assert document.line(".b[0].c") == 4


def test_lists_are_taken_apart_and_keep_their_places() -> None:
    inner = "- kind: BList\n  apiVersion: g/v1\n  items:\n  - y: 2\n"
    text = f"kind: List\napiVersion: v1\nitems:\n- kind: A\n  x: 1\n{inner}"
    found, _ = read(text)
    assert [d.data for d in found] == [{"kind": "A", "x": 1}, {"kind": "B", "apiVersion": "g/v1", "y": 2}]
    assert [d.line(path) for d, path in zip(found, (".x", ".y"), strict=True)] == [5, 9]


def test_a_kind_that_merely_ends_in_list_is_no_list() -> None:
    assert one("kind: AllowList\nspec: {items: []}").data["kind"] == "AllowList"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: 1\nb: 2\na: 3",
            "3:1: 'a' stands twice in one mapping, first on line 1: remove one, or separate two documents with `---`",
        ),
        ("x:\n  - {a: 1, a: 2}", "2:12: 'a' stands twice in one mapping, first on line 2: remove one"),
        ("a: !!python/object:os.system x", "1:4: the tag !!python/object:os.system is not allowed: write plain YAML"),
        ("a: !Ref x", "1:4: the tag !Ref is not allowed: write plain YAML"),
        ("a: !Sub [x]", "1:4: the tag !Sub is not allowed: write plain YAML"),
        ("a: !!int x", "1:4: 'x' cannot be read as int: put it in quotes to make it text"),
        ("a: &x [*x]", "1:8: the alias *x stands inside what it names: write the value itself"),
        ("a: {<<: 1}", "1:10: `<<` merges mappings only: name one with an alias"),
        ("a: {{ .Values.x }}", "1:5: a key is text, not a list or mapping: put it in quotes; render templates first"),
    ],
)
def test_faults_are_told_with_their_place(text: str, expected: str) -> None:
    assert faults(text) == [expected]


def test_a_number_too_long_for_a_number_is_a_fault() -> None:
    (fault,) = faults(f"a: {'9' * 5000}")
    assert "cannot be read as int" in fault


def bomb(levels: int) -> str:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(lines)


def test_aliases_may_be_used_but_not_to_blow_up() -> None:
    assert not faults(bomb(5))
    (fault,) = faults(bomb(30))
    assert fault.endswith("aliases make this file mean more than a million values: write it out")


def test_a_bomb_over_many_documents_is_one_too() -> None:
    found, _ = read("\n---\n".join([bomb(5)] * 20))
    assert any(document.faults for document in found)


DEEP = ["[" * 200_000, "a: " + "[" * 100_000 + "]" * 100_000, "- " * 50_000 + "x", '{"a":' + "[" * 50_000]
DEEP += ['{"a":' + "[" * 50_000 + "]" * 50_000 + "}"]
DEEP += ["l0: &l0 x\n" + "\n".join(f"l{i}: &l{i} [*l{i - 1}]" for i in range(1, 400))]


@pytest.mark.parametrize("text", DEEP, ids=["flow", "closed", "block", "json", "closed json", "aliases"])
def test_depth_ends_the_reading_at_once(text: str) -> None:
    _, (error,) = read(text)
    assert error.message == "not valid YAML: nested too deep: write it flatter"


@pytest.mark.parametrize(
    ("text", "place", "advice"),
    [
        ("a:\n\tb: c\n", "x.yaml:2:1", "a tab cannot indent, use spaces"),
        ("a: b: c\n", "x.yaml:1:5", "put the value in quotes if it holds `: `, else check the indentation"),
        ("a: @b\n", "x.yaml:1:4", "put the value in quotes"),
        ("{{- if .x }}\na: 1\n", "x.yaml:1:3", "this looks like a template, render it first"),
        ('a: "b\n', "x.yaml:2:1", "close the quotes or brackets that were opened"),
        ('{"a": 1,\n "b": ]}', "x.yaml:2:7", "check the indentation, quotes and brackets here"),
        ('{"a": 1}\n{"b": 2}', "x.yaml:2:1", "separate documents with a line of `---`"),
        ("a: b\n c: d\n", "x.yaml:2:3", "check the indentation"),
        ("ok: 1\na: \a", "x.yaml:2:4", "the control character 0x0007 is not YAML: remove it"),
        ("%YAML 3.0\n---\na: b", "x.yaml:1:1", "leave the %YAML line out"),
    ],
)
def test_broken_text_is_told_with_its_place_and_what_to_do(text: str, place: str, advice: str) -> None:
    _, (error,) = read(text)
    assert error.place == place
    assert advice in error.message


def test_documents_above_a_break_are_read() -> None:
    found, errors = read("a: 1\n---\nb: 2\n---\nc: [\n")
    assert [d.data for d in found] == [{"a": 1}, {"b": 2}]
    assert len(errors) == 1


def test_a_hundred_thousand_lines_are_read(tmp_path: Any) -> None:
    path = tmp_path / "long.yaml"
    path.write_text("a:\n" + "".join(f"  - {{b: {i}}}\n" for i in range(100_000)))
    (document,) = documents([str(path)])
    assert isinstance(document, Document)
    assert document.line(".a[99999].b") == 100_001
