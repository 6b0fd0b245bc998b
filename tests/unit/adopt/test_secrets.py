"""Nothing of a secret may stand in what is found, wherever it stood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.adopt.hosts import Named, hosts
from servicegraph.adopt.secrets import means_secret

SECRET = st.from_regex(r"[a-z]{3}[A-Z]{2}([.:/-]?[a-zA-Z0-9]{1,8}){0,4}(:[0-9]{2,5})?", fullmatch=True)
KEYS = st.sampled_from(
    ["AUTH_SERVICE_PASS", "DB_PASSWORD", "dbpassword", "db.passwd", "HOST_PWD", "apiKey", "API_KEY", "SMTP_AUTH", "PW",
     "SERVER_TOKEN", "session.cookie", "url-salt", "AWS_CREDENTIALS", "CREDENTIAL", "TOKEN_2", "requirepass"]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["db=x;Password={}", "Server=db;Pwd={};Database=x", "passwd: {}", '{{"password": "{}"}}', "host=db secret='{}'",
     "postgres://u:{}@db:5432/x", "http://db/?token={}&x=y",
     "amqp://a:{0}@db:1 amqp://b:{0}@db",
     "root:{}@tcp(db:3306)/x", "jdbc:oracle:thin:scott/{}@db:1521", "jdbc:sqlserver://db:1433;password={};user=a@b",
     "redis-server --requirepass {}", "mysql --password={} -h db", "mysql --password {} -h db",
     "Authorization: Bearer {}",
     "AccountKey={};Endpoint=db:1", "api_key: {}"]
)  # fmt: skip


@given(KEYS, SECRET)
def test_a_setting_that_is_called_a_secret_names_nobody(key: str, secret: str) -> None:
    assert means_secret(key)
    assert hosts(secret, key) == []


@given(TEXTS, SECRET)
def test_a_secret_inside_a_text_is_never_found(text: str, secret: str) -> None:
    for key in ("DB_DSN", ""):
        found = hosts(text.format(secret), key)
        assert {n.host for n in found if isinstance(n, Named)} <= {"db"}, found
        assert {n.port for n in found if isinstance(n, Named)} <= {0, 1, 1433, 1521, 3306, 5432}, found


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("http://auth:8080/token", Named("auth", 8080, 80, True)),
        ("token:8080", Named("token", 8080)),
        ("http://registry:5000/@scope/x", Named("registry", 5000, 80, True)),
        ("jdbc:sqlserver://db:1433;user=a@b;password=x", Named("db", 1433, 1433, True)),
        ("https://token:abc@git.example.com", Named("git.example.com", 0, 443, True)),
        ("postgres://u:p/w@db:5432/x", Named("db", 5432, 5432, True)),
        ("db:5432,admin@mail:25", Named("db", 5432)),
    ],
)
def test_what_is_no_secret_stays(text: str, named: Named) -> None:
    assert named in hosts(text)
