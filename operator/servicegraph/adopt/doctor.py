"""Is this cluster ready for ServiceGraph? What was found there, and what it means."""

import re

from servicegraph.adopt import installed, network
from servicegraph.adopt.check import Check, error, ok, warning
from servicegraph.adopt.facts import Facts

OLDEST = (1, 29)
"""The first Kubernetes whose CRDs have every CEL function that ours uses."""

NEWEST = (1, 36)
"""The newest one that is tested."""


def diagnose(facts: Facts) -> tuple[Check, ...]:
    """Every check, in the order in which to mend what is wrong."""
    return (
        _version(facts.version),
        installed.api(facts),
        installed.permissions(facts),
        installed.operator(facts),
        installed.leader(facts),
        network.enforced(facts),
        network.ranges(facts),
        network.dns(facts),
        network.autopath(facts),
    )


def _version(version: str) -> Check:
    name = "Kubernetes"
    parts = re.match(r"v?(\d+)\.(\d+)", version)
    oldest = ".".join(map(str, OLDEST))
    if parts is None:
        return warning(name, f"the API server calls its version {version!r}; {oldest} or newer is needed")
    found = (int(parts[1]), int(parts[2]))
    if found < OLDEST:
        return error(name, f"{version} is too old: ServiceGraph needs {oldest} or newer")
    if found > NEWEST:
        return ok(name, f"{version}, newer than {'.'.join(map(str, NEWEST))}, the newest that is tested")
    return ok(name, version)
