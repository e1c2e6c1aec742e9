"""A constant load of numbered events, and the account of what became of each.

Most are Equerry's own reports, in arrays; some are envelopes as SDKs send them, one event each.

Every number is posted until the door says 202, under the same id each time, so that whatever was
taken without our hearing of it comes again. A few that were acknowledged are sent once more.
"""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any, Self

from installation import Installation, wait_until

from equerry import keys
from equerry.stream.consumer import GROUP

THREADS = 4
SIZES = (1, 3, 10, 20)
SENT_AGAIN_SHARE = 0.02
METRICS_SHARE = 0.1
ENVELOPES_SHARE = 0.3
RETRY_SECONDS = 0.1
ENVELOPES = "/api/1/envelope/"
# What the door says to its own reporters, and to SDKs.
ACKNOWLEDGED = frozenset({"202", "200"})


def event_id(number: int) -> str:
    """Return the id under which a number is sent."""
    return f"{number:032x}"


def error(number: int) -> dict[str, Any]:
    """Return an error of one of seven causes and four severities."""
    boundary = ("global", "page", "component", None)[number % 4]
    return {
        "id": event_id(number),
        "name": f"Fault{number % 7}",
        "message": "under load",
        "boundary": boundary,
        "level": "warning" if boundary is None else "error",
        "extra": {"n": number},
    }


def metric(number: int) -> dict[str, Any]:
    """Return a metric."""
    return {"event_id": event_id(number), "event": "load", "duration": 1.0, "tags": {"n": "1"}}


def envelope(number: int) -> bytes:
    """Return an SDK's envelope with an error of one of five causes."""
    event = {
        "event_id": event_id(number),
        "level": "error",
        "exception": {
            "values": [
                {
                    "type": f"SdkFault{number % 5}",
                    "value": "under load",
                    "stacktrace": {"frames": [{"function": "post", "filename": "app/load.py"}]},
                }
            ]
        },
        "extra": {"n": number},
    }
    return b'{}\n{"type":"event"}\n' + json.dumps(event).encode()


class Load:
    """Posts from THREADS threads over kept connections while it is entered.

    per_second: events, all threads together; time lost to a dead door is not made up for.
    """

    def __init__(self, equerry: Installation, per_second: float) -> None:
        self.acknowledged: set[int] = set()
        self.retried = 0
        self.statuses: Counter[str] = Counter()
        self._equerry = equerry
        self._per_thread = per_second / THREADS
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._given_up = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(n),), name=f"load-{n}")
            for n in range(THREADS)
        ]

    def __enter__(self) -> Self:
        """Start."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Take no new numbers; end once what was begun is acknowledged, or after 60 s."""
        self._ending.set()
        deadline = time.monotonic() + 60
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._given_up.set()
        for thread in self._threads:
            thread.join()

    def _run(self, chance: random.Random) -> None:
        wire = _Wire(self._equerry)
        due = time.monotonic()
        while not self._ending.is_set():
            is_envelope = chance.random() < ENVELOPES_SHARE
            size = 1 if is_envelope else chance.choice(SIZES)
            with self._lock:
                numbers = list(itertools.islice(self._numbers, size))
            if is_envelope:
                path, body = ENVELOPES, envelope(numbers[0])
            else:
                path, body = _native(numbers, is_metric=chance.random() < METRICS_SHARE)
            again = chance.random() < SENT_AGAIN_SHARE
            for _ in range(1 + again):
                self._post(wire, path, numbers, body)
            due = max(due + size / self._per_thread, time.monotonic() - 1)
            self._ending.wait(max(0.0, due - time.monotonic()))
        wire.close()

    def _post(self, wire: "_Wire", path: str, numbers: list[int], body: bytes) -> None:
        """Post until it is acknowledged."""
        while not self._given_up.is_set():
            status, answer = wire.post(path, body)
            with self._lock:
                self.statuses[status] += 1
                if status in ACKNOWLEDGED:
                    ids = answer.get("ids") or [answer["id"]]
                    assert ids == [event_id(number) for number in numbers], answer
                    self.acknowledged.update(numbers)
                    return
                self.retried += 1
            time.sleep(RETRY_SECONDS)


def _native(numbers: list[int], *, is_metric: bool) -> tuple[str, bytes]:
    """Return path and body of Equerry's own form."""
    path = "/api/performance/metrics" if is_metric else "/api/errors"
    sent = [(metric if is_metric else error)(number) for number in numbers]
    return path, json.dumps(sent[0] if len(sent) == 1 else sent).encode()


