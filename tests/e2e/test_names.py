"""Outside names on Cilium: what is declared is reached by its name on its port, and nothing else of that server is."""

from collections.abc import Iterator, Mapping

import pytest

from tests.e2e import outside
from tests.e2e.changes import restart_operator
from tests.e2e.conftest import MakeStage
from tests.e2e.matrix import Tally
from tests.e2e.names import Names, names
from tests.e2e.outside import Host
from tests.e2e.pods import Role
from tests.e2e.stage import Stage
from tests.integration.kube import Object
from tests.integration.look import edges
from tests.waiting import eventually

pytestmark = [pytest.mark.outside, pytest.mark.cilium]

GRAPH = """
services:
  - name: payment
    calls:
      - {fqdn: api.example.test, ports: [8080]}
      - {fqdn: many.example.test, ports: [8080]}
      - {fqdn: 'one.two.three.four.five.six.example.test', ports: [8080]}
      - {service: ledger}
      - {service: bank, ports: [8080]}
  - {name: mailer, calls: [{fqdn: '*.mail.example.test', ports: [8080]}]}
  - {name: nosy, calls: [{service: ledger}]}
  - name: ledger
"""
MANY = 30
SLOWLY = 2.0
"""Seconds between lookups: more than CoreDNS keeps a connection to the server that it asks."""

ANSWERED, DROPPED, NOT_ASKED = "answered", "timeout", "refused"
"""What comes of a call: Cilium's DNS proxy refuses to ask for a name, and drops packets to addresses."""


@pytest.fixture(scope="module")
def stage(make_stage: MakeStage) -> Stage:
    stage = make_stage([Role(name=name, replicas=1) for name in ("payment", "mailer", "nosy", "ledger")])
    bank = {"type": "ExternalName", "externalName": "bank.example.test"}
    metadata = {"name": "bank", "namespace": stage.namespaces[""]}
    stage.kube.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": bank})
    return stage


@pytest.fixture(scope="module")
def addresses(hosts: Mapping[str, Host]) -> list[str]:
    """Many addresses of the host outside."""
    return outside.more_addresses(hosts["outside"], MANY)


@pytest.fixture(scope="module")
def dns(stage: Stage, hosts: Mapping[str, Host], addresses: list[str]) -> Iterator[Names]:
    """The first answers, and second ones where the host of `api` has changed."""
    server = hosts["outside"].address
    single = ("api", "other", "bank", "a.mail", "a.b.mail", "mail", "one.two.three.four.five.six")
    first = {**{f"{name}.example.test": [server] for name in single}, "many.example.test": addresses}
    second = {**first, "api.example.test": [hosts["excepted"].address]}
    with names(stage.kube, {"first": first, "second": second}) as found:
        yield found


@pytest.fixture(scope="module")
def graph(stage: Stage, dns: Names, hosts: Mapping[str, Host], tally: Tally) -> Stage:
    """The graph in force, before anybody has looked up a declared name."""
    caller = Caller(stage, tally)
    urls = {"tcp://api.example.test:9090": ANSWERED, "dns://other.example.test": ANSWERED}
    eventually(lambda: caller.seen("nosy", *urls) == urls, "without a graph all names are reached")
    stage.apply(GRAPH)
    eventually(lambda: edges(stage.kube, stage.namespaces[""], "graph").get("active") == 7, "every edge is active")
    closed = {"dns://other.example.test": NOT_ASKED, f"tcp://{hosts['outside'].address}:8080": DROPPED}
    expect(caller, "payment", closed)
    expect(caller, "mailer", closed)
    return stage


class Caller:
    """Makes calls from the pods of a stage."""

    def __init__(self, stage: Stage, tally: Tally) -> None:
        self._sources = {source.role: source for source in stage.ends().sources}
        self._tally = tally

    def seen(self, role: str, *urls: str, timeout: str = "2s") -> dict[str, str]:
        """What comes of each call."""
        return {url: found["outcome"] for url, found in self.results(role, *urls, timeout=timeout).items()}

    def results(self, role: str, *urls: str, timeout: str = "5s") -> dict[str, Mapping[str, str]]:
        """All that is known of each call."""
        self._tally.calls += len(urls)
        return dict(self._tally.callers.call(self._sources[role], list(urls), timeout))


@pytest.fixture
def caller(graph: Stage, tally: Tally) -> Caller:
    return Caller(graph, tally)


def expect(caller: Caller, role: str, outcomes: Mapping[str, str]) -> None:
    """What must come of these calls, twice in a row."""
    for _ in range(2):
        eventually(
            lambda: caller.seen(role, *outcomes) == outcomes,
            f"from {role}: {dict(outcomes)}; seen: {caller.seen(role, *outcomes)}",
        )


