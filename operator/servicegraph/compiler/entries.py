"""An entry of `calls` or `accepts`: exactly one party, ports, and what that party needs."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import msgspec

from servicegraph.model.addresses import contains, network
from servicegraph.model.graph import (
    AddressParty,
    Entry,
    NamedParty,
    NameParty,
    Party,
    Place,
    PlaceParty,
    PodsParty,
    ServiceParty,
)
from servicegraph.model.names import DNS_LABEL, DNS_SUBDOMAIN, is_label_key, is_label_value
from servicegraph.model.ports import WrittenPort, parse_port
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.model.resource import AcceptSpec, CallSpec, LabelSelector, PodsSpec
from servicegraph.model.selectors import EVERYTHING, NAMESPACE_LABEL, Operator, Requirement, Selector

_FQDN = re.compile(r"(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")

_PARTIES = ("service", "pods", "fqdn", "cidr", "internet", "nodes", "kube_api_server", "party", "anywhere")
_NEEDS_PORTS = {"fqdn", "cidr", "internet", "nodes", "anywhere"}
_PLACES = {
    "internet": Place.INTERNET,
    "nodes": Place.NODES,
    "kube_api_server": Place.KUBE_API_SERVER,
    "anywhere": Place.ANYWHERE,
}

T = TypeVar("T")


class Reader:
    """Collects what is wrong with one resource while it is read."""

    def __init__(self, graph: GraphKey) -> None:
        self.graph = graph
        self.problems: list[Problem] = []

    def wrong(self, path: str, message: str) -> None:
        """Note that the resource is invalid at a JSON path."""
        self.problems.append(Problem(Code.INVALID, Severity.ERROR, self.graph, path, message))

    def attempt(self, path: str, read: Callable[[], T]) -> T | None:
        """The value, or None with its ValueError noted."""
        try:
            return read()
        except ValueError as error:
            self.wrong(path, str(error))
            return None

    def name(self, name: str, path: str, what: str) -> None:
        """Note a name that is no DNS label (RFC 1123)."""
        if not DNS_LABEL.match(name):
            self.wrong(
                path, f"{name!r} cannot be the name of {what}: at most 63 lower-case letters, digits and dashes inside"
            )

    def subdomain(self, name: str, path: str, what: str) -> None:
        """Note a name that is no DNS subdomain (RFC 1123)."""
        if not DNS_SUBDOMAIN.match(name):
            self.wrong(
                path, f"{name[:80]!r} cannot be the name of {what}: lower-case letters, digits, dashes and dots inside"
            )

    def labels(self, labels: Mapping[str, str], path: str) -> None:
        """Note labels that no pod can have."""
        for key, value in labels.items():
            self.label_key(key, path)
            if not is_label_value(value):
                self.wrong(f"{path}.{key}", f"{value!r} cannot be the value of a label")

    def label_key(self, key: str, path: str) -> None:
        """Note a key that no label can have."""
        if not is_label_key(key):
            self.wrong(f"{path}.{key}", f"{key!r} cannot be the key of a label")


class Subject(msgspec.Struct, frozen=True):
    """Whose entries are read: the service's name, for the text that names them, and the reader."""

    name: str
    reader: Reader


def parse_entry(
    subject: Subject, verb: str, written: CallSpec | AcceptSpec, path: str, *, default: bool = False
) -> Entry | None:
    """The entry with its meaning, or None with what is wrong noted in the reader."""
    reader = subject.reader
    before = len(reader.problems)
    given = [field for field in _PARTIES if getattr(written, field, None) is not None]
    if len(given) != 1:
        names = [_field_name(field) for field in (given or _PARTIES) if verb == "accepts" or field != "anywhere"]
        if verb == "accepts" and not given:
            names.remove("fqdn")
        reader.wrong(
            path,
            f"the entry names {' and '.join(names)}: write one entry for each"
            if given
            else f"the entry names no party: write one of {', '.join(names)}",
        )
        return None
    field = given[0]
    if written.namespace is not None and field != "service":
        reader.wrong(f"{path}.namespace", "`namespace` goes with `service`: for pods, write it inside `pods`")
    if written.except_ and field != "cidr":
        reader.wrong(f"{path}.except", "`except` goes with `cidr`: leave it out")
    if field in _NEEDS_PORTS and not written.ports:
        reader.wrong(path, f"`{_field_name(field)}` needs ports: write, for example, ports: [443]")
    elif written.ports == ():
        reader.wrong(f"{path}.ports", "the list of ports is empty: name one, or leave `ports` out to mean all")
    party = _party(reader, written, field, path)
    ports = tuple(
        port
        for index, item in enumerate(written.ports or ())
        if (port := reader.attempt(f"{path}.ports[{index}]", partial(parse_port, item))) is not None
    )
    if party is None or len(reader.problems) > before:
        return None
    ports = tuple(sorted(set(ports), key=lambda port: (port.name or "", port.start, port.end, port.protocol or "")))
    return Entry(party, ports, path, _text(subject, verb, party, ports), default, written.reason)


