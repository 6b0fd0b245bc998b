"""Who may reach whom by the policies that are live, now or at any moment of a test; and pods that are really there."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.integration.kube import Audit, Kube, Object, path_of
from tests.integration.look import settled
from tests.integration.world import deployment, graph, pod, service
from tests.support.verdict import Manifest, Pod, Verdicts
from tests.waiting import eventually

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Scene:
    """Pods by name, and the TCP ports tried between each two of them. Policies see labels: no pod has to exist."""

    pods: Mapping[str, Pod]
    ports: tuple[int, ...] = (8080,)

    def flows(self, manifests: Iterable[Manifest], namespaces: Mapping[str, Labels] | None = None) -> set[str]:
        """What manifests allow, as `frontend > search:8080`."""
        verdicts = Verdicts(manifests, namespaces or {})
        return {
            f"{source} > {target}:{port}"
            for source, a in self.pods.items()
            for target, b in self.pods.items()
            for port in self.ports
            if source != target and verdicts.allowed(a, b, ("TCP", port))
        }

    def allows(self, kube: Kube) -> set[str]:
        """What the live policies allow, given the live labels of the namespaces."""
        names = {pod.namespace for pod in self.pods.values()}
        found = [kube.get("Namespace", "", name) for name in sorted(names)]
        labels = {n["metadata"]["name"]: n["metadata"]["labels"] for n in found if n}
        return self.flows((p for name in names for p in kube.list("NetworkPolicy", name)), labels)


def scene(namespace: str, *ports: int, **pods: Labels) -> Scene:
    """Pods of one namespace by name and labels; underscores in names stand for dashes."""
    named = {name.replace("_", "-"): Pod(namespace, labels) for name, labels in pods.items()}
    return Scene(named, ports or (8080,))


def shop_pods(namespace: str, *ports: int, **more: Labels) -> Scene:
    """The pods of the shop, a stranger, and more."""
    named = {name: {"app": name} for name in ("frontend", "search", "database", "stranger")}
    return scene(namespace, *ports, **(named | more))


class History:
    """The policies of some namespaces from now on, one state after the other as the API server had them."""

    def __init__(self, kube: Kube, *namespaces: str) -> None:
        self._kube = kube
        self._namespaces = namespaces
        found = kube.call("GET", path_of("NetworkPolicy", ""))
        self._version = found["metadata"]["resourceVersion"]
        self._start = {item["metadata"]["uid"]: item for item in found["items"] if self._concerns(item)}

    def moments(self) -> list[list[Object]]:
        """The policies at the start and after each write since."""
        return [policies for _, policies in self.states()]

    def states(self) -> list[tuple[int, list[Object]]]:
        """The same, each with the resourceVersion of the write."""
        live = dict(self._start)
        found = [(int(self._version), list(live.values()))]
        for event in self._kube.watch("NetworkPolicy", self._version):
            policy = event["object"]
            if not self._concerns(policy):
                continue
            live.pop(policy["metadata"]["uid"], None)
            if event["type"] != "DELETED":
                live[policy["metadata"]["uid"]] = policy
            found.append((int(policy["metadata"]["resourceVersion"]), list(live.values())))
        return found

    def written(self) -> list[str]:
        """The names of policies that were created or changed since, each as often as that happened."""
        events = [e for e in self._kube.watch("NetworkPolicy", self._version) if e["type"] in ("ADDED", "MODIFIED")]
        return [event["object"]["metadata"]["name"] for event in events if self._concerns(event["object"])]

    def _concerns(self, policy: Object) -> bool:
        return policy["metadata"]["namespace"] in self._namespaces


def everything_seen(kube: Kube) -> None:
    """Return when the operator has seen every Service and Deployment written so far: each kind is one watch, in order.

    A graph in DryRun stands for it, in a namespace where nobody counts it. Its call needs a name that its Service gives
    a port and the number that its Deployment gives it.
    """
    name = f"probe-{secrets.token_hex(4)}"
    call = {"calls": [{"service": name, "ports": ["web"]}]}
    kube.apply(service("default", name, web="http"), deployment("default", name))
    kube.apply(graph("default", name, {name: call}, mode="DryRun"))
    eventually(lambda: settled(kube, "default", name), "everything is seen")
    for kind in ("ServiceGraph", "Deployment", "Service"):
        kube.delete(kind, "default", name)


def policy_writes(audit: Audit, namespace: str) -> list[tuple[str, str]]:
    """Verb and name of every write of a policy of a namespace, in the order of the answers."""
    return [(e["verb"], e["objectRef"]["name"]) for e in audit.writes(namespace, "networkpolicies")]


def start_pod(kube: Kube, namespace: str, name: str, labels: Labels, **ports: int) -> None:
    """A pod that is really there."""
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    eventually(lambda: kube.try_call("GET", account)[0] == 200, "pods may be created")
    kube.apply(pod(namespace, name, labels, **ports))


def end_pod(kube: Kube, namespace: str, name: str) -> None:
    """The pod is gone, at once."""
    kube.call("DELETE", path_of("Pod", namespace, name), gracePeriodSeconds="0")
