import socket

import pytest

from equerry.public_address import is_public

PRIVATE = [
    "0.0.0.0",  # noqa: S104 - data
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]

PUBLIC = [
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "192.0.1.1",
    "2606:4700::1111",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_address_that_is_not_public(address: str) -> None:
    """Loopback, private, special and multicast addresses are told apart in every disguise."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_address_that_is_public(address: str) -> None:
    """Neighbours of the special ranges, and IPv4 carried in IPv6, stay reachable."""
    assert is_public(address)


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
def test_spellings_of_loopback(spelling: str) -> None:
    """What the resolver makes of an odd spelling is judged, not the spelling."""
    answers = socket.getaddrinfo(spelling, 80, type=socket.SOCK_STREAM)
    assert [is_public(str(answer[4][0])) for answer in answers] == [False]
