"""What FROM and TO mean: a service, a pod, an address, or a DNS name outside the cluster."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from ipaddress import ip_network

import msgspec

from servicegraph.answers.scene import Scene
from servicegraph.compiler.dns import asked_name
from servicegraph.compiler.inventory import pod_labels
from servicegraph.compiler.terms import Term
from servicegraph.model.addresses import canonical, contains, network, single
from servicegraph.model.cluster import ContainerPort
from servicegraph.model.names import DNS_SUBDOMAIN
from servicegraph.model.policy import AddressPeer
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Operator, Selector
from servicegraph.verify.ends import Address, End, NamedPort, Pod
from servicegraph.verify.policies import NetworkPolicy

POD = "pod/"
_CLUSTER_DOMAINS = (".svc.cluster.local", ".svc")


class UnknownEndError(ValueError):
    """FROM or TO means nothing here; the message says what is near it."""


class Member(msgspec.Struct, frozen=True):
    """One kind of pods, or one address, of an end. `ports` is what its containers say they listen on."""

    text: str
    end: End
    ports: tuple[ContainerPort, ...] = ()


class Party(msgspec.Struct, frozen=True):
    """An end of the question. `service` where it is one; `terms` are how its pods are selected and reached.

    `name` is a DNS name whose addresses nobody knows: its members are one address of each range that some policy tells
    apart. `asked` is the name that pods ask DNS for, another one where a Service stands for the name. `note` is what
    should be said about the reading.
    """

    text: str
    members: tuple[Member, ...]
    service: ServiceKey | None = None
    terms: tuple[Term, ...] = ()
    name: str = ""
    asked: str = ""
    note: str = ""


def resolve(text: str, scene: Scene, namespace: str | None) -> Party:
    """What `text` means; `namespace` is where names are looked for first. Raises UnknownEndError."""
    if text.startswith(POD):
        return _pod(text.removeprefix(POD), scene, namespace)
    if (address := _address(text)) is not None:
        return _at_address(address, scene)
    if "/" in text and _is_cidr(text):
        raise UnknownEndError(f"{text} is a range of addresses: ask about one address in it")
    for domain in _CLUSTER_DOMAINS:
        if text.endswith(domain) and text.removesuffix(domain).count(".") == 1:
            name, _, of = text.removesuffix(domain).partition(".")
            return _service(f"{of}/{name}", scene, namespace)
    if "." in text and "/" not in text and DNS_SUBDOMAIN.match(text):
        return Party(text, _outside(scene.all_policies(), text), name=text, asked=text)
    return _service(text, scene, namespace)


def find_service(text: str, scene: Scene, namespace: str | None) -> ServiceKey:
    """The service of a name, or of `namespace/name`. Raises UnknownEndError."""
    known = scene.services()
    first, slash, name = text.partition("/")
    if slash:
        found = [key for key in known if key == (first, name)]
    else:
        everywhere = [key for key in known if key.name == text]
        found = [key for key in everywhere if key.namespace == namespace] or everywhere
    if len(found) > 1:
        raise UnknownEndError(f"{text} is in several namespaces: write {' or '.join(map(str, found))}")
    if not found:
        raise UnknownEndError(f"there is no service {text}{_near(text, known, scene)}")
    return found[0]


def _service(text: str, scene: Scene, namespace: str | None) -> Party:
    key = find_service(text, scene, namespace)
    subject = scene.subject(key)
    if subject.external:
        if subject.external_name is not None:
            note = f"{key} stands for the DNS name {subject.external_name}"
            asked = asked_name(key, scene.profile).pattern
            members = _outside(scene.all_policies(), asked)
            return Party(str(key), members, key, name=subject.external_name, asked=asked, note=note)
        members = tuple(_known_address(address, scene) for address in subject.addresses)
        if members:
            return Party(str(key), members, key, (subject.reached,))
    members = members_of(key, scene)
    if not members:
        raise UnknownEndError(f"{key} has no pods that anything here tells of: {_no_pods(scene, key)}")
    return Party(str(key), members, key, subject.terms)


def members_of(key: ServiceKey, scene: Scene) -> tuple[Member, ...]:
    """The kinds of pods that a service has; none where nothing tells of any."""
    terms = scene.subject(key).terms
    return tuple({member.text: member for term in terms for member in _pods(key, term, scene)}.values())


def _no_pods(scene: Scene, key: ServiceKey) -> str:
    findings = scene.subject(key).findings
    return findings[0].message if findings else "put its Service or workload beside the graph"


def _pods(key: ServiceKey, term: Term, scene: Scene) -> Iterable[Member]:
    """The pods of the workloads that a term selects; where none is known, such as it selects."""
    return pods_selected(scene, key.namespace, term.selector, f"pods of {key}", term.listening.pods)


def pods_selected(
    scene: Scene, namespace: str, selector: Selector, text: str = "pods", ports: tuple[ContainerPort, ...] = ()
) -> list[Member]:
    """Pods of known workloads that are selected; where there are none, one such pod, with these ports."""
    found = [
        Member(
            str(workload.key),
            Pod(namespace, dict(pod_labels(workload)), _named(workload.ports or ports), workload.host_network),
            workload.ports or ports,
        )
        for workload in scene.matching(namespace, selector)
    ]
    return found or [Member(text, Pod(namespace, example(selector), _named(ports)), ports)]


def _pod(text: str, scene: Scene, namespace: str | None) -> Party:
    space, slash, name = text.rpartition("/")
    wanted = space if slash else namespace
    found = [pod for pod in scene.pods if pod.name == name and wanted in (None, pod.namespace)]
    if len(found) > 1:
        places = " or ".join(f"pod/{pod.namespace}/{pod.name}" for pod in found)
        raise UnknownEndError(f"pod/{text} is in several namespaces: write {places}")
    if not found:
        near = get_close_matches(name, [pod.name for pod in scene.pods if wanted in (None, pod.namespace)])
        hint = f"; near it: {', '.join(f'pod/{n}' for n in near)}" if near else ""
        raise UnknownEndError(f"there is no pod {text}{f' in {wanted}' if wanted and not slash else ''}{hint}")
    (pod,) = found
    member = Member(
        f"pod {pod.namespace}/{pod.name}",
        Pod(pod.namespace, dict(pod.labels), _named(pod.ports), pod.host_network, pod.name),
        pod.ports,
    )
    return Party(f"pod/{pod.namespace}/{pod.name}", (member,))


def _at_address(address: str, scene: Scene) -> Party:
    pod = next((pod for pod in scene.pods if address in pod.addresses and not pod.host_network), None)
    if pod is not None:
        party = _pod(f"{pod.namespace}/{pod.name}", scene, None)
        return msgspec.structs.replace(party, note=f"{address} is the pod {pod.namespace}/{pod.name}")
    inside = (*scene.profile.ranges.pods, *scene.profile.ranges.services)
    note = ""
    if any(contains(cidr, single(address)) for cidr in inside):
        note = f"{address} is one of the cluster's own: policies know pods by their labels, so ask by name"
    return Party(address, (_known_address(address, scene),), note=note)


def _known_address(address: str, scene: Scene) -> Member:
    """An address with what Cilium knows it as. Which node is a pod's own, nobody can say here."""
    nodes = (*scene.profile.ranges.nodes, *map(single, scene.cluster.node_addresses))
    known = {"remote-node": nodes, "kube-apiserver": tuple(map(single, scene.api_server()))}
    entities = (entity for entity, cidrs in known.items() if any(contains(cidr, single(address)) for cidr in cidrs))
    return Member(address, Address(address, entities=tuple(entities)))


