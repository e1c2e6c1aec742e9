"""Every scheduled job on one page. Data only.

when: a crontab is in the site's zone, so daily jobs keep their hour; anything more often than daily
is an interval (a crontab skips the hour that autumn repeats).
queue: who runs it. Only what ends within moments may share `pipeline` with the event path.
grace_seconds: how late a run may be before it is named late.
once: each due time runs once, whoever asks, and is recorded in the archive; the others may run any
number of times to the same effect, and only their last run is kept.
"""

from celery.schedules import crontab, schedule

JOBS = {
    "sweep-streams": {
        "what": "Rings again for events and findings that wait",
        "when": schedule(5.0),
        "queue": "pipeline",
        "grace_seconds": 60,
        "once": False,
    },
    "sweep-outbox": {
        "what": "Sends notifications that are due: bundles, retries, interrupted sends",
        "when": schedule(5.0),
        "queue": "alerts",
        "grace_seconds": 60,
        "once": False,
    },
    "watch-parts": {
        "what": "Looks at Equerry's own parts; reports dead letters, a full disk, a stalled queue",
        "when": schedule(15.0),
        "queue": "jobs",
        "grace_seconds": 60,
        "once": False,
    },
    "watch-quotas": {
        "what": "Tells of projects whose quota is used up, or nearly",
        "when": schedule(15.0),
        "queue": "jobs",
        "grace_seconds": 60,
        "once": False,
    },
    "bound-index": {
        "what": "Forgets the oldest issues, alerts and releases: no flood fills Redis",
        "when": schedule(600.0),
        "queue": "jobs",
        "grace_seconds": 600,
        "once": False,
    },
    "error-rate": {
        "what": "Compares errors with page views, or sessions, over a minute, an hour and a day",
        "when": schedule(60.0),
        "queue": "pipeline",
        "grace_seconds": 120,
        "once": True,
    },
    "spikes": {
        "what": "Looks for issues that come far more often than they used to",
        "when": schedule(60.0),
        "queue": "jobs",
        "grace_seconds": 120,
        "once": False,
    },
    "heartbeat": {
        "what": "Asks for the heartbeat URL, so that its silence tells when Equerry is dead",
        "when": schedule(60.0),
        "queue": "jobs",
        "grace_seconds": 120,
        "once": False,
    },
    "retention": {
        "what": "Closes and compresses past hours; removes what is older than the retention",
        "when": crontab(hour="3", minute="30"),
        "queue": "jobs",
        "grace_seconds": 3600,
        "once": True,
    },
}
