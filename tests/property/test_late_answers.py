"""A watch tells in order, answers come whenever they come: what is known in the end is what is true."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from servicegraph.controller.live import LivePolicy
from servicegraph.controller.state import State
from servicegraph.model.policy import Engine

NAMESPACE = "shop"
NAMES = ("sg-search-2073bddfbb", "sg-database-5f8a7f1828", "theirs")


@dataclass(frozen=True)
class Event:
    """What happened to a policy, and after how many more events the answer to who did it arrives."""

    policy: LivePolicy
    is_deleted: bool
    answer_after: int


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Policies are created, changed and deleted, each step at the next resourceVersion."""
    events: list[Event] = []
    live: dict[str, str] = {}
    for version in range(1, draw(st.integers(1, 12)) + 1):
        name = draw(st.sampled_from(NAMES))
        is_deleted = name in live and draw(st.booleans())
        uid = live.pop(name) if is_deleted else live.setdefault(name, f"{name}-{version}")
        policy = LivePolicy(NAMESPACE, name, uid, str(version), {})
        events.append(Event(policy, is_deleted, draw(st.integers(0, 6))))
    return events


@given(histories(), st.sampled_from(["", NAMESPACE]))
def test_late_answers_change_nothing(events: list[Event], watched: str) -> None:
    state, truth = State(), dict[str, LivePolicy]()
    answers: list[tuple[int, LivePolicy]] = []
    for moment, event in enumerate(events):
        policy = event.policy
        if event.is_deleted:
            state.gone((NAMESPACE, policy.name), policy.uid)
            del truth[policy.name]
        else:
            state.saw(policy)
            truth[policy.name] = policy
            answers.append((moment + event.answer_after, policy))
        state.told(Engine.NETWORK_POLICY, watched, policy.version)
        for due, answer in answers:
            if due == moment:
                state.answered(answer)
    for due, answer in answers:
        if due >= len(events):
            state.answered(answer)
    assert {policy.name: policy for policy in state.live(NAMESPACE)} == truth


def test_an_answer_is_news_before_the_watch_has_come_so_far() -> None:
    state, policy = State(), LivePolicy(NAMESPACE, NAMES[0], "uid", "7", {})
    state.told(Engine.NETWORK_POLICY, "", "6")
    assert state.answered(policy)
    assert state.live(NAMESPACE) == [policy]
