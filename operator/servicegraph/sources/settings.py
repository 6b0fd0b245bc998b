"""What a workload is started with: env, arguments, ConfigMaps and annotations, each text with its place.

Secrets are never read: that there is one is all that is told.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from servicegraph.adopt.found import Place, Setting, Unread
from servicegraph.adopt.secrets import means_secret
from servicegraph.model.refs import WorkloadKey
from servicegraph.sources import podwire
from servicegraph.sources.documents import Document
from servicegraph.sources.resources import MalformedError, explain, title, without_nulls

_QUIET = ("checksum/", "kubectl.kubernetes.io/", "deployment.kubernetes.io/", "prometheus.io/", "meta.helm.sh/")
"""Annotations that tools write about the object itself."""

_REFERENCE = re.compile(r"\$\((\w+)\)|\$\{(\w+)\}")
_LINE = re.compile(r"[\s-]*[\"']?(?P<key>[A-Za-z][\w./-]*)[\"']?\s*[:=]\s*(?P<value>\S.*)")


class ConfigMap(msgspec.Struct, frozen=True):
    """A ConfigMap and where it stands."""

    data: Mapping[str, str]
    document: Document


ConfigMaps = Mapping[tuple[str, str], ConfigMap]


def template_path(kind: str) -> str:
    """The JSON path to the pod template of a workload of that kind."""
    return ".spec.jobTemplate.spec.template" if kind == "CronJob" else ".spec.template"


def settings(key: WorkloadKey, document: Document, maps: ConfigMaps) -> Iterator[Setting | Unread]:
    """Everything that the pods of a workload are started with. Raises MalformedError."""
    return _Reader(key, document, maps).read()


class _Reader:
    def __init__(self, key: WorkloadKey, document: Document, maps: ConfigMaps) -> None:
        self._of = key
        self._document = document
        self._maps = maps
        self._path = template_path(key.kind)
        self._template = _template(document, key.kind)

    def read(self) -> Iterator[Setting | Unread]:
        """The whole template: containers, then what is mounted, then annotations."""
        pod = self._template.spec
        for field, containers in (("initContainers", pod.init_containers), ("containers", pod.containers)):
            for index, container in enumerate(containers):
                at = f"{self._path}.spec.{field}[{index}]"
                yield from self._container(container, at)
        for index, volume in enumerate(pod.volumes):
            yield from self._volume(volume, f"{self._path}.spec.volumes[{index}]")
        for name, text in self._template.metadata.annotations.items():
            if not name.startswith(_QUIET):
                place = self._place(f"{self._path}.metadata.annotations", f"annotation {name}")
                yield Setting(self._of, name, text, place)

    def _container(self, container: podwire.Container, at: str) -> Iterator[Setting | Unread]:
        known: dict[str, str] = {}
        for index, source in enumerate(container.env_from):
            yield from self._variables(source, f"{at}.envFrom[{index}]", known)
        for index, variable in enumerate(container.env):
            yield from self._variable(variable, f"{at}.env[{index}]", known)
        for field, words in (("command", container.command), ("args", container.args)):
            before = ""
            for index, word in enumerate(words):
                place = self._place(f"{at}.{field}[{index}]", f"{field} of container {container.name}")
                yield _argument(self._of, before, _expanded(word, known), place)
                before = word

    def _variables(self, source: podwire.Variables, at: str, known: dict[str, str]) -> Iterator[Setting | Unread]:
        if source.secret_ref is not None:
            yield Unread(self._of, f"Secret {source.secret_ref.name}", self._place(at, "envFrom"))
        if source.config_map_ref is not None:
            name = source.config_map_ref.name
            found = self._map(name)
            if found is None:
                yield Unread(self._of, f"ConfigMap {name}", self._place(at, "envFrom"))
                return
            for key, text in found.data.items():
                known[source.prefix + key] = text
                yield Setting(self._of, key, text, self._in_map(name, found, key, f"env {source.prefix}{key}"))

    def _variable(self, variable: podwire.Variable, at: str, known: dict[str, str]) -> Iterator[Setting | Unread]:
        what, source = f"env {variable.name}", variable.value_from or podwire.ValueFrom()
        if source.secret_key_ref is not None:
            yield Unread(self._of, f"Secret {source.secret_key_ref.name}", self._place(at, what))
        elif (ref := source.config_map_key_ref) is not None:
            found = self._map(ref.name)
            if found is None or ref.key not in found.data:
                yield Unread(self._of, f"ConfigMap {ref.name}", self._place(at, what))
                return
            known[variable.name] = found.data[ref.key]
            yield Setting(self._of, variable.name, known[variable.name], self._in_map(ref.name, found, ref.key, what))
        elif variable.value:
            known[variable.name] = text = _expanded(variable.value, known)
            yield Setting(self._of, variable.name, text, self._place(at, what))

    def _volume(self, volume: podwire.Volume, at: str) -> Iterator[Setting | Unread]:
        projections = [podwire.Projection(volume.config_map, volume.secret)]
        projections += volume.projected.sources if volume.projected else ()
        for projection in projections:
            if (secret := projection.secret) is not None:
                yield Unread(self._of, f"Secret {secret.secret_name or secret.name}", self._place(at, "volume"))
            if (mounted := projection.config_map) is not None:
                yield from self._mounted(mounted, at)

    def _mounted(self, mounted: podwire.ConfigMapVolume, at: str) -> Iterator[Setting | Unread]:
        found = self._map(mounted.name)
        if found is None:
            yield Unread(self._of, f"ConfigMap {mounted.name}", self._place(at, "volume"))
            return
        wanted = {item.key for item in mounted.items} or found.data.keys()
        for key, text in found.data.items():
            for number, line in enumerate(text.splitlines(), 1) if key in wanted else ():
                match = _LINE.fullmatch(line)
                name, value = (match["key"], match["value"].strip().strip("\"'")) if match else ("", line)
                if value and not line.lstrip().startswith("#"):
                    what = f"line {number} of {key}"
                    yield Setting(self._of, name, value, self._in_map(mounted.name, found, key, what))

    def _map(self, name: str) -> ConfigMap | None:
        return self._maps.get((self._of.namespace, name))

    def _place(self, path: str, what: str) -> Place:
        return Place(self._document.file, self._document.line(path), f"{self._of.kind} {self._of.name}, {what}")

    def _in_map(self, name: str, found: ConfigMap, key: str, what: str) -> Place:
        line = found.document.line(f".data.{key}")
        return Place(found.document.file, line, f"{self._of.kind} {self._of.name}, {what}, ConfigMap {name}")


def _argument(of: WorkloadKey, before: str, word: str, place: Place) -> Setting:
    """An argument with what it is called: `--key=value`, or `--key value` and `-h value`."""
    flag, equals, value = word.partition("=")
    if equals and re.fullmatch(r"-{0,2}[A-Za-z][\w.-]*", flag):
        return Setting(of, flag.lstrip("-"), value, place)
    if before.startswith("-") and "=" not in before:
        return Setting(of, "host" if before == "-h" else before.lstrip("-"), word, place)
    return Setting(of, "", word, place)


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """References to variables, as Kubernetes ($(NAME)) and shells (${NAME}) resolve them, but for secrets."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return match[0] if means_secret(name) else known.get(name, match[0])

    return _REFERENCE.sub(value, text)


def _template(document: Document, kind: str) -> podwire.Template:
    value: Any = document.data
    for step in template_path(kind).split(".")[1:]:
        value = value.get(step) or {}
    try:
        return msgspec.convert(without_nulls(value), podwire.Template)
    except msgspec.ValidationError as error:
        inner, message = explain(str(error))
        path = template_path(kind) + inner
        raise MalformedError(f"{title(kind, document.data)}: {path}: {message}", path) from None
