"""`servicegraph verify` as its users meet it: exact, or every flow that differs with its place."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from servicegraph.cli.main import main
from tests.unit.bad_input.command import Ran
from tests.unit.cli.schema import violations

ROOT = Path(__file__).parents[3]
SHOP, BANK = ROOT / "examples" / "shop", ROOT / "examples" / "bank"
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "verify.schema.json").read_text())
INPUT = [str(SHOP / "servicegraph.yaml"), str(SHOP / "app.yaml")]
APP = "app.kubernetes.io/name"
HEADER = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}


def run(capture: Any, *arguments: str) -> Ran:
    capture.readouterr()
    code = main(["verify", *arguments])
    printed, said = capture.readouterr()
    return Ran(code, printed.decode(), said.decode())


def rendered() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((SHOP / "rendered.yaml").read_text()))


def foreign(name: str, **spec: Any) -> dict[str, Any]:
    return {**HEADER, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


PROMETHEUS = foreign(
    "allow-monitoring",
    podSelector={},
    ingress=[{"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "prometheus"}}}]}],
)


def written(folder: Path, policies: list[dict[str, Any]]) -> str:
    path = folder / "policies.yaml"
    path.write_text(yaml.safe_dump_all(policies, sort_keys=False))
    return str(path)


def graph(folder: Path, **spec: Any) -> list[str]:
    """The shop with more in its spec."""
    made = yaml.safe_load((SHOP / "servicegraph.yaml").read_text())
    made["spec"] |= spec
    (folder / "graph.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    return [str(folder / "graph.yaml"), INPUT[1]]


@pytest.mark.parametrize("folder", sorted(f.parent for f in (ROOT / "examples").glob("*/servicegraph.yaml")))
def test_the_examples_are_exact(folder: Path, capsysbinary: Any) -> None:
    profile = ["--profile", str(folder / "profile.yaml")] if (folder / "profile.yaml").exists() else []
    ran = run(capsysbinary, str(folder), *profile)
    assert ran.code == 0
    assert ran.printed.startswith("exact: ")


def test_a_missing_flow_has_the_line_of_its_entry_and_the_policy_that_cuts_it(
    capsysbinary: Any, tmp_path: Path
) -> None:
    policies = rendered()
    database = next(p for p in policies if p["spec"]["podSelector"]["matchLabels"].get(APP) == "database")
    database["spec"]["ingress"] = []
    ran = run(capsysbinary, *INPUT, written(tmp_path, policies))
    lines = (SHOP / "servicegraph.yaml").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "{service: database}" in text)
    first, last = ran.printed.splitlines()
    assert ran.code == 1
    assert first.startswith(f"{INPUT[0]}:{line}: missing: shop/search -> shop/database 5432: declared (search calls")
    assert f"not allowed by shop/{database['metadata']['name']}" in first
    assert last == "not exact: 1 missing: 3 policies, 3 services"


def test_an_extra_flow_has_the_line_of_the_rule_that_opens_it(capsysbinary: Any, tmp_path: Path) -> None:
    path = written(tmp_path, [PROMETHEUS, *rendered()])
    ran = run(capsysbinary, *INPUT, path)
    line = next(n for n, text in enumerate(Path(path).read_text().splitlines(), 1) if "namespaceSelector" in text)
    said = [text for text in ran.printed.splitlines() if "shop/database" in text]
    assert ran.code == 1
    assert len(said) == 1
    assert said[0].startswith(f"{path}:{line}: extra: pods app=prometheus in every namespace -> shop/database on every")
    assert "allowed by shop/allow-monitoring ingress[0].from[0]" in said[0]


def test_pods_that_no_policy_selects_are_told_at_their_service(capsysbinary: Any, tmp_path: Path) -> None:
    policies = [p for p in rendered() if p["spec"]["podSelector"]["matchLabels"].get(APP) != "search"]
    ran = run(capsysbinary, *INPUT, written(tmp_path, policies))
    assert ran.code == 1
    assert ran.printed.splitlines()[-1] == "not exact: 2 not isolated: 2 policies, 3 services"
    assert "not isolated: anywhere -> shop/search on every port" in ran.printed
    assert "not isolated: shop/search -> anywhere on every port" in ran.printed


def test_a_trusted_policy_leaves_it_exact_and_is_named(capsysbinary: Any, tmp_path: Path) -> None:
    files = graph(tmp_path, trusts=[{"policy": "allow-monitoring"}])
    ran = run(capsysbinary, *files, written(tmp_path, [PROMETHEUS, *rendered()]))
    assert ran.code == 0
    assert ran.printed.splitlines()[-1] == "exact but for 3 trusted flows: 4 policies, 3 services"
    assert ran.printed.count("(trusted)") == 3
    files = graph(tmp_path, trusts=[{"policy": "another"}])
    assert run(capsysbinary, *files, written(tmp_path, [PROMETHEUS, *rendered()])).code == 1


def test_services_in_dry_run_do_not_count(capsysbinary: Any, tmp_path: Path) -> None:
    files = graph(tmp_path, mode="DryRun")
    ran = run(capsysbinary, *files, written(tmp_path, [PROMETHEUS]))
    assert ran.code == 0
    assert "of services in DryRun" in ran.printed


def test_policies_of_other_kinds_leave_it_unproven(capsysbinary: Any, tmp_path: Path) -> None:
    cilium = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "x"}}
    elsewhere = {**cilium, "metadata": {"name": "x", "namespace": "elsewhere"}}
    assert run(capsysbinary, *INPUT, written(tmp_path, [*rendered(), elsewhere])).code == 0
    here = {**cilium, "metadata": {"name": "x", "namespace": "shop"}}
    ran = run(capsysbinary, *INPUT, written(tmp_path, [*rendered(), here]))
    assert ran.code == 1
    assert "unmodelled: CiliumNetworkPolicy shop/x can select these pods" in ran.printed
    admin = {"apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy", "metadata": {"name": "x"}}
    assert run(capsysbinary, *INPUT, written(tmp_path, [*rendered(), admin])).code == 1


def test_hand_written_policies_may_name_ports_as_the_pods_do(capsysbinary: Any, tmp_path: Path) -> None:
    files = graph(tmp_path, directions=["Ingress"])
    said = {
        "frontend": {"ports": [{"port": "http"}]},
        "search": {"ports": [{"port": "http"}], "from": [{"podSelector": {"matchLabels": {APP: "frontend"}}}]},
        "database": {"ports": [{"port": "postgres"}], "from": [{"podSelector": {"matchLabels": {APP: "search"}}}]},
    }
    by_hand = [foreign(n, podSelector={"matchLabels": {APP: n}}, ingress=[rule]) for n, rule in said.items()]
    assert run(capsysbinary, *files, written(tmp_path, by_hand)).printed == "exact: 3 policies, 3 services\n"
    by_hand[2]["spec"]["ingress"][0]["ports"] = [{"port": "http"}]
    ran = run(capsysbinary, *files, written(tmp_path, by_hand))
    assert ran.printed.splitlines()[-1] == "not exact: 1 missing: 3 policies, 3 services"


def test_graphs_alone_are_refused_with_what_to_do(capsysbinary: Any) -> None:
    ran = run(capsysbinary, *INPUT)
    assert (ran.code, ran.printed) == (2, "")
    assert "no NetworkPolicy to hold against them" in ran.said
    assert "--rendered" in ran.said


def test_policies_alone_are_refused(capsysbinary: Any) -> None:
    ran = run(capsysbinary, str(SHOP / "rendered.yaml"))
    assert (ran.code, ran.printed) == (2, "")
    assert "no ServiceGraph that says what they should be" in ran.said


def test_rendered_policies_need_not_be_there(capsysbinary: Any, tmp_path: Path) -> None:
    assert run(capsysbinary, "--rendered", *INPUT).printed == "exact: 3 policies, 3 services\n"
    old = [{**p, "spec": {"podSelector": {}}} for p in rendered()]
    assert run(capsysbinary, "--rendered", *INPUT, written(tmp_path, old)).printed == "exact: 3 policies, 3 services\n"
    assert run(capsysbinary, "--rendered", *INPUT, written(tmp_path, [PROMETHEUS])).code == 1


def test_an_invalid_policy_is_refused_with_its_place(capsysbinary: Any, tmp_path: Path) -> None:
    wrong = foreign("wrong", podSelector={}, ingress=[{"ports": [{"port": "80"}]}])
    path = written(tmp_path, [wrong])
    ran = run(capsysbinary, *INPUT, path)
    assert (ran.code, ran.printed) == (2, "")
    assert f"{path}:10:" in ran.said
    assert "write the number without quotes" in ran.said


def test_json_is_as_the_schema_says(capsysbinary: Any, tmp_path: Path) -> None:
    path = written(tmp_path, [PROMETHEUS, *rendered()[1:]])
    whole = json.loads(run(capsysbinary, *INPUT, path, "-o", "json").printed)
    assert violations(whole, SCHEMA) == []
    assert whole["summary"]["result"] == "Inexact"
    kinds = {item["kind"] for item in whole["items"]}
    assert kinds == {"Extra", "Missing", "NotIsolated"}
    assert sum(whole["summary"][name] for name in ("missing", "extra", "notIsolated")) == len(whole["items"])
    assert violations(json.loads(run(capsysbinary, str(SHOP), "-o", "json").printed), SCHEMA) == []


def test_sarif_has_the_places(capsysbinary: Any, tmp_path: Path) -> None:
    path = written(tmp_path, [PROMETHEUS, *rendered()])
    log = json.loads(run(capsysbinary, *INPUT, path, "-o", "sarif").printed)
    results = log["runs"][0]["results"]
    assert {result["ruleId"] for result in results} == {"ExtraFlow"}
    assert all(result["level"] == "error" for result in results)


def test_an_entry_that_says_nothing_new_is_told(capsysbinary: Any, tmp_path: Path) -> None:
    services = yaml.safe_load((SHOP / "servicegraph.yaml").read_text())["spec"]["services"]
    services[1]["calls"] += [{"pods": {"labels": {APP: "database"}}, "ports": [5432]}]
    services[2]["accepts"] = [{"pods": {"labels": {APP: "search"}}, "ports": [5432]}]
    ran = run(capsysbinary, "--rendered", *graph(tmp_path, services=services))
    assert ran.code == 0
    assert ran.said.count("[RedundantEntry]") == 3
    services[1]["calls"].pop()
    assert "RedundantEntry" in run(capsysbinary, "--rendered", *graph(tmp_path, services=services)).said
    services[2].pop("accepts")
    assert "RedundantEntry" not in run(capsysbinary, "--rendered", *graph(tmp_path, services=services)).said


def test_selectors_that_nobody_can_tell_apart_end_in_words(capsysbinary: Any, tmp_path: Path) -> None:
    chance = random.Random(1)
    operators = ("Exists", "DoesNotExist")
    tangle = [
        foreign(
            f"p{number}",
            podSelector={
                "matchExpressions": [
                    {"key": f"k{key}", "operator": chance.choice(operators)} for key in chance.sample(range(26), 3)
                ]
            },
            policyTypes=["Ingress"],
        )
        for number in range(130)
    ]
    path = written(tmp_path, tangle)
    ran = run(capsysbinary, *INPUT, path)
    assert ran.code == 1
    assert "not proven: namespace shop: its policies select pods by so many labels" in ran.printed
    assert json.loads(run(capsysbinary, *INPUT, path, "-o", "json").printed)["summary"]["tangled"] == ["shop"]


CHECKOUT = ROOT / "examples" / "checkout"
ON_CILIUM = [
    "--profile",
    str(CHECKOUT / "profile.yaml"),
    *(str(CHECKOUT / f"{name}.yaml") for name in ("app", "servicegraph")),
]


def checkout() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((CHECKOUT / "rendered.yaml").read_text()))


def test_a_wider_name_in_a_policy_of_ciliums_is_extra(capsysbinary: Any, tmp_path: Path) -> None:
    policies = checkout()
    payment = next(policy for policy in policies if policy["kind"] == "CiliumNetworkPolicy")
    assert run(capsysbinary, *ON_CILIUM, written(tmp_path, policies)).code == 0
    payment["spec"]["egress"][1]["toFQDNs"] = [{"matchPattern": "*.stripe.com"}]
    ran = run(capsysbinary, *ON_CILIUM, written(tmp_path, policies))
    assert ran.code == 1
    assert "extra: checkout/payment -> *.stripe.com 443: not declared" in ran.printed
    assert "egress[1].toFQDNs[0]" in ran.printed


def test_a_way_around_the_dns_rule_is_found(capsysbinary: Any, tmp_path: Path) -> None:
    rule = {"ports": [{"port": 53, "protocol": "UDP"}]}
    around = foreign("allow-dns", podSelector={}, policyTypes=["Egress"], egress=[rule])
    around["metadata"]["namespace"] = "checkout"
    ran = run(capsysbinary, *ON_CILIUM, written(tmp_path, [*checkout(), around]))
    assert ran.code == 1
    assert "checkout/payment may ask DNS for some names only, and checkout/allow-dns egress[0] lets it" in ran.printed
    assert "1 way around DNS rules" in ran.printed
    assert "[FqdnBypass]" in ran.said


def test_what_is_not_modelled_in_a_policy_of_ciliums_is_named(capsysbinary: Any, tmp_path: Path) -> None:
    policies = checkout()
    payment = next(policy for policy in policies if policy["kind"] == "CiliumNetworkPolicy")
    payment["spec"]["egressDeny"] = [{"toEntities": ["world"]}]
    ran = run(capsysbinary, *ON_CILIUM, written(tmp_path, policies))
    assert ran.code == 1
    assert "unmodelled: CiliumNetworkPolicy checkout/rendered-sg-payment" in ran.printed
    assert "egressDeny" in ran.printed
