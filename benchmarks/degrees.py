"""Who calls whom: graphs with the skewed degrees of real ones, the same for the same seed."""

import math
import random
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from benchmarks.shape import Shape

Edges = list[list[int]]
"""Callees by caller, as indices of services; nothing twice, no self-call."""

Quantiles = Sequence[tuple[float, float]]
"""(share of the population, degree) in rising order."""

_STEPS = 30
_SAMPLES = 2_000


def edges_of(shape: Shape) -> Edges:
    """The calls of every service: leaves have none, entries have no callers. A hub is called by leaves too."""
    rng = random.Random(shape.seed)
    n = shape.services
    order = rng.sample(range(n), n)
    entries, inner = order[: round(n * shape.entry_share)], order[round(n * shape.entry_share) :]
    callers = entries + inner[: round(n * (1 - shape.leaf_share)) - len(entries)]
    fan_out = _degrees(
        ((0, 1), (0.5, 4), (0.99, min(90, n / 2)), (1, shape.largest_fan_out)), len(callers), shape.calls
    )
    fan_in = _degrees(((0, 1), (0.5, 2), (1, shape.largest_fan_in)), len(inner), sum(fan_out))
    rng.shuffle(fan_out)
    rng.shuffle(fan_in)
    calls: Edges = [[] for _ in range(n)]
    for caller, callees in zip(callers, _matched(callers, fan_out, inner, fan_in, rng), strict=True):
        calls[caller] = callees
    if shape.hub_callers:
        _make_hub(calls, inner[-1], shape.hub_callers)
    return calls


def _degrees(quantiles: Quantiles, count: int, total: float) -> list[int]:
    """`count` degrees that have these quantiles and add up to about `total`.

    Between two quantiles the logarithm of the degree rises as a power of the share; the power is what the total
    decides, so that a denser graph has more of everything but the same median and tail.
    """

    def sample(power: float, size: int) -> list[int]:
        return [max(1, round(_degree(quantiles, (i + 0.5) / size, power))) for i in range(size)]

    low, high, size = 0.02, 50.0, min(count, _SAMPLES)
    for _ in range(_STEPS):
        power = math.sqrt(low * high)
        too_many = sum(sample(power, size)) * count > total * size
        low, high = (power, high) if too_many else (low, power)
    return sample(high, count)


def _degree(quantiles: Quantiles, share: float, power: float) -> float:
    (start, least), (end, most) = next(p for p in pairwise(quantiles) if share <= p[1][0])
    if end <= 0.5:
        power = 1
    return float(least * (most / least) ** (((share - start) / (end - start)) ** power))


def _matched(
    callers: list[int], fan_out: list[int], callees: list[int], fan_in: list[int], rng: random.Random
) -> list[list[int]]:
    """Callees for each caller, drawn by how many callers each callee still wants; the largest callers draw first."""
    stubs = [callee for callee, wanted in zip(callees, fan_in, strict=True) for _ in range(wanted)]
    rng.shuffle(stubs)
    found: list[list[int]] = [[] for _ in callers]
    for index in sorted(range(len(callers)), key=lambda i: -fan_out[i]):
        chosen: set[int] = set()
        passed: list[int] = []
        while stubs and len(chosen) < fan_out[index]:
            stub = stubs.pop()
            if stub in chosen or stub == callers[index]:
                passed.append(stub)
            else:
                chosen.add(stub)
        for stub in passed:
            stubs.append(stub)
            swapped = rng.randrange(len(stubs))
            stubs[swapped], stubs[-1] = stubs[-1], stubs[swapped]
        found[index] = sorted(chosen)
    return found


def _make_hub(calls: Edges, hub: int, callers: int) -> None:
    ready = sorted((i for i in range(len(calls)) if i != hub), key=lambda i: not calls[i])
    for caller in ready[:callers]:
        at = bisect_left(calls[caller], hub)
        if calls[caller][at : at + 1] != [hub]:
            calls[caller].insert(at, hub)
