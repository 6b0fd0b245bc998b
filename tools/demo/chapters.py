"""The story, one function a chapter. Each does something, waits for what follows, and shows what was seen."""

from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from typing import Any

from rich.markup import escape

from tools.demo.blocks import block, delta, milliseconds
from tools.demo.changes import Observation, Outcome
from tools.demo.manifests import Manifest, compact
from tools.demo.operatorprocess import DRAIN_POLL_SECONDS
from tools.demo.picture import draw
from tools.demo.rules import difference, peers, selector
from tools.demo.scene import GRAPHS, POLICIES, Scene
from tools.demo.watch import Objects

Chapter = Callable[[Scene], Awaitable[None]]

MOVED = "search"
RENAMED = "product-search"
OPENED = "database"


async def graph_applied(scene: Scene) -> None:
    """The shop runs; its graph arrives."""
    screen = scene.screen
    services = [service["name"] for service in scene.graph["spec"]["services"]]
    await screen.chapter("The graph becomes policies")
    screen.command(f"kubectl apply -n {scene.namespace} -f examples/shop/app.yaml")
    await scene.team.apply_all(scene.app)
    workloads = sum(manifest["kind"] == "Deployment" for manifest in scene.app)
    await scene.pods.until(lambda pods: len(pods) >= workloads, "the Deployments' pods", scene.patience)
    screen.note(f"{len(scene.app)} objects, {len(scene.pods.objects)} pods, {len(scene.policies.objects)} policies.")
    screen.command(f"kubectl apply -n {scene.namespace} -f examples/shop/servicegraph.yaml")
    seen = scene.observe()
    applied = await scene.team.apply(scene.graph)
    await scene.policies.settled(lambda found: len(found) >= len(services), "a policy for every service")
    changes = seen.changes(applied)
    last = scene.record("graph applied", changes)
    screen.show(block(changes))
    screen.say(
        f"{len(changes)} policies, the last one {milliseconds(last)} after the graph was sent. Each "
        "isolates its pods in both directions: what it does not list is denied. The ports "
        "are the pods', not the Services'."
    )
    await scene.graphs.until(_is_ready(scene), "the graph's condition Ready")
    _show_status(scene)


async def labels_moved(scene: Scene) -> None:
    """A new Deployment with other labels; the Service is switched over to it."""
    screen = scene.screen
    await screen.chapter(f"Labels change, policies follow: {MOVED} is renamed")
    before, after = _labels(scene)
    screen.say(
        f"The team of {MOVED} gives its pods another label: {escape(_text(before))} becomes {escape(_text(after))}. A "
        "Deployment's selector cannot be edited, so they do what one does: a second Deployment beside the first, then "
        "the Service is switched over. Nobody touches the graph."
    )
    successor = _renamed(scene.find("Deployment", MOVED), after)
    screen.command(f"kubectl create -f {RENAMED}.yaml   # a Deployment with the new label")
    await scene.team.apply(successor)
    await scene.pods.until(lambda found: _carriers(found, after), "its pods", scene.patience)
    change = compact({"spec": {"selector": after}})
    screen.command(f"kubectl patch service {MOVED} -p '{change}'")
    seen = scene.observe()
    switched = await scene.team.patch(scene.path("v1", "Service", MOVED), {"spec": {"selector": after}})
    neighbours = _named_by(scene, before)
    await scene.policies.settled(
        lambda found: scene.policy_of(MOVED, after) and all(_text(after) in peers(found[name]) for name in neighbours),
        "the policies that name the new label",
    )
    changes = seen.changes(switched)
    last = scene.record("Service switched to new labels", changes)
    screen.show(block(changes))
    old = len(_carriers(scene.pods.objects, before))
    carriers = "1 pod still carries" if old == 1 else f"{old} pods still carry"
    screen.say(
        f"Done {milliseconds(last)} after the switch. The old label has not gone, though: "
        f"{carriers} it. So the old policy stays, and both ends still know the old pods: they [bold]drain[/] "
        "instead of being cut off, or left without isolation, in the middle of their work."
    )


