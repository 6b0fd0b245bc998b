"""A graph for every party of the vocabulary that a cluster has by itself, in both directions.

`caller`, `callee` and `bystander` are services of the graph; `plain` is a pod without a graph, `ops/agent` and
`ops/other` are pods of another namespace.
"""

from tests.e2e.scenarios import Scenario

SCENARIOS = (
    Scenario(
        "service",
        """
        services:
          - {name: caller, calls: [{service: callee}]}
          - {name: callee}
          - {name: bystander}
        """,
        ("caller > callee: 8080", "caller > dns"),
    ),
    Scenario(
        "service, its own replicas",
        "services: [{name: caller, calls: [{service: caller}]}, {name: bystander}]",
        ("caller > caller: 8080", "caller > dns"),
    ),
    Scenario(
        "service that no graph declares",
        """
        services:
          - {name: caller, calls: [{service: plain}]}
          - {name: callee, accepts: [{service: plain}]}
        """,
        ("caller > plain: 8080", "plain > callee: 8080", "caller > dns"),
    ),
    Scenario(
        "service of another namespace",
        """
        services:
          - {name: caller, calls: [{service: agent, namespace: ops}]}
          - {name: callee, accepts: [{service: agent, namespace: ops, ports: [80]}]}
        """,
        ("caller > ops/agent: 8080", "ops/agent > callee: 8080", "caller > dns"),
    ),
    Scenario(
        "pods by label",
        """
        services:
          - {name: caller, calls: [{pods: {labels: {app: plain}}, ports: [metrics]}]}
          - {name: callee, accepts: [{pods: {labels: {app: plain}}, ports: [metrics]}]}
        """,
        ("caller > plain: 9090", "plain > callee: 9090", "caller > dns"),
    ),
    Scenario(
        "pods by namespace and label",
        """
        services:
          - {name: caller, calls: [{pods: {namespace: ops, labels: {app: agent}}, ports: [8080/UDP]}]}
          - {name: callee, accepts: [{pods: {namespace: ops, labels: {app: agent}}, ports: [9090/UDP, http]}]}
        """,
        ("caller > ops/agent: 8080/UDP", "ops/agent > callee: 9090/UDP, 8080", "caller > dns"),
    ),
    Scenario(
        "pods by selectors",
        """
        services:
          - name: caller
            calls:
              - pods:
                  namespaceSelector: {matchExpressions: [{key: team, operator: Exists}]}
                  podSelector: {matchExpressions: [{key: tier, operator: In, values: [web, api]}]}
                ports: [8080]
          - name: callee
            accepts:
              - pods:
                  namespaceSelector: {matchLabels: {team: platform}}
                  podSelector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}
                ports: [9090]
        """,
        ("caller > ops/agent: 8080", "ops/other > callee: 9090", "caller > dns"),
    ),
    Scenario(
        "anywhere",
        "services: [{name: callee, accepts: [{anywhere: true, ports: [http, 9090/UDP]}]}, {name: bystander}]",
        ("others > callee: 8080, 9090/UDP",),
    ),
    Scenario(
        "defaults for every service, without the one that lacks the port",
        """
        defaults: {accepts: [{pods: {namespace: ops, labels: {app: agent}}, ports: [talk]}]}
        services: [{name: caller}, {name: callee}]
        """,
        ("ops/agent > callee: 5353/UDP",),
    ),
    Scenario(
        "a namespace closed to all",
        "{isolation: Namespace, services: [{name: callee, accepts: [{service: agent, namespace: ops}]}]}",
        ("ops/agent > callee: 8080",),
    ),
    Scenario(
        "a namespace closed to all but a service that is Off",
        "{isolation: Namespace, services: [{name: callee, mode: 'Off'}]}",
        ("callee, others > callee, others",),
    ),
    Scenario(
        "one direction",
        """
        directions: [Ingress]
        services:
          - {name: caller, calls: [{service: callee}]}
          - {name: callee, directions: [Egress]}
        """,
        ("caller > others, callee", "others > callee"),
    ),
)
