"""Every Redis key, and who writes it.

A scope is a project (`p1`) or the whole installation (`site`). All keys of a scope share its hash
tag, so that one transaction stays in one slot of a cluster.
"""

SITE = "site"


def scope(project_id: int) -> str:
    """Return the scope of a project."""
    return f"p{project_id}"


def events(scope: str) -> str:
    """Stream of events not yet drained. The door and transactions append, the drain deletes."""
    return f"{{{scope}}}:events"


def events_bytes(scope: str) -> str:
    """Bytes of payload in the stream. Written with it, in the same script or transaction."""
    return f"{{{scope}}}:events:bytes"


def ids(scope: str, generation: str) -> str:
    """Set of event ids seen, generation `new` or `old`. The door's script."""
    return f"{{{scope}}}:ids:{generation}"


def ids_since(scope: str) -> str:
    """When the new generation of ids began, epoch seconds. The door's script."""
    return f"{{{scope}}}:ids:since"


def rate(scope: str, bucket: str) -> str:
    """Rate bucket of an address or a key: its theoretical arrival time. The door's script."""
    return f"{{{scope}}}:rate:{bucket}"


def quota(scope: str, window: str) -> str:
    """Events accepted in this `minute`, `hour` or `day`; expires with it. The door's script."""
    return f"{{{scope}}}:quota:{window}"


def quotas_used_up(scope: str) -> str:
    """Hash: quota → the start of the window that it refused in last, epoch ms. The door's script.

    `told-<window>`, `warned-<window>`: those that were told of last. The jobs.
    """
    return f"{{{scope}}}:quotas-used-up"


def counts(scope: str, bucket: str) -> str:
    """Hash of counters for a minute, an hour or a day (`2026-11-23T15`). The commit, the door."""
    return f"{{{scope}}}:counts:{bucket}"


def refusals(scope: str) -> str:
    """Hash of what the door turned away, by reason, since the start. The door's script."""
    return f"{{{scope}}}:refusals"


def fingerprints(scope: str) -> str:
    """Hash: fingerprint → the number of its issue. The commit, the rebuild; retention trims it."""
    return f"{{{scope}}}:fingerprints"


def next_issue(scope: str) -> str:
    """The highest issue number given so far. The commit, the rebuild."""
    return f"{{{scope}}}:issue-number"


def merged(scope: str) -> str:
    """Hash: number of an issue → of the one that it was merged into. People's actions."""
    return f"{{{scope}}}:merged"


def states(scope: str) -> str:
    """Hash: number of an issue → its state. The commit, people's actions."""
    return f"{{{scope}}}:states"


def releases(scope: str) -> str:
    """Sorted set of releases by when they were first seen, epoch ms. The commit, the rebuild."""
    return f"{{{scope}}}:releases"


def issues(scope: str) -> str:
    """Sorted set of issue numbers by last seen, epoch ms. The commit; retention trims it."""
    return f"{{{scope}}}:issues"


def issue(scope: str, number: int | str) -> str:
    """Hash of one issue: title, culprit, count, when it was first seen. The commit."""
    return f"{{{scope}}}:issue:{number}"


ISSUE_PARTS = ("counts", "users", "tags", "samples", "activity")


def issue_part(scope: str, number: int, part: str) -> str:
    """One of ISSUE_PARTS. The commit; activity also people's actions."""
    return f"{issue(scope, number)}:{part}"


def users_together(scope: str) -> str:
    """HyperLogLog that lives within one transaction. The commit's look, to count a union."""
    return f"{{{scope}}}:users-together"


def staged(scope: str) -> str:
    """What stands for the scope in the names of an index that is being rebuilt; its hash tag."""
    return f"{scope}}}:rebuilt:{{"


def recent_releases(scope: str) -> str:
    """Sorted set of releases by last seen, epoch ms. The commit; a job trims it."""
    return f"{{{scope}}}:recent-releases"


