"""The picture as text: whatever is in a name, it stays a name."""

import base64
import hashlib
import json
import re
from xml.etree import ElementTree

import pytest

from servicegraph.report.document import Picture, State
from servicegraph.report.dot import dot
from servicegraph.report.markdown import markdown
from servicegraph.report.mermaid import MOST_EDGES, excess, mermaid
from servicegraph.report.page import embedded, page
from servicegraph.report.placing import place
from servicegraph.report.svg import svg
from tests.unit.report.pictures import edge, outside, picture, service

HOSTILE = '</script><img src=x onerror=alert(1)>"]|`&\\ end %%{init}%% é\u2028'
A, B, BAD = service("a"), service("b"), outside(HOSTILE)
SMALL = picture([A, B], [edge(A, B), edge(B, A, State.AWAITING_CONSENT, ())])
WILD = picture([A, BAD], [edge(A, BAD, State.UNSUPPORTED, (HOSTILE,))])


def test_mermaid() -> None:
    assert mermaid(SMALL) == (
        'flowchart LR\n    subgraph g0["shop"]\n        n0["a"]\n        n1["b"]\n    end\n'
        '    n0 -->|"80"| n1\n    n1 -.->|"AwaitingConsent"| n0\n'
    )


def test_mermaid_reads_nothing_into_a_name() -> None:
    (line,) = [line for line in mermaid(WILD).splitlines() if line.startswith("    n1")]
    assert re.fullmatch(r'    n1\(\["[\w #;\-./:,=]+"\]\)', line), line


def test_mermaid_says_when_it_is_too_much() -> None:
    assert excess(SMALL, mermaid(SMALL)) is None
    many = picture([A, B], [edge(A, B)] * (MOST_EDGES + 1))
    assert excess(many, mermaid(many)) == "501 edges, and Mermaid draws at most 500"
    long = picture([A, service("x" * 60_000)], [])
    assert "characters" in (excess(long, mermaid(long)) or "")
    assert "```" not in markdown(many)


def test_dot() -> None:
    assert '"shop/a" -> "shop/b" [label="80", color="#5f7285"];' in dot(SMALL)
    assert '\\"]|`&\\\\ end' in dot(WILD)


def test_markdown_keeps_to_its_cells() -> None:
    (line,) = [line for line in markdown(WILD).split("\n") if "Unsupported" in line and line.startswith("|")]
    assert len(re.findall(r"(?<!\\)\|", line)) == 7
    assert "<img" not in line


@pytest.mark.parametrize("drawn", [SMALL, WILD])
def test_svg_is_well_formed_and_shows_every_node_and_edge(drawn: Picture) -> None:
    text = svg(drawn, place(drawn.nodes, drawn.edges))
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    names = [found.text for found in root.iter(f"{space}text") if found.get("class") == "name"]
    assert names == [node.name for node in drawn.nodes]
    paths = [found for found in root.iter(f"{space}path") if found.find(f"{space}title") is not None]
    assert len(paths) == len(drawn.edges)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_data_in_the_page_is_the_document_and_no_markup() -> None:
    document = {"summary": {"version": "0"}, "name": HOSTILE}
    assert json.loads(embedded(document)) == document
    assert not set(embedded(document)) & set("<>&\u2028")
    (found,) = re.findall(r'<script type="application/json" id="report">(.*?)</script>', page(document, HOSTILE, ""))
    assert json.loads(found) == document


def test_the_page_runs_its_own_script_alone_and_loads_nothing() -> None:
    text = page({"summary": {"version": "0"}}, "t", "c")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}'; ")
    assert not re.findall(r"<(?:link|script|img|iframe)[^>]*(?:src|href)=", text)
