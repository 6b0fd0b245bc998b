"""What a text names: every way in which people write down whom to call."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.adopt.hosts import Injected, Named, hosts, means_host

LABEL = st.from_regex(r"[a-z]([-a-z0-9]{0,10}[a-z0-9])?", fullmatch=True)
PORT = st.integers(1, 65535)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("http://search", Named("search", 0, 80, True)),
        ("tcp://ledger.payments:9000", Named("ledger.payments", 9000, 0, True)),
        ("postgres://u:p%40ss@db:5432/x?sslmode=off", Named("db", 5432, 5432, True)),
        ("postgresql+psycopg://u:p@db/x", Named("db", 0, 5432, True)),
        ("jdbc:postgresql://db:5432/x", Named("db", 5432, 5432, True)),
        ("jdbc:sqlserver://db:1433;databaseName=x", Named("db", 1433, 1433, True)),
        ("jdbc:oracle:thin:@db:1521:sid", Named("db", 1521)),
        ("root:secret@tcp(mysql:3306)/shop", Named("mysql", 3306)),
        ("mongodb+srv://u:p@mongo.example.com/x", Named("mongo.example.com", 0, 27017, True)),
        ("redis-0.redis.shop.svc.cluster.local:6379", Named("redis-0.redis.shop.svc.cluster.local", 6379)),
        ("see redis.shop.svc for more", Named("redis.shop.svc", sure=True)),
        ("host=db port=5433 user=x", Named("db", 5433, sure=True)),
        ("Server=tcp:db,1433;Database=x", Named("db", 1433, sure=True)),
        ("until nc -z db 5432; do sleep 1; done", Named("db", 5432)),
        ("https://$(REDIS_SERVICE_HOST):1", Injected("REDIS")),
        ("https://api.stripe.com/v1/charges?x=http", Named("api.stripe.com", 0, 443, True)),
        ("server backend:8080;", Named("backend", 8080)),
        ("proxy_pass http://backend;", Named("backend", 0, 80, True)),
    ],
)
def test_it_is_found(text: str, named: Named | Injected) -> None:
    assert named in hosts(text)


@pytest.mark.parametrize(
    ("key", "text", "found"),
    [
        ("REDIS_HOST", "redis", {Named("redis", sure=True)}),
        ("KAFKA_BROKERS", "kafka-0.kafka:9092, kafka-1.kafka:9092", {
            Named("kafka-0.kafka", 9092, sure=True), Named("kafka-1.kafka", 9092, sure=True)}),
        ("MODE", "redis", {Named("redis")}),
        ("SERVICE_NAME", "redis", {Named("redis")}),
        ("GREETING", "good morning to you all, dear world!", set()),
        ("DSN", "root:1234@tcp(mysql:3306)/x", {Named("mysql", 3306, sure=True)}),
        ("TIME", "12:30:45", set()),
        ("IMAGE", "nginx:1.27.1-alpine", set()),
        ("LISTEN", ":8080", set()),
        ("RATIO", "0.75", set()),
    ],
)  # fmt: skip
def test_a_value_alone_counts_by_what_it_is_called(key: str, text: str, found: set[Named]) -> None:
    assert set(hosts(text, key)) == found


@pytest.mark.parametrize(
    ("key", "means"),
    [
        ("DATABASE_URL", True),
        ("spring.redis.host", True),
        ("kafkaBootstrapServers", True),
        ("upstream", True),
        ("host_name", True),
        ("OTEL_SERVICE_NAME", False),
        ("POSTGRES_DB", False),
        ("SERVICE_PORT", False),
        ("GHOST", False),
        ("", False),
    ],
)
def test_what_a_setting_is_called_tells_whether_it_holds_hosts(key: str, means: bool) -> None:
    assert means_host(key) is means


@given(
    LABEL, PORT, st.sampled_from(["http", "amqp", "x-y.z"]), st.text("abc:%@", max_size=6), st.text("ab/?=", max_size=6)
)
def test_a_url_names_its_host_whatever_surrounds_it(host: str, port: int, scheme: str, user: str, rest: str) -> None:
    login = f"{user}@" if user else ""
    found = hosts(f"{scheme}://{login}{host}:{port}/{rest}")
    assert [(n.host, n.port, n.sure) for n in found if isinstance(n, Named)][:1] == [(host, port, True)]


@given(st.lists(st.tuples(LABEL, PORT), min_size=1, max_size=5), st.sampled_from([",", ";", ", ", " "]))
def test_every_pair_of_a_list_is_found(pairs: list[tuple[str, int]], separator: str) -> None:
    text = separator.join(f"{host}:{port}" for host, port in pairs)
    assert {(n.host, n.port) for n in hosts(text) if isinstance(n, Named)} >= set(pairs)


@given(st.text(), st.text())
def test_no_text_is_too_strange(text: str, key: str) -> None:
    for named in hosts(text, key):
        assert isinstance(named, Injected) or (named.host and 0 <= named.port <= 65535)


@pytest.mark.parametrize("piece", ["a", ".a", "a-", "://", "a@", "key="])
def test_a_long_text_takes_no_longer_than_its_length_asks_for(piece: str) -> None:
    begun = process_time()
    hosts(piece * 40_000)
    assert process_time() - begun < 5
