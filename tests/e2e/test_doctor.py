"""`servicegraph doctor` where policies are enforced; tests/integration/test_not_enforced.py has a cluster where not."""

import json
from typing import Any

from servicegraph.cli.main import main
from tests.integration.kube import Kube


def test_all_is_well(kube: Kube, capsysbinary: Any) -> None:
    code = main(["doctor", "--kubeconfig", str(kube.kubeconfig), "-o", "json"])
    checks = {check["name"]: check for check in json.loads(capsysbinary.readouterr().out)["items"]}
    assert (code, {check["result"] for check in checks.values()}) == (0, {"ok"}), checks
    assert checks["Enforcement"]["message"].startswith("DaemonSet ")