async def old_label_drained(scene: Scene) -> None:
    """The first Deployment goes, and with its last pod what was kept for it."""
    screen = scene.screen
    await screen.chapter("The old pods go, and what was kept for them")
    before, _ = _labels(scene)
    screen.command(f"kubectl delete deployment {MOVED}")
    seen, pods = scene.observe(), Observation(scene.pods)
    await scene.team.delete(scene.path("apps/v1", "Deployment", MOVED))
    await scene.pods.until(lambda found: not _carriers(found, before), "the end of the old pods", scene.patience)
    last_pod = max(event.at for event in pods.events if event.kind == "DELETED")
    await scene.policies.settled(
        lambda found: not scene.policy_of(MOVED, before) and not _named_by(scene, before), "the end of the old label"
    )
    changes = seen.changes(last_pod)
    last = scene.record("old pods gone, old label drained", changes)
    screen.show(block(changes))
    screen.say(
        f"{milliseconds(last)} after the last old pod went. The operator never watches pods; it lists the few that "
        f"carry a draining label, here every {DRAIN_POLL_SECONDS} s (by default every 10 s)."
    )


async def hand_edit_reverted(scene: Scene) -> None:
    """Somebody opens a policy by hand."""
    screen = scene.screen
    await screen.chapter(f"Somebody opens {OPENED} to everyone, by hand")
    name, policy = next(iter(_policies(scene.policies.objects, OPENED).items()))
    change: dict[str, Any] = {"spec": {"ingress": [{}]}}
    screen.command(f"kubectl patch networkpolicy {name} --type merge -p '{compact(change)}'")
    seen = scene.observe()
    edited = await scene.team.patch(scene.path(POLICIES, "NetworkPolicy", name), change)
    await scene.policies.settled(
        lambda found: len(seen.events) >= 2 and found[name]["spec"] == policy["spec"], "the edit taken back"
    )
    theirs, ours = seen.events[0], seen.events[-1]
    changes = seen.changes(edited)
    last = scene.record("hand edit taken back", changes)
    for event in (theirs, ours):
        found = difference(event.before or {}, event.object)
        who = _owner(event.object, "ingress")
        screen.show([f"~ {name}  by {who}", *delta(found.added, found.removed)])
    others = [one for one in changes if one.outcome is Outcome.UNCHANGED]
    screen.say(f"Taken back {milliseconds(last)} after it was sent. Nothing else was written:")
    screen.show(block(others))


async def call_removed(scene: Scene) -> None:
    """A call leaves the graph; its rules leave both ends."""
    screen = scene.screen
    graph = deepcopy(scene.graph)
    service = next(one for one in graph["spec"]["services"] if one["name"] == MOVED)
    callee = service.pop("calls")[0]["service"]
    await screen.chapter(f"A call leaves the graph: {MOVED} needs {callee} no more")
    screen.show(draw(graph["spec"], screen.width, screen.pen))
    screen.command("kubectl apply -f servicegraph.yaml")
    _, after = _labels(scene)
    seen = scene.observe()
    applied = await scene.team.apply(graph)
    await scene.policies.settled(
        lambda found: (
            not _named_by(scene, after, callee)
            and not any(p["spec"].get("egress") for p in _policies(found, MOVED).values())
        ),
        "the rules of the call gone",
    )
    changes = seen.changes(applied)
    last = scene.record("call removed from the graph", changes)
    screen.show(block(changes))
    screen.say(
        f"Both ends, {milliseconds(last)} after the change was sent: a call that is taken out of the graph "
        f"does not drain. {MOVED.capitalize()} calls nobody now, so it has no business with DNS either."
    )


