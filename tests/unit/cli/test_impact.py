"""`servicegraph impact` as its users meet it."""

import re
from typing import Any

import pytest

from tests.unit.cli.asking import answered, expected, ran

SHOP, BANK = "examples/shop", "examples/bank"
PROFILE = ("--profile", f"{BANK}/profile.yaml")


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("impact-bank", ("-f", BANK, *PROFILE, "gateway")),
        ("impact-policies", ("-f", f"{SHOP}/rendered.yaml", "-f", f"{SHOP}/app.yaml", "database")),
    ],
)
def test_what_people_read(name: str, arguments: tuple[str, ...], capsysbinary: Any) -> None:
    answer = ran(capsysbinary, "impact", *arguments)
    assert answer.printed == expected(f"{name}.txt")
    assert (answer.code, answer.said) == (0, "")


@pytest.mark.usefixtures("at_root")
def test_numbers_before_and_after_and_what_shrinks_them(capsysbinary: Any) -> None:
    whole = answered(capsysbinary, "impact", "-f", SHOP, "frontend")
    summary = whole["summary"]
    assert summary["before"] == {"direct": 2, "total": 2}
    assert summary["after"] == {
        "reaches": {"direct": 1, "total": 2},
        "reachedBy": {"direct": 0, "total": 0},
    }
    assert [(cut["origin"]["text"], cut["services"]) for cut in summary["cuts"]] == [
        ("frontend calls search", ["shop/database", "shop/search"]),
        ("search calls database", ["shop/database"]),
    ]
    assert (summary["exits"], summary["entrances"]) == ([], ["shop/frontend"])
    assert [(item["service"], item["hops"], item["neighbour"]) for item in whole["items"]] == [
        ("shop/search", 1, "shop/frontend"),
        ("shop/database", 2, "shop/search"),
    ]


@pytest.mark.usefixtures("at_root")
def test_who_reaches_it_and_from_where(capsysbinary: Any) -> None:
    whole = answered(capsysbinary, "impact", "-f", SHOP, "database")
    assert [(item["relation"], item["service"], item["hops"]) for item in whole["items"]] == [
        ("reachedBy", "shop/search", 1),
        ("reachedBy", "shop/frontend", 2),
    ]
    assert whole["summary"]["entrances"] == ["shop/frontend"]


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fronted",), r"SERVICE: error: there is no service fronted; near it: shop/frontend \[Invalid\]"),
        (("198.51.100.7",), r"SERVICE: error: there is no service 198\.51\.100\.7"),
    ],
)
def test_what_means_nothing_is_refused(arguments: tuple[str, ...], said: str, capsysbinary: Any) -> None:
    answer = ran(capsysbinary, "impact", "-f", SHOP, *arguments)
    assert (answer.code, answer.printed) == (2, "")
    assert re.match(said, answer.said), answer.said
