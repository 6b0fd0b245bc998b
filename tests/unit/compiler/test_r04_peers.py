"""R4: a peer of the same namespace is a podSelector; one of another has its namespace in the same peer."""

from tests.support.verdict import Pod
from tests.unit.compiler.cluster import World, app, graph, namespace, workload

SPEC = "services: [{name: web, calls: [{service: api}, {service: ledger, namespace: payments}]}, {name: api}]"


def test_peers_name_pods_alone_or_pods_and_namespace_together() -> None:
    world = World(app("shop/web"), app("shop/api"), app("payments/ledger"), graph("shop/shop", SPEC))
    (web,) = [m for m in world.manifests.values() if m["metadata"]["labels"]["servicegraph.dev/service"] == "web"]
    (rule,) = web["spec"]["egress"]
    assert rule["to"] == [
        {"podSelector": {"matchLabels": {"app": "api"}}},
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "payments"}},
            "podSelector": {"matchLabels": {"app": "ledger"}},
        },
    ]


def test_a_pod_with_the_same_labels_elsewhere_is_no_peer() -> None:
    world = World(app("shop/web"), app("shop/api"), graph("shop/shop", SPEC))
    assert world.allows("shop/web", "shop/api", 8080)
    assert not world.allows("shop/web", Pod("other", {"app": "api"}), 8080)
    assert not world.allows(Pod("other", {"app": "web"}), "shop/api", 8080)


def test_pods_by_label_in_their_two_forms() -> None:
    spec = """
    services:
      - name: web
        accepts:
          - {pods: {namespace: backup, labels: {app: agent}}, ports: [9000]}
          - {pods: {labels: {app: debug}}, ports: [9001]}
          - pods:
              namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [sandbox]}]}
              podSelector: {matchLabels: {app: probe}}
            ports: [9002]
    """
    world = World(
        app("shop/web"), namespace("lab", team="sandbox"), namespace("ops", team="ops"), graph("shop/shop", spec)
    )
    assert world.allows(Pod("backup", {"app": "agent"}), "shop/web", 9000)
    assert not world.allows(Pod("shop", {"app": "agent"}), "shop/web", 9000)
    assert world.allows(Pod("shop", {"app": "debug"}), "shop/web", 9001)
    assert not world.allows(Pod("backup", {"app": "debug"}), "shop/web", 9001)
    assert world.allows(Pod("ops", {"app": "probe"}), "shop/web", 9002)
    assert not world.allows(Pod("lab", {"app": "probe"}), "shop/web", 9002)


def test_a_named_port_of_pods_by_label_is_looked_up_in_the_workloads_there() -> None:
    spec = "services: [{name: web, calls: [{pods: {namespace: backup, labels: {app: agent}}, ports: [rpc]}]}]"
    world = World(app("shop/web"), workload("backup/agent", "rpc:9000"), graph("shop/shop", spec))
    assert world.callees("shop/web") == {"backup/agent 9000"}
    nothing = World(app("shop/web"), graph("shop/shop", spec))
    assert nothing.edges() == {
        "shop/web -> pods app=agent in namespaces kubernetes.io/metadata.name=backup rpc Unresolved"
    }
