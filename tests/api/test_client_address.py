"""Who a request comes from, and what of that is kept."""

from ipaddress import ip_network

import pytest

from api import client_address

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.5", "", "203.0.113.5"),
        ("203.0.113.5", "1.1.1.1", "203.0.113.5"),
        ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("::ffff:10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        ("", "1.1.1.1", ""),
    ],
)
def test_client(peer: str, forwarded: str, client: str) -> None:
    """The header is walked from the right, over trusted networks only."""
    assert client_address.client(peer, forwarded, TRUSTED) == client


@pytest.mark.parametrize(
    ("address", "bucket", "kept"),
    [
        ("203.0.113.5", "203.0.113.5", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1::/48"),
        ("::ffff:203.0.113.5", "::ffff:203.0.113.5", "203.0.113.0/24"),
        ("", "", ""),
    ],
)
def test_what_is_kept(address: str, bucket: str, kept: str) -> None:
    """A rate hangs on an address or a /64; what is written is a network."""
    assert client_address.bucket(address) == bucket
    assert client_address.anonymous(address) == kept
