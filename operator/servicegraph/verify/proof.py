"""Whether policies allow exactly what the graphs declare, and if not, which flows are missing or too many.

It holds manifests against model.Declared, for every class of pods there can be; docs/proof.md says what that proves.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import reduce

import msgspec

from servicegraph.model.policy import ANY_PEER, AddressPeer, Declared, Direction, Mode, Origin, Peer
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.model.selectors import Selector
from servicegraph.verify import classes, naming, portsets, sides
from servicegraph.verify.causes import Cause
from servicegraph.verify.ends import Pod
from servicegraph.verify.grants import View, World
from servicegraph.verify.index import SelectorIndex
from servicegraph.verify.naming import Parts
from servicegraph.verify.policies import NetworkPolicy, name_entities
from servicegraph.verify.portsets import PortSet
from servicegraph.verify.sides import Half
from servicegraph.verify.surplus import Excess, Terms, surplus


class Kind(StrEnum):
    """How what is allowed differs from what is declared. NotIsolated: no policy selects the pods at all."""

    MISSING = "Missing"
    EXTRA = "Extra"
    NOT_ISOLATED = "NotIsolated"


class Subject(msgspec.Struct, frozen=True):
    """Pods that a graph declares: all those of a service's selector, or a class of them.

    `service` is None for the pods of a namespace that is denied by default. `path` is the place in the graph.
    """

    namespace: str
    pods: Selector
    service: ServiceKey | None
    graph: GraphKey | None
    path: str = ""
    mode: Mode = Mode.ENFORCE
    draining: bool = False


class Difference(msgspec.Struct, frozen=True):
    """A flow that is missing or too many, as it is seen at one of its ends.

    A missing flow has the `origin` that declares it, and `causes` are the policies that cut it. One that is too many
    has the rule that opens it; pods that nothing isolates have neither, and may everything.
    """

    kind: Kind
    direction: Direction
    subject: Subject
    peer: Peer
    ports: PortSet
    origin: Origin | None = None
    causes: tuple[Cause, ...] = ()


class Proof(msgspec.Struct, frozen=True):
    """The result. `trusted` are flows that are too many and that the graph accepts; they leave it exact.

    In the namespaces that are `tangled` nothing is proven: selectors there overlap too much to tell pods apart.
    """

    missing: tuple[Difference, ...] = ()
    extra: tuple[Difference, ...] = ()
    trusted: tuple[Difference, ...] = ()
    tangled: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the policies allow what is declared and nothing else, but for what is trusted."""
        return not (self.missing or self.extra or self.tangled)


def prove(
    declared: Iterable[Declared],
    policies: Iterable[NetworkPolicy],
    namespaces: Mapping[str, Mapping[str, str]] | None = None,
    pods: Iterable[Pod] = (),
    trusts: Mapping[GraphKey, Collection[str]] | None = None,
) -> Proof:
    """Compare what policies allow with what is declared, at the pods that are declared to be isolated.

    Services in DryRun count as if they were enforced, a default deny in DryRun does not. `namespaces` are the labels
    of those that are known, `pods` tell what named ports mean, `trusts` are the names of policies by the graph that
    trusts them.
    """
    said = [d for d in declared if d.service is not None or d.mode is Mode.ENFORCE]
    policies = tuple(policies)
    entities = sides.declare_entities(said) or name_entities(policies)
    prover = _Prover(said, policies, World(namespaces or {}, pods, entities=entities))
    missing, found, tangled = prover.differences()
    accepted = [_trusted(difference, trusts or {}) for difference in found]
    return Proof(
        missing=missing,
        extra=tuple(d for d, trusted in zip(found, accepted, strict=True) if not trusted),
        trusted=tuple(d for d, trusted in zip(found, accepted, strict=True) if trusted),
        tangled=tangled,
    )


def _trusted(difference: Difference, trusts: Mapping[GraphKey, Collection[str]]) -> bool:
    graph = difference.subject.graph
    names = trusts.get(graph, ()) if graph is not None else ()
    return bool(difference.causes) and all(cause.policy.name in names for cause in difference.causes)


