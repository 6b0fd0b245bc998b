"""Hosts that a text names: in URLs, connection strings, host:port pairs, lists of them, or all by themselves."""

import re
from collections.abc import Iterator

import msgspec

from servicegraph.adopt.secrets import means_secret, without_secrets, words

_LABEL = r"[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_URL = re.compile(r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<hosts>[^\s/?#;'\"<>\\)}\]|`]+)")
_PAIR = re.compile(rf"(?<![\w.$-])(?P<host>{_HOST})\.?:(?P<port>\d{{1,5}})(?![\w@]|[.-]\w)")
_SPACED = re.compile(rf"(?<![\w.$-])(?P<host>{_HOST})\s+(?P<port>\d{{2,5}})(?![\w.-])")
_IN_CLUSTER = re.compile(rf"(?<![\w.$-])(?P<host>{_HOST}\.svc(?:\.{_LABEL})*)\.?(?![\w-])")
_KEYED = re.compile(
    rf"(?i)(?<![\w.-])(?:host|hostaddr|hostname|server|data source|addr|address)\s*=\s*(?:tcp:)?(?P<host>{_HOST})"
    r"(?:[:,](?P<port>\d{1,5}))?(?:\s+port\s*=\s*(?P<other>\d{1,5}))?"
)
_INJECTED = re.compile(r"(?<![A-Za-z0-9_])(?P<name>[A-Z][A-Z0-9_]*)_SERVICE_HOST\b")
_PIECE = re.compile(rf"(?P<host>{_HOST})\.?(?::(?P<port>\d{{1,5}}))?")
_SEPARATOR = re.compile(r"[\s,;|]+")

DEFAULT_PORTS = {
    "amqp": 5672,
    "amqps": 5671,
    "cassandra": 9042,
    "clickhouse": 9000,
    "http": 80,
    "https": 443,
    "kafka": 9092,
    "ldap": 389,
    "ldaps": 636,
    "mariadb": 3306,
    "memcached": 11211,
    "mongodb": 27017,
    "mqtt": 1883,
    "mysql": 3306,
    "nats": 4222,
    "oracle": 1521,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "smtp": 25,
    "sqlserver": 1433,
    "ws": 80,
    "wss": 443,
    "zookeeper": 2181,
}
"""https://www.iana.org/assignments/service-names-port-numbers and what the servers listen on by default."""

_HINTS = re.compile(
    "addr|address|addrs|addresses|backends?|bootstrap|brokers?|dsn|endpoints?|hosts?|hostname|master|nodes|peers?|proxy"
    "|sentinels?|servers?|services?|targets?|upstreams?|uri|urls?"
)
_NO_HINTS = re.compile(
    "account|bucket|db|database|group|id|image|label|level|mode|name|namespace|path|port|prefix|queue|role|topic"
    "|type|user|username|version"
)


class Named(msgspec.Struct, frozen=True, order=True):
    """A host that a text names. `port` is 0 where none is said; `default` is the scheme's.

    `sure` where it stands as only a host can stand: in a URL, or as the value of a setting that is called so.
    """

    host: str
    port: int = 0
    default: int = 0
    sure: bool = False


class Injected(msgspec.Struct, frozen=True, order=True):
    """A Service by the variable that Kubernetes injects for it: `REDIS` of REDIS_SERVICE_HOST."""

    name: str


def means_host(key: str) -> bool:
    """Whether a setting of that name holds hosts: DATABASE_URL, redis.host, --upstream."""
    said = words(key)
    if not said or means_secret(key) or (_NO_HINTS.fullmatch(said[-1]) and said[-2:] != ["host", "name"]):
        return False
    return any(_HINTS.fullmatch(word) for word in said)


def hosts(text: str, key: str = "") -> list[Named | Injected]:
    """Every host in the value of the setting `key`, in the order of the kinds in which it may stand, none twice.

    Nothing of a secret, so that what is printed can be shown to anybody.
    """
    if means_secret(key):
        return []
    text = without_secrets(text)
    found: list[Named | Injected] = list(_in_urls(text))
    meant = means_host(key)
    rest = _URL.sub(" ", text)
    found += (Named(_plain(m["host"]), int(m["port"]), sure=meant) for m in _PAIR.finditer(rest))
    found += (Named(_plain(m["host"]), sure=True) for m in _IN_CLUSTER.finditer(_PAIR.sub(" ", rest)))
    found += (Named(_plain(m["host"]), int(m["port"] or m["other"] or 0), sure=True) for m in _KEYED.finditer(rest))
    found += (Named(_plain(m["host"]), int(m["port"])) for m in _SPACED.finditer(rest))
    found += (Injected(m["name"]) for m in _INJECTED.finditer(text))
    found += _alone(text, sure=meant)
    return list(dict.fromkeys(host for host in found if isinstance(host, Injected) or _is_host(host)))


def _in_urls(text: str) -> Iterator[Named]:
    for url in _URL.finditer(text):
        default = DEFAULT_PORTS.get(url["scheme"].lower().partition("+")[0], 0)
        for piece in url["hosts"].split(","):
            if (match := _PIECE.match(piece)) is not None and match.end() == len(piece.rstrip(":.")):
                yield Named(_plain(match["host"]), int(match["port"] or 0), default, sure=True)


def _alone(text: str, *, sure: bool) -> Iterator[Named]:
    """A text that is a host, or a list of hosts and nothing else."""
    pieces = [_PIECE.fullmatch(piece) for piece in _SEPARATOR.split(text.strip().strip("\"'[]"))]
    if all(pieces):
        for match in pieces:
            if match is not None and match["port"] is None:
                yield Named(_plain(match["host"]), sure=sure)


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


def _is_host(named: Named) -> bool:
    return (named.port <= 65535 and any(character.isalpha() for character in named.host.replace(".", ""))) or (
        named.host.count(".") == 3
    )
