"""IP addresses: which of them belong to one client."""

from ipaddress import IPv6Address, IPv6Network, ip_address


def network_of(address: str | None) -> str:
    """Return the network that counts as one client: an IPv4 address, or the /64 of an IPv6 address.

    A device with IPv6 can choose any address of its /64 (https://www.rfc-editor.org/rfc/rfc8981).
    Text that is no IP address is returned unchanged; without an address it is "None".
    """
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return str(address)
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed) >> 64 << 64, 64)))
