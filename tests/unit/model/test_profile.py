"""A profile whose addresses make no sense is refused, with the field that is wrong."""

import msgspec
import pytest

from servicegraph.model.profile import STANDARD, ClusterProfile, check


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"ranges": {"pods": ["10.244.0.1/16"]}}, "ranges.pods"),
        ({"ranges": {"services": ["nonsense"]}}, "ranges.services"),
        ({"ranges": {"nodes": ["10.0.0.0"]}}, "ranges.nodes"),
        ({"apiServer": {"webhookSources": ["10.0.0.0"]}}, "apiServer.webhookSources"),
        ({"apiServer": {"addresses": ["api.example.com"]}}, "apiServer.addresses"),
        ({"dns": {"addresses": ["169.254.20.10/32"]}}, "dns.addresses"),
        ({"limits": {"deniedCIDRs": ["::ffff:169.254.0.0/112"]}}, "limits.deniedCIDRs"),
        ({"parties": [{"name": "both", "cidr": "10.0.0.0/8", "pods": {"labels": {}}}]}, "both"),
        ({"parties": [{"name": "neither"}]}, "neither"),
        ({"parties": [{"name": "x", "cidr": "10.0.0.0/8", "except": ["192.168.0.0/16"]}]}, "192.168.0.0/16"),
    ],
)
def test_what_makes_no_sense_is_refused(written: dict[str, object], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        check(msgspec.convert(written, ClusterProfile))


def test_the_standard_profile_makes_sense() -> None:
    assert check(STANDARD) is STANDARD


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="podRange"):
        msgspec.convert({"ranges": {"podRange": []}}, ClusterProfile)
