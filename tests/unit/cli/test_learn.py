"""`servicegraph learn` as its users meet it."""

import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicegraph.cli.main import main
from tests.unit.adopt.flowlines import API_SERVER, HOST, REMOTE_NODE, WORLD, both, line, pod, text
from tests.unit.cli.asking import ROOT, answered, expected, ran

SHOP = "examples/shop"
GRAPH = ROOT / SHOP / "servicegraph.yaml"
PORTS = {"frontend": 8080, "search": 8080, "database": 5432}
DNS = pod("kube-system", {"k8s-app": "kube-dns"}, "coredns")
BACKUP = pod("ops", {"app": "backup"}, "backup", "CronJob")

pytestmark = pytest.mark.usefixtures("at_root")


def shop(name: str) -> dict[str, Any]:
    return pod("shop", {"app.kubernetes.io/name": name}, name)


def call(caller: str, callee: str) -> list[str]:
    return both(shop(caller), shop(callee), PORTS[callee])


DECLARED = [
    *call("frontend", "search"),
    *call("search", "database"),
    *both(shop("search"), DNS, 53, "UDP"),
    line(WORLD, shop("frontend"), 8080, direction="INGRESS", addresses=("198.51.100.3", "10.0.1.7")),
    line(HOST, shop("database"), 5432, direction="INGRESS"),
]


@pytest.fixture
def flows(tmp_path: Path) -> Any:
    def written(*lines: str) -> str:
        file = tmp_path / "flows.json"
        file.write_text(text(lines))
        return str(file)

    return written


def test_traffic_as_declared_leaves_nothing_to_say(flows: Any, capsysbinary: Any) -> None:
    found = ran(capsysbinary, "learn", flows(*DECLARED), SHOP)
    assert (found.code, found.said) == (0, "")
    assert "every call that was seen is declared" in found.printed and "not seen" not in found.printed
    assert ran(capsysbinary, "learn", flows(*DECLARED), SHOP, "-o", "yaml").printed == ""


def test_a_declared_call_that_nobody_made_is_named_with_its_line(flows: Any, capsysbinary: Any) -> None:
    found = ran(capsysbinary, "learn", flows(*call("frontend", "search")), SHOP)
    assert found.code == 0
    assert "declared, and not seen: 1\n  search calls database  (examples/shop/servicegraph.yaml:10)\n" in found.printed


def test_a_call_without_consent_was_seen_all_the_same(flows: Any, tmp_path: Path, capsysbinary: Any) -> None:
    raw = yaml.safe_load(GRAPH.read_text())
    entry = {"pods": {"labels": {"app.kubernetes.io/name": "database"}}, "ports": [5432]}
    raw["spec"]["services"][0]["calls"].append(entry)
    graph = tmp_path / "graph.yaml"
    graph.write_text(yaml.safe_dump(raw))
    file = flows(*DECLARED, *call("frontend", "database"))
    summary = answered(capsysbinary, "learn", file, f"{SHOP}/app.yaml", str(graph))["summary"]
    assert (summary["stopped"], summary["undeclared"], summary["unseen"]) == (1, 1, [])


def test_everything_that_can_be_said(flows: Any, capsysbinary: Any) -> None:
    file = flows(
        *DECLARED,
        *call("frontend", "database"),
        *both(BACKUP, shop("database"), 5432),
        line(shop("search"), WORLD, 443, addresses=("10.0.1.7", "203.0.113.4"), destination_names=["api.stripe.com"]),
        line(shop("database"), API_SERVER, 6443, addresses=("10.0.1.7", "172.18.0.2")),
        line(shop("database"), REMOTE_NODE, 9100, addresses=("10.0.1.7", "172.18.0.3")),
        line(BACKUP, shop("search"), 8080, verdict="DROPPED", reply=None, direction="INGRESS"),
    )
    found = ran(capsysbinary, "learn", file, SHOP)
    assert found.code == 1
    assert found.printed.replace(file, "flows.json") == expected("learn-shop.txt")


