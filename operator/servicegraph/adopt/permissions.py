"""What the operator must be permitted to do, as config/rbac grants it and docs/permissions.md explains it."""

from collections.abc import Iterator

import msgspec

from servicegraph.verify import unmodelled

_READ = ("get", "list", "watch")


class Permission(msgspec.Struct, frozen=True):
    """One verb on one resource. `subresource` is '' for none; in the `own` namespace of the operator, else wherever
    it serves; `cluster` resources are in no namespace, so that no Role can grant them.
    """

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""
    own: bool = False
    cluster: bool = False

    def __str__(self) -> str:
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {resource}{'/' if self.subresource else ''}{self.subresource}"


def _each(verbs: tuple[str, ...], group: str, *resources: str, cluster: bool = False) -> Iterator[Permission]:
    for resource in resources:
        for verb in verbs:
            yield Permission(verb, resource, group, cluster=cluster)


NEEDED = (
    *_each(_READ, "servicegraph.dev", "servicegraphs"),
    *_each(_READ, "", "services"),
    *_each(_READ, "discovery.k8s.io", "endpointslices"),
    *_each(_READ, "apps", "deployments", "statefulsets", "daemonsets", "replicasets"),
    *_each(_READ, "batch", "jobs", "cronjobs"),
    Permission("get", "*", "*", "scale"),
    Permission("list", "pods"),
    *_each((*_READ, "create", "patch", "delete"), "networking.k8s.io", "networkpolicies"),
    Permission("patch", "servicegraphs", "servicegraph.dev", "status"),
    Permission("create", "events", "events.k8s.io"),
    *_each(_READ, "", "namespaces", "nodes", cluster=True),
    *_each(_READ, "networking.k8s.io", "servicecidrs", cluster=True),
    *_each(("get", "watch", "create", "patch", "delete"), "cilium.io", "ciliumnetworkpolicies"),
    *(Permission("list", kind.plural, kind.group, cluster=not kind.namespaced) for kind in unmodelled.KINDS),
    Permission("create", "leases", "coordination.k8s.io", own=True),
)
