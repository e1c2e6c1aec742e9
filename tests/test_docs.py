"""The docs say what the code does."""

import re
import shlex
from pathlib import Path

import click
import pytest
import tables

from equerry.cli.main import main
from equerry.events.sentry import readers


@pytest.mark.parametrize("document", tables.DOCUMENTS, ids=lambda document: document.name)
def test_the_tables_are_the_codes(document: Path) -> None:
    """Each table of a document is what the code makes of it; `make docs` writes them."""
    text = document.read_text("utf-8")
    assert tables.render(text) == text, f"{document.name} is stale: run `make docs`"


def test_every_table_is_shown() -> None:
    """No table is made that nobody can read."""
    shown = {
        name
        for document in tables.DOCUMENTS
        for name in re.findall(r"<!-- table: (\w+) -->", document.read_text("utf-8"))
    }
    assert shown == set(tables.TABLES)


@pytest.mark.parametrize("document", tables.DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link names a file that is there."""
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_the_readme_names_every_document_once() -> None:
    """The line of documents has each, and the steps of the start count up."""
    text = (tables.ROOT / "README.md").read_text("utf-8")
    _, _, documents = text.partition("## Documents")
    named = re.findall(r"\(docs/([^)]+)\)", documents)
    assert sorted(named) == sorted(each.name for each in (tables.ROOT / "docs").glob("*.md"))
    steps = [int(number) for number in re.findall(r"^([0-9])\. \*\*", text, re.MULTILINE)]
    assert steps == list(range(1, len(steps) + 1))


def commands() -> list[str]:
    """Return the lines of the documents' shell blocks that call `equerry`."""
    text = "\n".join(document.read_text("utf-8") for document in tables.DOCUMENTS)
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return sorted({line for line in lines if line.startswith("equerry ")})


@pytest.mark.parametrize("line", commands())
def test_commands_are_taken_as_they_stand(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a document shows is a verb that there is, with options and arguments that it takes."""
    monkeypatch.chdir(tmp_path)
    for build in ("dist", ".next/static"):
        (tmp_path / build).mkdir(parents=True)
    command: click.Command | None = main
    words = shlex.split(line, comments=True)[1:]
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
    assert command is not None
    command.make_context(line, words)


def test_every_item_of_an_envelope_is_told_of() -> None:
    """What becomes of each type of item, read or skipped, stands in the document for senders."""
    document = next(each for each in tables.DOCUMENTS if each.name == "reporting.md")
    named = set(re.findall(r"`(\w+)`", document.read_text("utf-8")))
    assert {*readers.READERS, *readers.SKIPPED} <= named
