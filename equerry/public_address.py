"""Which addresses are on the public internet: the rule behind the guard on outbound requests."""

import ipaddress

# IANA's special-purpose registry and multicast. 192.88.99.0/24 is the 6to4 relay;
# 168.63.129.16 is Azure's metadata and DNS host, which has a public look.
_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Everything public in IPv6 lies in 2000::/3; what is special in there: Teredo and the like,
# documentation, 6to4. NAT64 carries an IPv4 address, which is judged instead: networks that are
# IPv6-only reach the whole IPv4 internet through it.
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an address (as text) is one on the public internet.

    `ipaddress.is_global` does not decide this: it is true of multicast, 6to4, NAT64 and fec0::/10.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed in _NAT64:
            parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)
        elif parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        else:
            return parsed in _PUBLIC_6 and not any(parsed in network for network in _NOT_PUBLIC_6)
    return not any(parsed in network for network in _NOT_PUBLIC_4)
