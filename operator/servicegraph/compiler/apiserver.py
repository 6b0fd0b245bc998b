"""Where the API server is reached (R17)."""

import msgspec

from servicegraph.compiler.view import View
from servicegraph.model.addresses import LINK_LOCAL, contains, single
from servicegraph.model.cluster import EndpointSlice
from servicegraph.model.refs import ServiceKey

API_SERVER = ServiceKey("default", "kubernetes")
"""Its Service."""


class Located(msgspec.Struct, frozen=True):
    """Addresses and TCP ports, empty where nobody tells them; `refused` are addresses with the range they are in."""

    addresses: tuple[str, ...]
    ports: tuple[int, ...]
    refused: tuple[tuple[str, str], ...] = ()


def locate(view: View) -> Located:
    """Where the profile says, else where the API server itself says: never among pods and Services."""
    written, ranges = view.profile.api_server, view.profile.ranges
    own = _own(view)
    told = own.addresses if own and not written.addresses else ()
    inside = {a: r for a in told for r in (*ranges.pods, *ranges.services, *LINK_LOCAL) if contains(r, single(a))}
    ports = {port.number for port in own.ports if port.protocol == "TCP"} if own else set()
    return Located(
        tuple(sorted(set(written.addresses or told) - inside.keys())),
        (written.port,) if written.port else tuple(sorted(ports)),
        tuple(sorted(inside.items())),
    )


def _own(view: View) -> EndpointSlice | None:
    """The slice that the API server writes. One of another name is anybody's, whatever its labels.

    https://github.com/kubernetes/kubernetes/tree/master/pkg/controlplane/reconcilers
    """
    return next((s for s in view.inventory.slices(API_SERVER) if s.name == API_SERVER.name), None)
