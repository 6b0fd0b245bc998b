"""What the operator tells Prometheus. Each process that needs it makes one; nothing here is global."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from servicegraph.sources.api import ApiError

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics, by their Prometheus names less the prefix `servicegraph_`. Times are in seconds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconcile = self._histogram("reconcile_seconds", "Compiling a batch of changes and writing what differs.")
        self.compile = self._histogram("compile_seconds", "Compiling a batch of changes.")
        self.label_change = self._histogram(
            "label_change_to_policy_seconds",
            "From a change of labels or ports seen to the last policy it needs accepted.",
        )
        self.writes = self._counter("writes_total", "Writes to the API server.", "resource", "verb", "result")
        self.api_errors = self._counter(
            "api_errors_total",
            "Requests that failed, by HTTP status, 0 for no answer, ending for a namespace being deleted.",
            "status",
        )
        self.graphs = self._gauge("graphs", "ServiceGraphs by the status of each condition.", "condition", "status")
        self.policies = self._gauge("policies", "Policies that should exist.")
        self.edges = self._gauge("edges", "Calls by state.", "state")
        self.problems = self._gauge("problems", "Problems by severity.", "severity")
        self.draining = self._gauge("draining_terms", "Former selectors that pods still need.")
        self.queue = self._gauge("queue_depth", "Keys that wait to be reconciled.")
        self.leader = self._gauge("leader", "1 on the replica that writes.")

    def watch_staleness(self, read: Callable[[], Mapping[str, float]]) -> None:
        """Report, whenever asked, the seconds since each cache was last known to be current; `read` gives them."""
        self.registry.register(_Staleness(read))

    def exposition(self) -> bytes:
        """All of them in the text format."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, about: str) -> Histogram:
        return Histogram(f"servicegraph_{name}", about, registry=self.registry, buckets=_FAST)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"servicegraph_{name}", about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"servicegraph_{name}", about, labels, registry=self.registry)


def result_of(error: ApiError) -> str:
    """A request that failed, in a label: its HTTP status, 0 for no answer, `ending` for a namespace being deleted."""
    return "ending" if error.is_namespace_ending else str(error.status)


class _Staleness(Collector):
    def __init__(self, read: Callable[[], Mapping[str, float]]) -> None:
        self._read = read

    def collect(self) -> list[GaugeMetricFamily]:
        about = "Since the API server last said that the copy of a kind is current."
        family = GaugeMetricFamily("servicegraph_cache_staleness_seconds", about, labels=["kind"])
        for kind, seconds in sorted(self._read().items()):
            family.add_metric([kind], seconds)
        return [family]
