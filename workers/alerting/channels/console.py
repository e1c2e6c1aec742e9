"""Alerts in the terminal of `equerry up`, while no other channel is set up."""

import sys

from equerry.alerts.notification import Notification
from equerry.finding import Finding
from equerry.settings import Settings
from workers.alerting.channels.wording import cut, headline, moment, place, visible, worst_first


def send(notification: Notification, settings: Settings) -> str:
    """Write the alert to the process's real standard output, at once.

    Not to `sys.stdout`, which Celery replaces by a logger. What the terminal cannot show is
    written out by its code.
    """
    out = sys.__stdout__ or sys.stdout
    text = render(notification, settings) + "\n"
    encoding = out.encoding or "utf-8"
    out.write(text.encode(encoding, "backslashreplace").decode(encoding))
    out.flush()
    return "shown in the terminal"


def render(notification: Notification, settings: Settings) -> str:
    """Return one line for the alert, and indented ones for its details."""
    findings, unnamed = worst_first(notification)
    where = visible(place(notification.scope, settings))
    when = moment(notification.created_ms, settings.zone)
    severity = notification.lead.severity.upper()
    lines = [f"ALERT {severity} {where}: {visible(headline(notification))} ({when})"]
    if len(findings) == 1:
        lines += _details(findings[0])
    else:
        for finding in findings:
            lines.append(f"  - {finding.severity.upper()} {visible(cut(finding.title, 300))}")
            lines += [f"  {line}" for line in _details(finding)]
    if unnamed:
        lines.append(f"  - and {unnamed} more")
    return "\n".join(lines)


def _details(finding: Finding) -> list[str]:
    lines: list[str] = []
    for label, value in finding.details.items():
        first, *rest = cut(value, 2000).split("\n")
        lines.append(f"    {visible(label)}: {visible(first)}")
        lines += [f"      {visible(line)}" for line in rest]
    return lines
