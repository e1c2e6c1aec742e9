"""Looks for issues that come far more often than they used to."""

import itertools

import msgspec

from equerry import keys
from equerry.clock import HOUR_MS
from equerry.finding import Finding
from equerry.health import spike
from equerry.health.spike import History, Totals
from equerry.issues import activity
from equerry.issues.activity import Active
from equerry.issues.state import Status
from equerry.redis_client import Redis
from workers.jobs.job import Context, Outcome

# A flood of new issues is older than none of them: the last seen are enough.
MOST_ISSUES = 1_000
LATELY_MS = HOUR_MS
# Beyond this the workers are behind, and what they catch up on would look like a spike.
LAG_MS = 60_000


class Memory(msgspec.Struct, frozen=True):
    """What was seen of an issue: its totals of the last hour, and since when it spikes, or 0.

    parts: of which the totals were: merged, an issue has more events at once, and they are not new.
    """

    parts: tuple[int, ...] = ()
    totals: Totals = ()
    since_ms: int = 0


_MEMORY = msgspec.json.Decoder(Memory)


def run(context: Context) -> Outcome:
    """Judge each project's recent issues; what spikes is a finding, for as long as it does."""
    found: dict[str, tuple[Finding, ...]] = {}
    summary: dict[str, int | float | str] = {}
    for scope, project_id in context.scopes.items():
        project = context.settings.project(project_id)
        if project is None:
            continue
        if _lags(context.redis, scope, context.now_ms):
            context.redis.unlink(keys.spikes(scope))
            summary[f"{project.slug}.looked_at"] = "the queue lags"
            continue
        looked, told = _look(context, scope, project.slug)
        summary |= {f"{project.slug}.looked_at": looked, f"{project.slug}.spikes": len(told)}
        if told:
            found[scope] = told
    return Outcome(summary, found)


def _lags(redis: Redis, scope: str, now_ms: int) -> bool:
    """Whether an event waits that was accepted a while ago."""
    oldest = redis.xrange(keys.events(scope), count=1)
    return any(now_ms - int(name.partition(b"-")[0]) > LAG_MS for name, _ in oldest)


def _look(context: Context, scope: str, project: str) -> tuple[int, tuple[Finding, ...]]:
    redis, now_ms = context.redis, context.now_ms
    known = _recall(redis, scope)
    after: dict[int, Memory] = {}
    told: list[Finding] = []
    every = activity.recent(redis, scope, project, now_ms - LATELY_MS, now_ms, MOST_ISSUES)
    for issue in itertools.islice(every, MOST_ISSUES):
        before = known.get(issue.number, Memory())
        if before.parts != issue.parts:
            before = Memory()
        history = History(now_ms, issue.first_ms, issue.count, issue.hours, before.totals)
        seen = spike.judge(history, going_on=bool(before.since_ms))
        since_ms = (before.since_ms or now_ms) if seen else 0
        after[issue.number] = Memory(issue.parts, spike.looked_at(history), since_ms)
        if seen and _matters(issue):
            told.append(spike.finding(issue.id, issue.title, seen, project, now_ms))
    _remember(redis, scope, after)
    return len(after), tuple(told)


def _matters(issue: Active) -> bool:
    """Who ignores an issue said when to hear of it again."""
    return issue.status is not Status.IGNORED


def _recall(redis: Redis, scope: str) -> dict[int, Memory]:
    rows = redis.hgetall(keys.spikes(scope))
    return {int(number): _MEMORY.decode(row) for number, row in rows.items()}


def _remember(redis: Redis, scope: str, after: dict[int, Memory]) -> None:
    """Replace all of it: what was not seen for an hour is forgotten."""
    pipe = redis.pipeline(transaction=True)
    pipe.unlink(keys.spikes(scope))
    if after:
        rows = {number: msgspec.json.encode(memory) for number, memory in after.items()}
        pipe.hset(keys.spikes(scope), mapping=rows)
    pipe.execute()
