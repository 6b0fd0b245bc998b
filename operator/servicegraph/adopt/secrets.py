"""Secrets that stand in settings: what may be one is taken out before anything is looked for in a text."""

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET = re.compile(
    ".*(?:password|passwd|passphrase|pwd|secrets?|tokens?|apikey|credentials?|creds)"
    "|auth|authorization|cookies?|jwt|keys?|masterauth|p|pass|pw|requirepass|salt"
)
_VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^;\s,&]+)"
_PASSWORD = "password|passwd|passphrase|pwd"
_NAMED = rf"{_PASSWORD}|pass|pw|secret|token|key|credentials?|authorization|cookie|salt"
_NO_PORT = r"(?!\d{1,5}(?![^\s,;/?#&\"')\]}]))"

_ASSIGNED = re.compile(rf"(?i)(?P<name>{_NAMED})[\"'\\]*\s*=\s*{_VALUE}")
_SAID = re.compile(rf"(?i)(?P<name>(?:{_PASSWORD})[\"'\\]*\s*:|(?:{_NAMED})[\"'\\]*\s*:{_NO_PORT})\s*{_VALUE}")
_SPACED = re.compile(rf"(?i)(?P<name>(?<!\S)--?[\w-]*(?:{_NAMED})|\b(?:requirepass|masterauth|bearer))\s+{_VALUE}")
_RUN = re.compile(r"[^\s'\"<>]*")
_AUTHORITY = re.compile(r"[^/?#;]*")
_LOGIN = re.compile(r"(?<![^\s'\"<>])[^\s'\"<>]+@")
_AFTER_COLON = re.compile(r":(?!\d{1,5}[,;/?#])")


def words(key: str) -> list[str]:
    """The words of a setting's name, in lower case: DATABASE_URL, redis.host, kafkaBrokers."""
    return [word.lower() for word in _WORD.findall(key)]


def means_secret(key: str) -> bool:
    """Whether a setting of that name holds a secret, as its last word says: DB_PASSWORD, apiKey, TOKEN_2."""
    named = [word for word in words(key) if not word.isdigit()]
    return bool(named) and _SECRET.fullmatch(named[-1]) is not None


def without_secrets(text: str) -> str:
    """The text less passwords, keys and tokens, by what they are called, and less who logs in."""
    text = _ASSIGNED.sub(r"\g<name>= ", text)
    first, *rest = text.split("://")
    text = "://".join([first, *map(_without_user, rest)])
    text = _SAID.sub(r"\g<name> ", _SPACED.sub(r"\g<name> ", text))
    return _LOGIN.sub(lambda match: _without_password(match[0]), text)


def _without_user(url: str) -> str:
    """A URL after its `://`, less the user. A password may hold what should have been escaped."""
    whole, authority = _RUN.match(url), _AUTHORITY.match(url)
    run, begin = whole[0] if whole else "", authority[0] if authority else ""
    if "@" in (inner := begin[: len(run)]):
        return url[inner.rindex("@") + 1 :]
    if "@" in run and _AFTER_COLON.search(inner + run[len(inner) : len(inner) + 1]):
        return url[run.rindex("@") + 1 :]
    return url


def _without_password(login: str) -> str:
    """`user:password@` less the password, outside URLs: `root:pw@tcp(db:3306)`."""
    colon = None if "://" in login else _AFTER_COLON.search(login)
    return login if colon is None else f"{login[: colon.start()]}@"