def test_an_address_is_closed_until_its_name_is_looked_up(caller: Caller, hosts: Mapping[str, Host]) -> None:
    host = hosts["outside"].address
    expect(caller, "payment", {f"tcp://{host}:8080": DROPPED})
    expect(caller, "payment", {"tcp://api.example.test:8080": ANSWERED})


def test_only_the_declared_name_on_its_port(caller: Caller, hosts: Mapping[str, Host]) -> None:
    expect(
        caller,
        "payment",
        {
            "tcp://api.example.test:8080": ANSWERED,
            "tcp://api.example.test:9090": DROPPED,
            "udp://api.example.test:8080": DROPPED,
            "tcp://other.example.test:8080": NOT_ASKED,
            "dns://other.example.test": NOT_ASKED,
            f"tcp://{hosts['excepted'].address}:8080": DROPPED,
        },
    )


def test_a_service_that_does_not_declare_it_reaches_neither_name_nor_address(
    caller: Caller, hosts: Mapping[str, Host]
) -> None:
    host = hosts["outside"].address
    expect(caller, "payment", {"tcp://api.example.test:8080": ANSWERED})
    expect(caller, "nosy", {"tcp://api.example.test:8080": DROPPED, f"tcp://{host}:8080": DROPPED})
    expect(caller, "mailer", {"tcp://api.example.test:8080": NOT_ASKED})


def test_a_pattern_is_exactly_one_label(caller: Caller) -> None:
    expect(
        caller,
        "mailer",
        {
            "tcp://a.mail.example.test:8080": ANSWERED,
            "tcp://a.mail.example.test:9090": DROPPED,
            "tcp://a.b.mail.example.test:8080": NOT_ASKED,
            "tcp://mail.example.test:8080": NOT_ASKED,
        },
    )


def test_names_of_the_cluster_and_searched_suffixes_keep_resolving(caller: Caller, graph: Stage) -> None:
    """A name that is found with no suffix is asked for by itself in the end, and that is refused."""
    namespace = graph.namespaces[""]
    expect(
        caller,
        "payment",
        {
            "tcp://ledger:80": ANSWERED,
            f"tcp://ledger.{namespace}:80": ANSWERED,
            f"dns://ledger.{namespace}.svc.cluster.local": ANSWERED,
            f"dns://ledger.{namespace}.svc.cluster.local.": ANSWERED,
            "dns://nobody": NOT_ASKED,
            "tcp://one.two.three.four.five.six.example.test:8080": ANSWERED,
        },
    )


def test_an_external_name_is_the_name_of_its_service(caller: Caller) -> None:
    """The pod asks for the Service's name, and that is what Cilium matches; the name behind it stays closed."""
    expect(caller, "payment", {"tcp://bank:8080": ANSWERED, "tcp://bank:9090": DROPPED})
    expect(caller, "payment", {"tcp://bank.example.test:8080": NOT_ASKED})


def test_a_name_with_many_addresses(caller: Caller, addresses: list[str]) -> None:
    asked: set[str] = set()
    for _ in range(MANY):
        found = caller.results("payment", "tcp://many.example.test:8080", "dns://many.example.test")
        assert {result["outcome"] for result in found.values()} == {ANSWERED}
        asked.add(found["dns://many.example.test"]["name"])
    assert len(addresses) == MANY
    assert len(asked & set(addresses)) > 1, "the answers differ"


def test_a_name_whose_address_changes_keeps_working(caller: Caller, dns: Names) -> None:
    url = "tcp://api.example.test:8080"
    outcomes: list[str] = []

    def answered_by(name: str) -> bool:
        result = caller.results("payment", url)[url]
        outcomes.append(result["outcome"])
        return result["name"] == name

    eventually(lambda: answered_by("outside"), "the first host answers")
    dns.ask("second")
    try:
        eventually(lambda: answered_by("excepted"), "the second host answers", poll=SLOWLY)
        assert set(outcomes) == {ANSWERED}, "and no call failed meanwhile"
    finally:
        dns.ask("first")
    eventually(lambda: answered_by("outside"), "and back", poll=SLOWLY)
    assert set(outcomes) == {ANSWERED}


def test_a_restart_of_the_operator_changes_nothing(caller: Caller, graph: Stage) -> None:
    def written() -> dict[str, str]:
        found = graph.kube.list("CiliumNetworkPolicy", graph.namespaces[""])
        return {policy["metadata"]["name"]: _version(policy) for policy in found}

    before = written()
    assert len(before) == 2, "of payment and mailer"
    restart_operator(graph.kube)
    expect(caller, "payment", {"tcp://api.example.test:8080": ANSWERED, "tcp://api.example.test:9090": DROPPED})
    assert written() == before


def _version(policy: Object) -> str:
    version: str = policy["metadata"]["resourceVersion"]
    return version
