"""Who a report is about: an opaque id, never a name or an address.

Limit: a pseudonym hides from a reader, not from who holds the archive and a list of names to try.
"""

import functools
import hashlib
from ipaddress import ip_address, ip_network
from typing import Any

from equerry.events import limits

PSEUDONYM_BYTES = 8
# What browsers' SDKs send for "the address that this comes from", which the door knows better.
AUTO = "{{auto}}"


def user(given: object, realm: str) -> str:
    """Return a user's id; where there is none, or it is an address, a pseudonym of what names them.

    realm: pseudonyms of one realm can be compared; the same name has another one in the next.
    """
    if not isinstance(given, dict):
        return ""
    id_ = _named(given.get("id"))
    if id_ and "@" not in id_ and not _network(id_):
        return id_[: limits.USER]
    if id_:
        return pseudonym(id_, realm)
    for field in ("username", "email", "ip_address"):
        name = _named(given.get(field))
        if name and name != AUTO:
            return pseudonym(name, realm)
    return ""


def pseudonym(name: str, realm: str) -> str:
    """Return what stands for a name: the same for the same name. An IP address as its network."""
    named = (_network(name) or name)[: limits.MESSAGE].encode("utf-8", "replace")
    return hashlib.blake2b(named, digest_size=PSEUDONYM_BYTES, key=realm.encode()[:64]).hexdigest()


def _named(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""


@functools.lru_cache(maxsize=1024)
def _network(text: str) -> str:
    """Return what of an IP address may be kept, its /24 or /48; "" for what is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    prefix = 24 if address.version == 4 else 48  # noqa: PLR2004, the protocol's version
    return str(ip_network((address, prefix), strict=False))