def test_cilium_knows_names_nodes_and_the_api_server(flows: Any, tmp_path: Path, capsysbinary: Any) -> None:
    """Whatever name of an address is declared, and whatever else a node with an API server is."""
    raw = yaml.safe_load(GRAPH.read_text())
    entries = [
        {"fqdn": "api.stripe.com", "ports": [443]},
        {"kubeAPIServer": True},
        {"nodes": True, "ports": [10250]},
    ]
    raw["spec"]["services"][2]["calls"] = entries
    graph, profile = tmp_path / "graph.yaml", tmp_path / "profile.yaml"
    graph.write_text(yaml.safe_dump(raw))
    cilium = yaml.safe_load((ROOT / "examples/checkout/profile.yaml").read_text())
    profile.write_text(yaml.safe_dump({**cilium, "apiServer": {"port": 6443}}))
    database, names = shop("database"), ["a.test", "api.stripe.com"]
    file = flows(
        *DECLARED,
        line(database, WORLD, 443, addresses=("10.0.1.7", "203.0.113.4"), destination_names=names),
        line(database, API_SERVER, 6443, addresses=("10.0.1.7", "172.18.0.2")),
        line(database, API_SERVER, 10250, addresses=("10.0.1.7", "172.18.0.2")),
        line(database, REMOTE_NODE, 10250, addresses=("10.0.1.7", "172.18.0.3")),
    )
    found = ran(capsysbinary, "learn", file, f"{SHOP}/app.yaml", str(graph), "--profile", str(profile))
    assert found.code == 0, found
    assert "not seen" not in found.printed and "every call that was seen is declared" in found.printed


def test_what_is_declared_and_stopped_all_the_same_is_a_finding(flows: Any, capsysbinary: Any) -> None:
    dropped = line(shop("search"), shop("database"), 5432, verdict="DROPPED", reply=None, direction="INGRESS")
    found = ran(capsysbinary, "learn", flows(*call("frontend", "search"), dropped), SHOP)
    assert found.code == 1
    assert "declared, and stopped all the same: 1\n  shop/search  ->  shop/database  5432  1 flow\n" in found.printed
    assert "not seen" not in found.printed


def test_long_tables_are_cut_for_people_and_not_for_machines(flows: Any, capsysbinary: Any) -> None:
    file = flows(*(one for port in range(9000, 9100) for one in both(shop("frontend"), shop("database"), port)))
    assert "  ... and 40 more: -o json has them all\n" in ran(capsysbinary, "learn", file, SHOP).printed
    assert answered(capsysbinary, "learn", file, SHOP)["summary"]["stopped"] == 100


def test_who_asks_dns_and_calls_nobody_may_be_let_ask(flows: Any, capsysbinary: Any) -> None:
    file = flows(*DECLARED, *both(shop("database"), DNS, 53, "UDP"))
    (addition,) = answered(capsysbinary, "learn", file, SHOP)["summary"]["additions"]
    assert addition["graph"]["spec"]["services"] == [{"name": "database", "dns": "Always"}]


def test_a_resolver_outside_is_a_host_like_any_other(flows: Any, tmp_path: Path, capsysbinary: Any) -> None:
    file = flows(*DECLARED, line(shop("database"), WORLD, 53, "UDP", addresses=("10.0.1.7", "8.8.8.8")))
    summary = answered(capsysbinary, "learn", file, SHOP)["summary"]
    (addition,) = summary["additions"]
    assert (summary["stopped"], [s.get("dns") for s in addition["graph"]["spec"]["services"]]) == (1, [None])
    assert (
        "    # - cidr: 8.8.8.8/32\n    #   ports:\n    #   - 53/UDP\n" in ran(capsysbinary, "learn", file, SHOP).printed
    )
    profile = tmp_path / "profile.yaml"
    cilium = yaml.safe_load((ROOT / "examples/checkout/profile.yaml").read_text())
    profile.write_text(yaml.safe_dump({**cilium, "dns": {**cilium["dns"], "addresses": ["8.8.8.8"]}}))
    summary = answered(capsysbinary, "learn", file, SHOP, "--profile", str(profile))["summary"]
    assert summary["additions"][0]["graph"]["spec"]["services"] == [{"name": "database", "dns": "Always"}]


def test_a_node_with_an_api_server_is_a_node_on_other_ports(flows: Any, capsysbinary: Any) -> None:
    nodes = ((API_SERVER, "172.18.0.2"), (REMOTE_NODE, "172.18.0.3"))
    scrapes = [line(shop("database"), node, 10250, addresses=("10.0.1.7", address)) for node, address in nodes]
    (addition,) = answered(capsysbinary, "learn", flows(*DECLARED, *scrapes), SHOP)["summary"]["additions"]
    calls = [{"nodes": True, "ports": [10250]}]
    assert addition["graph"]["spec"]["services"] == [{"name": "database", "calls": calls}]


