"""What `servicegraph verify` found, for people and for machines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from servicegraph.answers.proof import INEXACT
from servicegraph.cli.output import Finding, place
from servicegraph.cli.reading import Reading
from servicegraph.cli.text import count
from servicegraph.model.compilation import Compilation
from servicegraph.model.policy import Direction, Mode
from servicegraph.model.problems import Code
from servicegraph.report import sarif
from servicegraph.sources.documents import Document
from servicegraph.verify.causes import Cause
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.proof import Difference, Kind, Proof
from servicegraph.verify.unmodelled import PolicyKind, unmodelled
from servicegraph.verify.words import Words

TANGLED = "its policies select pods by so many labels that nobody can tell which pods there can be; use fewer"
_RULES = {Kind.MISSING: "MissingFlow", Kind.EXTRA: "ExtraFlow", Kind.NOT_ISOLATED: "NotIsolated"}


class Told(NamedTuple):
    """A difference with its sentence and its place. `counts` says whether it makes the result inexact."""

    difference: Difference
    message: str
    file: str
    line: int
    trusted: bool
    counts: bool


class Foreign(NamedTuple):
    """A policy of a kind that is not modelled and that can select pods of the graphs."""

    message: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that is printed."""

    told: tuple[Told, ...]
    foreign: tuple[Foreign, ...]
    tangled: tuple[str, ...]
    doubts: tuple[Finding, ...]
    services: int
    policies: int
    words: Words
    read: Reading

    @classmethod
    def of(
        cls,
        proof: Proof,
        read: Reading,
        held: Sequence[NetworkPolicy],
        compilation: Compilation,
        problems: Sequence[Finding],
    ) -> "Result":
        """The result of a proof."""
        words = Words(compilation.declared)
        places = _Places(read)
        told = [
            Told(d, words.difference(d), *places.of(d), trusted, not trusted and d.subject.mode is Mode.ENFORCE)
            for found, trusted in ((proof.missing + proof.extra, False), (proof.trusted, True))
            for d in found
        ]
        services = {said.service for said in compilation.declared if said.isolated and said.service is not None}
        doubts = tuple(problem for problem in problems if problem.code in INEXACT)
        ordered = tuple(sorted(told, key=lambda t: (not t.counts, t.file, t.line, t.message)))
        return cls(ordered, _foreign(read), proof.tangled, doubts, len(services), len(held), words, read)

    @property
    def proven(self) -> bool:
        """Whether the policies allow exactly what is declared, but for what is trusted."""
        return not (self.foreign or self.tangled or self.doubts or any(told.counts for told in self.told))

    @property
    def summary(self) -> Mapping[str, Any]:
        """Counts, and the result in one word."""
        kinds = [told.difference.kind for told in self.told if told.counts]
        trusted = sum(told.trusted for told in self.told)
        exact = "ExactExceptTrusted" if trusted else "Exact"
        return {
            "result": exact if self.proven else "Inexact" if kinds or self.doubts else self._unproven,
            "missing": kinds.count(Kind.MISSING),
            "extra": kinds.count(Kind.EXTRA),
            "notIsolated": kinds.count(Kind.NOT_ISOLATED),
            "trusted": trusted,
            "dryRun": sum(not told.counts and not told.trusted for told in self.told),
            "unmodelled": len(self.foreign),
            "tangled": list(self.tangled),
            "services": self.services,
            "policies": self.policies,
        }

    @property
    def _unproven(self) -> str:
        return "UnmodelledPolicies" if self.foreign else "TangledSelectors"


def as_text(result: Result) -> str:
    """One line for each difference, which editors can follow, and the result last."""
    shown = [t for t in result.told if t.counts or t.trusted]
    lines = [f"{place(t.file, t.line)}: {t.message}{' (trusted)' if t.trusted else ''}" for t in shown]
    lines += [f"{place(f.file, f.line)}: {f.message}" for f in result.foreign]
    lines += [f"not proven: namespace {name}: {TANGLED}" for name in result.tangled]
    lines += [f"{place(d.file, d.line)}: inexact: {d.message}" for d in result.doubts]
    return "".join(f"{line}\n" for line in (*lines, _conclusion(result)))


def as_items(result: Result) -> list[dict[str, Any]]:
    """The differences for `-o json`."""
    return [_item(told, result) for told in result.told]


