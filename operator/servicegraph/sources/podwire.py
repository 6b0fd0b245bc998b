"""The parts of Kubernetes objects that say what a workload is started with.

Read for `servicegraph init` alone: nothing here is part of what is compiled. Field names:
https://kubernetes.io/docs/reference/kubernetes-api/.
"""

import msgspec

from servicegraph.sources.wire import Metadata


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    pass


class KeyRef(_Wire, frozen=True):
    """core/v1 ConfigMapKeySelector and SecretKeySelector."""

    name: str = ""
    key: str = ""


class FieldRef(_Wire, frozen=True):
    """core/v1 ObjectFieldSelector."""

    field_path: str = ""


class ValueFrom(_Wire, frozen=True):
    """core/v1 EnvVarSource."""

    config_map_key_ref: KeyRef | None = None
    secret_key_ref: KeyRef | None = None
    field_ref: FieldRef | None = None


class Variable(_Wire, frozen=True):
    """core/v1 EnvVar."""

    name: str = ""
    value: str = ""
    value_from: ValueFrom | None = None


class NameRef(_Wire, frozen=True):
    """core/v1 ConfigMapEnvSource and SecretEnvSource."""

    name: str = ""


class Variables(_Wire, frozen=True):
    """core/v1 EnvFromSource."""

    prefix: str = ""
    config_map_ref: NameRef | None = None
    secret_ref: NameRef | None = None


class Container(_Wire, frozen=True):
    """core/v1 Container."""

    name: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()
    env_from: tuple[Variables, ...] = ()


class Item(_Wire, frozen=True):
    """core/v1 KeyToPath."""

    key: str = ""


class ConfigMapVolume(_Wire, frozen=True):
    """core/v1 ConfigMapVolumeSource and ConfigMapProjection; without items, every key."""

    name: str = ""
    items: tuple[Item, ...] = ()


class SecretVolume(_Wire, frozen=True):
    """core/v1 SecretVolumeSource and SecretProjection."""

    secret_name: str = ""
    name: str = ""


class Projection(_Wire, frozen=True):
    """core/v1 VolumeProjection."""

    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None


class Projected(_Wire, frozen=True):
    """core/v1 ProjectedVolumeSource."""

    sources: tuple[Projection, ...] = ()


class Volume(_Wire, frozen=True):
    """core/v1 Volume."""

    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    projected: Projected | None = None


class PodSpec(_Wire, frozen=True):
    """core/v1 PodSpec."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()


class Annotated(_Wire, frozen=True):
    """ObjectMeta with its annotations."""

    annotations: dict[str, str] = {}


class Template(_Wire, frozen=True):
    """core/v1 PodTemplateSpec."""

    metadata: Annotated = Annotated()
    spec: PodSpec = PodSpec()


class ConfigMap(_Wire, frozen=True):
    """core/v1 ConfigMap."""

    metadata: Metadata
    data: dict[str, str] = {}
