"""What a step did to the policies, from what was seen of them before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tools.demo.watch import Event, Watch


class Outcome(StrEnum):
    """What became of a policy."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Change:
    """One policy across a step. `after_ms` is when its last event was seen, None where there was none."""

    name: str
    outcome: Outcome
    after_ms: float | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def policy(self) -> Mapping[str, Any]:
        """Its last state."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def version(self) -> str:
        """The resourceVersion of that state."""
        return str(self.policy["metadata"]["resourceVersion"])


class Observation:
    """From its making on: what happens to the objects of a watch."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._before = dict(watch.objects)
        self._first = len(watch.events)

    @property
    def events(self) -> Sequence[Event]:
        """What was seen since."""
        return self._watch.events[self._first :]

    def changes(self, since: float) -> list[Change]:
        """Every policy there was or is, by name, with times counted from `since`, a moment of `perf_counter`."""
        return compare(self._before, self._watch.objects, self.events, since)


def compare(
    before: Mapping[str, Mapping[str, Any]],
    after: Mapping[str, Mapping[str, Any]],
    events: Sequence[Event],
    since: float,
) -> list[Change]:
    """The same, of values."""
    last = {event.name: event.at for event in events}
    return [
        Change(
            name,
            _outcome(before.get(name), after.get(name)),
            (last[name] - since) * 1000 if name in last else None,
            before.get(name),
            after.get(name),
        )
        for name in sorted(before.keys() | after.keys())
    ]


def _outcome(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Outcome:
    if before is None:
        return Outcome.NEW
    if after is None:
        return Outcome.GONE
    same = before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
    return Outcome.UNCHANGED if same else Outcome.CHANGED
