"""A first graph for an application that has none, from what its manifests name."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from servicegraph.adopt.author import Author, Mention
from servicegraph.adopt.draft import Draft, DraftService
from servicegraph.adopt.found import Configuration, Setting
from servicegraph.adopt.hosts import Named, hosts
from servicegraph.adopt.implied import implied
from servicegraph.adopt.parts import Part, parts
from servicegraph.adopt.secrets import words
from servicegraph.adopt.targets import Directory, Target
from servicegraph.adopt.ways import accepted
from servicegraph.model.cluster import Cluster
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import GraphKey, WorkloadKey

HEADER = (
    "A first draft by `servicegraph init`, from what the manifests name. Go through what is marked `review:`.",
    "DryRun enforces nothing: write mode: Enforce when the graph is right.",
)

_LAST_PORT = 65535

PortsSaid = dict[tuple[WorkloadKey, tuple[str, ...]], int]
"""The ports that settings of their own say, by what stands before PORT: DB_PORT beside DB_HOST."""


def drafts(
    cluster: Cluster, configuration: Configuration, profile: ClusterProfile, without: Iterable[str] = ()
) -> list[Draft]:
    """A graph for every namespace that has pods, by namespace, but for those in `without`: these only take part."""
    left = frozenset(without)
    directory = Directory(cluster)
    said: dict[WorkloadKey, list[Mention]] = defaultdict(list)
    ports_said = _ports_said(configuration.settings)
    for setting in configuration.settings:
        said[setting.of] += _mentions(setting, ports_said, directory)
    for caller, meaning, place in implied(cluster, configuration, profile):
        said[caller].append(Mention(meaning, place))
    found = [
        msgspec.structs.replace(part, drafted=part.key.namespace not in left)
        for part in parts(cluster, lambda key: key.namespace in left or _behaviour(said[key]))
        if not _on_host(part)
    ]
    author = Author(found, said, directory.services)
    written: dict[str, list[DraftService]] = defaultdict(list)
    for part in (part for part in found if part.drafted):
        accepts = accepted(part, author.callers(part), configuration, cluster, profile)
        service = DraftService(part.key.name, part.fields, _unread(part, configuration), accepts, author.calls(part))
        written[part.key.namespace].append(service)
    namespaces = sorted({part.key.namespace for part in found if part.drafted and part.workloads})
    return [Draft(GraphKey(name, name), tuple(written[name]), {"mode": "DryRun"}, HEADER) for name in namespaces]


def _unread(part: Part, configuration: Configuration) -> tuple[str, ...]:
    own = {workload.key for workload in part.workloads}
    found = sorted({(u.what, str(u.place)) for u in configuration.unread if u.of in own})
    return tuple(f"{what} was not read, seen in {place}: does it name somebody to call?" for what, place in found)


def _on_host(part: Part) -> bool:
    """Whether no policy can select its pods (R8)."""
    return bool(part.workloads) and all(workload.host_network for workload in part.workloads)


def _ports_said(settings: Iterable[Setting]) -> PortsSaid:
    found: PortsSaid = {}
    for setting in settings:
        *about, last = words(setting.key) or [""]
        if about and last == "port" and setting.text.isdecimal() and int(setting.text) <= _LAST_PORT:
            found[setting.of, tuple(about)] = int(setting.text)
    return found


def _mentions(setting: Setting, ports_said: PortsSaid, directory: Directory) -> Iterator[Mention]:
    beside = ports_said.get((setting.of, tuple(words(setting.key)[:-1])), 0)
    for named in hosts(setting.text, setting.key):
        if isinstance(named, Named) and not (named.port or named.default):
            named = msgspec.structs.replace(named, port=beside)
        for meaning in directory.find(named, setting.of.namespace):
            yield Mention(meaning, setting.place)


def _behaviour(mentions: Iterable[Mention]) -> frozenset[Target]:
    """Whom a workload calls, as far as that is sure."""
    return frozenset(m.meaning.target for m in mentions if not m.meaning.doubt)
