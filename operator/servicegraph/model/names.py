"""What names of Kubernetes objects, kinds and API versions look like. Lengths are part of it.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

import re

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
"""Names of Services and namespaces."""

DNS_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
"""Names of most objects, and API groups."""

KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}\Z")
"""A kind, such as Rollout."""

_LABEL_PART = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
_VERSION = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")


def is_label_key(key: str) -> bool:
    """Whether a label can have this key."""
    prefix, slash, part = key.rpartition("/")
    return bool(_LABEL_PART.match(part) and (not slash or DNS_SUBDOMAIN.match(prefix)))


def is_label_value(value: str) -> bool:
    """Whether a label can have this value."""
    return not value or bool(_LABEL_PART.match(value))


def group_of(api_version: str) -> str | None:
    """The group of an apiVersion, empty for the core group; None where it cannot be an apiVersion."""
    group, slash, version = api_version.rpartition("/")
    if not _VERSION.match(version) or (slash and not DNS_SUBDOMAIN.match(group)):
        return None
    return group
