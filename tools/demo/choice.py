"""Whose cluster: the embedded one, unless a person says that theirs may be used."""

import json
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rich.markup import escape

from tools.demo.errors import DemoError
from tools.demo.screen import Screen

CRD = "servicegraphs.servicegraph.dev"

_LEASE = "servicegraph-operator"
_TIMEOUT = "--request-timeout=10s"


class Crd(StrEnum):
    """What becomes of the CustomResourceDefinition: it was there before, or it goes or stays afterwards."""

    LEFT_ALONE = "left alone"
    REMOVED = "removed"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Own:
    """The user's cluster, with their consent."""

    context: str
    server: str
    version: str
    crd: Crd


def choose(screen: Screen, kubectl: Path) -> Own | None:
    """Ask about the cluster that KUBECONFIG names; None where the embedded one is to be used."""
    try:
        own = json.loads(_ask(kubectl, "config", "view", "--minify", "--output=json"))
        context, server = own["current-context"], own["clusters"][0]["cluster"]["server"]
        version = json.loads(_ask(kubectl, "version", "--output=json", _TIMEOUT))["serverVersion"]["gitVersion"]
        present = bool(_ask(kubectl, "get", "crd", CRD, "--ignore-not-found", "--output=name", _TIMEOUT))
        leases = _ask(
            kubectl,
            "get",
            "leases",
            "--all-namespaces",
            f"--field-selector=metadata.name={_LEASE}",
            "-o=name",
            _TIMEOUT,
        )
    except DemoError as error:
        screen.say(f"KUBECONFIG names a cluster that cannot be used here: {escape(str(error))}")
        screen.say("The demo goes on with one of its own.")
        return None
    screen.say(f"KUBECONFIG names [bold]{escape(context)}[/] ({escape(server)}, {escape(version)}).")
    if leases:
        screen.say("A ServiceGraph operator is installed there already, so the demo uses a cluster of its own.")
        return None
    screen.say(
        "The demo can play there instead of on a cluster of its own: in a new namespace, which is deleted afterwards, "
        "with an operator that runs here and may act in that namespace only."
    )
    if screen.ask("Use this cluster? (y: yes, n: no, a cluster of its own)", "ny") == "n":
        return None
    crd = Crd.LEFT_ALONE
    if not present:
        screen.say("The ServiceGraph API (one CustomResourceDefinition) is not installed there.")
        answer = screen.ask("Install it? (r: yes, and remove it afterwards, k: yes, and keep it, n: no)", "nrk")
        if answer == "n":
            screen.say("Then on a cluster of its own.")
            return None
        crd = Crd.REMOVED if answer == "r" else Crd.KEPT
    return Own(context, server, version, crd)


def _ask(kubectl: Path, *arguments: str) -> str:
    asked = subprocess.run([kubectl, *arguments], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        raise DemoError(asked.stderr.strip() or f"kubectl {arguments[0]} failed")
    return asked.stdout.strip()
