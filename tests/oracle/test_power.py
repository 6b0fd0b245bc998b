"""The comparison notices: random cases are strange enough for every wrong reading of a policy to show."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import msgspec
import pytest
import yaml

from servicegraph.verify.ends import NamedPort
from tests.oracle.casefile import dump, load
from tests.oracle.cases import Case, Question, questions
from tests.oracle.compare import Engines, decide
from tests.oracle.generator import generate
from tests.oracle.minimize import minimal

SEEDS = range(200)
Object = dict[str, Any]


def _everywhere(change: Callable[[Object], Object]) -> Callable[[Case], Case]:
    """Change every object in the policies, inner ones first."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return change({key: changed(inner) for key, inner in value.items()})
        return [changed(inner) for inner in value] if isinstance(value, list) else value

    return lambda case: replace(case, policies=tuple(changed(policy) for policy in case.policies))


def _operator(operator: str, change: Callable[[Object], Object]) -> Callable[[Case], Case]:
    return _everywhere(lambda value: change(value) if value.get("operator") == operator else value)


def _apart(value: Object) -> Object:
    """Both selectors of a peer as two peers."""
    for side in ("from", "to"):
        for peer in list(value.get(side) or ()):
            if peer.get("podSelector") is not None and peer.get("namespaceSelector") is not None:
                alone = {"podSelector": peer["podSelector"]}
                value = {**value, side: [*value[side], alone, {"namespaceSelector": peer["namespaceSelector"]}]}
    return value


def _ingress_by_default(case: Case) -> Case:
    specs = [{**p["spec"], "policyTypes": p["spec"].get("policyTypes") or ["Ingress"]} for p in case.policies]
    return replace(case, policies=tuple({**p, "spec": spec} for p, spec in zip(case.policies, specs, strict=True)))


def _named_ports(change: Callable[[tuple[NamedPort, ...]], tuple[NamedPort, ...]]) -> Callable[[Case], Case]:
    return lambda case: replace(
        case, pods=tuple(msgspec.structs.replace(pod, named_ports=change(pod.named_ports)) for pod in case.pods)
    )


def _without(field: str) -> Callable[[Case], Case]:
    return _everywhere(lambda value: {key: inner for key, inner in value.items() if key != field})


WRONG: dict[str, Callable[[Case], Case]] = {
    "NotIn asks for the key": _operator("NotIn", lambda e: {"key": e["key"], "operator": "Exists"}),
    "In takes the first value only": _operator("In", lambda e: {**e, "values": e["values"][:1]}),
    "Exists always holds": _operator("Exists", lambda e: {**e, "operator": "NotIn", "values": ["nobody-has-it"]}),
    "DoesNotExist never holds": _operator("DoesNotExist", lambda e: {**e, "operator": "In", "values": ["nobody"]}),
    "except is not read": _without("except"),
    "endPort is not read": _without("endPort"),
    "the protocol is TCP": _without("protocol"),
    "policyTypes are not read": _without("policyTypes"),
    "no ports means no port": _everywhere(lambda v: {**v, "ports": v["ports"] or [{"port": 7}]} if "ports" in v else v),
    "two selectors are two peers": _everywhere(_apart),
    "missing policyTypes are Ingress": _ingress_by_default,
    "the first policy is the only one": lambda case: replace(case, policies=case.policies[:1]),
    "a named port has no protocol": _named_ports(
        lambda ports: tuple(msgspec.structs.replace(port, protocol="TCP") for port in ports)
    ),
    "nobody names a port": _named_ports(lambda ports: ()),
    "namespaces have no labels": lambda case: replace(case, namespaces={name: {} for name in case.namespaces}),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_reading_is_noticed(wrong: str, engines: Engines) -> None:
    for case in map(generate, SEEDS):
        asked = some_questions(case)
        misread = allowed(WRONG[wrong](case), asked)
        if misread != allowed(case, asked):
            assert engines.nca.allowed(case, asked) != misread
            return
    pytest.fail("no case shows it")


def test_most_cases_allow_something_and_deny_something() -> None:
    assert sum(len(set(allowed(case, some_questions(case)))) == 2 for case in map(generate, SEEDS)) > len(SEEDS) / 2


def test_a_seed_is_a_case() -> None:
    assert dump(generate(7)) == dump(generate(7)) != dump(generate(8))


def test_what_is_printed_can_be_read() -> None:
    for case in map(generate, SEEDS[:20]):
        assert load(case.name, yaml.safe_load(dump(case))) == case


def test_what_is_printed_is_minimal() -> None:
    """Two ends and one policy with the one expression that matters."""
    wrong = WRONG["NotIn asks for the key"]
    for case in map(generate, SEEDS):
        asked = some_questions(case)
        answers = zip(asked, allowed(wrong(case), asked), allowed(case, asked), strict=True)
        if question := next((question for question, theirs, ours in answers if theirs != ours), None):
            break
    assert question
    small = minimal(case, question, lambda c: allowed(wrong(c), [question]) != allowed(c, [question]))
    assert set(small.ends) == set(question[:2])
    assert len(small.policies) == 1
    assert str(small.policies[0]).count("NotIn") == 1


def some_questions(case: Case) -> list[Question]:
    every = list(questions(case))
    return Random(case.name).sample(every, min(300, len(every)))


def allowed(case: Case, asked: list[Question]) -> list[bool]:
    return [all(halves) for halves in decide(case, asked).values()]