async def graph_deleted(scene: Scene) -> None:
    """The graph goes, and everything that was made for it."""
    screen = scene.screen
    await screen.chapter("The graph is deleted")
    screen.command(f"kubectl delete servicegraph {scene.graph_name} -n {scene.namespace}")
    seen = scene.observe()
    deleted = await scene.team.delete(scene.path(GRAPHS, "ServiceGraph", scene.graph_name))
    await scene.policies.settled(lambda found: not found, "the end of every policy", scene.patience)
    changes = seen.changes(deleted)
    last = scene.record("graph deleted", changes)
    screen.show(block(changes))
    screen.say(
        f"No policy is left after {milliseconds(last)}; the shop itself was never touched. Had the operator been down, "
        "the cluster's garbage collector would have taken them: every policy is owned by its graph."
    )


STORY: tuple[Chapter, ...] = (
    graph_applied,
    labels_moved,
    old_label_drained,
    hand_edit_reverted,
    call_removed,
    graph_deleted,
)


def _is_ready(scene: Scene) -> Callable[[Objects], bool]:
    def ready(found: Objects) -> bool:
        graph = found.get(scene.graph_name, {})
        now = graph.get("metadata", {}).get("generation")
        return any(
            condition["type"] == "Ready" and condition["status"] == "True" and condition["observedGeneration"] == now
            for condition in graph.get("status", {}).get("conditions", ())
        )

    return ready


def _show_status(scene: Scene) -> None:
    status = scene.graphs.objects[scene.graph_name]["status"]
    columns = {
        "NAME": scene.graph_name,
        "READY": next(one["status"] for one in status["conditions"] if one["type"] == "Ready"),
        "SERVICES": str(status["services"]),
        "EDGES": str(status["edges"]["total"]),
        "POLICIES": str(status["policies"]),
        "PROBLEMS": str(status["problemCount"]),
    }
    scene.screen.command(f"kubectl get servicegraph -n {scene.namespace}")
    widths = {title: max(len(title), len(value)) + 3 for title, value in columns.items()}
    scene.screen.note("".join(f"{title:{widths[title]}}" for title in columns))
    scene.screen.note("".join(f"{value:{widths[title]}}" for title, value in columns.items()))
    for problem in status.get("problems", ()):
        scene.screen.note(f"{problem['severity']} {problem['code']}: {escape(problem['message'])}")


def _labels(scene: Scene) -> tuple[dict[str, str], dict[str, str]]:
    """The labels that the Service selects in the repository, and what they become."""
    before: dict[str, str] = scene.find("Service", MOVED)["spec"]["selector"]
    return before, dict.fromkeys(before, RENAMED)


def _renamed(deployment: Manifest, labels: Mapping[str, str]) -> Manifest:
    found = deepcopy(deployment)
    found["metadata"]["name"] = RENAMED
    found["spec"]["selector"]["matchLabels"] = dict(labels)
    found["spec"]["template"]["metadata"]["labels"] = dict(labels)
    return found


def _text(labels: Mapping[str, str]) -> str:
    return selector({"matchLabels": labels})


def _policies(found: Objects, service: str) -> Objects:
    label = "servicegraph.dev/service"
    return {name: policy for name, policy in found.items() if policy["metadata"]["labels"].get(label) == service}


def _named_by(scene: Scene, labels: Mapping[str, str], service: str | None = None) -> list[str]:
    """The policies, of one service or of all, that have the pods with these labels as a peer."""
    found = scene.policies.objects if service is None else _policies(scene.policies.objects, service)
    return [name for name, policy in found.items() if _text(labels) in peers(policy)]


def _carriers(pods: Objects, labels: Mapping[str, str]) -> list[str]:
    return [name for name, pod in pods.items() if labels.items() <= pod["metadata"].get("labels", {}).items()]


def _owner(policy: Mapping[str, Any], part: str) -> str:
    """The field manager that wrote a part of the spec last: the API server keeps one owner of what was changed."""
    entries = policy["metadata"]["managedFields"]
    return str(next(entry["manager"] for entry in entries if f"f:{part}" in entry["fieldsV1"].get("f:spec", {})))
