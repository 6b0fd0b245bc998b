"""An application as its manifests tell it: what is compiled, and what its workloads are started with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from servicegraph.adopt.found import Configuration, Exposure, Scrape, Setting, Unread, Webhook
from servicegraph.model.cluster import Workload
from servicegraph.sources import inputs, podwire
from servicegraph.sources.documents import Document
from servicegraph.sources.errors import InputError
from servicegraph.sources.exposures import exposures, scrape
from servicegraph.sources.inputs import Input
from servicegraph.sources.objects import decode
from servicegraph.sources.resources import MalformedError, Resource
from servicegraph.sources.settings import ConfigMap, settings

_Take = Callable[[Document], None]


@dataclass(frozen=True, slots=True)
class Application:
    """Both. With `input.errors` the rest is incomplete and must not be used."""

    input: Input
    configuration: Configuration


def read(found: Iterable[Document | InputError], namespace: str | None = None) -> Application:
    """What documents hold; `namespace` is for objects that name none (`default`)."""
    documents = list(found)
    whole = inputs.gather(documents, namespace)
    if whole.errors:
        return Application(whole, Configuration())
    reader = _Reader(namespace or "default")
    sound = [document for document in documents if isinstance(document, Document)]
    for document in sound:
        reader.guarded(reader.take_map, document)
    for document in sound:
        reader.guarded(reader.take, document)
    return Application(replace(whole, errors=tuple(reader.errors)), reader.result())


def with_gaps(found: Application, gaps: Iterable[InputError]) -> Application:
    """The same, with what a cluster did not tell."""
    return Application(replace(found.input, gaps=tuple(gaps)), found.configuration)


class _Reader:
    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.maps: dict[tuple[str, str], ConfigMap] = {}
        self.found: list[Setting | Unread | Exposure | Scrape | Webhook] = []
        self.errors: list[InputError] = []

    def guarded(self, take: _Take, document: Document) -> None:
        """Take a document, or keep what is wrong with it."""
        try:
            take(document)
        except MalformedError as error:
            self.errors += document.errors() or [document.error(error.path, str(error))]

    def take_map(self, document: Document) -> None:
        """A ConfigMap, before what uses it."""
        if (document.data.get("apiVersion"), document.data.get("kind")) == ("v1", "ConfigMap"):
            found = _CONFIG_MAPS.decode(document.data, self.namespace)
            if found is not None:
                self.maps[found[0]] = ConfigMap(found[1].data, document)

    def take(self, document: Document) -> None:
        """Anything else that tells something."""
        self.found += exposures(document, self.namespace)
        workload = decode(document.data, self.namespace)
        if isinstance(workload, Workload):
            self.found += settings(workload.key, document, self.maps)
            self.found += scrape(workload.key, document)

    def result(self) -> Configuration:
        """All of it."""
        return Configuration(
            settings=tuple(item for item in self.found if isinstance(item, Setting)),
            unread=tuple(item for item in self.found if isinstance(item, Unread)),
            exposures=tuple(item for item in self.found if isinstance(item, Exposure)),
            scrapes=tuple(item for item in self.found if isinstance(item, Scrape)),
            webhooks=tuple(item for item in self.found if isinstance(item, Webhook)),
        )


_CONFIG_MAPS: Resource[tuple[str, str], tuple[tuple[str, str], podwire.ConfigMap]] = Resource(
    "", "v1", "ConfigMap", "configmaps", podwire.ConfigMap, lambda *key: key, lambda key, found: (key, found)
)
