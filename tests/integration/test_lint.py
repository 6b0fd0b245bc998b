"""`servicegraph lint` asks a cluster, and knows that what it was not told of does not exist."""

import json
from pathlib import Path
from typing import Any

from servicegraph.cli.main import main
from tests.integration.kube import Kube
from tests.integration.world import Object, app, graph


def lint(capsysbinary: Any, kube: Kube, *arguments: str) -> tuple[int, list[Object]]:
    capsysbinary.readouterr()
    code = main(["lint", "--kubeconfig", str(kube.kubeconfig), "-o", "json", *arguments])
    return code, json.loads(capsysbinary.readouterr()[0])["items"]


def of(items: list[Object], namespace: str) -> list[tuple[str, str]]:
    return [(item["code"], item["path"]) for item in items if item["graph"].startswith(f"{namespace}/")]


def test_a_cluster_is_asked(capsysbinary: Any, kube: Kube, account: Path, namespace: str) -> None:
    by_labels = {"calls": [{"pods": {"labels": {"app": "database"}}, "ports": [8080]}]}
    gone = {"accepts": [{"pods": {"namespace": "gone", "labels": {"app": "x"}}, "ports": ["http"]}]}
    kube.apply(*app(namespace, "search", "database"))
    kube.apply(graph(namespace, "shop", {"search": by_labels, "database": gone}))

    half, nothing = ("HalfOpen", ".spec.services[0].calls[0]"), ("MatchesNothing", ".spec.services[1].accepts[0]")
    code, items = lint(capsysbinary, kube)
    assert code == 1
    assert sorted(of(items, namespace)) == [half, nothing]
    (place,) = {item["file"] for item in items if item["graph"] == f"{namespace}/shop"}
    assert f"{namespace}/shop" in place

    code, items = lint(capsysbinary, kube, "--namespace", namespace)
    assert of(items, namespace) == [half], "of one namespace alone nobody knows which others there are"


def test_files_are_judged_as_if_they_were_applied(
    capsysbinary: Any, kube: Kube, account: Path, namespace: str, tmp_path: Path
) -> None:
    kube.apply(*app(namespace, "search", "database"))
    kube.apply(graph(namespace, "shop", {"search": {}, "database": {}}))
    assert of(lint(capsysbinary, kube)[1], namespace) == []
    wide = {"calls": [{"cidr": "64.0.0.0/2", "ports": [443]}]}
    (tmp_path / "graph.json").write_text(json.dumps(graph(namespace, "shop", {"search": wide, "database": {}})))
    code, items = lint(capsysbinary, kube, str(tmp_path))
    assert (code, of(items, namespace)) == (1, [("WideCIDR", ".spec.services[0].calls[0]")])
