"""The tables of the docs, made from the code. `make docs` writes them; a test holds them equal.

In a document a table stands between `<!-- table: NAME -->` and `<!-- end -->`.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import grouping_cases
import grouping_peers
import msgspec
from celery.schedules import crontab
from click import Context, Group

import beat_schedule
from api import exposition, openapi
from dashboard import operations
from equerry import alert_settings as alert_tree
from equerry import settings as tree
from equerry import settings_file
from equerry.cli.main import main as cli
from equerry.events import severity
from workers.alerting import channels

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *([cell.strip() for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _attribute_docs(source: Path) -> dict[tuple[str, str], str]:
    """Return (class, attribute) → the string that follows the attribute."""
    docs: dict[tuple[str, str], str] = {}
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if not isinstance(node, ast.ClassDef):
            continue
        for line, after in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(line, ast.AnnAssign)
                and isinstance(line.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                docs[node.name, line.target.id] = " ".join(str(after.value.value).split())
    return docs


_DOCS = _attribute_docs(Path(tree.__file__)) | _attribute_docs(Path(alert_tree.__file__))
_BY_SETTING = {variable.setting: name for name, variable in settings_file.VARIABLES.items()}


def _default(value: object) -> str:
    if value is msgspec.NODEFAULT:
        return "required"
    if isinstance(value, tuple):
        return f"`{list(value)}`".replace("'", '"') if value else "`[]`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value != "" else "empty"


def _settings(section: type[msgspec.Struct], prefix: str) -> Iterable[tuple[str, str, str, str]]:
    for field in msgspec.structs.fields(section):
        name = f"{prefix}{field.name}"
        if isinstance(field.default, msgspec.Struct):
            yield from _settings(type(field.default), f"{name}.")
        elif name == "projects":
            yield from _settings(tree.Project, "projects[].")
        elif name == "severity.rules":
            yield name, "", "the table below", "The severity rules, in order"
        else:
            variable = f"`{_BY_SETTING[name]}`" if name in _BY_SETTING else ""
            said = _DOCS[section.__name__, field.name]  # a setting without a word is refused
            yield f"`{name}`", variable, _default(field.default), said


def settings_table() -> str:
    """Return every setting, its variable, default and meaning."""
    head = ("Setting", "Variable", "Default", "Meaning")
    return _table(head, _settings(tree.Settings, ""))


def variables_table() -> str:
    """Return the environment variables and the settings that they set."""
    rows = (
        (f"`{name}`", f"`{variable.setting}`") for name, variable in settings_file.VARIABLES.items()
    )
    return _table(("Variable", "Sets"), rows)


def endpoints_table() -> str:
    """Return what the API answers to."""
    rows = (
        (f"`{method.upper()} {path}`", operation["summary"], ", ".join(operation["responses"]))
        for path, operations in openapi.document()["paths"].items()
        for method, operation in operations.items()
    )
    return _table(("Endpoint", "What it is for", "Answers"), rows)


def operations_table() -> str:
    """Return what the operator's port answers to, and what each operation takes."""
    rows = (
        (
            f"`{each.method} {operations.ROOT}{each.path}`",
            each.summary,
            ", ".join(f"`{name}`" for name in each.body or each.query),
        )
        for each in operations.OPERATIONS
    )
    return _table(("Operation", "What it does", "Takes"), rows)


def _when(when: object) -> str:
    if isinstance(when, crontab):
        return f"{int(str(when._orig_hour)):02d}:{int(str(when._orig_minute)):02d} daily"
    return f"every {int(when.run_every.total_seconds())} s"  # type: ignore[attr-defined]


def jobs_table() -> str:
    """Return the schedule."""
    rows = (
        (f"`{name}`", _when(job["when"]), str(job["what"]), f"{job['grace_seconds']} s")
        for name, job in beat_schedule.JOBS.items()
    )
    return _table(("Job", "When", "What it does", "Late after"), rows)


