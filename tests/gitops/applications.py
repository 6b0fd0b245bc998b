"""Applications as config/argocd has them, over a folder of a test's own, and what Argo CD says of them."""

from pathlib import Path

import yaml

from tests.contract import ROOT
from tests.integration.kube import Kube, Object
from tests.waiting import eventually
from tools.cluster.argocd.commands import NAMESPACE

CONFIG = ROOT / "config" / "argocd"
REFRESH = "argocd.argoproj.io/refresh"
_POLL = 0.1


def load(path: Path) -> Object:
    """The one object of a file."""
    return dict(yaml.safe_load(path.read_text()))


class Application:
    """An Application in the cluster."""

    def __init__(self, kube: Kube, name: str) -> None:
        self.name = name
        self._kube = kube

    @property
    def status(self) -> Object:
        """What Argo CD wrote last, {} until it wrote something."""
        found = self._kube.get("Application", NAMESPACE, self.name) or {}
        return dict(found.get("status", {}))

    @property
    def health(self) -> str:
        """Healthy, Progressing, Degraded, Suspended, Missing or Unknown."""
        return str(self.status.get("health", {}).get("status", ""))

    @property
    def operation(self) -> Object:
        """The sync that runs or ran last."""
        return dict(self.status.get("operationState", {}))

    @property
    def conditions(self) -> dict[str, str]:
        """Messages by type."""
        return {one["type"]: one["message"] for one in self.status.get("conditions", ())}

    def synced(self, revision: str) -> bool:
        """Whether the cluster is as this revision says, and no sync is running."""
        sync = self.status.get("sync", {})
        running = self.operation.get("phase") == "Running"
        return (sync.get("status"), sync.get("revision")) == ("Synced", revision) and not running

    def health_of(self, kind: str, name: str) -> tuple[str, str]:
        """Health and message of one of its resources, empty where there is none."""
        for resource in self.status.get("resources", ()):
            if (resource["kind"], resource["name"]) == (kind, name):
                found = resource.get("health", {})
                return found.get("status", ""), found.get("message", "")
        return "", ""

    def wait(self, revision: str, health: str) -> None:
        """Return when it is Synced with this revision and has this health."""
        what = f"{self.name} is Synced and {health}"
        eventually(lambda: self.synced(revision) and self.health == health, what, poll=_POLL)

    def refresh(self, how: str) -> None:
        """Have Argo CD compare it now, `normal` or `hard` (reading the manifests anew), and wait until it has."""
        self._kube.patch("Application", NAMESPACE, self.name, {"metadata": {"annotations": {REFRESH: how}}})
        eventually(lambda: not self._asked_to_refresh(), f"{self.name} is refreshed", poll=_POLL)

    def _asked_to_refresh(self) -> bool:
        found = self._kube.get("Application", NAMESPACE, self.name)
        return found is not None and REFRESH in found["metadata"].get("annotations", {})


def graphs_of(namespace: str, url: str) -> list[Object]:
    """The AppProject and the Application of config/argocd/applications for the graphs of another namespace.

    Their names are the namespace's; its graphs are in the folder of that name of the repository.
    """
    project, application = (load(CONFIG / "applications" / name) for name in ("shop-project.yaml", "shop.yaml"))
    for one in (project, application):
        one["metadata"]["name"] = namespace
    project["spec"]["sourceRepos"] = [url]
    project["spec"]["destinations"][0]["namespace"] = namespace
    application["spec"]["project"] = namespace
    application["spec"]["source"] |= {"repoURL": url, "path": namespace}
    application["spec"]["destination"]["namespace"] = namespace
    return [project, application]
