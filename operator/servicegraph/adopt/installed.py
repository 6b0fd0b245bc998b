"""Is ServiceGraph itself well here: its API, its permissions, the operator and its leader?"""

import re
from collections.abc import Iterable

from servicegraph.adopt import crd
from servicegraph.adopt.check import Check, error, ok, unseen, warning
from servicegraph.adopt.facts import Facts
from servicegraph.model.resource import API_VERSION

_MOST = 5
_VERSION = re.compile(r"v?\d+\.\d+\.\d+.*")


def api(facts: Facts) -> Check:
    """The custom resource is there, and of this version."""
    name, advice = "ServiceGraph API", "kubectl apply --server-side -k config/crd"
    if not facts.serves_graphs:
        return error(name, f"{API_VERSION} is not served: {advice}")
    if facts.crd_fields is None:
        return ok(name, API_VERSION)
    if lacking := sorted(crd.known() - facts.crd_fields):
        return error(name, f"{API_VERSION} is an older one, without {_listed(lacking)}: {advice}")
    if unknown := sorted(facts.crd_fields - crd.known()):
        return warning(name, f"{API_VERSION} is a newer one, with {_listed(unknown)}: update this program")
    return ok(name, API_VERSION)


def permissions(facts: Facts) -> Check:
    """The operator's ServiceAccount may do what the operator does."""
    name, denied = "Operator's permissions", facts.denied
    if denied is None:
        return unseen(name, "create", "subjectaccessreviews.authorization.k8s.io")
    if denied:
        return error(name, f"ServiceAccount {facts.account} may not {_listed(map(str, denied))}: apply config/rbac")
    return ok(name, f"ServiceAccount {facts.account} may do all that the operator needs")


def operator(facts: Facts) -> Check:
    """The operator runs, in this version."""
    name, found, home = "Operator", facts.operator, facts.account.partition("/")[0]
    if "operator" in facts.hidden:
        return unseen(name, "get", f"deployments.apps in {home}")
    if found is None:
        return warning(name, f"it does not run in {home}, so nobody writes policies: docs/install.md")
    if found.ready < found.desired or not found.desired:
        why = f"kubectl -n {home} describe pods -l app.kubernetes.io/name=servicegraph-operator says why"
        return warning(name, f"{found.ready} of {found.desired} replicas are ready: {why}")
    if _VERSION.fullmatch(found.tag) and found.tag.lstrip("v") != facts.own_version:
        return warning(name, f"it is version {found.tag} and this program {facts.own_version}: update the older one")
    return ok(name, f"{found.ready} replicas are ready")


def leader(facts: Facts) -> Check:
    """Somebody leads, and renews the lease."""
    name, lease, home = "Leader", facts.lease, facts.account.partition("/")[0]
    if "lease" in facts.hidden:
        return unseen(name, "get", f"leases.coordination.k8s.io in {home}")
    if facts.operator is None:
        return ok(name, "none is needed where no operator runs")
    logs = f"kubectl -n {home} logs -l app.kubernetes.io/name=servicegraph-operator"
    if lease is None or not lease.holder:
        return warning(name, f"nobody leads, so nobody writes: {logs} says why")
    if lease.age > 2 * lease.duration:
        return warning(name, f"{lease.holder} has not renewed its lease for {lease.age:.0f} s, nobody writes: {logs}")
    return ok(name, f"{lease.holder} writes")


def _listed(found: Iterable[str]) -> str:
    names = list(found)
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
