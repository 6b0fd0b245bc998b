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

_VERSION = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")


def group_of(api_version: str) -> str | None:
    """The group of an apiVersion, empty for the core group; None where it cannot be an apiVersion."""
    group, slash, version = api_version.rpartition("/")
    if not _VERSION.match(version) or (slash and not DNS_SUBDOMAIN.match(group)):
        return None
    return group
