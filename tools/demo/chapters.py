"""The story, one function a chapter. Each does something, waits for what follows, and shows what was seen."""

from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from typing import Any

from servicegraph.controller.live import SINCE_ANNOTATION
from tools.demo.blocks import block, delta, milliseconds
from tools.demo.changes import Observation, Outcome
from tools.demo.manifests import Manifest, compact
from tools.demo.operatorprocess import DRAIN_POLL_SECONDS
from tools.demo.picture import draw
from tools.demo.rules import carriers, difference, labelled, owner, policies_of
from tools.demo.scene import GRAPHS, POLICIES, Scene
from tools.demo.status import is_ready, show_status

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
    await scene.graphs.until(is_ready(scene), "the graph's condition Ready")
    show_status(scene)


async def labels_moved(scene: Scene) -> None:
    """A new Deployment with other labels; the Service is switched over to it."""
    screen = scene.screen
    await screen.chapter(f"Labels change, policies follow: {MOVED} is renamed")
    before, after = _labels(scene)
    screen.say(
        f"The team of {MOVED} gives its pods another label: {labelled(before)} becomes {labelled(after)}. "
        "A Deployment's selector cannot be edited, so they do what one does: a second Deployment beside the first, "
        "then the Service is switched over. Nobody touches the graph."
    )
    successor = _renamed(scene.find("Deployment", MOVED), after)
    screen.command(f"kubectl create -f {RENAMED}.yaml   # a Deployment with the new label")
    await scene.team.apply(successor)
    await scene.pods.until(lambda found: carriers(found, after), "its pods", scene.patience)
    change = compact({"spec": {"selector": after}})
    screen.command(f"kubectl patch service {MOVED} -p '{change}'")
    seen = scene.observe()
    neighbours = set(scene.naming(before))
    switched = await scene.team.patch(scene.path("v1", "Service", MOVED), {"spec": {"selector": after}})

    def followed(_: object) -> bool:
        both = (before, after)
        known = all(scene.policy_of(MOVED, one) and neighbours <= set(scene.naming(one)) for one in both)
        return known and _drains(scene.policy_of(MOVED, before))

    await scene.policies.settled(followed, "policies for the new label beside those for the old one")
    changes = seen.changes(switched)
    last = scene.record("Service switched to new labels", changes)
    screen.show(block(changes))
    old = len(carriers(scene.pods.objects, before))
    still = "1 pod still carries" if old == 1 else f"{old} pods still carry"
    screen.say(
        f"Done {milliseconds(last)} after the switch. The old label has not gone, though: "
        f"{still} it. So the old policy stays, and both ends still know the old pods: they [bold]drain[/] "
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
    await scene.pods.until(lambda found: not carriers(found, before), "the end of the old pods", scene.patience)
    last_pod = max(event.at for event in pods.events if event.kind == "DELETED")
    await scene.policies.settled(
        lambda found: not scene.policy_of(MOVED, before) and not scene.naming(before), "the end of the old label"
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
    name, policy = next(iter(policies_of(scene.policies.objects, OPENED).items()))
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
        who = owner(event.object, "ingress")
        screen.show([f"~ {name}  by {who}", *delta(found.added, found.removed)])
    others = [one for one in changes if one.outcome is Outcome.UNCHANGED]
    screen.say(f"Taken back {milliseconds(last)} after it was sent. Not written meanwhile:")
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
            not scene.naming(after, callee)
            and not any(p["spec"].get("egress") for p in policies_of(found, MOVED).values())
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
    services, deployments = [await scene.count(*kind) for kind in (("v1", "Service"), ("apps/v1", "Deployment"))]
    screen.say(
        f"No policy is left after {milliseconds(last)}; {services} Services and {deployments} Deployments are still "
        "there. Had the operator been down, the cluster's garbage collector would have taken the policies: each is "
        "owned by its graph."
    )


STORY: tuple[Chapter, ...] = (
    graph_applied,
    labels_moved,
    old_label_drained,
    hand_edit_reverted,
    call_removed,
    graph_deleted,
)


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


def _drains(policy: Mapping[str, Any] | None) -> bool:
    """Whether a policy says that its pods are on their way out."""
    return policy is not None and SINCE_ANNOTATION in policy["metadata"].get("annotations", {})
