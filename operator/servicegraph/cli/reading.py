"""How every command that asks says what it is about: files, a git revision, a cluster, or files upon a cluster.

With a cluster and files, the files count as applied to the cluster. Bad input ends the command with exit code 2.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from servicegraph.cli import output
from servicegraph.compiler.emit.names import MANAGED_BY, MANAGED_BY_LABEL
from servicegraph.model.cluster import Cluster, Pod
from servicegraph.model.graph import Graph
from servicegraph.model.profile import STANDARD, ClusterProfile
from servicegraph.model.refs import GraphKey
from servicegraph.sources import git, inputs
from servicegraph.sources.documents import Document, documents
from servicegraph.sources.errors import InputError
from servicegraph.sources.inputs import Input
from servicegraph.sources.overlay import overlay
from servicegraph.sources.profile import read_profile
from servicegraph.verify.policies import CILIUM_KIND, NetworkPolicy, PolicyKey
from servicegraph.verify.reading import read as read_policy
from servicegraph.verify.written import PolicyError

Files = Annotated[
    list[str] | None,
    typer.Option(
        "--file", "-f", metavar="PATH", help="Files, folders, or - for standard input; may be given several times."
    ),
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        envvar="SERVICEGRAPH_NAMESPACE",
        help="For names and objects that name none; of a cluster, only this one is read.",
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(envvar="SERVICEGRAPH_PROFILE", metavar="FILE", help="The ClusterProfile of your cluster."),
]
Kubeconfig = Annotated[Path | None, typer.Option(metavar="FILE", help="Read the cluster that this file leads to.")]
Context = Annotated[str | None, typer.Option(metavar="NAME", help="Read the cluster of a context of your kubeconfig.")]
Git = Annotated[str | None, typer.Option("--git", metavar="REVISION", help="Read the files as they are in a revision.")]


@dataclass(frozen=True, slots=True)
class Where:
    """What the options of a command say about its input."""

    namespace: str | None = None
    profile: str | None = None
    kubeconfig: Path | None = None
    context: str | None = None

    @property
    def names_cluster(self) -> bool:
        """Whether a cluster is named."""
        return self.kubeconfig is not None or self.context is not None


@dataclass(frozen=True, slots=True)
class Live:
    """A cluster as it was read, and the profile that is in force there."""

    found: Input
    profile: ClusterProfile


class Other(NamedTuple):
    """A policy that is not modelled; `reason` is what in it is not, empty where its kind is not."""

    document: Document
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything a command needs to answer.

    `policies` are those found, ours among them; `manifests` tells where each stands. `as_found` says that they are what
    holds, because every graph is one of the cluster; else the graphs were read to be compiled. `gaps` is what the
    cluster did not tell. `others` are policies of which nothing here knows what they allow.
    """

    graphs: tuple[Graph, ...]
    cluster: Cluster
    profile: ClusterProfile
    documents: Mapping[GraphKey, Document]
    policies: tuple[NetworkPolicy, ...]
    manifests: Mapping[PolicyKey, Document]
    pods: tuple[Pod, ...]
    as_found: bool
    gaps: tuple[InputError, ...]
    others: tuple[Other, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a graph nor a policy."""
        return not self.graphs and not self.policies


def read(where: Where, paths: Sequence[str], revision: str | None = None, *, pods: bool = False) -> Reading:
    """What a command is about. Without files it is the cluster, by default that of the current context.

    Ends the command where it cannot be read, or holds neither a graph nor a policy.
    """
    has_files = bool(paths) or revision is not None
    live = cluster(where, pods=pods) if where.names_cluster or not has_files else None
    found = files(where, paths, revision) if has_files else None
    reading = combine(where, live, found)
    if reading.is_empty:
        output.refuse([nothing(paths)])
    return reading


def nothing(paths: Sequence[str]) -> InputError:
    """The error for input that holds nothing to answer from."""
    wanted = "name with --file what holds some, or a cluster that does with --context"
    return InputError(", ".join(paths) or "input", f"there is no ServiceGraph and no NetworkPolicy: {wanted}")


def files(where: Where, paths: Sequence[str], revision: str | None = None) -> Input:
    """What files hold, now or at a revision, where no paths are the folder one stands in."""
    names = list(paths) or ["."]
    return inputs.gather(git.documents(revision, names) if revision else documents(names), where.namespace)


def cluster(where: Where, *, pods: bool = False) -> Live:
    """What the cluster holds. Ends the command where it cannot be reached or needed permissions are missing."""
    from servicegraph.sources.connection import ConnectionConfigError, connect

    written = _written(where, ClusterProfile())
    try:
        connection = connect(where.kubeconfig, where.context)
    except ConnectionConfigError as error:
        output.refuse([InputError("cluster", str(error))])
    name = where.context or connection.server

    async def look() -> Live:
        from servicegraph.controller.profile import Observed, detect, observe
        from servicegraph.sources import live
        from servicegraph.sources.api import ApiClient, ApiError

        async with ApiClient(connection) as client:
            found = await live.read(client, name, where.namespace or "", pods=pods)
            if found.errors:
                output.refuse(found.errors)
            base = STANDARD if where.namespace and written == ClusterProfile() else written
            try:
                known = Observed(cilium=any(map(_is_written_for_cilium, found.policies)))
                return Live(found, detect(base, await observe(client, known)))
            except (ApiError, ValueError) as error:
                output.refuse([InputError(name, f"the cluster's own addresses cannot be read: {error}")])

    return asyncio.run(look())


def _is_written_for_cilium(document: Document) -> bool:
    """Whether the operator wrote it for Cilium: then Cilium is the engine, also for who may not see its agents."""
    labels = (document.data.get("metadata") or {}).get("labels") or {}
    return document.data.get("kind") == CILIUM_KIND and labels.get(MANAGED_BY_LABEL) == MANAGED_BY


def combine(where: Where, live: Live | None, found: Input | None) -> Reading:
    """A cluster, files, or the files upon the cluster. Ends the command where there are errors."""
    empty = Input((), Cluster(), {}, (), ())
    over = found or empty
    whole = overlay(live.found, over) if live else over
    profile = live.profile if live else _written(where, STANDARD)
    errors = list(whole.errors)
    others = list(map(Other, whole.others))
    policies, manifests = _policies(whole.policies, where.namespace, errors, others)
    if errors:
        output.refuse(sorted(errors, key=lambda error: error.order))
    return Reading(
        graphs=whole.graphs,
        cluster=whole.cluster,
        profile=profile,
        documents=whole.documents,
        policies=policies,
        manifests=manifests,
        pods=whole.pods,
        as_found=live is not None and not over.graphs,
        gaps=whole.gaps,
        others=tuple(others),
    )


def _written(where: Where, default: ClusterProfile) -> ClusterProfile:
    if where.profile is None:
        return default
    try:
        return read_profile(where.profile)
    except InputError as error:
        output.refuse([error])


def _policies(
    found: Sequence[Document], namespace: str | None, errors: list[InputError], others: list[Other]
) -> tuple[tuple[NetworkPolicy, ...], dict[PolicyKey, Document]]:
    policies: dict[PolicyKey, NetworkPolicy] = {}
    manifests: dict[PolicyKey, Document] = {}
    for document in found:
        if document.faults:
            errors += document.errors()
            continue
        try:
            policy = read_policy(document.data, namespace)
        except PolicyError as error:
            if document.data.get("kind") == CILIUM_KIND:
                others.append(Other(document, str(error)))
            else:
                errors.append(document.error(error.path, f"the NetworkPolicy is not valid: {error.message}"))
            continue
        first = manifests.setdefault(policy.key, document)
        if policies.setdefault(policy.key, policy) != policy:
            place = f"{first.file}:{first.line('')}"
            what = f"the {policy.kind} {policy.key} stands here and differently in {place}: keep one of them"
            errors.append(document.error("", what))
    return tuple(policies.values()), manifests
