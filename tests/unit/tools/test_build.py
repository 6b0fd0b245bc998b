import re
import shutil
from pathlib import Path

from tools.cluster.build import BUILDS, KUBERNETES_VERSION, MODULES, build_key


def test_products_are_kept_apart_by_whatever_can_change_them(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    shutil.copytree(MODULES, modules)
    before = build_key(modules, "go1.26.8", "x86_64")
    assert before == build_key(MODULES, "go1.26.8", "x86_64")
    assert before != build_key(modules, "go1.26.9", "x86_64")
    assert before != build_key(modules, "go1.26.8", "aarch64")
    with (modules / "kubernetes" / "go.sum").open("a") as sums:
        sums.write("\n")
    assert before != build_key(modules, "go1.26.8", "x86_64")


def test_the_version_that_the_server_answers_is_the_one_that_is_built() -> None:
    required = re.search(r"k8s\.io/kubernetes (v[\d.]+)", (MODULES / "kubernetes" / "go.mod").read_text())
    assert required
    assert required[1] == KUBERNETES_VERSION
    assert f"gitVersion={KUBERNETES_VERSION} " in BUILDS[1].ldflags