def _party(reader: Reader, written: CallSpec | AcceptSpec, field: str, path: str) -> Party | None:
    if field in _PLACES:
        return PlaceParty(_PLACES[field])
    if written.service is not None:
        reader.name(written.service, f"{path}.service", "a service")
        if written.namespace is not None:
            reader.name(written.namespace, f"{path}.namespace", "a namespace")
        return ServiceParty(ServiceKey(written.namespace or reader.graph.namespace, written.service))
    if written.pods is not None:
        return pods_party(reader, written.pods, f"{path}.pods")
    if written.cidr is not None:
        return _addresses(reader, written.cidr, written.except_, path)
    if written.party is not None:
        return NamedParty(written.party)
    fqdn = getattr(written, "fqdn", None) or ""
    if not _FQDN.match(fqdn) or len(fqdn) > 253:
        reader.wrong(
            f"{path}.fqdn",
            f"{fqdn!r} is not a DNS name: write api.example.com, or *.example.com where the star is one whole label",
        )
        return None
    return NameParty(fqdn)


def _addresses(reader: Reader, cidr: str, excluded: tuple[str, ...], path: str) -> AddressParty | None:
    if reader.attempt(f"{path}.cidr", partial(network, cidr)) is None:
        return None
    for index, inner in enumerate(excluded):
        here = f"{path}.except[{index}]"
        if reader.attempt(here, partial(network, inner)) is None:
            continue
        if not contains(cidr, inner) or inner == cidr:
            reader.wrong(here, f"the exception {inner} is not inside {cidr}: write a smaller range, or leave it out")
    return AddressParty(cidr, tuple(sorted(set(excluded))))


def pods_party(reader: Reader, written: PodsSpec, path: str) -> PodsParty | None:
    """Pods by label, in one of its two forms."""
    short = written.namespace is not None or written.labels is not None
    long = written.namespace_selector is not None or written.pod_selector is not None
    if short and long:
        reader.wrong(path, "`pods` mixes two forms: write namespace and labels, or namespaceSelector and podSelector")
        return None
    if written.labels is None and written.pod_selector is None:
        field = "podSelector" if long else "labels"
        reader.wrong(path, f"`pods` does not say which pods: write {field}, or `{field}: {{}}` for every pod there")
        return None
    if written.labels is not None:
        reader.labels(written.labels, f"{path}.labels")
        namespaces = None
        if written.namespace is not None:
            reader.name(written.namespace, f"{path}.namespace", "a namespace")
            if written.namespace != reader.graph.namespace:
                namespaces = Selector.from_labels({NAMESPACE_LABEL: written.namespace})
        return PodsParty(Selector.from_labels(written.labels), namespaces)
    pods = _selector(reader, written.pod_selector, f"{path}.podSelector")
    if written.namespace_selector is None:
        return PodsParty(pods)
    return PodsParty(pods, _selector(reader, written.namespace_selector, f"{path}.namespaceSelector"))


def _selector(reader: Reader, written: LabelSelector | None, path: str) -> Selector:
    if written is None:
        return EVERYTHING
    reader.labels(written.match_labels, f"{path}.matchLabels")
    requirements = list(Selector.from_labels(written.match_labels).requirements)
    for index, expression in enumerate(written.match_expressions):
        here = f"{path}.matchExpressions[{index}]"
        reader.label_key(expression.key, here)
        takes_values = expression.operator in ("In", "NotIn")
        if takes_values != bool(expression.values):
            reader.wrong(here, f"{expression.operator} takes {'at least one value' if takes_values else 'no values'}")
            continue
        for value in expression.values:
            reader.labels({expression.key: value}, here)
        requirements.append(
            Requirement(expression.key, Operator(expression.operator), tuple(sorted(set(expression.values))))
        )
    return Selector.of(requirements)


def _field_name(field: str) -> str:
    return "kubeAPIServer" if field == "kube_api_server" else field


def _text(subject: Subject, verb: str, party: Party, ports: tuple[WrittenPort, ...]) -> str:
    listed = f" [{', '.join(map(str, ports))}]" if ports else ""
    preposition = "accepts" if verb == "accepts" else "calls"
    return f"{subject.name} {preposition} {party_text(party, subject.reader.graph.namespace)}{listed}"


def party_text(party: Party, namespace: str) -> str:
    """A party as people say it, seen from a namespace."""
    match party:
        case ServiceParty(key):
            return key.name if key.namespace == namespace else str(key)
        case PodsParty(pods, namespaces):
            where = "" if namespaces is None else f" in namespaces {selector_text(namespaces)}"
            return f"pods {selector_text(pods)}{where}"
        case AddressParty(cidr, excluded):
            return f"{cidr} except {', '.join(excluded)}" if excluded else cidr
        case NameParty(pattern):
            return pattern
        case NamedParty(name):
            return f"party {name}"
        case PlaceParty(place):
            return place.value


def selector_text(selector: Selector) -> str:
    """A selector in the notation of `kubectl -l`; `*` for everything."""
    return ",".join(map(_requirement_text, selector.requirements)) or "*"


def _requirement_text(requirement: Requirement) -> str:
    key, values = requirement.key, requirement.values
    match requirement.operator:
        case Operator.IN:
            return f"{key}={values[0]}" if len(values) == 1 else f"{key} in ({','.join(values)})"
        case Operator.NOT_IN:
            return f"{key} notin ({','.join(values)})"
        case Operator.EXISTS:
            return key
        case Operator.DOES_NOT_EXIST:
            return f"!{key}"
