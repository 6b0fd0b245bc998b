import re
import shutil
from pathlib import Path

from tools.cluster.build import BUILDS, KUBERNETES_VERSION
from tools.cluster.gobuild import MODULES, build_key


def test_products_are_kept_apart_by_whatever_can_change_them(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    shutil.copytree(MODULES, modules)
    before = build_key(modules, BUILDS, "go1.26.8", "x86_64")
    assert before == build_key(MODULES, BUILDS, "go1.26.8", "x86_64")
    assert before != build_key(modules, BUILDS[:1], "go1.26.8", "x86_64")
    assert before != build_key(modules, BUILDS, "go1.26.9", "x86_64")
    assert before != build_key(modules, BUILDS, "go1.26.8", "aarch64")
    with (modules / "kubernetes" / "go.sum").open("a") as sums:
        sums.write("\n")
    assert before != build_key(modules, BUILDS, "go1.26.8", "x86_64")


def test_a_source_file_beside_go_mod_changes_the_products_of_its_module_alone(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    shutil.copytree(MODULES, modules)
    etcd, kubernetes = (build_key(modules, (build,), "go1.26.8", "x86_64") for build in BUILDS)
    (modules / "etcd" / "main.go").write_text("package main\n")
    assert build_key(modules, BUILDS[:1], "go1.26.8", "x86_64") != etcd
    assert build_key(modules, BUILDS[1:], "go1.26.8", "x86_64") == kubernetes


def test_the_version_that_the_server_answers_is_the_one_that_is_built() -> None:
    required = re.search(r"k8s\.io/kubernetes (v[\d.]+)", (MODULES / "kubernetes" / "go.mod").read_text())
    assert required
    assert required[1] == KUBERNETES_VERSION
    assert f"gitVersion={KUBERNETES_VERSION} " in BUILDS[1].ldflags
