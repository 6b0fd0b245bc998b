"""What files hold: the graphs, and the cluster as far as they tell."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from servicegraph.compiler.parse import parse
from servicegraph.model.cluster import Cluster, EndpointSlice, Namespace, Pod, Service, Workload
from servicegraph.model.graph import Graph
from servicegraph.model.refs import GraphKey
from servicegraph.model.resource import API_VERSION, GROUP, KIND
from servicegraph.sources.documents import Document, documents
from servicegraph.sources.errors import InputError
from servicegraph.sources.objects import NodeAddresses, Object, decode, key_of
from servicegraph.sources.resources import MalformedError
from servicegraph.verify.unmodelled import unmodelled

PROFILE_KIND = "ClusterProfile"
POLICY = ("networking.k8s.io/v1", "NetworkPolicy")
CILIUM_POLICY = ("cilium.io/v2", "CiliumNetworkPolicy")


@dataclass(frozen=True, slots=True)
class Input:
    """Graphs and cluster, in the order they were read; `documents` tell where each graph stands.

    With `errors` the rest is incomplete and must not be used. `profiles` are ClusterProfiles among the documents:
    they count only where a command is told to use one. `policies` are NetworkPolicies, whoever wrote them, `others`
    are policies of kinds that are not modelled; `gaps` is what the source could not tell.
    """

    graphs: tuple[Graph, ...]
    cluster: Cluster
    documents: Mapping[GraphKey, Document]
    profiles: tuple[Document, ...]
    errors: tuple[InputError, ...]
    policies: tuple[Document, ...] = ()
    pods: tuple[Pod, ...] = ()
    gaps: tuple[InputError, ...] = ()
    others: tuple[Document, ...] = ()


def read(names: Iterable[str], namespace: str | None = None) -> Input:
    """Read files, folders and `-`, standard input. `namespace` is for objects that name none (`default`)."""
    names = list(names)
    found = gather(documents(names), namespace)
    if not found.documents and not found.errors:
        error = InputError(", ".join(names), f"no ServiceGraph found: name what holds a {API_VERSION} {KIND}")
        return replace(found, errors=(error,))
    return found


def gather(found: Iterable[Document | InputError], namespace: str | None = None) -> Input:
    """What documents hold, be it nothing; `namespace` as for `read`."""
    reader = _Reader(namespace or "default")
    for item in found:
        if isinstance(item, InputError):
            reader.errors.append(item)
        else:
            reader.add(item)
    return reader.result()


class _Reader:
    """Sorts documents by what they are to us."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.graphs: dict[GraphKey, Graph | None] = {}
        self.documents: dict[GraphKey, Document] = {}
        self.objects: dict[Hashable, tuple[Object, Document]] = {}
        self.profiles: list[Document] = []
        self.policies: list[Document] = []
        self.others: list[Document] = []
        self.errors: list[InputError] = []

    def add(self, document: Document) -> None:
        """Take one document."""
        api_version, kind = document.data.get("apiVersion"), document.data.get("kind")
        if kind == KIND and api_version is None:
            self.errors.append(document.error("", f"the apiVersion is missing: write apiVersion: {API_VERSION}"))
        elif (api_version, kind) in (POLICY, CILIUM_POLICY):
            self.policies.append(document)
        elif unmodelled(api_version, kind):
            self.others.append(document)
        elif not isinstance(api_version, str) or not api_version.startswith(f"{GROUP}/"):
            self._object(document)
        elif document.faults:
            self.errors += document.errors()
        elif api_version != API_VERSION:
            message = f"{api_version} is not a version that is read here: write apiVersion: {API_VERSION}"
            self.errors.append(document.error(".apiVersion", message))
        elif kind == KIND:
            self._graph(document)
        elif kind == PROFILE_KIND:
            self.profiles.append(document)
        else:
            self.errors.append(document.error(".kind", f"{API_VERSION} has no kind {kind}: write kind: {KIND}"))

    def _graph(self, document: Document) -> None:
        parsed = parse(document.data, self.namespace)
        first = self.documents.setdefault(parsed.key, document)
        if parsed.graph is None:
            self.errors += [document.error(problem.path, problem.message) for problem in parsed.problems]
        elif first is not document and self.graphs[parsed.key] != parsed.graph:
            self.errors.append(_twice(document, f"the ServiceGraph {parsed.key}", first))
            return
        self.graphs[parsed.key] = parsed.graph

    def _object(self, document: Document) -> None:
        try:
            found = decode(document.data, self.namespace)
        except MalformedError as error:
            self.errors += document.errors() or [document.error(error.path, str(error))]
            return
        if found is None:
            return
        if document.faults:
            self.errors += document.errors()
            return
        key = (type(found), key_of(found))
        other, first = self.objects.setdefault(key, (found, document))
        if other != found:
            self.errors.append(_twice(document, _title(found), first))

    def result(self) -> Input:
        """All of it."""
        found = [item for item, _ in self.objects.values()]
        cluster = Cluster(
            services=tuple(item for item in found if isinstance(item, Service)),
            workloads=tuple(item for item in found if isinstance(item, Workload)),
            namespaces=tuple(item for item in found if isinstance(item, Namespace)),
            endpoint_slices=tuple(item for item in found if isinstance(item, EndpointSlice)),
            node_addresses=tuple(
                sorted({a for item in found if isinstance(item, NodeAddresses) for a in item.addresses})
            ),
        )
        graphs = tuple(graph for graph in self.graphs.values() if graph is not None)
        errors = tuple(sorted({error.order: error for error in self.errors}.values(), key=lambda error: error.order))
        pods = tuple(item for item in found if isinstance(item, Pod))
        return Input(
            graphs=graphs,
            cluster=cluster,
            documents=self.documents,
            profiles=tuple(self.profiles),
            errors=errors,
            policies=tuple(self.policies),
            pods=pods,
            others=tuple(self.others),
        )


def _title(found: Object) -> str:
    match found:
        case Workload(key):
            return str(key)
        case Service(key):
            return f"Service {key}"
        case EndpointSlice(namespace, name):
            return f"EndpointSlice {namespace}/{name}"
        case Namespace(name):
            return f"Namespace {name}"
        case NodeAddresses(name):
            return f"Node {name}"
        case Pod(namespace, name):
            return f"Pod {namespace}/{name}"


def _twice(document: Document, what: str, first: Document) -> InputError:
    place = f"{first.file}:{first.line('')}"
    return document.error("", f"{what} stands here and differently in {place}: keep one of them")
