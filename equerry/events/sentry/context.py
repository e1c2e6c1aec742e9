"""What the readers of items know beside the item: the envelope that it came in, and who sent it."""

import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from equerry.errors import Cause, Refused
from equerry.events import limits, wire
from equerry.events.intake import Incoming, Sender

# Relay's own; what is deeper than limits.DEPTH is cut, and what is deeper than this refused.
JSON_DEPTH = 64


class Context(NamedTuple):
    """One envelope. event_id: its header's, or "". now: of receipt, RFC 3339."""

    event_id: str
    sender: Sender
    now: str

    @property
    def user_agent(self) -> str:
        """What sent it."""
        return self.sender.user_agent[: limits.USER_AGENT]


Reader = Callable[[bytes, Context], list[Incoming]]


def value(payload: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return what a payload says. Raises Refused for what is no JSON."""
    return wire.parse(payload, max_depth=JSON_DEPTH).value


def json_object(payload: bytes) -> dict[str, Any]:
    """Return the payload's JSON object. Raises Refused for everything else."""
    found = value(payload)
    if not isinstance(found, dict):
        raise Refused(400, "An item is no object.", (Cause("body", "must be a JSON object"),))
    return found


def incoming(kind: str, report: msgspec.Struct, id_: str = "") -> Incoming:
    """Return a report ready for the stream, under its own id or a new one."""
    return Incoming(kind, id_ or secrets.token_hex(16), msgspec.json.encode(report))