def metrics_table() -> str:
    """Return the Prometheus metrics."""
    rows = (
        (
            f"`{name}{'_total' if family.kind == 'counter' else ''}`",
            family.kind,
            family.labels.replace(",", ", "),
            family.meaning,
        )
        for name, family in exposition.FAMILIES.items()
    )
    return _table(("Metric", "Type", "Labels", "Meaning"), rows)


def _conditions(rule: severity.Rule) -> str:
    given = (
        ("boundary", ", ".join(rule.boundary)),
        ("level", ", ".join(rule.level)),
        ("handled", "" if rule.handled is None else str(rule.handled).lower()),
        ("url", ", ".join(f"`{pattern}`" for pattern in rule.url)),
        ("error", ", ".join(f"`{pattern}`" for pattern in rule.error)),
    )
    return "; ".join(f"{name}: {text}" for name, text in given if text) or "always"


def severity_table() -> str:
    """Return the default severity rules, in order."""
    rows = (
        (f"`{rule.name}`", _conditions(rule), rule.severity.value)
        for rule in severity.DEFAULT_RULES
    )
    return _table(("Rule", "Holds for", "Severity"), rows)


def routes_table() -> str:
    """Return which channels hear of which severity by default."""
    routes = alert_tree.Routes()
    rows = ((each.value, ", ".join(routes.channels(each))) for each in severity.Severity)
    return _table(("Severity", "Channels"), rows)


def channels_table() -> str:
    """Return the channels and the settings that turn each on."""
    needs = {
        "slack": "`alerts.slack.webhook_url`",
        "email": "`alerts.email.smtp_url` and `alerts.email.to`",
        "webhook": "`alerts.webhook.url` and `alerts.webhook.secret`",
        "console": "no other channel being on",
    }
    return _table(
        ("Channel", "On with"), ((f"`{name}`", needs[name]) for name in channels.CHANNELS)
    )


def _commands(group: Group, prefix: str) -> Iterable[tuple[str, str]]:
    context = Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, Group):
            yield from _commands(command, f"{prefix} {name}")
        elif command is not None:
            yield f"`{prefix} {name}`", command.get_short_help_str(120)


def commands_table() -> str:
    """Return the command line's verbs with the first line of their help."""
    return _table(("Command", "What it does"), _commands(cli, "equerry"))


def grouping_table() -> str:
    """Return how many of the pairs each way to group gets right, by area."""
    pairs = grouping_cases.cases()
    areas = sorted({case.area for case in pairs})
    rows = []
    for name, way in grouping_peers.WAYS.items():
        right = Counter(case.area for case in pairs if case.right(way))
        wrong = Counter(case.same for case in pairs if not case.right(way))
        rows.append(
            (
                name,
                *map(str, (right.total(), wrong[True], wrong[False])),
                *(str(right[area]) for area in areas),
            )
        )
    total = Counter(case.area for case in pairs)
    head = ("Way", f"Right of {len(pairs)}", "One bug split", "Two bugs merged")
    return _table((*head, *(f"{area} ({total[area]})" for area in areas)), rows)


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "variables": variables_table,
    "endpoints": endpoints_table,
    "operations": operations_table,
    "jobs": jobs_table,
    "metrics": metrics_table,
    "severity": severity_table,
    "routes": routes_table,
    "channels": channels_table,
    "commands": commands_table,
    "grouping": grouping_table,
}


def render(text: str) -> str:
    """Return the document with each of its tables made anew."""

    def make(found: re.Match[str]) -> str:
        return f"<!-- table: {found[1]} -->\n{TABLES[found[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- table: (\w+) -->\n.*?<!-- end -->", make, text, flags=re.DOTALL)


if __name__ == "__main__":
    for document in DOCUMENTS:
        document.write_text(render(document.read_text("utf-8")), "utf-8")
        sys.stdout.write(f"{document.relative_to(ROOT)}\n")
