"""The addresses of nodes where the profile has none: as the cluster tells them, and as they change."""

import msgspec
import pytest

from servicegraph.compiler.changes import Changes
from servicegraph.compiler.incremental import Compiler, compile_all
from servicegraph.compiler.inventory import everything
from servicegraph.model.graph import Graph
from servicegraph.model.problems import Code
from servicegraph.model.profile import Ranges
from tests.unit.compiler.cluster import PLAIN, Raw, World, app, endpoints, graph, service

PROFILE = msgspec.structs.replace(PLAIN, ranges=Ranges(pods=("10.244.0.0/16",), services=("10.96.0.0/16",)))
OUTSIDE = [service("shop/legacy", "https:443", {}), endpoints("shop/legacy", ["198.51.100.7"], "https:443")]
CALLS = {
    "internet": "services: [{name: web, calls: [{internet: true, ports: [443]}]}]",
    "a Service without selector": "services: [{name: web, calls: [{service: legacy}]}]",
}


def node(address: str) -> Raw:
    status = {"addresses": [{"type": "InternalIP", "address": address}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": address}, "status": status}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_they_are_inside_the_cluster(call: str) -> None:
    shop: list[Graph | Raw | list[Raw]] = [app("shop/web"), OUTSIDE, graph("shop/shop", call)]
    elsewhere = World(*shop, node("203.0.113.9"), profile=PROFILE)
    assert elsewhere.allows("shop/web", "198.51.100.7", 443)
    assert not World(*shop, node("198.51.100.7"), profile=PROFILE).allows("shop/web", "198.51.100.7", 443)
    unknown = World(*shop, profile=PROFILE)
    assert not unknown.allows("shop/web", "198.51.100.7", 443) and Code.PROFILE_INCOMPLETE in unknown.codes


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_node_that_joins_is_inside_too(call: str) -> None:
    world = World(app("shop/web"), *OUTSIDE, node("203.0.113.9"), graph("shop/shop", call), profile=PROFILE)
    compiler = Compiler(PROFILE)
    graphs = {found.key: found for found in world.graphs}
    compiler.update(msgspec.structs.replace(everything(world.cluster), graphs=graphs))
    addresses = ("198.51.100.7", "203.0.113.9")
    compiler.update(Changes(node_addresses=addresses))
    after = msgspec.structs.replace(world.cluster, node_addresses=addresses)
    assert compiler.compilation() == compile_all(world.graphs, after, PROFILE)
    assert compiler.compilation() != world.compilation
