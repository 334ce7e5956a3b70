"""Which addresses are one client."""

import pytest

from readwatch.domain.addresses import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:0:7::1", "2001:db8:0:7::/64"),
        ("2001:DB8:0:7:ffff:ffff:ffff:ffff", "2001:db8:0:7::/64"),
        ("2001:db8:0:8::1", "2001:db8:0:8::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("local", "local"),
        (None, "None"),
    ],
)
def test_ipv6_addresses_with_the_same_first_64_bits_are_one_network(
    address: str | None, network: str
) -> None:
    assert network_of(address) == network
