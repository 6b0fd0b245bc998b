"""The pods of a workload of any kind, as its scale subresource tells (R19).

https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/scale-v1/
"""

import re

import msgspec

from servicegraph.model.names import is_label_key, is_label_value
from servicegraph.model.refs import WorkloadKey
from servicegraph.model.selectors import Operator, Requirement, Selector
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.resources import api_path

_NOT_FOUND = 404
_REQUIREMENT = re.compile(
    r"""\s*(?:
        (?P<key>[\w./-]+)\s*(?P<operator>==|=|!=)\s*(?P<value>[\w.-]*)
      | (?P<set_key>[\w./-]+)\s+(?P<set_operator>in|notin)\s*\((?P<values>[^()]*)\)
      | !\s*(?P<absent>[\w./-]+)
      | (?P<present>[\w./-]+)
    )\s*(?:,|$)""",
    re.VERBOSE,
)


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    pass


class _Version(_Wire, frozen=True):
    version: str


class _Group(_Wire, frozen=True):
    """metav1.APIGroup."""

    preferred_version: _Version


class _Kind(_Wire, frozen=True):
    name: str
    kind: str


class _Kinds(_Wire, frozen=True):
    """metav1.APIResourceList."""

    resources: tuple[_Kind, ...]


class _ScaleStatus(_Wire, frozen=True):
    selector: str = ""


class _Scale(_Wire, frozen=True):
    """autoscaling/v1 Scale."""

    status: _ScaleStatus = _ScaleStatus()


def parse_selector(text: str) -> Selector:
    """A selector in its string form, such as `app=x,env in (a,b),!canary`. Raises ValueError.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    requirements: list[Requirement] = []
    position = 0
    while position < len(text.rstrip()):
        match = _REQUIREMENT.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is not a label selector: it cannot be read from {text[position:]!r} on")
        requirements.append(_requirement(match))
        position = match.end()
    for requirement in requirements:
        if not is_label_key(requirement.key) or not all(map(is_label_value, requirement.values)):
            raise ValueError(f"{text!r} is not a label selector: no label is {requirement.key!r} or has such a value")
    return Selector.of(requirements)


async def scale_selector(client: ApiClient, key: WorkloadKey) -> Selector | None:
    """The selector of a workload's pods; None where it, its kind or its scale subresource does not exist.

    Raises ApiError, and ValueError where an answer or the selector in it cannot be read.
    """
    try:
        version = await _version(client, key.group)
        root = api_path(key.group, version)
        kinds = msgspec.convert(await client.get(root), _Kinds).resources
        plural = next((k.name for k in kinds if k.kind == key.kind and "/" not in k.name), None)
        if plural is None or f"{plural}/scale" not in {k.name for k in kinds}:
            return None
        path = api_path(key.group, version, "namespaces", key.namespace, plural, key.name, "scale")
        scale = msgspec.convert(await client.get(path), _Scale)
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise
    selector = scale.status.selector
    return parse_selector(selector) if selector else None


async def _version(client: ApiClient, group: str) -> str:
    if not group:
        return "v1"
    return msgspec.convert(await client.get(api_path(group)), _Group).preferred_version.version


def _requirement(match: re.Match[str]) -> Requirement:
    if key := match["key"]:
        operator = Operator.NOT_IN if match["operator"] == "!=" else Operator.IN
        return Requirement(key, operator, (match["value"],))
    if key := match["set_key"]:
        operator = Operator.IN if match["set_operator"] == "in" else Operator.NOT_IN
        return Requirement(key, operator, tuple(sorted({value.strip() for value in match["values"].split(",")})))
    if key := match["absent"]:
        return Requirement(key, Operator.DOES_NOT_EXIST)
    return Requirement(match["present"], Operator.EXISTS)
