"""Write every generated file again: `python -m tools.generate`; with `--check`, say which are not current.

Generated are the expected outputs in examples/ and tests/golden/, what the Helm chart has in common with the other
manifests, the alerts for the Prometheus operator, and the health checks for Argo CD. Read the diff before you commit
one. The assets of the report's page are only compared with the sources that they name: `make assets` builds them.
"""

import argparse
import contextlib
import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from servicegraph.cli.main import main as servicegraph

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES, GOLDENS = ROOT / "examples", ROOT / "tests" / "golden"
PAGE, ASSETS = ROOT / "tools" / "page", ROOT / "operator" / "servicegraph" / "report" / "assets"
OUTPUT, PROBLEMS = "rendered.yaml", "problems.txt"
CHART = {
    "crd.yaml": "crds/servicegraph.dev_servicegraphs.yaml",
    "cluster-role.yaml": "config/rbac/cluster/cluster-role.yaml",
    "role.yaml": "config/rbac/namespace/role.yaml",
    "editor.yaml": "config/rbac/users/editor.yaml",
    "viewer.yaml": "config/rbac/users/viewer.yaml",
    "profile.yaml": "config/manager/profile.yaml",
}
"""Where each copy in the chart comes from."""
HEALTH_CHECKS = {
    "health/servicegraph.lua": "servicegraph.dev_ServiceGraph",
    "waves/application.lua": "argoproj.io_Application",
}
"""What each script in config/argocd tells the health of."""

Files = Iterator[tuple[Path, str]]


def folders(parent: Path) -> list[Path]:
    """The folders that hold a graph to render."""
    return sorted(folder for folder in parent.iterdir() if any(folder.glob("*.yaml")))


def render(folder: Path) -> tuple[str, str]:
    """What `servicegraph render` prints of a folder, and what it says of it, with its exit code."""
    arguments = ["render", str(folder.relative_to(ROOT))]
    if (folder / "profile.yaml").exists():
        arguments += ["--profile", str(folder.relative_to(ROOT) / "profile.yaml")]
    printed, said = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        code = servicegraph(arguments)
    printed.seek(0)
    return printed.read(), f"{said.getvalue()}exit {code}\n"


def examples() -> Files:
    """The policies of every example."""
    for folder in folders(EXAMPLES):
        yield folder / OUTPUT, render(folder)[0]


def goldens() -> Files:
    """The policies and problems of every golden case."""
    for folder in folders(GOLDENS):
        for name, text in zip((OUTPUT, PROBLEMS), render(folder), strict=True):
            yield folder / name, text


def chart() -> Files:
    """The files of the Helm chart that are written by hand elsewhere: a chart cannot read outside its folder."""
    for copy, source in CHART.items():
        yield ROOT / "config" / "helm" / "files" / copy, (ROOT / source).read_text()


def prometheus_rule() -> Files:
    """The alerts as the Prometheus operator wants them."""
    folder = ROOT / "config" / "monitoring"
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "servicegraph-operator",
            "namespace": "servicegraph-system",
            "labels": {"app.kubernetes.io/part-of": "servicegraph"},
        },
        "spec": yaml.safe_load((folder / "rules.yaml").read_text()),
    }
    yield folder / "prometheus-rule.yaml", yaml.safe_dump(rule, sort_keys=False, width=120)


class _Literal(yaml.SafeDumper):
    """Writes text of several lines as it is."""


_Literal.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def health_checks() -> Files:
    """The health checks for Argo CD as a patch of its ConfigMap, and as values of its chart."""
    for source, kind in HEALTH_CHECKS.items():
        script = ROOT / "config" / "argocd" / source
        settings = {f"resource.customizations.health.{kind}": script.read_text()}
        patch = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "argocd-cm"},
            "data": settings,
        }
        for name, content in {"argocd-cm.yaml": patch, "values.yaml": {"configs": {"cm": settings}}}.items():
            yield script.with_name(name), yaml.dump(content, Dumper=_Literal, sort_keys=False, width=120)


GENERATORS: tuple[Callable[[], Files], ...] = (examples, goldens, chart, prometheus_rule, health_checks)


def stale_assets() -> Iterator[Path]:
    """The assets of the report's page that were not made from the sources as they are."""
    names = [
        "build.mjs",
        "package-lock.json",
        "package.json",
        *(f"src/{p.name}" for p in sorted((PAGE / "src").iterdir())),
    ]
    sources = hashlib.sha256()
    for name in names:
        sources.update(f"{name}\0".encode() + (PAGE / name).read_bytes() + b"\0")
    for asset in sorted(ASSETS.iterdir()):
        if not asset.read_text().startswith(f"/* tools/page {sources.hexdigest()} */"):
            yield asset


def main() -> int:
    """Write what differs, or list it with --check; 1 where something is not current."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 where a file is not current")
    check = parser.parse_args().check
    stale = 0
    for generator in GENERATORS:
        for path, text in generator():
            if path.exists() and path.read_text() == text:
                continue
            stale += 1
            print(f"{os.path.relpath(path)}: {'not current: run python -m tools.generate' if check else 'written'}")
            if not check:
                path.write_text(text)
    assets = [os.path.relpath(path) for path in stale_assets()]
    for name in assets:
        print(f"{name}: not current: run make assets")
    return 1 if assets or (check and stale) else 0


if __name__ == "__main__":
    sys.exit(main())
