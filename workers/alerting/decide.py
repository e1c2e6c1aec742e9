"""From findings to the outbox: the policy's decisions, written in one transaction.

1. Watch the scope's alerts and groups, and read undecided findings.
2. Decide on each; place what is told; flush the groups whose time is over.
3. MULTI: states, groups, outbox rows, audit lines, the findings' end. Where another decider was
   faster the EXEC fails, and all begins anew.
"""

import logging
import uuid
from typing import NamedTuple

from redis.exceptions import WatchError

from equerry import keys
from equerry.alerts import audit, ledger, outbox, policy
from equerry.alerts.notification import Notification
from equerry.alerts.policy import Bundle, Decision, Group, Reason, Timing
from equerry.finding import Finding
from equerry.redis_client import Pipeline, Redis
from equerry.settings import Settings
from equerry.stream import findings
from workers.alerting.routing import Router

log = logging.getLogger(__name__)


class Told(NamedTuple):
    """One message to be: its findings, and whether they were told before."""

    bundle: Bundle
    repeat: bool


def decide(redis: Redis, settings: Settings, scope: str, now_ms: int) -> list[Notification]:
    """Decide on all findings of a scope. Returns the notifications that are due now."""
    router = Router(redis, settings)
    rows: list[Notification] = []
    while True:
        with redis.pipeline(transaction=True) as pipe:
            try:
                pipe.watch(keys.alerts(scope), keys.groups(scope))
                more, added = _decide_some(pipe, settings, router, scope, now_ms)
            except WatchError:
                continue
        rows += added
        if not more:
            return rows


def _decide_some(
    pipe: Pipeline, settings: Settings, router: Router, scope: str, now_ms: int
) -> tuple[bool, list[Notification]]:
    alerts = settings.alerts
    repeat_ms = int(alerts.repeat_seconds * 1000)
    bundle_ms = int(alerts.bundle_seconds * 1000)
    found = findings.read(pipe, scope)
    states = ledger.read_states(pipe, scope, list({finding.key for _, finding in found}))
    groups: dict[str, Group | None] = dict(ledger.read_groups(pipe, scope))
    pipe.multi()
    told: list[Told] = []
    for name, group in list(groups.items()):
        if group is not None:
            groups[name], bundle = policy.flush(group, now_ms, bundle_ms=bundle_ms)
            if bundle.findings:
                told.append(Told(bundle, repeat=False))
    for _, finding in found:
        decision = policy.decide(states.get(finding.key), finding, now_ms, repeat_ms=repeat_ms)
        states[finding.key] = decision.state
        timing = ""
        if decision.tell:
            name = policy.group_name(finding)
            groups[name], placed = policy.place(
                groups.get(name), finding, now_ms, bundle_ms=bundle_ms
            )
            timing = placed.value
            if placed is Timing.LEADS_GROUP:
                told.append(Told(Bundle((finding,)), decision.repeat))
        if decision.reason is not Reason.DUPLICATE:  # no transition: the state counts it
            _log(pipe, scope, now_ms, finding, decision, timing)
    rows = [row for message in told for row in _rows(router, scope, message, now_ms)]
    for row in rows:
        audit.write_row(pipe, row, now_ms, "queued")
    outbox.put(pipe, rows)
    ledger.write(pipe, scope, states, groups)
    findings.remove(pipe, scope, [stream_id for stream_id, _ in found])
    pipe.execute()
    return len(found) == findings.READ_AT_ONCE, rows


def _rows(router: Router, scope: str, message: Told, now_ms: int) -> list[Notification]:
    lead = max(message.bundle.findings, key=lambda finding: finding.severity.rank)
    return [
        Notification(
            id=uuid.uuid4().hex,
            scope=scope,
            channel=channel,
            findings=message.bundle.findings,
            more=message.bundle.more,
            created_ms=now_ms,
            due_ms=now_ms,
            repeat=message.repeat,
        )
        for channel in router.channels(lead)
    ]


def _log(
    pipe: Pipeline, scope: str, now_ms: int, finding: Finding, decision: Decision, timing: str
) -> None:
    log.info(
        "finding-decided",
        extra={"scope": scope, "key": finding.key, "reason": decision.reason.value},
    )
    audit.write(
        pipe,
        scope,
        now_ms,
        what=decision.reason.value,
        key=finding.key,
        title=finding.title,
        alert_severity=finding.severity.value,
        timing=timing,
    )
