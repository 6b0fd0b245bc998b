"""What happens to a town while its calls go on: each function makes one change and returns when it has settled."""

import subprocess
from functools import partial

from tests.e2e.install import OPERATOR, SYSTEM, rolled_out
from tests.e2e.town import NEW_PORT, Town
from tests.integration.kube import Kube
from tests.waiting import PATIENCE, SECONDS, eventually

_AGENT = ("kube-system", "cilium")
_POLL = 0.3


def roll_to_new_labels(town: Town) -> None:
    """Other Deployments with other labels take over: a callee behind its Service, and a caller."""
    town.kube.apply(town.server("search-next", {"app": "search-next"}, 2, udp=5353), town.worker("worker-next"))
    town.rolled_out("search-next")
    town.rolled_out("worker-next")
    for app in ("search-next", "worker-next"):
        eventually(partial(town.is_isolated, app), f"{app} has its policy", poll=_POLL)
    town.lead("search", {"app": "search-next"})
    town.gone("worker")
    town.gone("search")


def flip_colour(town: Town) -> None:
    """Blue to green and back, at once."""
    for colour in ("green", "blue", "green"):
        town.lead(town.checkout, {"colour": colour})
        eventually(partial(_is_behind, town, colour), f"{colour} stands behind it", poll=_POLL)


def rename_service(town: Town) -> None:
    """The old name goes; its callers have moved to the new one."""
    town.kube.delete("Service", town.namespace, "checkout")
    town.declare()


def prepare_rename(town: Town) -> None:
    """A Service by the new name, beside the old one."""
    town.checkout = "payment"
    town.kube.apply(town.service(town.checkout, {"app": "checkout", "colour": "green"}, http=(80, "TCP")))
    eventually(partial(_is_behind, town, "green"), "the new Service has its pods", poll=_POLL)


def scale(town: Town) -> None:
    """Up to four pods and down to one."""
    for replicas in (4, 1):
        town.kube.patch("Deployment", town.namespace, "search-next", {"spec": {"replicas": replicas}})
        town.rolled_out("search-next")
        eventually(partial(_has_pods, town, "search-next", replicas), f"{replicas} pods", poll=_POLL)


def move_port(town: Town) -> None:
    """The database listens elsewhere, under the name that its Service leads to."""
    town.kube.apply(town.server("database", {"app": "database"}, 2, name="postgres", port=NEW_PORT))
    town.rolled_out("database")
    eventually(partial(_has_pods, town, "database", 2), "the pods with the old port have gone", poll=_POLL)


def edit_graph(town: Town) -> None:
    """A call is added and passes, and is taken away and does not, while all others go on."""
    address = f"tcp://{town.address(town.checkout)}:80"

    def comes_to(outcome: str) -> bool:
        pod = town.pods("worker-next")[0]["metadata"]["name"]
        command = ["kubectl", "exec", "--namespace", town.namespace, pod, "--container", "calls", "--"]
        done = subprocess.run([*command, "workload", "call", address], capture_output=True, text=True, timeout=PATIENCE)
        return f'"{outcome}"' in done.stdout

    for calls, expected in ((["database", town.checkout], "answered"), (["database"], "timeout")):
        town.more_calls = {"worker": calls}
        town.declare()
        outcome = expected if town.covered else "answered"
        eventually(partial(comes_to, outcome), f"worker's call to checkout: {outcome}", poll=_POLL)


def restart_operator(kube: Kube) -> None:
    """As for a new version of it."""
    _kubectl("rollout", "restart", f"deployment/{OPERATOR}", "--namespace", SYSTEM)
    rolled_out()


def kill_leader(kube: Kube) -> None:
    """With no chance to give up its lease."""
    eventually(lambda: _leader(kube) in _operators(kube), "one leads", poll=_POLL)
    before = _leader(kube)
    _kubectl("delete", "pod", before, "--namespace", SYSTEM, "--grace-period=0", "--force")
    eventually(lambda: _leader(kube) not in ("", before), "another one leads", poll=_POLL)
    rolled_out()


def kill_agent(kube: Kube) -> None:
    """The network plugin's agent on the node of most callees, as by an eviction."""
    namespace, name = _AGENT
    node = next(pod["spec"]["nodeName"] for pod in kube.list("Pod", "") if _is(pod, "app", "database"))
    agents = [pod for pod in kube.list("Pod", namespace) if _is(pod, "k8s-app", name)]
    there = next(pod["metadata"]["name"] for pod in agents if pod["spec"]["nodeName"] == node)
    _kubectl("delete", "pod", there, "--namespace", namespace)
    _kubectl("rollout", "status", f"daemonset/{name}", "--namespace", namespace, f"--timeout={SECONDS:.0f}s")


def _is_behind(town: Town, colour: str) -> bool:
    """Whether the pods behind checkout are those of a colour, as the cluster knows them."""
    slices = [
        s
        for s in town.kube.list("EndpointSlice", town.namespace)
        if s["metadata"]["labels"].get("kubernetes.io/service-name") == town.checkout
    ]
    names = {e["targetRef"]["name"] for s in slices for e in s["endpoints"] or () if e["conditions"].get("ready")}
    pods = [pod for pod in town.pods("checkout") if pod["metadata"]["name"] in names]
    return {pod["metadata"]["labels"]["colour"] for pod in pods} == {colour}


def _has_pods(town: Town, app: str, count: int) -> bool:
    return len(town.pods(app)) == count


def _operators(kube: Kube) -> set[str]:
    return {pod["metadata"]["name"] for pod in kube.list("Pod", SYSTEM)}


def _leader(kube: Kube) -> str:
    lease = kube.get("Lease", SYSTEM, OPERATOR) or {}
    holder: str = lease.get("spec", {}).get("holderIdentity") or ""
    return holder.partition("_")[0]


def _is(pod: dict[str, dict[str, dict[str, str]]], label: str, value: str) -> bool:
    return pod["metadata"].get("labels", {}).get(label) == value


def _kubectl(*arguments: str) -> None:
    done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