class _Prover:
    def __init__(self, declared: Iterable[Declared], policies: Iterable[NetworkPolicy], world: World) -> None:
        declared, policies = tuple(declared), tuple(policies)
        self._world = world
        self._truth, self._actual = sides.of_declared(declared), sides.of_policies(policies)
        self._declared: dict[tuple[str, Selector], list[Declared]] = defaultdict(list)
        for said in declared:
            self._declared[said.namespace, said.subject].append(said)
        self._known_parts: dict[tuple[int, Direction], Parts] = {}
        self._policies: dict[tuple[str, Selector], list[NetworkPolicy]] = defaultdict(list)
        for policy in policies:
            self._policies[policy.namespace, policy.subject].append(policy)

    def differences(self) -> tuple[tuple[Difference, ...], tuple[Difference, ...], tuple[str, ...]]:
        """What is missing, what is too much, and the namespaces where nobody can say."""
        missing: list[Difference] = []
        extra: list[tuple[Difference, Peer]] = []
        tangled: set[str] = set()
        for place in self._truth:
            view = View(self._world, *place)
            try:
                found = list(self._missing(view)), list(self._extra(view))
            except classes.TangledError:
                tangled.add(view.own)
            else:
                missing += found[0]
                extra += found[1]
        return _in_order(_together(missing)), _in_order(_as_written(extra)), tuple(sorted(tangled))

    def _missing(self, view: View) -> Iterator[Difference]:
        """What is declared and not allowed, at pods that are isolated."""
        place = view.own, view.direction
        truths = Terms(self._actual.get(place, {}), view)
        for excess in surplus(self._truth[place], truths, view, isolated_alone=False):
            causes = tuple(Cause(key) for key in sorted({p.key for p in self._selecting(excess.truth, view)}))
            for said in self._saying(excess.source, view):
                for flow in naming.declared_flows(self._parts(said, view), excess, view):
                    yield _difference(Kind.MISSING, excess, said, view, flow.peer, flow.ports, flow.origin, causes)

    def _extra(self, view: View) -> Iterator[tuple[Difference, Peer]]:
        """What is allowed and not declared, with the peer of the rule that allows it."""
        place = view.own, view.direction
        truths = Terms(self._truth[place], view)
        for excess in _attributed(surplus(self._actual.get(place, {}), truths, view), truths.half, view):
            for said in self._saying(excess.truth, view):
                if excess.source is None:
                    yield _difference(Kind.NOT_ISOLATED, excess, said, view, ANY_PEER, portsets.ALL), ANY_PEER
                    continue
                for policy in self._selecting(excess.source, view):
                    for rule in naming.rule_flows(self._parts(policy, view), excess, truths, view):
                        causes = (Cause(policy.key, rule.place),)
                        found = _difference(Kind.EXTRA, excess, said, view, rule.peer, rule.ports, None, causes)
                        yield found, rule.whole

    def _parts(self, whose: Declared | NetworkPolicy, view: View) -> Parts:
        key = (id(whose), view.direction)
        if key not in self._known_parts:
            made = Parts.declared(whose, view) if isinstance(whose, Declared) else Parts.policy(whose, view)
            self._known_parts[key] = made
        return self._known_parts[key]

    def _saying(self, selector: Selector | None, view: View) -> list[Declared]:
        """The declarations with this selector that concern the direction, those of services first."""
        assert selector is not None
        found = self._declared[view.own, selector]
        return [d for d in found if view.direction in d.isolated] or found

    def _selecting(self, selector: Selector, view: View) -> list[NetworkPolicy]:
        return [p for p in self._policies[view.own, selector] if view.direction in p.directions]


def _attributed(found: Iterable[Excess], half: Half, view: View) -> Iterator[Excess]:
    """Pods of a service are told there, and not at the default deny of their namespace too."""
    services = SelectorIndex(selector for selector in half if not selector.is_empty)
    for excess in found:
        if not excess.truth.is_empty:
            yield excess
            continue
        others = classes.outside(excess.pods, services.overlapping(excess.pods), view.steps)
        if others is not None:
            yield excess._replace(pods=others)


def _difference(
    kind: Kind,
    excess: Excess,
    said: Declared,
    view: View,
    peer: Peer,
    ports: PortSet,
    origin: Origin | None = None,
    causes: tuple[Cause, ...] = (),
) -> Difference:
    pods = classes.simplest(excess.pods)
    subject = Subject(said.namespace, pods, said.service, said.graph, said.path, said.mode, said.draining)
    return Difference(kind, view.direction, subject, peer, ports, origin, causes)


def _together(differences: Iterable[Difference]) -> Iterator[Difference]:
    """A flow that several policies cut is told once, with all of them."""
    causes: dict[Difference, set[Cause]] = defaultdict(set)
    for difference in differences:
        causes[msgspec.structs.replace(difference, causes=())].update(difference.causes)
    for difference, found in causes.items():
        yield msgspec.structs.replace(difference, causes=tuple(sorted(found, key=str)))


def _as_written(differences: Iterable[tuple[Difference, Peer]]) -> Iterator[Difference]:
    """Where declared flows leave several pieces of what a rule allows pods, the rule's own peer says it best."""
    by_rule: dict[tuple[Difference, Peer], list[Difference]] = defaultdict(list)
    for difference, whole in differences:
        by_rule[msgspec.structs.replace(difference, peer=whole, ports=()), whole].append(difference)
    for (rule, whole), pieces in by_rule.items():
        if len(pieces) == 1 or isinstance(whole, AddressPeer):
            yield from pieces
        else:
            ports = reduce(portsets.union, (piece.ports for piece in pieces))
            yield msgspec.structs.replace(rule, ports=ports)


def _in_order(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """Each once; pods everywhere and every address together are anywhere."""
    by_rest: dict[Difference, dict[Peer, Difference]] = defaultdict(dict)
    for difference in differences:
        by_rest[msgspec.structs.replace(difference, peer=ANY_PEER)][difference.peer] = difference
    found: list[Difference] = []
    for whole, by_peer in by_rest.items():
        found += [whole] if by_peer.keys() >= naming.ANYWHERE else by_peer.values()
    return tuple(sorted(found, key=lambda d: msgspec.json.encode(d)))
