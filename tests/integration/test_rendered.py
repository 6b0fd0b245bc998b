"""The API server takes, under strict validation, every policy that `render` prints, and text stays text."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from servicegraph.report.blocks import block
from tests.integration.existing import Target
from tests.unit.report.test_blocks import NUMBERS, WORDS
from tests.waiting import PATIENCE
from tools.cluster.toolchain import find_kubectl
from tools.generate import EXAMPLES, GOLDENS, OUTPUT, folders

FOLDERS = [f for f in (*folders(EXAMPLES), *folders(GOLDENS)) if "kind: NetworkPolicy" in (f / OUTPUT).read_text()]
DRY_RUN = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")


def kubectl(cluster: Target, *arguments: str, given: str) -> str:
    command = [str(find_kubectl()), "--kubeconfig", str(cluster.kubeconfig), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_rendered_policies_are_taken(folder: Path, cluster: Target) -> None:
    text = (folder / OUTPUT).read_text()
    documents = [document for document in yaml.safe_load_all(text) if document]
    policies = [document for document in documents if document["apiVersion"] == "networking.k8s.io/v1"]
    for policy in policies:
        policy["metadata"]["namespace"] = "default"
    said = kubectl(cluster, *DRY_RUN, given="---\n".join(block(policy) for policy in policies))
    assert len(said.splitlines()) == len(policies) > 0


def test_text_that_looks_like_something_else_arrives_as_text(cluster: Target) -> None:
    data = {f"k{index}": text for index, text in enumerate(NUMBERS + WORDS)}
    given = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "default"}, "data": data}
    assert json.loads(kubectl(cluster, *DRY_RUN, "-o", "json", given=block(given)))["data"] == data
