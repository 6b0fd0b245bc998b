"""How the operator is told what to do."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from servicegraph.controller.settings import PREFIX, Settings, SettingsError, load


def test_without_anything_said_the_defaults_hold() -> None:
    assert load({}, {"PATH": "/bin", "KUBERNETES_SERVICE_HOST": "10.96.0.1"}) == Settings()


def test_a_flag_wins_over_a_variable_and_that_over_the_default() -> None:
    environment = {"SERVICEGRAPH_CONCURRENCY": "3", "SERVICEGRAPH_IN_FLIGHT": "4"}
    settings = load({"concurrency": 2, "in_flight": None}, environment)
    assert (settings.concurrency, settings.in_flight, settings.resync_seconds) == (2, 4, 300.0)


def test_an_empty_variable_says_nothing() -> None:
    assert load({}, {"SERVICEGRAPH_PROFILE": "", "SERVICEGRAPH_NAMESPACES": ""}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "field", "read"),
    [
        ("SERVICEGRAPH_NAMESPACES", "shop, payments,", "namespaces", ("shop", "payments")),
        ("SERVICEGRAPH_PROFILE", "/etc/profile.yaml", "profile", Path("/etc/profile.yaml")),
        ("SERVICEGRAPH_LEADER_ELECTION", "false", "leader_election", False),
        ("SERVICEGRAPH_LOG_FORMAT", "json", "log_format", "json"),
        ("SERVICEGRAPH_LEASE_SECONDS", "20.5", "lease_seconds", 20.5),
        ("SERVICEGRAPH_DEBOUNCE_MS", "0", "debounce_ms", 0),
    ],
)
def test_variables_are_text(variable: str, value: str, field: str, read: Any) -> None:
    assert getattr(load({}, {variable: value}), field) == read


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("log_format", "xml", "write text or json"),
        ("log_level", "loud", "write debug or info or warning or error"),
        ("concurrency", "0", "write a whole number of at least 1"),
        ("concurrency", "many", "write a whole number of at least 1"),
        ("resync_seconds", "-1", "write a number of seconds above 0"),
        ("debounce_ms", "1.5", "write a whole number of milliseconds"),
        ("leader_election", "maybe", "write true or false"),
        ("listen", "8080", "such as 0.0.0.0:8080"),
        ("listen", "0.0.0.0:http", "such as 0.0.0.0:8080"),
        ("listen", "0.0.0.0:70000", "such as 0.0.0.0:8080"),
    ],
)
def test_what_makes_no_sense_is_named_as_it_was_written(field: str, value: str, wanted: str) -> None:
    flag = f"--{field.replace('_', '-')}" if field != "listen" else "listen"
    with pytest.raises(SettingsError, match=f"{re.escape(flag)}={re.escape(value)}: .*{re.escape(wanted)}"):
        load({field: value}, {})
    with pytest.raises(SettingsError, match=f"{re.escape(value)}: .*{re.escape(wanted)}"):
        load({}, {PREFIX + field.upper(): value})


@pytest.mark.parametrize(
    "flags",
    [
        {"lease_seconds": 10.0, "request_seconds": 5.0},
        {"renew_seconds": 2.0},
        {"request_seconds": 13.0},
    ],
)
def test_a_lease_that_cannot_be_kept_or_written_under_is_refused(flags: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="make "):
        load(flags, {})
    assert load({**flags, "leader_election": False}, {})


@pytest.mark.parametrize(
    ("listen", "address"),
    [("0.0.0.0:8080", ("0.0.0.0", 8080)), ("[::]:0", ("::", 0)), (":9090", ("", 9090))],
)
def test_listen_is_an_address_and_a_port(listen: str, address: tuple[str, int]) -> None:
    assert load({"listen": listen}, {}).address == address


def test_no_variable_is_one_that_kubernetes_makes_of_a_services_name() -> None:
    names = [field.name for field in msgspec.structs.fields(Settings)]
    assert not [name for name in names if name.endswith(("_host", "_port")) or "_port_" in name or name == "port"]
