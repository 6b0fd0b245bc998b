"""What a scenario means, in lines such as `frontend > search: 8080`, told independently of the product.

A line allows calls: `SOURCES > TARGETS: PORTS`, each a list with commas. A name is a role, a group of roles, or `*`
for every one. A port is `8080`, `5353/UDP` or `9000-9003`, and is one of the pods, whatever a Service calls it; without
ports the line allows all. What no line allows is expected to be denied.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_EVERY = "*"


@dataclass(frozen=True, slots=True)
class _Line:
    sources: frozenset[str]
    targets: frozenset[str]
    ports: tuple[tuple[str, int, int], ...]

    def allows(self, source: str, target: str, protocol: str, port: int) -> bool:
        return (
            not self.sources.isdisjoint((source, _EVERY))
            and not self.targets.isdisjoint((target, _EVERY))
            and (not self.ports or any(p == protocol and low <= port <= high for p, low, high in self.ports))
        )


class Allowed:
    """The lines of a scenario. Raises ValueError for a line that is none, or that names a role there is not."""

    def __init__(
        self, lines: Iterable[str], roles: Iterable[str], groups: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        self._groups = {name: frozenset(members) for name, members in (groups or {}).items()}
        self._roles = frozenset(roles)
        self._lines = tuple(self._line(line) for line in lines)

    def allows(self, source: str, target: str, protocol: str, port: int) -> bool:
        """Whether some line allows a role to call a port of another."""
        return any(line.allows(source, target, protocol, port) for line in self._lines)

    def _line(self, text: str) -> _Line:
        sources, arrow, rest = text.partition(" > ")
        targets, _, ports = rest.partition(":")
        if not arrow:
            raise ValueError(f"{text!r} is not of the form SOURCES > TARGETS: PORTS")
        return _Line(self._names(sources, text), self._names(targets, text), tuple(map(_port, _parts(ports))))

    def _names(self, written: str, text: str) -> frozenset[str]:
        names = frozenset(role for name in _parts(written) for role in self._groups.get(name, (name,)))
        if unknown := names - self._roles - {_EVERY}:
            known = ", ".join(sorted(self._roles | self._groups.keys()))
            raise ValueError(f"{text!r}: there is no {', '.join(sorted(unknown))}, only {known}")
        return names


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _port(text: str) -> tuple[str, int, int]:
    numbers, _, protocol = text.partition("/")
    low, _, high = numbers.partition("-")
    return protocol or "TCP", int(low), int(high or low)
