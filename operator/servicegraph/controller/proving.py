"""The proof, kept current: what is about to be written, with the policies of others, held against the graphs.

A service alone is compared with its own policies before they are written: a difference there is a bug of ours. Where a
namespace has policies of others, its services are held against all of them together, after the writes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

import msgspec

from servicegraph.answers.proof import known_pods
from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.incremental import Compiler
from servicegraph.compiler.synthesize import denied
from servicegraph.model.policy import Declared, Mode, Policy, PolicyKind
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.proof import Difference, Proof, prove
from servicegraph.verify.reading import read
from servicegraph.verify.words import Words

Foreign = Mapping[str, Collection[NetworkPolicy]]
"""Policies of others by namespace."""

Trusts = Mapping[GraphKey, Collection[str]]

Place = ServiceKey | str
"""A service, or a namespace for its pods that are of no service."""


class Finding(msgspec.Struct, frozen=True):
    """What differs at the pods of one service, or of a namespace beside its services, in words.

    `unproven`: selectors overlap too much to tell.
    """

    wrong: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    unproven: bool = False


class Check:
    """What a service declares and the policies that follow from it, as they were compiled together.

    It is made for every policy and asked only before one is written, so that it costs nothing until then.
    """

    def __init__(self, declared: Iterable[Declared], policies: Iterable[Policy]) -> None:
        self._declared = tuple(declared)
        self._policies = tuple(policies)

    @classmethod
    def of(cls, compiler: Compiler, namespace: str, service: ServiceKey | None) -> "Check":
        """The check of a service's policies, or of the default deny of a namespace."""
        deny = compiler.deny(namespace)
        denies = [deny] if deny is not None and deny.mode is Mode.ENFORCE else []
        said = compiler.declarations_of(service) if service is not None else ()
        own = _as_enforced(compiler, service) if service is not None else ()
        return cls([*said, *map(denied, denies)], [*own, *denies])

    @cached_property
    def fault(self) -> str | None:
        """How the policies differ from what is declared, None where they do not: a difference is a bug of ours."""
        proof = prove(self._declared, [read(manifest(policy)) for policy in self._policies])
        if found := (*proof.missing, *proof.extra):
            return Words(self._declared).difference(found[0])
        return None if proof.exact else "its selectors overlap too much to tell"


def findings(
    compiler: Compiler, services: Collection[ServiceKey], foreign: Foreign, trusts: Trusts
) -> dict[Place, Finding]:
    """What policies of all make of these services, where that is not exactly what is declared."""
    proof, words = _proof(compiler, services, foreign, trusts)
    wrong, trusted = _by_service((*proof.missing, *proof.extra)), _by_service(proof.trusted)
    return {
        service: Finding(
            tuple(words.difference(d) for d in wrong.get(service, ())),
            tuple(words.difference(d) for d in trusted.get(service, ())),
            service.namespace in proof.tangled,
        )
        for service in services
        if service in wrong or service in trusted or service.namespace in proof.tangled
    }


def beside(compiler: Compiler, namespace: str, foreign: Foreign, trusts: Trusts) -> Finding:
    """What the policies of others make of the pods that only the default deny of a namespace isolates."""
    deny, others = compiler.deny(namespace), foreign.get(namespace, ())
    if deny is None or deny.mode is not Mode.ENFORCE or not others:
        return Finding()
    services = {service for graph in compiler.graphs(namespace) for service in compiler.services(graph)}
    proof, words = _proof(compiler, services, foreign, trusts)
    return Finding(
        tuple(words.difference(d) for d in (*proof.missing, *proof.extra) if d.subject.service is None),
        tuple(words.difference(d) for d in proof.trusted if d.subject.service is None),
        namespace in proof.tangled,
    )


def _proof(
    compiler: Compiler, services: Collection[ServiceKey], foreign: Foreign, trusts: Trusts
) -> tuple[Proof, Words]:
    """Of these services, with those that their pods could belong to as well."""
    together = {other for service in services for other in (service, *compiler.meeting(service))}
    namespaces = {service.namespace for service in together}
    declared = [said for service in together for said in compiler.declarations_of(service)]
    policies = [read(manifest(p)) for service in together for p in _as_enforced(compiler, service)]
    for namespace in namespaces:
        deny = compiler.deny(namespace)
        if deny is not None and deny.mode is Mode.ENFORCE:
            declared.append(denied(deny))
            policies.append(read(manifest(deny)))
    theirs = [policy for namespace in namespaces for policy in foreign.get(namespace, ())]
    inventory = compiler.inventory
    pods = known_pods(inventory.workloads.values()) if _name_ports(theirs) else []
    labels = {name: namespace.labels for name, namespace in inventory.namespaces.items()}
    return prove(declared, [*policies, *theirs], labels, pods, trusts), Words(_named(compiler, declared, namespaces))


def _as_enforced(compiler: Compiler, service: ServiceKey) -> Iterator[Policy]:
    """The policies of a service; one in DryRun has those it would have, and is not exempt from a default deny."""
    dry = any(said.mode is Mode.DRY_RUN for said in compiler.declarations_of(service))
    for policy in compiler.policies_of(service):
        if policy.kind is PolicyKind.SERVICE or (policy.mode is Mode.ENFORCE and not dry):
            yield policy


def _named(compiler: Compiler, declared: list[Declared], namespaces: Collection[str]) -> list[Declared]:
    """Declarations that give the peers in a message their names."""
    graphs = [graph for namespace in sorted(namespaces) for graph in compiler.graphs(namespace)]
    services = [service for graph in graphs for service in compiler.services(graph)]
    return [*declared, *(said for service in services for said in compiler.declarations_of(service))]


def _name_ports(policies: Iterable[NetworkPolicy]) -> bool:
    rules = (rule for policy in policies for rule in (*policy.ingress, *policy.egress))
    return any(port.name is not None for rule in rules for port in rule.ports or ())


def _by_service(differences: Iterable[Difference]) -> dict[ServiceKey, list[Difference]]:
    found: dict[ServiceKey, list[Difference]] = defaultdict(list)
    for difference in differences:
        if difference.subject.service is not None:
            found[difference.subject.service].append(difference)
    return found
