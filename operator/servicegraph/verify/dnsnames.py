"""Names in rules of Cilium: which are in which.

A `*` stands for any part of a label, and alone for every name.
https://docs.cilium.io/en/stable/security/policy/language/#dns-based
"""

import re
from functools import lru_cache

_EVERY = "*"


def both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """The names in both, as far as one pattern holds the other."""
    narrower = [a if holds(b, a) else b for a in one for b in other if holds(b, a) or holds(a, b)]
    return tuple(dict.fromkeys(narrower))


def less(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """The names of one that no single pattern of the other holds."""
    known = set(other)
    wider = [pattern for pattern in other if "*" in pattern]
    return tuple(name for name in one if name not in known and not any(holds(pattern, name) for pattern in wider))


@lru_cache(maxsize=65_536)
def holds(pattern: str, name: str) -> bool:
    """Whether every name of the one, itself perhaps a pattern, is one of the other."""
    if pattern in (name, _EVERY):
        return True
    wide, narrow = pattern.split("."), name.split(".")
    return len(wide) == len(narrow) and all(map(_label_holds, wide, narrow))


def _label_holds(pattern: str, label: str) -> bool:
    if pattern in (label, _EVERY):
        return True
    return "*" in pattern and re.fullmatch(re.escape(pattern).replace(r"\*", r"[-\w*]*"), label) is not None
