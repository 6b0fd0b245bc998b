"""Everything between a cluster that answers and the end of the story."""

from pathlib import Path

from tools.demo import account, story
from tools.demo.choice import Crd
from tools.demo.handover import hand_over
from tools.demo.manifests import CONFIG, DNS_FILE, collection, kustomized, read
from tools.demo.operatorprocess import operating
from tools.demo.place import Place
from tools.demo.scene import GRAPHS
from tools.demo.screen import Screen, enumerated
from tools.demo.team import Right, Team

SERVED_SECONDS = 30.0
EFFECTIVE_SECONDS = 30.0

_RIGHTS = (
    Right("patch", "networkpolicies", "networking.k8s.io"),
    Right("list", "services"),
    Right("list", "pods"),
    Right("patch", "services"),
    Right("watch", "pods"),
    Right("get", "secrets"),
)
_HOUR = 3600
_MONTH = 30 * 24 * _HOUR


async def play(screen: Screen, team: Team, place: Place, kubectl: Path, crd: Crd, keep: bool) -> None:
    """Install, start the operator, tell the story, sum up. Raises DemoError."""
    if crd is not Crd.LEFT_ALONE:
        await team.apply_all(await kustomized(kubectl, CONFIG / "crd"))
    if not place.confined:
        await team.apply_all(read(DNS_FILE))
    await team.until_exists(collection(GRAPHS, "ServiceGraph"), SERVED_SECONDS)
    name = await account.install(team, place, kubectl)
    kubeconfig = await account.kubeconfig(team, place, kubectl, name, _MONTH if keep else _HOUR)
    await _introduce(screen, team, place, name)
    async with operating(screen, place, kubeconfig) as guard:
        scene = await story.tell(screen, team, place, guard)
    await screen.chapter("In short")
    story.summary(scene)
    if keep:
        await hand_over(screen, team, place, kubectl, kubeconfig, scene)
    else:
        _what_next(screen)


async def _introduce(screen: Screen, team: Team, place: Place, name: str) -> None:
    """Who the operator is, as the API server's RBAC sees it, as soon as that knows."""
    user = f"system:serviceaccount:{place.home}:{name}"
    await team.until_may(user, _RIGHTS[0], place.namespace, EFFECTIVE_SECONDS)
    rights = [(f"{right.verb} {right.resource}", await team.may(user, right, place.namespace)) for right in _RIGHTS]
    may = enumerated([what for what, allowed in rights if allowed], "and")
    may_not = enumerated([what for what, allowed in rights if not allowed], "or")
    screen.say(
        f"The operator is no administrator here but [bold]{user}[/], with config/rbac of this repository. "
        f"Asked, the API server says that it may {may}, but not {may_not}."
    )


def _what_next(screen: Screen) -> None:
    screen.say("[bold]What next[/]")
    screen.show(
        (
            "DEMO=interactive make demo             the cluster stays up to play with",
            ".venv/bin/servicegraph render FOLDER   policies from your own files",
            "docs/spec.md                           all that a graph can say",
            "docs/demo.md                           what this demo did, and how it measured",
        )
    )