def as_findings(result: Result) -> list[sarif.Finding]:
    """The differences as SARIF's results."""
    found = [
        sarif.Finding(_RULES[t.difference.kind], "error" if t.counts else "note", t.message, t.file, t.line)
        for t in result.told
    ]
    found += [sarif.Finding("UnmodelledPolicies", "error", f.message, f.file, f.line) for f in result.foreign]
    return found + [sarif.Finding(d.code, "error", d.message, d.file, d.line) for d in result.doubts]


def _conclusion(result: Result) -> str:
    found = result.summary
    what = f"{count(found['policies'], 'policy', 'policies')}, {count(found['services'], 'service')}"
    if found["dryRun"]:
        what += f"; of services in DryRun {count(found['dryRun'], 'flow differs', 'flows differ')}, see -o json"
    if result.proven:
        but = f" but for {count(found['trusted'], 'trusted flow')}" if found["trusted"] else ""
        return f"exact{but}: {what}"
    kinds = (("missing", "missing"), ("extra", "extra"), ("notIsolated", "not isolated"), ("unmodelled", "unmodelled"))
    told = [f"{found[name]} {word}" for name, word in kinds if found[name]]
    told += [f"{count(len(result.tangled), 'namespace')} not proven"] if result.tangled else []
    met = sum(problem.code is not Code.FQDN_BYPASS for problem in result.doubts)
    told += [count(met, "service that meets others")] if met else []
    told += (
        [count(len(result.doubts) - met, "way around DNS rules", "ways around DNS rules")]
        if met < len(result.doubts)
        else []
    )
    return f"not exact: {', '.join(told)}: {what}"


def _item(told: Told, result: Result) -> dict[str, Any]:
    difference, read = told.difference, result.read
    subject = difference.subject
    pods, peer = result.words.subject(subject), result.words.peer(difference.peer, subject.namespace)
    inbound = difference.direction is Direction.INGRESS
    origin = difference.origin
    return {
        "kind": difference.kind.value,
        "direction": difference.direction.value,
        "source": peer if inbound else pods,
        "destination": pods if inbound else peer,
        "ports": [str(port) for port in difference.ports],
        "graph": str(subject.graph) if subject.graph else None,
        "service": str(subject.service) if subject.service else None,
        "entry": origin.text if origin else None,
        "path": origin.path if origin else subject.path,
        "policies": [_cause(cause, read) for cause in difference.causes],
        "trusted": told.trusted,
        "dryRun": subject.mode is Mode.DRY_RUN,
        "draining": subject.draining,
        "message": told.message,
        "file": told.file,
        "line": told.line,
    }


def _cause(cause: Cause, read: Reading) -> dict[str, Any]:
    document = read.manifests.get(cause.policy)
    file, line = _of_policy(cause, read) if document else ("", 0)
    return {"policy": str(cause.policy), "rule": cause.place, "file": file, "line": line}


class _Places:
    """Where a difference is told: at the entry that is cut, at the rule that opens, at the service nothing isolates."""

    def __init__(self, read: Reading) -> None:
        self._read = read

    def of(self, difference: Difference) -> tuple[str, int]:
        """File and line, empty and 0 where there is none."""
        if difference.kind is Kind.EXTRA:
            for cause in difference.causes:
                if cause.policy in self._read.manifests:
                    return _of_policy(cause, self._read)
        graph = difference.subject.graph
        document = self._read.documents.get(graph) if graph else None
        if document is None:
            return "", 0
        path = difference.origin.path if difference.origin else difference.subject.path
        return document.file, document.line(path)


def _of_policy(cause: Cause, read: Reading) -> tuple[str, int]:
    document = read.manifests[cause.policy]
    return document.file, document.line(f".spec.{cause.place}" if cause.place else "")


def _foreign(read: Reading) -> tuple[Foreign, ...]:
    namespaces = {graph.key.namespace for graph in read.graphs}
    return tuple(
        Foreign(_warning(kind, document, reason), document.file, document.line(""))
        for document, reason in read.others
        if (kind := unmodelled(document.data.get("apiVersion"), document.data.get("kind"))) is not None
        and (not kind.namespaced or _namespace(document) in namespaces)
    )


def _warning(kind: PolicyKind, document: Document, reason: str) -> str:
    name = (document.data.get("metadata") or {}).get("name", "")
    where = f"{_namespace(document)}/{name}" if kind.namespaced else name
    why = f" ({reason})" if reason else ""
    return f"unmodelled: {kind.kind} {where} can select these pods, and what it allows is not known here{why}"


def _namespace(document: Document) -> str:
    return str((document.data.get("metadata") or {}).get("namespace") or "default")
