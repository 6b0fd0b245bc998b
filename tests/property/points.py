"""One point of every class: pods, addresses and ports that selectors, blocks and ranges of manifests tell apart.

Whether a peer or a port of a rule holds for a point is asked of tests/support/verdict.py, one peer and one port at a
time, and remembered.
"""

import json
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

from tests.support.verdict import Address, End, Manifest, Pod, Port, Verdicts, selects

Labels = Mapping[str, str]
Allowed = frozenset[tuple[int, int]]
"""Pairs of a peer and a port by their places in `peers` and `ports`."""

_SIDES = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}


class Points:
    """The points of some manifests in some namespaces."""

    def __init__(self, manifests: Iterable[Manifest], namespaces: Mapping[str, Labels]) -> None:
        self._namespaces = namespaces
        self._peer_answers: dict[tuple[str, str, int], bool] = {}
        self._port_answers: dict[tuple[str, int], bool] = {}
        manifests = list(manifests)
        rules = [(m["metadata"]["namespace"], peers, ports) for m in manifests for peers, ports in _rules(m)]
        self._subjects = [m["spec"]["podSelector"] for m in manifests]
        blocks = [p["ipBlock"] for _, peers, _ in rules for p in peers if "ipBlock" in p]
        chosen = {json.dumps([ns, p]): (ns, p) for ns, peers, _ in rules for p in peers if "ipBlock" not in p}
        selectors = [*self._subjects, *(p.get("podSelector", {}) for _, p in chosen.values())]
        self._pods = [Pod(ns, labels) for ns in namespaces for labels in _universe(selectors)]
        self.ports: list[Port] = _ports(p for _, _, ports in rules for p in ports)
        ends: list[End] = [*self._pods, *(Address(ip) for ip in _addresses(blocks))]
        self.peers: list[End] = []
        known: set[tuple[Any, ...]] = set()
        for end in ends:
            signature = (
                isinstance(end, Pod),
                *(self._is_peer(ns, p, end) for ns, p in chosen.values()),
                *(self._is_peer("a", {"ipBlock": block}, end) for block in blocks),
            )
            if signature not in known:
                known.add(signature)
                self.peers.append(end)

    def subjects(self, namespace: str) -> list[Pod]:
        """A pod of every class that the subjects of policies tell apart in a namespace."""
        found: dict[tuple[bool, ...], Pod] = {}
        for pod in self._pods:
            if pod.namespace == namespace:
                found.setdefault(tuple(selects(s, pod.labels) for s in self._subjects), pod)
        return list(found.values())

    def allowed(self, pod: Pod, direction: str, manifests: Iterable[Manifest]) -> Allowed | None:
        """Every peer and port that a pod may have; None where no policy isolates it."""
        own = [m for m in manifests if m["metadata"]["namespace"] == pod.namespace]
        isolating = [m for m in own if Verdicts([m], {}).isolated(pod, direction)]
        if not isolating:
            return None
        rules, side = _SIDES[direction]
        found: set[tuple[int, int]] = set()
        for rule in (rule for m in isolating for rule in m["spec"].get(rules) or ()):
            peers = [n for n in range(len(self.peers)) if self._in_peers(pod.namespace, rule.get(side), n)]
            ports = [n for n in range(len(self.ports)) if self._in_ports(rule.get("ports"), n)]
            found.update(product(peers, ports))
        return frozenset(found)

    def _in_peers(self, namespace: str, peers: list[Any] | None, number: int) -> bool:
        if not peers:
            return True
        return any(self._remembered(namespace, peer, number) for peer in peers)

    def _remembered(self, namespace: str, peer: Any, number: int) -> bool:
        key = (namespace, json.dumps(peer), number)
        if key not in self._peer_answers:
            self._peer_answers[key] = self._is_peer(namespace, peer, self.peers[number])
        return self._peer_answers[key]

    def _is_peer(self, namespace: str, peer: Any, end: End) -> bool:
        return Verdicts([_only(namespace, {"from": [peer]})], self._namespaces).ingress(Pod(namespace, {}), end, _ANY)

    def _in_ports(self, ports: list[Any] | None, number: int) -> bool:
        key = (json.dumps(ports), number)
        if key not in self._port_answers:
            verdicts = Verdicts([_only("a", {"ports": ports or []})], {})
            self._port_answers[key] = verdicts.ingress(Pod("a", {}), Pod("a", {}), self.ports[number])
        return self._port_answers[key]


_ANY: Port = ("TCP", 1)


def _only(namespace: str, rule: Mapping[str, Any]) -> Manifest:
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [rule]}
    return {"metadata": {"namespace": namespace}, "spec": spec}


def _rules(manifest: Manifest) -> list[tuple[list[Any], list[Any]]]:
    spec = manifest["spec"]
    found = [(rule.get("from") or [], rule.get("ports") or []) for rule in spec.get("ingress") or ()]
    return found + [(rule.get("to") or [], rule.get("ports") or []) for rule in spec.get("egress") or ()]


def _universe(selectors: Iterable[Any]) -> list[Labels]:
    """Every set of labels that these selectors tell apart."""
    values: dict[str, set[str | None]] = {}
    for selector in selectors:
        for key, value in selector.get("matchLabels", {}).items():
            values.setdefault(key, {None}).add(value)
        for expression in selector.get("matchExpressions", ()):
            values.setdefault(expression["key"], {None}).update([*expression.get("values", ()), "another"])
    keys = sorted(values)
    return [
        {key: value for key, value in zip(keys, chosen, strict=True) if value is not None}
        for chosen in product(*(sorted(values[key], key=str) for key in keys))
    ]


def _addresses(blocks: Iterable[Any]) -> list[str]:
    found = {"203.0.113.9", "2001:db8::9"}
    for cidr in {cidr for block in blocks for cidr in (block["cidr"], *block.get("except", ()))}:
        network = ip_network(cidr)
        first, last = network.network_address, network.broadcast_address
        found |= {str(first), str(last)}
        found |= {str(first - 1)} if int(first) else set()
        found |= {str(last + 1)} if int(last) < 2**last.max_prefixlen - 1 else set()
    return sorted(found, key=lambda ip: (ip_address(ip).version, int(ip_address(ip))))


def _ports(ports: Iterable[Any]) -> list[Port]:
    found: set[Port] = {("TCP", 1), ("UDP", 1), ("SCTP", 1)}
    for port in ports:
        if "port" in port:
            protocol, last = port.get("protocol", "TCP"), port.get("endPort", port["port"])
            found |= {(protocol, number) for number in (port["port"] - 1, port["port"], last, last + 1)}
    return sorted((protocol, number) for protocol, number in found if 1 <= number <= 65535)
