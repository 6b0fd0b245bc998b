"""Does the network of a cluster do what policies say: its plugin, its DNS?"""

import re

from servicegraph.adopt.check import Check, ok, unseen, warning
from servicegraph.adopt.enforcement import enforcement
from servicegraph.adopt.facts import DaemonSet, Facts
from servicegraph.model.profile import DNSService

NODE_LOCAL = "node-local-dns"
_CILIUM = "cilium"
_CILIUM_RANGES = (1, 16)
"""The first Cilium that opens a whole range of ports: https://docs.cilium.io/en/v1.16/operations/upgrade/."""


def enforced(facts: Facts) -> Check:
    """Something enforces policies, on every node."""
    name = "Enforcement"
    if facts.daemon_sets is None:
        return unseen(name, "list", "daemonsets.apps in all namespaces")
    found = enforcement(daemon_set.key for daemon_set in facts.daemon_sets)
    if found.doubt:
        return warning(name, found.doubt)
    agents = [daemon_set for daemon_set in facts.daemon_sets if str(daemon_set.key) in found.agents]
    if missing := [agent for agent in agents if agent.ready < agent.desired or not agent.desired]:
        counts = ", ".join(f"{agent.key} is ready on {agent.ready} of {agent.desired} nodes" for agent in missing)
        return warning(name, f"{counts}: elsewhere policies may have no effect")
    return ok(name, ", ".join(found.agents))


def ranges(facts: Facts) -> Check:
    """The plugin opens ranges of ports whole, where graphs have some."""
    name = "Port ranges"
    if not facts.ranges:
        return ok(name, "no graph uses any")
    for agent in facts.daemon_sets or ():
        version = _cilium_version(agent)
        if version is not None and version < _CILIUM_RANGES:
            said = ".".join(map(str, version))
            which = ", ".join(facts.ranges)
            return warning(name, f"Cilium {said} opens only the first port of a range: list the ports in {which}")
    return ok(name, "the network plugin opens them whole, as far as its version is known")


def dns(facts: Facts) -> Check:
    """The Service that services may ask for names is there, with pods, and is the one that the profile tells."""
    name, found = "DNS", facts.dns
    if "dns" in facts.hidden:
        return unseen(name, "get", "services in kube-system")
    if found is None:
        advice = "write dns.service in the ClusterProfile (docs/cluster-profile.md)"
        return warning(name, f"no Service that resolves names is where distributions have it: {advice}")
    told = facts.profile.dns.service if facts.profile else None
    if told is not None and (differs := _differs(told, facts)):
        return warning(name, f"{differs}: correct dns.service in the operator's ClusterProfile")
    if {protocol for protocol, _ in found.ports} < {"TCP", "UDP"}:
        return warning(name, f"the Service {found.key} has no port for both UDP and TCP: names may not be resolved")
    if not found.ready:
        return warning(name, f"the Service {found.key} has no ready pod: names are not resolved")
    if (local := node_local(facts)) and not (facts.profile and facts.profile.dns.addresses):
        addresses = ", ".join(local_addresses(local)) or "169.254.20.10"
        advice = f"write dns.addresses: [{addresses}] in the ClusterProfile, else pods that ask it fail"
        return warning(name, f"NodeLocal DNSCache runs: {advice}")
    ports = ", ".join(f"{number}/{protocol}" for protocol, number in found.pod_ports)
    return ok(name, f"{found.key}, ports {ports} of its pods")


def autopath(facts: Facts) -> Check:
    """CoreDNS does not rewrite the names that fqdn entries are matched with."""
    name = "CoreDNS autopath"
    if facts.names and re.search(r"^\s*autopath\b", facts.corefile, re.MULTILINE):
        which = ", ".join(facts.names)
        advice = "take autopath out of the Corefile, or write names with a dot at the end in the application"
        return warning(name, f"it answers other names than those that fqdn in {which} is matched with: {advice}")
    return ok(name, "it is off, or no graph uses fqdn")


def local_addresses(local: DaemonSet) -> list[str]:
    """What NodeLocal DNSCache listens on, link-local first, as its arguments say."""
    words = list(local.words)
    at = [index + 1 for index, word in enumerate(words) if word == "-localip" and index + 1 < len(words)]
    return [address.strip() for index in at for address in words[index].split(",") if address.startswith("169.254.")]


def node_local(facts: Facts) -> DaemonSet | None:
    """NodeLocal DNSCache, where it runs."""
    return next((d for d in facts.daemon_sets or () if d.key.name == NODE_LOCAL and d.ready), None)


def _differs(told: DNSService, facts: Facts) -> str:
    """How the Service differs from what the profile tells."""
    found = facts.dns
    if found is None:
        return ""
    if (told.namespace, told.name) != found.key:
        return f"the profile names {told.namespace}/{told.name}, and DNS is {found.key}"
    if told.labels and not set(told.labels.items()) >= set(found.selector):
        labels = ", ".join(f"{key}={value}" for key, value in found.selector)
        return f"the pods of {found.key} have the labels {labels}, which the profile does not tell"
    return ""


def _cilium_version(agent: DaemonSet) -> tuple[int, int] | None:
    if agent.key.name != _CILIUM:
        return None
    found = (re.match(r"v?(\d+)\.(\d+)", tag) for tag in agent.tags)
    return next(((int(match[1]), int(match[2])) for match in found if match), None)