def test_the_api_server_is_on_the_port_of_the_profile(flows: Any, tmp_path: Path, capsysbinary: Any) -> None:
    profile = tmp_path / "profile.yaml"
    cilium = yaml.safe_load((ROOT / "examples/checkout/profile.yaml").read_text())
    profile.write_text(yaml.safe_dump({**cilium, "apiServer": {"port": 8443}}))
    ports = (443, 8443)
    file = flows(
        *DECLARED, *(line(shop("database"), API_SERVER, p, addresses=("10.0.1.7", "172.18.0.2")) for p in ports)
    )
    (addition,) = answered(capsysbinary, "learn", file, SHOP, "--profile", str(profile))["summary"]["additions"]
    (database,) = addition["graph"]["spec"]["services"]
    assert database["calls"] == [{"kubeAPIServer": True}, {"nodes": True, "ports": [443]}]


@pytest.mark.parametrize("entity", ["ingress", "init", "unmanaged"])
def test_what_no_party_stands_for_is_only_proposed(flows: Any, capsysbinary: Any, entity: str) -> None:
    odd = {"identity": 8, "labels": [f"reserved:{entity}"]}
    database = shop("database")
    file = flows(*DECLARED, *both(odd, database, 5432), *both(database, odd, 9000))
    (addition,) = answered(capsysbinary, "learn", file, SHOP)["summary"]["additions"]
    assert addition["graph"]["spec"]["services"] == [{"name": "database"}]
    shown = ran(capsysbinary, "learn", file, SHOP).printed
    assert "    # accepts:\n    # - anywhere: true\n" in shown and "    # calls:\n    # - internet: true\n" in shown
    assert "review: no party stands for" in shown and "nodes: true" not in shown


def test_json_is_as_the_schema_says(flows: Any, capsysbinary: Any) -> None:
    whole = answered(capsysbinary, "learn", flows(*DECLARED, *call("frontend", "database")), SHOP)
    assert [(item["finding"], item["source"], item["destination"]) for item in whole["items"]] == [
        ("stopped", "shop/frontend", "shop/database"),
        ("undeclared", "shop/frontend", "shop/database"),
    ]
    (addition,) = whole["summary"]["additions"]
    assert addition["graph"]["spec"]["services"] == [{"name": "frontend", "calls": [{"service": "database"}]}]


def test_a_graph_that_isolates_nothing_yet_breaks_what_it_would_break(
    flows: Any, tmp_path: Path, capsysbinary: Any
) -> None:
    raw = yaml.safe_load(GRAPH.read_text())
    for mode, stopped in (("DryRun", 1), ("Off", 0)):
        raw["spec"]["mode"] = mode
        graph = tmp_path / "graph.yaml"
        graph.write_text(yaml.safe_dump(raw))
        file = flows(*DECLARED, *call("frontend", "database"))
        whole = answered(capsysbinary, "learn", file, f"{SHOP}/app.yaml", str(graph))
        assert (whole["summary"]["stopped"], whole["summary"]["undeclared"]) == (stopped, 1), mode


def test_policies_of_others_open_what_no_graph_declares(flows: Any, tmp_path: Path, capsysbinary: Any) -> None:
    policy = tmp_path / "policy.yaml"
    opened = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]}
    meta = {"name": "open", "namespace": "shop"}
    policy.write_text(
        yaml.safe_dump(
            {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": opened}
        )
    )
    whole = answered(capsysbinary, "learn", flows(*call("frontend", "database")), SHOP, str(policy))
    assert (whole["summary"]["stopped"], whole["summary"]["undeclared"]) == (0, 1)


def test_without_a_graph_a_first_one_is_written(flows: Any, tmp_path: Path, capsysbinary: Any) -> None:
    lines = [*DECLARED, *both(BACKUP, shop("database"), 5432)]
    found = ran(capsysbinary, "learn", flows(*lines), f"{SHOP}/app.yaml", "-o", "yaml")
    assert found.code == 0
    graphs = {g["metadata"]["namespace"]: g for g in yaml.safe_load_all(found.printed)}
    assert graphs.keys() == {"ops", "shop"}
    services = {s.pop("name"): s for s in graphs["shop"]["spec"]["services"]}
    assert services == {
        "database": {"accepts": [{"service": "backup", "namespace": "ops"}]},
        "frontend": {"accepts": [{"anywhere": True, "ports": [8080]}], "calls": [{"service": "search"}]},
        "search": {"calls": [{"service": "database"}]},
    }
    graph = tmp_path / "graph.yaml"
    graph.write_text(found.printed)
    assert ran(capsysbinary, "render", f"{SHOP}/app.yaml", str(graph)).code == 0


def test_without_manifests_flows_tell_labels_and_ports(flows: Any, tmp_path: Path, capsysbinary: Any) -> None:
    found = ran(capsysbinary, "learn", flows(*DECLARED), "-o", "yaml")
    graph = tmp_path / "graph.yaml"
    graph.write_text(found.printed)
    assert ran(capsysbinary, "render", str(graph)).code == 0
    again = ran(capsysbinary, "learn", flows(*DECLARED), str(graph))
    assert again.code == 0 and "every call that was seen is declared" in again.printed, again.printed


def test_flows_come_from_standard_input_too(monkeypatch: pytest.MonkeyPatch, capsysbinary: Any) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text(DECLARED).encode())))
    assert ran(capsysbinary, "learn", "-", SHOP).code == 0


