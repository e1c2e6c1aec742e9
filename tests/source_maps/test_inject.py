"""Debug ids that were injected are told by the running script, and its map still fits."""

import json
import re
import subprocess
from pathlib import Path

import builds
import pytest
from browser_events import event, frame, kept, report

from equerry.events.severity import DEFAULT_RULES, RuleTable
from equerry.settings import SourceMaps
from equerry.source_maps import folder, inject
from equerry.source_maps.maps import Maps
from equerry.source_maps.store import Store, Upload
from workers.pipeline import stages

RUN = """
require(process.argv[1]);
let stack;
try { globalThis.checkout({ name: "Bag" }) } catch (error) { stack = error.stack }
console.log(JSON.stringify({ stack, ids: globalThis._sentryDebugIds }));
"""


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--banner:js=#!/usr/bin/env node",),
        ('--banner:js="use strict";',),
        ("--format=cjs",),
    ],
    ids=["plain", "hashbang", "strict", "cjs"],
)
def test_running_script_tells_its_id(
    store: Store, maps: Maps, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Node runs the injected script: its own stack and its debug id give the written frame."""
    build = builds.esbuild(tmp_path / "site", *options)
    [done], left_out = inject.inject(build.folder)
    assert not left_out
    ran = subprocess.run(
        ["node", "-e", RUN, build.script], capture_output=True, text=True, check=True
    )
    told = json.loads(ran.stdout)
    assert list(told["ids"].values()) == [done.debug_id]
    [where] = {found for stack in told["ids"] for found in re.findall(r"\((/.*?\.js):", stack)[:1]}
    assert where == str(build.script)
    line, column = map(int, re.search(r"\.js:(\d+):(\d+)", told["stack"]).groups())
    incoming, _ = folder.read(build.folder, "~/")
    store.add(incoming, Upload("", "", 1), SourceMaps())
    url = str(build.script)
    sent = report(
        frame(line, column, url=url), platform="node", release="", debug_ids={url: done.debug_id}
    )
    tools = stages.Tools(RuleTable(DEFAULT_RULES), maps)
    [got] = kept(stages.resolve(event(sent), tools).raw).exceptions[0].frames
    assert (got.function, got.lineno) == ("checkout", 10)


def test_second_run_changes_nothing(tmp_path: Path) -> None:
    """A build that has its ids is left as it is."""
    build = builds.esbuild(tmp_path / "site")
    inject.inject(build.folder)
    before = build.script.read_bytes(), build.source_map.read_bytes()
    [again], _ = inject.inject(build.folder)
    assert again.was_there
    assert (build.script.read_bytes(), build.source_map.read_bytes()) == before


def test_run_that_was_killed_is_finished(tmp_path: Path) -> None:
    """A script that got its line before its map was moved gets its map moved, once."""
    build = builds.esbuild(tmp_path / "site")
    unmoved = build.source_map.read_bytes()
    inject.inject(build.folder)
    moved = build.source_map.read_bytes()
    build.source_map.write_bytes(unmoved)
    inject.inject(build.folder)
    assert build.source_map.read_bytes() == moved


def test_sections_are_moved(tmp_path: Path) -> None:
    """A map of sections is moved by each section's offset."""
    (tmp_path / "a.js").write_text("x()\n//# sourceMappingURL=a.js.map\n")
    inner = {"version": 3, "sources": ["a"], "names": [], "mappings": "AAAA"}
    sections = [{"offset": {"line": 3, "column": 7}, "map": inner}]
    (tmp_path / "a.js.map").write_text(json.dumps({"version": 3, "sections": sections}))
    inject.inject(tmp_path)
    [section] = json.loads((tmp_path / "a.js.map").read_text())["sections"]
    assert section == {"offset": {"line": 4, "column": 7}, "map": inner}


def test_what_cannot_be_read_is_left_as_it_is(tmp_path: Path) -> None:
    """A damaged map leaves its script untouched, and is named."""
    script = b"x()\n//# sourceMappingURL=a.js.map\n"
    (tmp_path / "a.js").write_bytes(script)
    (tmp_path / "a.js.map").write_bytes(b"{")
    done, [left] = inject.inject(tmp_path)
    assert not done
    assert "cannot be read" in left.why
    assert (tmp_path / "a.js").read_bytes() == script
