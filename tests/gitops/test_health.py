"""What Argo CD shows for graphs in every state, with the Lua of config/argocd and statuses that the operator wrote."""

from tests.gitops.conftest import Team
from tests.integration.kube import Kube, Object
from tests.integration.look import condition
from tests.integration.operators import Operator, down
from tests.integration.world import SHOP, app, calls, graph
from tests.waiting import eventually

WRONG: Object = {"cidr": "10.20.1.0/16", "ports": [443]}
"""What the API server takes, and the parser does not: an address with host bits."""


def opened(namespace: str, name: str) -> Object:
    """A policy of somebody else that lets anything reach a service."""
    spec = {"podSelector": {"matchLabels": {"app": name}}, "policyTypes": ["Ingress"], "ingress": [{}]}
    metadata = {"name": "allow-all", "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def health(team: Team, *names: str) -> dict[str, str]:
    return {name: team.application.health_of("ServiceGraph", name)[0] for name in names}


def test_every_state_of_a_graph_has_its_health(kube: Kube, team: Team, neighbour: str) -> None:
    ns = team.namespace
    kube.apply(*app(neighbour, "ledger"), graph(neighbour, "ledger", {"ledger": {}}))
    kube.apply(*app(ns, *SHOP, "press", "vault", "clerk", "stray", "odd", "lamp"), opened(ns, "vault"))
    awaiting = {"clerk": {"calls": [{"service": "ledger", "namespace": neighbour}]}}
    revision = team.commit(
        graph(ns, "exact", SHOP),
        graph(ns, "dry", {"press": {}}, mode="DryRun"),
        graph(ns, "awaiting", awaiting),
        graph(ns, "off", {"lamp": {}}, mode="Off"),
        graph(ns, "inexact", {"vault": {}}),
        graph(ns, "unresolved", {"stray": calls("nobody")}),
        graph(ns, "invalid", {"odd": {"calls": [WRONG]}}),
    )
    expected = {
        "exact": "Healthy",
        "dry": "Healthy",
        "awaiting": "Healthy",
        "off": "Suspended",
        "inexact": "Degraded",
        "unresolved": "Degraded",
        "invalid": "Degraded",
    }
    eventually(lambda: health(team, *expected) == expected, "each has its health")
    team.application.wait(revision, "Degraded")

    def message(name: str) -> str:
        return team.application.health_of("ServiceGraph", name)[1]

    def said(name: str, kind: str) -> str:
        return condition(kube, ns, name, kind, "message") or "nothing"

    eventually(lambda: message("exact").startswith(said("exact", "Ready")))
    eventually(lambda: message("dry").startswith(f"DryRun: {said('dry', 'Ready')}"))
    eventually(lambda: said("awaiting", "EdgesResolved") in message("awaiting"))
    eventually(lambda: message("off") == said("off", "Ready"))
    eventually(lambda: message("inexact") == f"Inexact: {said('inexact', 'Verified')}")
    eventually(lambda: f"{ns}/allow-all" in message("inexact"))
    eventually(lambda: "nobody" in message("unresolved"))
    eventually(lambda: message("invalid") == f"Invalid: {said('invalid', 'Stalled')}")


def test_a_graph_that_the_operator_has_not_looked_at_is_progressing(kube: Kube, team: Team, operator: Operator) -> None:
    ns = team.namespace
    kube.apply(*app(ns, *SHOP, "kiosk"))
    team.application.wait(team.commit(graph(ns, "shop", SHOP)), "Healthy")
    with down(operator):
        revision = team.commit(graph(ns, "shop", {"frontend": {}, "search": {}}), graph(ns, "new", {"kiosk": {}}))
        team.application.wait(revision, "Progressing")
        assert team.application.health_of("ServiceGraph", "shop") == (
            "Progressing",
            "the operator has not looked at this version of the graph yet",
        )
        assert team.application.health_of("ServiceGraph", "new") == (
            "Progressing",
            "no operator has looked at this graph yet: does one run, and serve this namespace?",
        )
    team.application.wait(revision, "Healthy")
