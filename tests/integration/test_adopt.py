"""`init` and `doctor --profile` on a cluster: what runs there, as files would tell it."""

from pathlib import Path
from typing import Any

import yaml

from servicegraph.cli.main import main
from servicegraph.sources.profile import read_profile
from tests.contract import ROOT
from tests.integration.kube import Kube, Object
from tests.integration.operators import SYSTEM

HARBOUR = ROOT / "tests" / "unit" / "adopt" / "applications" / "harbour" / "app.yaml"
READ_BY_INIT = {"ConfigMap", "Deployment", "Ingress", "Service", "StatefulSet"}


def graphs(capture: Any, *arguments: str) -> list[Object]:
    capture.readouterr()
    code = main(["init", *arguments])
    printed, said = capture.readouterr()
    assert code == 0, said.decode()
    return list(yaml.safe_load_all(printed))


def with_images(document: Object) -> Object:
    """What the API server wants of containers; nothing runs."""
    pod = document["spec"].get("template", {}).get("spec", {}) if "spec" in document else {}
    for container in (*pod.get("containers", ()), *pod.get("initContainers", ())):
        container["image"] = "example.test/none"
    return document


def test_a_cluster_tells_what_its_manifests_tell(kube: Kube, namespace: str, tmp_path: Path, capsysbinary: Any) -> None:
    text = HARBOUR.read_text().replace("harbour}", f"{namespace}}}").replace(".harbour.svc", f".{namespace}.svc")
    wanted = [d for d in yaml.safe_load_all(text) if d["kind"] in READ_BY_INIT]
    mine = [with_images(d) for d in wanted if d["metadata"].get("namespace") == namespace]
    for document in mine:
        if document["kind"] == "Ingress":
            kube.call("POST", f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses", document)
        else:
            kube.apply(document)
    manifests = tmp_path / "app.yaml"
    manifests.write_text(yaml.safe_dump_all(mine))
    live = graphs(capsysbinary, "--kubeconfig", str(kube.kubeconfig), "-n", namespace)
    assert live == graphs(capsysbinary, str(manifests))
    assert len(live[0]["spec"]["services"]) > 5


def test_the_profile_is_one_that_every_command_reads(kube: Kube, tmp_path: Path, capsysbinary: Any) -> None:
    file = tmp_path / "profile.yaml"
    assert main(["doctor", "--profile", "--kubeconfig", str(kube.kubeconfig)]) == 0
    file.write_bytes(capsysbinary.readouterr().out)
    profile = read_profile(str(file))
    assert profile.ranges.services == ("10.96.0.0/16",)
    assert profile.api_server.addresses and profile.api_server.port
    assert "review: the range of pods was not found" in file.read_text()


def test_doctor_looks_at_the_operators_deployment_lease_and_profile(
    kube: Kube, account: Path, capsysbinary: Any
) -> None:
    """An operator as it is installed, of another version, whose replicas do not come up."""
    image = {"image": "registry.example/servicegraph:9.9.9", "name": "operator"}
    volumes = [{"name": "profile", "configMap": {"name": "servicegraph-profile-x"}}]
    labels = {"app.kubernetes.io/name": "servicegraph-operator"}
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [image], "volumes": volumes}},
    }
    meta = {"name": "servicegraph-operator", "namespace": SYSTEM}
    data = {"profile.yaml": (ROOT / "config" / "manager" / "profile.yaml").read_text()}
    kube.apply(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**meta, "name": "servicegraph-profile-x"}, "data": data},
    )
    try:
        assert main(["doctor", "--kubeconfig", str(kube.kubeconfig)]) == 1
        said = capsysbinary.readouterr().out.decode()
        assert "0 of 0 replicas are ready" in said
        assert main(["doctor", "--profile", "--kubeconfig", str(kube.kubeconfig)]) == 0
        assert "k8s-app: kube-dns" in capsysbinary.readouterr().out.decode()
    finally:
        kube.delete("Deployment", SYSTEM, "servicegraph-operator")
        kube.delete("ConfigMap", SYSTEM, "servicegraph-profile-x")