def _outside(policies: Iterable[NetworkPolicy], name: str) -> tuple[Member, ...]:
    """A name with an address of each range that some rule names, and one that none does."""
    blocks = {
        peer
        for policy in policies
        for rule in (*policy.ingress, *policy.egress)
        for peer in rule.peers or ()
        if isinstance(peer, AddressPeer)
    }
    members = {}
    for peer in sorted(blocks):
        if (member := outside(peer, name)) is not None:
            members[member.text] = member
    for start in ("198.51.100.1", "8.8.8.8", "1.0.0.1"):
        if not any(contains(peer.cidr, single(start)) for peer in blocks):
            members.setdefault(start, Member("any other address", Address(start, (name,))))
            break
    return tuple(members.values())


def anew(party: Party, scene: Scene) -> Party:
    """The same end after a change: policies may tell other ranges of addresses apart now."""
    if not party.name:
        return party
    return msgspec.structs.replace(party, members=_outside(scene.all_policies(), party.asked))


def outside(peer: AddressPeer, name: str) -> Member | None:
    """A name with one address of a block, called like the block; None where its exceptions leave none."""
    address = _within(peer)
    return Member(_range(peer), Address(address, (name,))) if address is not None else None


def _within(peer: AddressPeer) -> str | None:
    """The first address of a block that no exception holds."""
    whole = network(peer.cidr)
    address = whole.network_address
    for cidr in sorted(map(network, peer.excluded), key=lambda n: (n.version, int(n.network_address))):
        if address in cidr:
            address = cidr.broadcast_address + 1
    return str(address) if address in whole else None


def _range(peer: AddressPeer) -> str:
    return f"{peer.cidr} except {', '.join(peer.excluded)}" if peer.excluded else peer.cidr


def example(selector: Selector) -> dict[str, str]:
    """Labels that a selector selects, as few as it wants."""
    labels: dict[str, str] = {}
    for requirement in selector.requirements:
        if requirement.operator is Operator.IN:
            known = labels.get(requirement.key)
            if known not in requirement.values:
                labels[requirement.key] = requirement.values[0]
    for requirement in selector.requirements:
        if requirement.operator is Operator.EXISTS:
            labels.setdefault(requirement.key, "any")
    return labels


def _named(ports: Iterable[ContainerPort]) -> tuple[NamedPort, ...]:
    return tuple(NamedPort(port.name, port.protocol, port.number) for port in ports if port.name)


def _near(text: str, known: list[ServiceKey], scene: Scene) -> str:
    names: Mapping[str, str] = {key.name: str(key) for key in known} | {str(key): str(key) for key in known}
    near = list(dict.fromkeys(names[match] for match in get_close_matches(text, names, n=3, cutoff=0.5)))
    if near:
        return f"; near it: {', '.join(near)}"
    if any(pod.name == text for pod in scene.pods):
        return f"; there is a pod of that name: write pod/{text}"
    listed = ", ".join(str(key) for key in known[:8])
    return f"; there are {listed}{' and more' if len(known) > 8 else ''}" if known else "; there are none"


def _address(text: str) -> str | None:
    try:
        return canonical(text)
    except ValueError:
        return None


def _is_cidr(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
