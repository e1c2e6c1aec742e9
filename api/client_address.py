"""Who a request comes from: the address behind trusted proxies, and what of it may be kept."""

import functools
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

# Parsing an address takes longer than the rest of what is done with it: visitors come back.
REMEMBERED = 4_096

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the client's address.

    X-Forwarded-For is walked from the right, and only over trusted networks: what stands to the
    left of the first untrusted entry was written by the client itself.
    """
    address = _parse(peer)
    for entry in reversed(forwarded_for.split(",")):
        if address is None or not _is_in(address, trusted):
            break
        nearer = _parse(entry.strip())
        if nearer is None:
            break
        address = nearer
    return str(address) if address is not None else ""


@functools.lru_cache(maxsize=REMEMBERED)
def bucket(address: str) -> str:
    """Return whose rate an address counts on: itself, or its /64 for IPv6."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False).network_address)
    return address


@functools.lru_cache(maxsize=REMEMBERED)
def anonymous(address: str) -> str:
    """Return the network that may be kept: /24 of IPv4, /48 of IPv6; empty where unknown."""
    parsed = _parse(address)
    if parsed is None:
        return ""
    prefix = 24 if parsed.version == 4 else 48  # noqa: PLR2004, the protocol's version
    return str(ip_network((parsed, prefix), strict=False))


def is_loopback(address: str) -> bool:
    """Whether the address is this machine's own."""
    parsed = _parse(address)
    return parsed is not None and parsed.is_loopback


@functools.lru_cache(maxsize=REMEMBERED)
def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
