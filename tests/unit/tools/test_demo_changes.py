"""What a step did to policies, and how that reads."""

from typing import Any

from tools.demo.blocks import block, milliseconds
from tools.demo.changes import Outcome, compare
from tools.demo.watch import Event


def policy(version: str, port: int = 80, note: str = "") -> dict[str, Any]:
    rule = {"from": [{"podSelector": {"matchLabels": {"app": "b"}}}], "ports": [{"protocol": "TCP", "port": port}]}
    return {
        "metadata": {"resourceVersion": version, "annotations": {"note": note}},
        "spec": {"podSelector": {"matchLabels": {"app": "a"}}, "ingress": [rule]},
    }


BEFORE = {"changed": policy("1"), "gone": policy("2"), "noted": policy("3"), "same": policy("4")}
AFTER = {"changed": policy("5", 81), "new": policy("6"), "noted": policy("7", note="x"), "same": policy("4")}
EVENTS = [
    Event(10.1, "MODIFIED", "changed", policy("4"), None),
    Event(10.2, "MODIFIED", "changed", AFTER["changed"], None),
    Event(10.3, "ADDED", "new", AFTER["new"], None),
    Event(11.5, "DELETED", "gone", BEFORE["gone"], None),
]


def test_outcomes_follow_from_the_resource_versions_and_times_from_the_last_event() -> None:
    found = {change.name: change for change in compare(BEFORE, AFTER, EVENTS, 10.0)}
    assert {name: change.outcome for name, change in found.items()} == {
        "changed": Outcome.CHANGED,
        "gone": Outcome.GONE,
        "new": Outcome.NEW,
        "noted": Outcome.CHANGED,
        "same": Outcome.UNCHANGED,
    }
    assert [round(found[name].after_ms or 0) for name in ("changed", "new", "gone")] == [200, 300, 1500]
    assert found["same"].after_ms is None


def test_a_block_shows_new_policies_whole_and_of_others_what_differs() -> None:
    shown = [" ".join(line.plain.split()) for line in block(compare(BEFORE, AFTER, EVENTS, 10.0))]
    assert shown == [
        "~ changed changed after 200 ms",
        "- from app=b 80/TCP",
        "+ from app=b 81/TCP",
        "- gone gone after 1.5 s",
        "+ new new after 300 ms",
        "pods app=a",
        "from app=b 80/TCP",
        "to nobody",
        "~ noted changed",
        "the same rules; annotations: note",
        "= same unchanged, resourceVersion still 4",
    ]


def test_times_for_people() -> None:
    times = [milliseconds(value) for value in (0.4, 41.6, 999.4, 1000, 2345)]
    assert times == ["0 ms", "42 ms", "999 ms", "1.0 s", "2.3 s"]
