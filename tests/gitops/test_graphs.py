"""A team's graphs in git: commits become policies, and Argo CD shows what became of them."""

from tests.gitops.conftest import Team
from tests.integration.kube import Kube, Object
from tests.integration.look import policies, problems, status
from tests.integration.support import shop_pods
from tests.integration.world import SHOP, app, calls, graph
from tests.waiting import eventually
from tools.cluster.argocd import ArgoCD


def healthy_shop(team: Team) -> None:
    """The shop is there, committed and followed."""
    team.kube.apply(*app(team.namespace, *SHOP))
    team.application.wait(team.commit(graph(team.namespace, "shop", SHOP)), "Healthy")


def test_a_commit_becomes_policies(kube: Kube, team: Team) -> None:
    kube.apply(*app(team.namespace, *SHOP))
    pods = shop_pods(team.namespace)

    team.application.wait(team.commit(graph(team.namespace, "shop", SHOP)), "Healthy")
    assert pods.allows(kube) == {"frontend > search:8080", "search > database:8080"}

    team.application.wait(
        team.commit(graph(team.namespace, "shop", {**SHOP, "frontend": calls("search", "database")})), "Healthy"
    )
    assert "frontend > database:8080" in pods.allows(kube)


def test_a_broken_graph_says_in_argo_cd_what_is_wrong_with_it(kube: Kube, team: Team) -> None:
    healthy_shop(team)

    broken: Object = {"frontend": {"calls": [{"service": "search", "ports": [9999]}]}}
    team.application.wait(team.commit(graph(team.namespace, "shop", {**SHOP, **broken})), "Degraded")
    ((code, message),) = problems(kube, team.namespace).items()
    (path,) = (p["path"] for p in status(kube, team.namespace, "shop")["problems"] if p["code"] == code)
    assert team.application.health_of("ServiceGraph", "shop") == ("Degraded", f"{code} at {path}: {message}")

    team.application.wait(team.commit(graph(team.namespace, "shop", SHOP)), "Healthy")


def test_a_graph_that_the_api_server_refuses_fails_the_sync_and_changes_nothing(kube: Kube, team: Team) -> None:
    healthy_shop(team)
    before = policies(kube, team.namespace)

    refused: Object = {"frontend": {"calls": [{"service": "search", "party": "proxy"}]}}
    team.commit(graph(team.namespace, "shop", {**SHOP, **refused}))
    eventually(lambda: "exactly one of service" in team.application.operation.get("message", ""), "the sync fails")
    assert team.application.status["sync"]["status"] == "OutOfSync"
    assert policies(kube, team.namespace) == before
    assert status(kube, team.namespace, "shop")["conditions"]


def test_a_graph_that_is_removed_from_git_takes_its_policies_with_it(kube: Kube, team: Team) -> None:
    kube.apply(*app(team.namespace, *SHOP, "kiosk", "till"))
    shop, street = (
        graph(team.namespace, "shop", SHOP),
        graph(team.namespace, "street", {"kiosk": calls("till"), "till": {}}),
    )
    team.application.wait(team.commit(shop, street), "Healthy")
    assert policies(kube, team.namespace).keys() == {*SHOP, "kiosk", "till"}

    team.application.wait(team.commit(shop), "Healthy")
    assert kube.get("ServiceGraph", team.namespace, "street") is None
    eventually(lambda: policies(kube, team.namespace).keys() == {*SHOP}, "garbage collection")


def test_the_last_graph_is_not_pruned_unless_that_is_allowed(kube: Kube, team: Team, argo: ArgoCD) -> None:
    healthy_shop(team)
    before = policies(kube, team.namespace)
    team.commit()
    eventually(lambda: "wipe out all resources" in team.application.conditions.get("SyncError", ""), "Argo CD stops")
    assert policies(kube, team.namespace) == before

    spec = {"syncPolicy": {"automated": {"prune": True, "selfHeal": True, "allowEmpty": True}}}
    kube.patch("Application", "argocd", team.application.name, {"spec": spec})
    eventually(lambda: kube.get("ServiceGraph", team.namespace, "shop") is None, "the graph goes")
    eventually(lambda: not policies(kube, team.namespace), "its policies go")
