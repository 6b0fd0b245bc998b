"""The index of terms gives the same answers as looking at every term."""

import random

import pytest

from servicegraph.compiler.termindex import TermIndex
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Operator, Requirement, Selector, overlap

KEYS, VALUES = ("app", "name", "tier"), ("a", "b", "c")


def some_selector(rng: random.Random) -> Selector:
    requirements = []
    for key in rng.sample(KEYS, rng.randint(0, 3)):
        operator = rng.choice((Operator.IN, Operator.IN, *Operator))
        count = rng.randint(1, 2) if operator in (Operator.IN, Operator.NOT_IN) else 0
        requirements.append(Requirement(key, operator, tuple(sorted(rng.sample(VALUES, count)))))
    return Selector.of(requirements)


@pytest.mark.parametrize("seed", range(20))
def test_overlapping_terms_are_those_that_some_labels_match(seed: int) -> None:
    rng = random.Random(seed)
    items = {(ServiceKey("shop", f"s{i}"), some_selector(rng)) for i in range(40)}
    index = TermIndex()
    for service, selector in sorted(items):
        index.add(service, selector)
    gone = set(rng.sample(sorted(items), 10))
    for service, selector in gone:
        index.discard(service, selector)
    for _ in range(20):
        wanted = some_selector(rng)
        assert index.overlapping("shop", wanted) == {item for item in items - gone if overlap(wanted, item[1])}
        labels = {key: rng.choice(VALUES) for key in rng.sample(KEYS, rng.randint(0, 3))}
        assert index.matching("shop", labels) == {service for service, s in items - gone if s.matches(labels)}
