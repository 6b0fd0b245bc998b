"""The sizes of a graph: what is fixed by the budgets, and what follows from the number of services."""

import math
from dataclasses import dataclass

_SMALL, _LARGE = (1_500, 6.2), (18_500, 10.8)


@dataclass(frozen=True, slots=True)
class Shape:
    """A graph to make, of 200 services or more. `hub_callers` gives one service so many callers.

    `namespaces`: each team's graph in a namespace of its own, so that most calls need consent; else all in one.
    """

    services: int
    hub_callers: int = 0
    namespaces: bool = False
    entry_share: float = 0.125
    leaf_share: float = 0.4
    services_per_graph: int = 100
    seed: int = 1

    @property
    def calls(self) -> int:
        """Calls of all services: 6.2 a service up to 1,500 services, 10.8 at 18,500, between them by the logarithm."""
        (small, few), (large, many) = _SMALL, _LARGE
        grown = (few - many) * math.log(small / max(small, self.services)) / math.log(large / small)
        return round(self.services * (few + grown))

    @property
    def largest_fan_in(self) -> int:
        """Callers of the largest ordinary hub."""
        return min(self.services // 10, 500)

    @property
    def largest_fan_out(self) -> int:
        """Calls of the largest caller: what one service of a graph may write at most."""
        return min(self.services // 2, 500)


SMALL = Shape(1_500)
LARGE = Shape(18_500)
HALF = Shape(10_280)
HUB = Shape(18_500, hub_callers=14_000)
