"""What people do to issues, one by one or several at once."""

from collections.abc import Callable
from typing import Any

import msgspec

from dashboard import fields, operations, shapes
from dashboard.desk import Asked, Desk
from equerry import clock
from equerry.errors import ActionRefused, UnknownIssue
from equerry.events.severity import Severity
from equerry.issues import actions, view
from equerry.issues.actions import Done, Until
from equerry.redis_client import Redis


class Order(msgspec.Struct, frozen=True):
    """What to do to the issue of this number: what the action's table took, by whom and when."""

    redis: Redis
    scopes: dict[str, str]
    scope: str
    number: int
    given: dict[str, Any]
    by: str
    now_ms: int


Act = Callable[[Order], Done]


def act(desk: Desk, asked: Asked, name: str) -> shapes.Done:
    """Do it to the issue in the path. Raises UnknownIssue, ActionRefused."""
    order = _order(desk, asked, asked.place["id"], asked.body)
    done = ACTS[name](order)
    slug = desk.scopes[order.scope]
    found = view.show(desk.redis, order.scope, slug, done.number, asked.now_ms)
    return shapes.Done(done.changed, shapes.full(found.issue))


def bulk(desk: Desk, asked: Asked) -> shapes.BulkDone:
    """Do one thing to each of several issues. Raises Refused 400 for what it does not take."""
    name: str = asked.body["action"]
    given = fields.read(asked.body, operations.several(name))
    return shapes.BulkDone(
        tuple(_result(desk, asked, name, each, given) for each in given["issues"])
    )


def _order(desk: Desk, asked: Asked, id_: str, given: dict[str, Any]) -> Order:
    scope, number = view.parse_id(id_, desk.scopes)
    return Order(desk.redis, desk.scopes, scope, number, given, asked.by, asked.now_ms)


def _result(desk: Desk, asked: Asked, name: str, id_: str, given: dict[str, Any]) -> shapes.Result:
    try:
        done = ACTS[name](_order(desk, asked, id_, given))
    except (UnknownIssue, ActionRefused) as error:
        return shapes.Result(id_, changed=False, error=str(error))
    return shapes.Result(id_, done.changed, "")


def _resolve(order: Order) -> Done:
    return actions.resolve(
        order.redis,
        order.scope,
        order.number,
        by=order.by,
        now_ms=order.now_ms,
        release=order.given.get("release", ""),
        in_next_release=order.given.get("in_next_release", False),
    )


def _ignore(order: Order) -> Done:
    until = Until(
        for_ms=_for_ms(order.given, order.now_ms),
        count=order.given.get("until_count", 0),
        users=order.given.get("until_users", 0),
    )
    return actions.ignore(
        order.redis, order.scope, order.number, until, by=order.by, now_ms=order.now_ms
    )


def _for_ms(given: dict[str, Any], now_ms: int) -> int:
    for_ms: int = given.get("for_seconds", 0) * 1000
    if "until" not in given:
        return for_ms
    if for_ms:
        raise ActionRefused("ignored for some time or until one, not both")
    until_ms = clock.parse_ms(given["until"])
    if until_ms <= now_ms:
        raise ActionRefused("until: this time is over already")
    return until_ms - now_ms


def _reopen(order: Order) -> Done:
    return actions.reopen(order.redis, order.scope, order.number, by=order.by, now_ms=order.now_ms)


def _assign(order: Order) -> Done:
    name = order.given.get("to", "")
    return actions.assign(
        order.redis, order.scope, order.number, name, by=order.by, now_ms=order.now_ms
    )


def _pin(order: Order) -> Done:
    severity = Severity(order.given["severity"]) if "severity" in order.given else None
    return actions.pin(
        order.redis, order.scope, order.number, severity, by=order.by, now_ms=order.now_ms
    )


def _note(order: Order) -> Done:
    text = order.given["text"]
    return actions.note(
        order.redis, order.scope, order.number, text, by=order.by, now_ms=order.now_ms
    )


def _merge(order: Order) -> Done:
    scope, into = view.parse_id(order.given["into"], order.scopes)
    if scope != order.scope:
        raise ActionRefused("issues of different projects cannot be merged")
    return actions.merge(order.redis, scope, into, [order.number], by=order.by, now_ms=order.now_ms)


def _unmerge(order: Order) -> Done:
    return actions.unmerge(order.redis, order.scope, order.number, by=order.by, now_ms=order.now_ms)


ACTS: dict[str, Act] = {
    "resolve": _resolve,
    "ignore": _ignore,
    "reopen": _reopen,
    "assign": _assign,
    "pin": _pin,
    "note": _note,
    "merge": _merge,
    "unmerge": _unmerge,
}
