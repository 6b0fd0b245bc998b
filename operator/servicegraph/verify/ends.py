"""Who talks to whom: the ends of a connection."""

from collections.abc import Mapping

import msgspec

from servicegraph.model.ports import Protocol


class NamedPort(msgspec.Struct, frozen=True, gc=False):
    """A port of a pod by its name."""

    name: str
    protocol: Protocol
    number: int


class Pod(msgspec.Struct, frozen=True):
    """A pod. With `host_network` it shares its node's address and no policy knows it (R8).

    `name` only tells pods apart: a pod always reaches itself.
    """

    namespace: str
    labels: Mapping[str, str] = {}
    named_ports: tuple[NamedPort, ...] = ()
    host_network: bool = False
    name: str = ""


class Address(msgspec.Struct, frozen=True):
    """An address outside the pod network.

    `names` are those it was looked up by, `entities` what Cilium knows it as, such as `remote-node`.
    """

    ip: str
    names: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()


End = Pod | Address