def test_no_flows_say_nothing(flows: Any, capsysbinary: Any) -> None:
    for lines in ((), (line(shop("search"), shop("database"), 5432, reply=True),)):
        found = ran(capsysbinary, "learn", flows(*lines), SHOP)
        assert found.code == 0 and "there are no flows that say anything" in found.printed
        assert "every call" not in found.printed


def test_flows_that_hubble_lost_are_told(flows: Any, capsysbinary: Any) -> None:
    file = flows(*DECLARED, '{"lost_events": {"source": "PERF_EVENT_RING_BUFFER", "num_events_lost": "1200"}}')
    assert "\n  lost by Hubble before it wrote them: 1200 flows\n" in ran(capsysbinary, "learn", file, SHOP).printed
    assert answered(capsysbinary, "learn", file, SHOP)["summary"]["lost"] == 1200


def test_bad_input_is_refused_with_its_place(flows: Any, capsysbinary: Any) -> None:
    found = ran(capsysbinary, "learn", flows("{}", "nonsense", "{}"), SHOP)
    assert (found.code, found.printed) == (2, "") and ":2: error: this is no flow of Hubble" in found.said
    both_stdin = ran(capsysbinary, "learn", "-", "-")
    assert (both_stdin.code, both_stdin.printed) == (2, "")


OTHERS = {"backup": BACKUP, "cache": pod("ops", {"tier": "cache"}), "nobody": pod("shop", {"run": "nobody"}, "nobody")}
WHO = st.sampled_from(sorted((*PORTS, *OTHERS)))
CALLS = st.lists(st.tuples(WHO, WHO, st.booleans()), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(CALLS)
def test_with_what_it_adds_nothing_is_left_to_add(
    tmp_path: Path, flows: Any, capsysbinary: Any, calls: list[tuple[str, str, bool]]
) -> None:
    """Whatever was seen: the additions declare it, and nothing is stopped any more."""
    lines = [
        one
        for caller, callee, odd in calls
        for one in both(end(caller), end(callee), 9999 if odd else PORTS.get(callee, 7000))
        if caller != callee
    ]
    file = flows(*lines)
    added = ran(capsysbinary, "learn", file, SHOP, "-o", "yaml").printed
    graph = tmp_path / "graph.yaml"
    graph.write_text(yaml.safe_dump(merged(yaml.safe_load(GRAPH.read_text()), yaml.safe_load_all(added))))
    again = ran(capsysbinary, "learn", file, f"{SHOP}/app.yaml", str(graph))
    assert again.code == 0, again.printed


def end(name: str) -> dict[str, Any]:
    return OTHERS.get(name) or shop(name)


def merged(graph: Any, additions: Iterable[Any]) -> Any:
    services = {service["name"]: service for service in graph["spec"]["services"]}
    for addition in additions:
        for service in addition["spec"]["services"]:
            for field in ("calls", "accepts"):
                if service.get(field):
                    services[service["name"]].setdefault(field, []).extend(service[field])
    return graph


def test_help_names_the_command(capsysbinary: Any) -> None:
    assert main(["learn", "--help"]) == 0
    assert "FLOWS" in capsysbinary.readouterr().out.decode()
