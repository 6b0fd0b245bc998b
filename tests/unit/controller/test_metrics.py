"""What Prometheus is told."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from servicegraph.controller.metrics import Metrics, result_of
from servicegraph.sources.api import ApiError


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_what_is_counted_is_exposed() -> None:
    metrics = Metrics()
    metrics.writes.labels("networkpolicies", "apply", "ok").inc(3)
    metrics.edges.labels("Active").set(7)
    metrics.label_change.observe(0.04)
    metrics.leader.set(1)
    found = samples(metrics)
    written = (("resource", "networkpolicies"), ("result", "ok"), ("verb", "apply"))
    assert found["servicegraph_writes_total", written] == 3
    assert found["servicegraph_edges", (("state", "Active"),)] == 7
    assert found["servicegraph_leader", ()] == 1
    assert found["servicegraph_label_change_to_policy_seconds_bucket", (("le", "0.05"),)] == 1
    assert found["servicegraph_label_change_to_policy_seconds_bucket", (("le", "0.025"),)] == 0


def test_staleness_is_read_when_it_is_asked_for() -> None:
    metrics = Metrics()
    ages = {"services": 1.0}
    metrics.watch_staleness(lambda: ages)
    ages["services"], ages["namespaces"] = 2.5, 0.5
    found = samples(metrics)
    assert found["servicegraph_cache_staleness_seconds", (("kind", "services"),)] == 2.5
    assert found["servicegraph_cache_staleness_seconds", (("kind", "namespaces"),)] == 0.5


def test_two_in_one_process_are_two() -> None:
    one, other = Metrics(), Metrics()
    one.policies.set(5)
    assert samples(one)["servicegraph_policies", ()] == 5
    assert samples(other)["servicegraph_policies", ()] == 0


def test_all_names_are_ours_and_explained() -> None:
    for family in text_string_to_metric_families(Metrics().exposition().decode()):
        assert family.name.startswith("servicegraph_")
        assert family.documentation.endswith(".")


@pytest.mark.parametrize(
    ("status", "message", "result"),
    [
        (0, "no answer in 10 s", "0"),
        (403, 'networkpolicies is forbidden: User "operator" cannot create resource', "403"),
        (403, "unable to create new content in namespace shop because it is being terminated", "ending"),
        (404, 'namespaces "shop" not found', "ending"),
        (404, 'networkpolicies "sg-search" not found', "404"),
    ],
)
def test_a_namespace_that_is_being_deleted_is_told_from_a_missing_permission(
    status: int, message: str, result: str
) -> None:
    assert result_of(ApiError(status, "", message)) == result
