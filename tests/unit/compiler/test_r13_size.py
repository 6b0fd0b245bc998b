"""R13: a policy stays under 256 KiB; what is spread over several objects stays put when one peer changes."""

import json
from typing import Any

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.model.policy import Direction
from servicegraph.model.problems import Code
from servicegraph.model.profile import ClusterProfile, Engine
from tests.support.verdict import Pod
from tests.unit.compiler.cluster import PLAIN, World, graph, service, workload

LIMIT = 256 * 1024
MANY = {i: f"caller-{i:050}" for i in range(1500)}


def hub(callers: dict[int, str], ports: int = 1, profile: ClusterProfile = PLAIN) -> World:
    """A hub that accepts pods of many teams, by number and label; with more ports, each team at its own."""
    accepts = [
        {
            "pods": {"namespace": f"team-{team}", "labels": {"app": label}},
            "ports": [8000] if ports == 1 else [1024 + (team * ports + i) % 60000 for i in range(ports)],
        }
        for team, label in callers.items()
    ]
    declared = graph("shop/shop", {"services": [{"name": "hub", "accepts": accepts}]})
    return World(service("shop/hub", "80>8080"), workload("shop/hub"), declared, profile=profile)


def sizes(world: World) -> list[int]:
    return [len(json.dumps(made)) for made in world.manifests.values()]


def specs(world: World) -> dict[str, Any]:
    return {name: made["spec"] for name, made in world.manifests.items()}


def test_many_peers_are_spread_over_objects_that_each_fit() -> None:
    world = hub(MANY)
    assert len(world.manifests) > 1
    assert all(size < LIMIT for size in sizes(world))
    for team in (0, 1, 700, 1499):
        assert world.allows(Pod(f"team-{team}", {"app": MANY[team]}), "shop/hub", 8000)
        assert not world.allows(Pod(f"team-{team}", {"app": MANY[3]}), "shop/hub", 8000)


def test_ports_count_too() -> None:
    world = hub({i: f"caller-{i}" for i in range(300)}, ports=60)
    assert len(world.manifests) > 1
    assert all(size < LIMIT for size in sizes(world))


def test_a_peer_that_changes_touches_one_part() -> None:
    before = specs(hub(MANY))
    after = specs(hub({**MANY, 1500: "one-more"}))
    assert before.keys() == after.keys()
    assert sum(before[name] != after[name] for name in before) == 1


def test_a_policy_that_fits_is_one_object() -> None:
    (name,) = hub({i: f"caller-{i}" for i in range(100)}).manifests
    assert "of" not in name.rpartition("-")[2]


def test_the_first_part_may_leave_a_direction_open() -> None:
    first, *_ = hub(MANY).compilation.policies
    opened = manifest(first, allow_all=[Direction.INGRESS])
    assert opened["spec"]["ingress"] == [{}]
    assert opened["spec"]["egress"] == []
    assert manifest(first)["spec"]["ingress"] != [{}]


def test_more_entries_than_the_policy_map_holds_are_told() -> None:
    small = ClusterProfile(engine=Engine(name="Cilium", policy_map_size=100), ranges=PLAIN.ranges)
    assert not hub(dict.fromkeys(range(100), "x"), profile=small).problems(Code.POLICY_MAP_OVERFLOW)
    (problem,) = hub(dict.fromkeys(range(101), "x"), profile=small).problems(Code.POLICY_MAP_OVERFLOW)
    assert "101" in problem.message
    other = ClusterProfile(engine=Engine(policy_map_size=100), ranges=PLAIN.ranges)
    assert not hub(dict.fromkeys(range(101), "x"), profile=other).problems(Code.POLICY_MAP_OVERFLOW)
