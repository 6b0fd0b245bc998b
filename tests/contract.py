"""The API as the repository tells it: the CRD, the pages that explain it, and the table of what is refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
CRD = ROOT / "crds" / "servicegraph.dev_servicegraphs.yaml"
SPEC = ROOT / "docs" / "spec.md"
STATUS = ROOT / "docs" / "status.md"
PROFILE = ROOT / "docs" / "cluster-profile.md"
REFUSED = ROOT / "tests" / "integration" / "crd_cases"
BEYOND_SCHEMA = ROOT / "tests" / "integration" / "beyond_schema.yaml"

_HEADING = re.compile(r"^#{2,4} (?P<title>.+)$")
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading; `examples` are its YAML blocks, each with its line."""

    title: str
    line: int
    text: str
    examples: tuple[tuple[int, dict[str, Any]], ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The paths that the heading names, in code."""
        return tuple(_CODE.findall(self.title))

    @property
    def slug(self) -> str:
        """The fragment that links to it, made as GitHub does."""
        return re.sub(r"[^a-z0-9 _-]", "", self.title.lower()).replace(" ", "-")


def sections(page: Path) -> Iterator[Section]:
    """The sections of a page in order; the first is what stands above all headings but the title."""
    lines = page.read_text().splitlines()
    starts = [0, *(i for i, line in enumerate(lines) if _HEADING.match(line)), len(lines)]
    for start, end in pairwise(starts):
        heading = _HEADING.match(lines[start])
        yield Section(
            title=heading["title"] if heading else page.name,
            line=start + 1,
            text="\n".join(lines[start + 1 : end]),
            examples=tuple(_examples(lines, start, end)),
        )


def _examples(lines: list[str], start: int, end: int) -> Iterator[tuple[int, dict[str, Any]]]:
    opened = None
    for number in range(start, end):
        if lines[number] == "```yaml":
            opened = number + 1
        elif lines[number] == "```" and opened is not None:
            yield opened + 1, yaml.safe_load("\n".join(lines[opened:number]))
            opened = None


def spec_examples() -> dict[str, dict[str, Any]]:
    """Every example of docs/spec.md as a ServiceGraph, by the place where it stands."""
    return {
        f"{SPEC.name}:{line}": example if "kind" in example else graph(example)
        for section in sections(SPEC)
        for line, example in section.examples
    }


def refused() -> dict[str, tuple[dict[str, Any], str]]:
    """Every resource that the API server refuses, with the pattern of its message, by a name for the case."""
    return {
        f"{path.stem}: {case['case']}": (case.get("resource") or graph(case["spec"]), case["message"])
        for path in sorted(REFUSED.glob("*.yaml"))
        for case in yaml.safe_load(path.read_text())
    }


def beyond_schema() -> dict[str, tuple[dict[str, Any], str, str]]:
    """Resources that only the parser refuses, each with the path and a part of the message, by a name for the case."""
    return {
        case["case"]: (graph(case["spec"]), case["path"], case["message"])
        for case in yaml.safe_load(BEYOND_SCHEMA.read_text())
    }


def graph(spec: dict[str, Any]) -> dict[str, Any]:
    """The ServiceGraph with this spec."""
    return {
        "apiVersion": "servicegraph.dev/v1alpha1",
        "kind": "ServiceGraph",
        "metadata": {"name": "shop", "namespace": "shop"},
        "spec": spec,
    }
