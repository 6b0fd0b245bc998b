"""CIDRs and addresses in canonical form."""

import pytest

from servicegraph.model.addresses import canonical, network, single


@pytest.mark.parametrize(
    ("cidr", "advice"),
    [
        ("10.20.0.0", "prefix length"),
        ("10.20.1.0/16", "write 10.20.0.0/16"),
        ("10.20.0.0/33", "is not a CIDR"),
        ("2001:DB8::/32", "write 2001:db8::/32"),
        ("::ffff:10.0.0.0/104", "as IPv4"),
        ("::ffff:169.254.169.254/128", "as IPv4"),
        ("example.com/24", "is not a CIDR"),
        ("", "is not a CIDR"),
        ("010.0.0.0/8", "is not a CIDR"),
    ],
)
def test_what_is_no_canonical_cidr_is_told_with_what_to_write(cidr: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        network(cidr)


@pytest.mark.parametrize(
    ("address", "cidr"),
    [
        ("10.0.0.1", "10.0.0.1/32"),
        ("2001:DB8::0", "2001:db8::/128"),
        ("::ffff:10.0.0.1", "10.0.0.1/32"),
    ],
)
def test_an_address_becomes_the_cidr_of_itself(address: str, cidr: str) -> None:
    assert single(address) == cidr


@pytest.mark.parametrize("address", ["", "example.com", "10.0.0.1/32", "fe80::1%eth0", "1.2.3"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        canonical(address)