class _Wire:
    """One kept connection."""

    def __init__(self, equerry: Installation) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", equerry.port, timeout=10)
        self._headers = {
            "Content-Type": "application/json",
            "X-Equerry-Key": equerry.key(),
            "X-Sentry-Auth": f"Sentry sentry_key={equerry.key()}",
        }

    def post(self, path: str, body: bytes) -> tuple[str, Any]:
        """Return the status and the answer; a broken connection's status is its error's name."""
        try:
            self._connection.request("POST", path, body, self._headers)
            answer = self._connection.getresponse()
            return str(answer.status), json.loads(answer.read())
        except (OSError, http.client.HTTPException) as failure:
            self.close()
            return type(failure).__name__, None

    def close(self) -> None:
        """Close; the next post connects anew."""
        with suppress(OSError):
            self._connection.close()


class Account(dict[str, Any]):
    """What is in Redis and in the archive, held against what was acknowledged."""

    @property
    def faults(self) -> dict[str, Any]:
        """Whatever must be empty and is not."""
        return {name: self[name] for name in MUST_BE_EMPTY if self[name]}


MUST_BE_EMPTY = ("lost", "doubled", "doubled_lines", "counters_off", "issues_off", "left_over")


def account(equerry: Installation, acknowledged: set[int]) -> Account:
    """Read Redis, stop everything, read the archive, compare. The events must be drained."""
    scope = keys.scope(1)
    with equerry.redis() as client:
        left_over = wait_until(lambda: _left_over(client, scope), "the stream is empty")
        counts = _hashes(client, keys.counts(scope, ""))
        issues = _issue_counts(client, scope)
        dead = {fields[b"i"].hex() for _, fields in client.xrange(keys.dead(scope))}
        repeated = int(client.hget(keys.refusals(scope), "repeated") or 0)
    equerry.stop()
    lines = equerry.archive("*")
    events = [line for line in lines if line["project"] == 1 and _is_event(line)]
    ids = Counter(line["id"] for line in lines)
    places = Counter((line["project"], line["_id"]) for line in lines)
    wanted = {event_id(number) for number in acknowledged}
    found_issues = Counter(line["fingerprint"] for line in events if "fingerprint" in line)
    return Account(
        acknowledged=len(acknowledged),
        archived=len(events),
        dead=sorted(dead),
        repeated=repeated,
        lost=sorted(wanted - ids.keys() - dead)[:20],
        doubled=[name for name, times in ids.items() if times > 1][:20],
        doubled_lines=[place for place, times in places.items() if times > 1][:20],
        counters_off=_difference(_recount(events), counts),
        issues_off=_difference(found_issues, issues),
        left_over={name: number for name, number in left_over.items() if number},
    )


def _left_over(client: Any, scope: str) -> dict[str, int]:
    """Return what must be 0 at a moment when the stream is empty; nothing at any other moment.

    Other moments there are: alerts write their own lines to the stream.
    """
    pipe = client.pipeline(transaction=True)
    pipe.xlen(keys.events(scope))
    pipe.get(keys.events_bytes(scope))
    pipe.xpending(keys.events(scope), GROUP)
    length, size, pending = pipe.execute()
    return {} if length else {"bytes": int(size or 0), "pending": pending["pending"]}


def _is_event(line: dict[str, Any]) -> bool:
    return "severity" in line  # Equerry's own records have none


def _issue_counts(client: Any, scope: str) -> dict[str, int]:
    """Return fingerprint → the count of its issue: here no two fingerprints are one issue."""
    return {
        name.decode(): int(client.hget(keys.issue(scope, number.decode()), "count"))
        for name, number in client.hgetall(keys.fingerprints(scope)).items()
    }


def _hashes(client: Any, prefix: str) -> dict[str, dict[str, str]]:
    """Return the hashes of this prefix, by the rest of their key."""
    return {
        key.decode().removeprefix(prefix): {
            name.decode(): value.decode() for name, value in client.hgetall(key).items()
        }
        for key in client.scan_iter(f"{prefix}*", count=1000)
    }


def _recount(events: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Count by minute, hour and day what the archive holds: on purpose not by Equerry's code."""
    counted: dict[str, Counter[str]] = {}
    for line in events:
        is_error = "fingerprint" in line
        moved = ("errors", f"errors.{line['severity']}") if is_error else ("metrics",)
        if is_error and line["level"] in {"error", "fatal"}:
            moved = (*moved, "failures")
        for length in (len("2026-11-23T15:04"), len("2026-11-23T15"), len("2026-11-23")):
            counted.setdefault(line["received_at"][:length], Counter()).update(moved)
    return {
        bucket: {name: str(number) for name, number in counter.items()}
        for bucket, counter in counted.items()
    }


def _difference(archive: Any, index: Any) -> dict[str, Any]:
    """Return where the two differ: key → (archive, index)."""
    return {
        name: (archive.get(name), index.get(name))
        for name in archive.keys() | index.keys()
        if archive.get(name) != index.get(name)
    }
