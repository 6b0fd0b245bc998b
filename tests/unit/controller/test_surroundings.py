"""What the cluster tells of itself is checked before it counts."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import msgspec

from servicegraph.controller.surroundings import Surroundings
from servicegraph.model.profile import ClusterProfile
from servicegraph.sources.api import ApiClient, ApiError


class Told:
    """An API server whose nodes have this pod CIDR, and that knows no DNS Service."""

    def __init__(self, pod_cidr: Any) -> None:
        self.pod_cidr = pod_cidr

    async def get(self, path: str) -> Any:
        raise ApiError(404, "NotFound", path, None)

    async def list_all(self, path: str, decode: Callable[[bytes], Any], label_selector: str = "") -> Any:
        nodes = [{"spec": {"podCIDRs": [self.pod_cidr]}}] if path.endswith("nodes") else []
        return decode(msgspec.json.encode({"metadata": {}, "items": nodes}))


async def no_cilium() -> bool:
    raise AssertionError("nothing serves its API")


def looked(*pod_cidrs: Any) -> list[tuple[str, ...]]:
    """The pods' ranges that were told while nodes had one CIDR after the other."""

    async def run() -> None:
        client = Told(pod_cidrs[0])
        surroundings = Surroundings(
            cast(ApiClient, client), ClusterProfile(), no_cilium, lambda p: found.append(p.ranges.pods)
        )
        await surroundings.find()
        later = iter(pod_cidrs[1:])

        async def due() -> None:
            client.pod_cidr = next(later, None)
            if client.pod_cidr is None:
                raise asyncio.CancelledError

        try:
            await surroundings.run(due)
        except asyncio.CancelledError:
            return

    found: list[tuple[str, ...]] = []
    asyncio.run(run())
    return found


def test_a_range_counts_in_its_canonical_form() -> None:
    assert looked("10.244.1.5/24") == [("10.244.1.0/24",)]


def test_what_is_no_range_leaves_what_was_known() -> None:
    assert looked("10.244.1.0/24", "pods", 7, "10.244.2.0/24") == [("10.244.1.0/24",), ("10.244.2.0/24",)]