def release(scope: str, name: str) -> str:
    """Hash of one release: when first seen, events, sessions by how they went. The commit."""
    return f"{{{scope}}}:release:{name}"


def release_hour(scope: str, hour: str) -> str:
    """Hash: release → sessions begun in this hour; expires. The commit."""
    return f"{{{scope}}}:release-sessions:{hour}"


def release_people(scope: str, name: str) -> str:
    """HyperLogLog of users or sessions, `<what>:<day>:<release>`; expires. The commit."""
    return f"{{{scope}}}:release-people:{name}"


def monitors(scope: str) -> str:
    """Hash: monitor → its state and last check-ins. The commit; retention trims it."""
    return f"{{{scope}}}:monitors"


def client_drops(scope: str) -> str:
    """Hash: `<reason> <category>` → what clients dropped, since the start. The commit."""
    return f"{{{scope}}}:client-drops"


def spikes(scope: str) -> str:
    """Hash: number of an issue → its totals within the last hour, and whether it spikes. A job."""
    return f"{{{scope}}}:spikes"


def fence(scope: str, consumer: str) -> str:
    """Moves when a consumer's entries are taken over: its late commit then fails. The drain."""
    return f"{{{scope}}}:fence:{consumer}"


def dead(scope: str) -> str:
    """Stream of events that no delivery could process. The drain; `equerry dead`."""
    return f"{{{scope}}}:dead"


def findings(scope: str) -> str:
    """Stream of findings not yet decided on. The commit and the jobs add, the decision deletes."""
    return f"{{{scope}}}:findings"


def alerts(scope: str) -> str:
    """Hash: alert key → its state. The decision."""
    return f"{{{scope}}}:alerts"


def groups(scope: str) -> str:
    """Hash: group → what waits for its bundle. The decision."""
    return f"{{{scope}}}:alert-groups"


def outbox(scope: str) -> str:
    """Hash: notification id → the row, until it is sent or dead. The decision, the delivery."""
    return f"{{{scope}}}:outbox"


def outbox_due(scope: str) -> str:
    """Sorted set of notification ids by when they are due, epoch ms. With the outbox."""
    return f"{{{scope}}}:outbox:due"


def outbox_dead(scope: str) -> str:
    """Hash: notification id → the row that was given up. The delivery."""
    return f"{{{scope}}}:outbox:dead"


def ring(scope: str, task: str) -> str:
    """A task for this scope is queued already; expires by itself. The watcher, the sweep."""
    return f"{{{scope}}}:ring:{task}"


def channels() -> str:
    """Hash: channel → why and since when it is disabled. The delivery."""
    return f"{{{SITE}}}:channels"


def jobs() -> str:
    """Hash: job → its last run. The jobs."""
    return f"{{{SITE}}}:jobs"


def job_slot(name: str, slot: str) -> str:
    """Taken by the one run of this job for this slot. The jobs."""
    return f"{{{SITE}}}:job:{name}:{slot}"


def beat_leader() -> str:
    """The beat that acts now; expires by itself. Beat."""
    return f"{{{SITE}}}:beat:leader"


def workers() -> str:
    """Sorted set of worker names by their last sign of life, epoch ms. The watcher."""
    return f"{{{SITE}}}:workers"


def conditions() -> str:
    """Hash: part → since when it is not ok, e.g. a full disk. The drain, the sweep."""
    return f"{{{SITE}}}:conditions"


def beat_sent() -> str:
    """Hash: job → when beat sent it last, epoch ms. Beat."""
    return f"{{{SITE}}}:beat:sent"


def tokens() -> str:
    """Hash: name → a token of the operator's port, hashed. `equerry token`."""
    return f"{{{SITE}}}:tokens"


def tokens_used() -> str:
    """Hash: name of a token → when it was last used, epoch ms, to the hour. The dashboard."""
    return f"{{{SITE}}}:tokens:used"


def scopes_seen() -> str:
    """Set of scopes that were ever in the settings: their events may still wait. The jobs."""
    return f"{{{SITE}}}:scopes"
