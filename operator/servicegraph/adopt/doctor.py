"""Is this cluster ready for ServiceGraph? What was found there, and what it means."""

import re
from enum import StrEnum

import msgspec

from servicegraph.adopt.enforcement import enforcement
from servicegraph.adopt.permissions import Permission
from servicegraph.model.refs import WorkloadKey
from servicegraph.model.resource import API_VERSION

OLDEST = (1, 29)
"""The first Kubernetes whose CRDs have every CEL function that ours uses."""

_MOST = 5


class Result(StrEnum):
    """What a check came to."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    result: Result
    message: str


class DaemonSet(msgspec.Struct, frozen=True):
    """A DaemonSet, with how many pods it should have and how many are ready."""

    key: WorkloadKey
    desired: int
    ready: int


class Facts(msgspec.Struct, frozen=True):
    """What a cluster told. None stands for what it does not tell this user.

    `version` as in v1.36.3; `serves_graphs` whether it knows the ServiceGraph; `account` the operator's
    ServiceAccount as namespace/name, and `denied` what it may not do.
    """

    version: str
    serves_graphs: bool
    daemon_sets: tuple[DaemonSet, ...] | None
    account: str
    denied: tuple[Permission, ...] | None


def diagnose(facts: Facts) -> tuple[Check, ...]:
    """Every check, in the order in which to mend what is wrong."""
    return (_version(facts.version), _api(facts.serves_graphs), _permissions(facts), _enforced(facts.daemon_sets))


def _version(version: str) -> Check:
    name = "Kubernetes"
    parts = re.match(r"v?(\d+)\.(\d+)", version)
    oldest = ".".join(map(str, OLDEST))
    if parts is None:
        return Check(name, Result.WARNING, f"the API server calls its version {version!r}; {oldest} or newer is needed")
    if (int(parts[1]), int(parts[2])) < OLDEST:
        return Check(name, Result.ERROR, f"{version} is too old: ServiceGraph needs {oldest} or newer")
    return Check(name, Result.OK, version)


def _api(served: bool) -> Check:
    name = "ServiceGraph API"
    if served:
        return Check(name, Result.OK, API_VERSION)
    return Check(name, Result.ERROR, f"{API_VERSION} is not served: kubectl apply --server-side -k config/crd")


def _permissions(facts: Facts) -> Check:
    name, denied = "Operator's permissions", facts.denied
    if denied is None:
        return Check(name, Result.WARNING, "not known: you may not create subjectaccessreviews.authorization.k8s.io")
    if not denied:
        return Check(name, Result.OK, f"ServiceAccount {facts.account} may do all that the operator needs")
    listed = ", ".join(map(str, denied[:_MOST])) + (f" and {len(denied) - _MOST} more" if len(denied) > _MOST else "")
    return Check(name, Result.ERROR, f"ServiceAccount {facts.account} may not {listed}: apply config/rbac")


def _enforced(daemon_sets: tuple[DaemonSet, ...] | None) -> Check:
    name = "Enforcement"
    if daemon_sets is None:
        return Check(name, Result.WARNING, "not known: you may not list daemonsets.apps in all namespaces")
    found = enforcement(daemon_set.key for daemon_set in daemon_sets)
    if found.doubt:
        return Check(name, Result.WARNING, found.doubt)
    agents = [daemon_set for daemon_set in daemon_sets if str(daemon_set.key) in found.agents]
    if missing := [agent for agent in agents if agent.ready < agent.desired or not agent.desired]:
        counts = ", ".join(f"{agent.key} is ready on {agent.ready} of {agent.desired} nodes" for agent in missing)
        return Check(name, Result.WARNING, f"{counts}: elsewhere policies may have no effect")
    return Check(name, Result.OK, ", ".join(found.agents))
