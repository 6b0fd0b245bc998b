"""MatchesNothing: selectors that no pod matches."""

from servicegraph.model.graph import Graph
from servicegraph.model.problems import Code
from tests.unit.answers.lint.found import find, message, places
from tests.unit.compiler.cluster import Raw, app, graph, namespace, service, workload

TOWN = [*app("shop/search"), *app("shop/database", "5432")]


def nothing(*parts: Graph | Raw | list[Raw], complete: bool = False) -> list[str]:
    return places(Code.MATCHES_NOTHING, *parts, complete=complete)


def of_pods(pods: str) -> Graph:
    return graph("shop/shop", f"{{services: [{{name: search, accepts: [{{pods: {pods}, ports: [80]}}]}}]}}")


def test_a_party_of_the_own_namespace_and_the_nearest_workload() -> None:
    told = message(find(TOWN, of_pods("{labels: {app: databse}}")))
    assert "app=databse" in told
    assert "the nearest is Deployment shop/" in told
    assert nothing(TOWN, of_pods("{labels: {app: database}}")) == []


def test_labels_that_controllers_add_to_pods_are_in_no_template() -> None:
    assert nothing(TOWN, of_pods("{labels: {app: database, statefulset.kubernetes.io/pod-name: database-0}}")) == []
    found = nothing(TOWN, of_pods("{labels: {app: gone, statefulset.kubernetes.io/pod-name: database-0}}"))
    assert found == [".spec.services[0].accepts[0]"]


def test_nobody_judges_a_namespace_of_which_no_workload_is_known() -> None:
    shop = [service("shop/search", "80")]
    assert nothing(shop, of_pods("{labels: {app: gone}}")) == []
    assert nothing(TOWN, of_pods("{namespace: elsewhere, labels: {app: gone}}")) == []
    town = [*TOWN, workload("elsewhere/here")]
    assert nothing(town, of_pods("{namespace: elsewhere, labels: {app: gone}}")) == [".spec.services[0].accepts[0]"]


def test_of_a_whole_cluster_what_is_missing_does_not_exist() -> None:
    town = [*TOWN, namespace("shop"), namespace("data", team="dba"), workload("data/agent")]
    by_team = "{{namespaceSelector: {{matchLabels: {{team: {}}}}}, podSelector: {{matchLabels: {{app: {}}}}}}}"
    for pods in (
        "{namespace: elsewhere, labels: {app: agent}}",
        by_team.format("nobody", "agent"),
        by_team.format("dba", "gone"),
    ):
        assert nothing(town, of_pods(pods), complete=True) == [".spec.services[0].accepts[0]"], pods
        assert nothing(town, of_pods(pods)) == [], pods
    assert nothing(town, of_pods(by_team.format("dba", "agent")), complete=True) == []


def test_a_selector_that_contradicts_itself() -> None:
    pods = "{{podSelector: {{matchLabels: {{app: database}}, matchExpressions: [{{key: app, operator: {}}}]}}}}"
    assert "contradicts itself" in message(find(TOWN, of_pods(pods.format("DoesNotExist"))))
    assert nothing(TOWN, of_pods(pods.format("Exists"))) == []


def test_the_pods_of_a_service() -> None:
    spec = "{{services: [{{name: search, selects: [{{labels: {{app: {}}}}}]}}]}}"
    assert nothing(TOWN, graph("shop/shop", spec.format("serach"))) == [".spec.services[0]"]
    assert nothing(TOWN, graph("shop/shop", spec.format("search"))) == []


def test_a_service_whose_own_selector_is_wrong() -> None:
    wrong = [service("shop/search", "80", selector={"app": "searcher"}), workload("shop/search")]
    right = [service("shop/search", "80"), workload("shop/search")]
    shop = graph("shop/shop", "{services: [{name: search}]}")
    assert nothing(wrong, shop) == [".spec.services[0]"]
    assert nothing(right, shop) == []


def test_pods_in_the_host_s_network_match_though_no_policy_isolates_them() -> None:
    town = [*app("shop/search"), workload("shop/exporter", "9100", kind="DaemonSet", hostNetwork=True)]
    assert nothing(town, of_pods("{labels: {app: exporter}}")) == []
