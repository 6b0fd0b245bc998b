"""The pods of a workload of any kind, as its scale subresource tells (R19).

https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/scale-v1/
"""

import re

from servicegraph.model.refs import WorkloadKey
from servicegraph.model.selectors import Operator, Requirement, Selector
from servicegraph.sources.api import ApiClient, ApiError

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
    return Selector.of(requirements)


async def scale_selector(client: ApiClient, key: WorkloadKey) -> Selector | None:
    """The selector of a workload's pods; None where it, its kind or its scale subresource does not exist.

    Raises ApiError, and ValueError where the selector cannot be read.
    """
    try:
        version = await _version(client, key.group)
        root = f"/apis/{key.group}/{version}" if key.group else f"/api/{version}"
        kinds = (await client.get(root))["resources"]
        plural = next((r["name"] for r in kinds if r["kind"] == key.kind and "/" not in r["name"]), None)
        if plural is None or f"{plural}/scale" not in {r["name"] for r in kinds}:
            return None
        scale = await client.get(f"{root}/namespaces/{key.namespace}/{plural}/{key.name}/scale")
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise
    selector = scale.get("status", {}).get("selector", "")
    return parse_selector(selector) if selector else None


async def _version(client: ApiClient, group: str) -> str:
    if not group:
        return "v1"
    found: str = (await client.get(f"/apis/{group}"))["preferredVersion"]["version"]
    return found


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
