"""A ClusterProfile for a cluster, from what it tells of itself, with what its owners should look at."""

from collections.abc import Mapping

import msgspec

from servicegraph.adopt.facts import Facts
from servicegraph.adopt.network import local_addresses, node_local
from servicegraph.model.addresses import single
from servicegraph.model.profile import APIServer, ClusterProfile, DNSService, Plugin


class Addresses(msgspec.Struct, frozen=True):
    """Addresses of nodes, and where the API server answers."""

    nodes: tuple[str, ...] = ()
    api_servers: tuple[str, ...] = ()
    api_port: int | None = None


Notes = Mapping[str, tuple[str, ...]]
"""What to say above each field of the profile."""


def profiled(found: ClusterProfile, facts: Facts, addresses: Addresses, plugin: Plugin | None) -> ClusterProfile:
    """The profile with all that was found. `found` is what the operator detects too."""
    dns, local = found.dns, node_local(facts)
    service = dns.service
    if facts.dns is not None:
        ports = tuple(f"{number}/{protocol}" for protocol, number in facts.dns.pod_ports)
        service = DNSService(*facts.dns.key, labels=dict(facts.dns.selector), ports=ports)
    extra = tuple(local_addresses(local)) if local else dns.addresses
    nodes = found.ranges.nodes or tuple(single(address) for address in addresses.nodes)
    server = APIServer(addresses.api_servers, addresses.api_port, found.api_server.webhook_sources)
    return msgspec.structs.replace(
        found,
        dns=msgspec.structs.replace(dns, service=service, addresses=extra),
        api_server=server,
        ranges=msgspec.structs.replace(found.ranges, nodes=nodes),
        engine=msgspec.structs.replace(found.engine, plugin=found.engine.plugin or plugin),
    )


def notes(found: ClusterProfile) -> Notes:
    """What to make sure of, by field."""
    said: dict[str, tuple[str, ...]] = {}
    if found.dns.service is None:
        said["dns"] = ("review: no Service that resolves names was found: write dns.service",)
    if not found.api_server.webhook_sources:
        why = "from where the API server calls webhooks no cluster tells: write webhookSources if it does"
        said["apiServer"] = (f"review: {why}",)
    missing = [name for name in ("pods", "services") if not getattr(found.ranges, name)]
    if missing:
        said["ranges"] = (f"review: the range of {' and '.join(missing)} was not found: write it",)
    if found.ranges.nodes:
        said["ranges"] = (
            *said.get("ranges", ()),
            "review: the nodes of today: write the network that nodes of tomorrow are in",
        )
    return said
