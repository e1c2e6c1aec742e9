"""Frames of real builds become the frames that were written."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import builds
import msgspec
import pytest
from browser_events import SCRIPT_URL, event, frame, kept, report
from builds import Build

from equerry.events.intake import Sender
from equerry.events.report import ErrorReport
from equerry.events.sentry import readers
from equerry.events.severity import DEFAULT_RULES, RuleTable
from equerry.settings import SourceMaps
from equerry.source_maps import folder, inject
from equerry.source_maps.artefact import Incoming, Kind
from equerry.source_maps.maps import Maps
from equerry.source_maps.position import Answer, Outcome, Question
from equerry.source_maps.reading import Reading
from equerry.source_maps.store import Store, Upload
from workers.pipeline import stages

NOW_MS = 1_764_000_000_000
THROW = "new Error("
THROW_IN_PACKAGE = "new RangeError("


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return the built shop."""
    return builds.esbuild(tmp_path / "site")


def upload(store: Store, build: Build, *, release: str = "shop@1.2", dist: str = "") -> None:
    """Keep a build's folder as its release."""
    incoming, left_out = folder.read(build.folder, "~/")
    assert not left_out
    store.add(incoming, Upload(release, dist, NOW_MS), SourceMaps())


def resolved(maps: Maps, reported: ErrorReport, project: int = 1) -> ErrorReport:
    """Return the report as the stage leaves it."""
    tools = stages.Tools(RuleTable(DEFAULT_RULES), maps)
    return kept(stages.resolve(event(reported, project), tools).raw)


def outcome(found: ErrorReport) -> dict[str, Any]:
    """Return what the report says was looked for, of its one file."""
    [told] = found.source_maps
    return told


def test_frame_is_named_as_it_was_written(store: Store, maps: Maps, build: Build) -> None:
    """Function, file, line, column and context are the source's; the minified frame is kept."""
    upload(store, build)
    line, column = build.position(THROW)
    minified = frame(line, column)
    found = resolved(maps, report(minified))
    [got] = found.exceptions[0].frames
    assert (got.function, got.filename, got.lineno) == ("checkout", "src/shop.js", 10)
    assert got.context_line == '    throw new Error("no customer for " + order.name);'
    assert got.pre_context[-1] == "  if (!order.customer) {"
    assert got.post_context[:2] == ("  }", "  return total(order);")
    assert got.in_app is True
    assert got.minified is not None
    assert (got.minified.function, got.minified.lineno, got.minified.colno) == ("r", line, column)
    assert outcome(found)["outcome"] == Outcome.RESOLVED


def test_timestamp_stays_first(store: Store, maps: Maps, build: Build) -> None:
    """The archive's lines begin with the time: a resolved report still does."""
    upload(store, build)
    sent = event(report(frame(*build.position(THROW))))
    raw = stages.resolve(sent, stages.Tools(RuleTable(DEFAULT_RULES), maps)).raw
    assert raw is not sent.raw
    assert raw.startswith(b'{"timestamp":')


def test_package_is_not_the_sites_own_code(store: Store, maps: Maps, build: Build) -> None:
    """A frame whose source lies in node_modules is not in app, whatever the SDK said."""
    upload(store, build)
    found = resolved(maps, report(frame(*build.position(THROW_IN_PACKAGE))))
    [got] = found.exceptions[0].frames
    assert (got.function, got.filename) == ("checked", "node_modules/pricing/index.js")
    assert got.in_app is False


def test_debug_id_needs_no_release(store: Store, maps: Maps, build: Build) -> None:
    """A file's debug id finds its map, whatever release and URL the event has."""
    debug_id = "8b33d90e-cdbf-5cc8-b26b-30cd992a8913"
    build.source_map.write_text(
        build.source_map.read_text().rstrip().removesuffix("}") + f',"debugId":"{debug_id}"}}'
    )
    upload(store, build, release="")
    url = "app:///other/name.js"
    reported = report(
        frame(*build.position(THROW), url=url), release="", debug_ids={url: debug_id.upper()}
    )
    [got] = resolved(maps, reported).exceptions[0].frames
    assert got.function == "checkout"


@pytest.mark.parametrize(
    ("code_file", "abs_path"),
    [
        (SCRIPT_URL, SCRIPT_URL),
        ("file:///srv/app/shop.mjs", "/srv/app/shop.mjs"),
        ("/srv/app/shop.mjs", "file:///srv/app/shop.mjs"),
    ],
)
def test_envelope_of_an_sdk_is_resolved(
    store: Store, maps: Maps, build: Build, code_file: str, abs_path: str
) -> None:
    """An event as an SDK sends it, with its debug ids in debug_meta, has its written frames."""
    inject.inject(build.folder)
    upload(store, build, release="")
    line, column = build.position(THROW)
    debug_id = json.loads(build.source_map.read_text())["debugId"]
    sent = {
        "platform": "javascript",
        "timestamp": NOW_MS / 1000,
        "exception": {
            "values": [
                {
                    "type": "Error",
                    "value": "no customer for Bag",
                    "stacktrace": {
                        "frames": [
                            {
                                "filename": abs_path,
                                "abs_path": abs_path,
                                "function": "r",
                                "lineno": line,
                                "colno": column,
                                "in_app": True,
                            }
                        ]
                    },
                }
            ]
        },
        "debug_meta": {
            "images": [{"type": "sourcemap", "code_file": code_file, "debug_id": debug_id}]
        },
    }
    envelope = b'{}\n{"type":"event"}\n' + json.dumps(sent).encode()
    [accepted] = readers.read(envelope, Sender("test", ""), NOW_MS).accepted
    tools = stages.Tools(RuleTable(DEFAULT_RULES), maps)
    got = msgspec.json.decode(accepted.raw, type=ErrorReport)
    done = stages.run(event(got), tools)
    assert not isinstance(done, stages.Failed)
    assert kept(done.raw).exceptions[0].frames[0].function == "checkout"


def test_frames_of_all_exceptions_are_resolved(store: Store, maps: Maps, build: Build) -> None:
    """A cause's frames are resolved like those of what was caught."""
    upload(store, build)
    one = report(frame(*build.position(THROW)))
    other = report(frame(*build.position(THROW_IN_PACKAGE)))
    both = msgspec.structs.replace(one, exceptions=(*one.exceptions, *other.exceptions))
    found = resolved(maps, both)
    assert [thrown.frames[0].function for thrown in found.exceptions] == ["checkout", "checked"]
    assert outcome(found)["frames"] == 2


@pytest.mark.parametrize(
    "form",
    [
        "Error: no customer for Bag\n    at r ({place})\n    at <anonymous>",
        "r@{place}\n@https://shop.example/:1:1",
    ],
    ids=["V8", "Firefox"],
)
def test_stack_as_text_is_resolved(store: Store, maps: Maps, build: Build, form: str) -> None:
    """A native report's stack gives exceptions with written frames; its text stays as it came."""
    upload(store, build)
    line, column = build.position(THROW)
    stack = form.format(place=f"{SCRIPT_URL}:{line}:{column}")
    sent = msgspec.structs.replace(report(platform=""), exceptions=(), stack=stack)
    found = resolved(maps, sent)
    [thrown] = found.exceptions
    assert (thrown.type, thrown.value) == ("Error", "no customer for Bag")
    assert thrown.frames[-1].function == "checkout"
    assert found.stack == stack


def test_stack_as_text_without_a_map_stays(store: Store, maps: Maps, build: Build) -> None:
    """A native report that no map knows gets no exceptions, and says what was looked for."""
    upload(store, build)
    stack = "Error: x\n    at r (https://shop.example/other.js:1:2)"
    sent = msgspec.structs.replace(report(platform=""), exceptions=(), stack=stack)
    found = resolved(maps, sent)
    assert found.exceptions == ()
    assert outcome(found)["outcome"] == Outcome.NO_SUCH_FILE


def test_inline_map_is_read(store: Store, maps: Maps, tmp_path: Path) -> None:
    """A script that holds its map as a data URL needs no other file."""
    build = builds.esbuild(tmp_path / "inline", "--sourcemap=inline")
    upload(store, build)
    [got] = resolved(maps, report(frame(*build.position(THROW)))).exceptions[0].frames
    assert got.function == "checkout"


def test_source_that_was_uploaded_apart_gives_context(
    store: Store, maps: Maps, tmp_path: Path
) -> None:
    """A map without sourcesContent takes its context lines from the uploaded source."""
    build = builds.esbuild(tmp_path / "apart", "--sources-content=false")
    incoming, _ = folder.read(build.folder, "~/")
    source = tmp_path / "apart" / "src" / "shop.js"
    more = Incoming("~/../src/shop.js", Kind.SOURCE, lambda: source.open("rb"))
    same = Incoming("~/src/shop.js", Kind.SOURCE, lambda: source.open("rb"))
    store.add([*incoming, more, same], Upload("shop@1.2", "", NOW_MS), SourceMaps())
    [got] = resolved(maps, report(frame(*build.position(THROW)))).exceptions[0].frames
    assert got.context_line == '    throw new Error("no customer for " + order.name);'


def test_same_bug_of_two_deploys_is_one_issue(
    store: Store, maps: Maps, build: Build, tmp_path: Path
) -> None:
    """Two builds of one source with other names and positions give one fingerprint."""
    upload(store, build)
    other = builds.esbuild(tmp_path / "next", "--banner:js=/* another build */ var zz=1;")
    other_url = SCRIPT_URL.replace("4f2a9c1b", "9e8d7c6b")
    renamed = other.script.with_name("shop-9e8d7c6b.js")
    other.script.rename(renamed)
    upload(store, other._replace(script=renamed), release="shop@1.3")
    tools = stages.Tools(RuleTable(DEFAULT_RULES), maps)
    prints = set()
    for reported in (
        report(frame(*build.position(THROW))),
        report(
            frame(*other._replace(script=renamed).position(THROW), url=other_url, function="n"),
            release="shop@1.3",
        ),
    ):
        done = stages.run(event(reported), tools)
        assert not isinstance(done, stages.Failed)
        prints.add(done.fingerprint)
    assert len(prints) == 1


@pytest.mark.parametrize(
    ("fields", "expected", "looked_for"),
    [
        ({"release": ""}, Outcome.NO_RELEASE, ""),
        ({"release": "shop@9"}, Outcome.NOTHING_FOR_RELEASE, ""),
        (
            {"debug_ids": {SCRIPT_URL: "11111111-2222-3333-4444-555555555555"}, "release": ""},
            Outcome.UNKNOWN_DEBUG_ID,
            "11111111-2222-3333-4444-555555555555",
        ),
    ],
)
def test_what_is_missing_is_said(
    store: Store, maps: Maps, build: Build, fields: Any, expected: Outcome, looked_for: str
) -> None:
    """The event tells what was looked for and not found, and its frames stay as they came."""
    upload(store, build)
    sent = report(frame(*build.position(THROW)), **fields)
    found = resolved(maps, sent)
    assert found.exceptions == sent.exceptions
    told = outcome(found)
    assert told["outcome"] == expected
    assert told["file"] == SCRIPT_URL
    assert looked_for in told.get("looked_for", [""])


def test_unknown_file_names_every_form(store: Store, maps: Maps, build: Build) -> None:
    """A file that the release has not is told with each name that it was looked for under."""
    upload(store, build)
    found = resolved(maps, report(frame(1, 5, url="https://a.example/b.js?v=1")))
    told = outcome(found)
    assert told["outcome"] == Outcome.NO_SUCH_FILE
    assert told["looked_for"][:4] == [
        "https://a.example/b.js?v=1",
        "https://a.example/b.js",
        "~/b.js?v=1",
        "~/b.js",
    ]


def test_position_beyond_the_map_is_said(store: Store, maps: Maps, build: Build) -> None:
    """A position that the map does not know is an outcome, and no frame is invented."""
    upload(store, build)
    found = resolved(maps, report(frame(9_000, 1)))
    assert outcome(found)["outcome"] == Outcome.NOT_IN_MAP
    assert found.exceptions[0].frames[0].minified is None


def test_map_without_its_script_gives_lines(store: Store, maps: Maps, build: Build) -> None:
    """A map that was uploaded alone resolves files and lines."""
    source_map = build.source_map
    alone = Incoming("~/static/shop-4f2a9c1b.js.map", Kind.MAP, lambda: source_map.open("rb"))
    store.add([alone], Upload("shop@1.2", "", NOW_MS), SourceMaps())
    [got] = resolved(maps, report(frame(*build.position(THROW)))).exceptions[0].frames
    assert (got.filename, got.lineno) == ("src/shop.js", 10)


def test_script_without_its_map_is_said(store: Store, maps: Maps, build: Build) -> None:
    """A script whose map was not uploaded tells the map's name."""
    script = build.script
    alone = Incoming("~/static/shop-4f2a9c1b.js", Kind.MINIFIED, lambda: script.open("rb"))
    store.add([alone], Upload("shop@1.2", "", NOW_MS), SourceMaps())
    told = outcome(resolved(maps, report(frame(*build.position(THROW)))))
    assert told["outcome"] == Outcome.NO_SUCH_MAP
    assert "~/static/shop-4f2a9c1b.js.map" in told["looked_for"]


@pytest.mark.parametrize(("dist", "found"), [("7", "checkout"), ("8", "r")])
def test_dist_tells_builds_apart(
    store: Store, maps: Maps, build: Build, dist: str, found: str
) -> None:
    """An upload with a dist serves only events of that dist."""
    upload(store, build, dist="7")
    [got] = resolved(maps, report(frame(*build.position(THROW)), dist=dist)).exceptions[0].frames
    assert got.function == found


def test_projects_do_not_share(store: Store, maps: Maps, build: Build) -> None:
    """Another project's event finds nothing, be its debug id and release the same."""
    upload(store, build)
    sent = report(frame(*build.position(THROW)))
    found = resolved(maps, sent, project=2)
    assert found == sent


def test_flood_of_one_error_costs_one_question(store: Store, data: Path, build: Build) -> None:
    """Positions that were asked for are remembered: the reader is asked once for them."""

    class Counting(Reading):
        asked = 0

        def ask(self, question: Question) -> Answer:
            self.asked += 1
            return super().ask(question)

    counting = Counting()
    maps = Maps(data, counting)
    upload(store, build)
    sent = report(frame(*build.position(THROW)), frame(*build.position(THROW_IN_PACKAGE)))
    answers = [resolved(maps, sent) for _ in range(20)]
    assert counting.asked == 1
    assert all(each == answers[0] for each in answers)
    maps.close()


def test_other_languages_cost_nothing(store: Store, maps: Maps, build: Build) -> None:
    """A Python event is passed on as the same bytes."""
    upload(store, build)
    sent = event(report(frame(3, 4, url="/srv/app/shop.py"), platform="python"))
    assert stages.resolve(sent, stages.Tools(RuleTable(DEFAULT_RULES), maps)) is sent


def test_native_module_is_not_looked_for(store: Store, maps: Maps, build: Build) -> None:
    """Frames without a position or a script's name ask for nothing."""
    upload(store, build)
    sent = event(report(frame(0, 0), frame(1, 1, url="<anonymous>"), platform="node"))
    assert stages.resolve(sent, stages.Tools(RuleTable(DEFAULT_RULES), maps)) is sent


def test_store_that_is_removed_is_no_fault(data: Path, store: Store, build: Build) -> None:
    """Files and index that vanish under a worker's feet are outcomes; an upload heals them."""
    upload(store, build)
    sent = report(frame(*build.position(THROW)))
    times = iter(range(0, 10**6, 2))
    maps = Maps(data, now=lambda: float(next(times)))
    assert resolved(maps, sent).exceptions[0].frames[0].function == "checkout"
    shutil.rmtree(store.folder)
    assert resolved(maps, sent) == sent
    upload(store, build)
    assert resolved(maps, sent).exceptions[0].frames[0].function == "checkout"
    maps.close()


def test_gone_file_is_said(store: Store, maps: Maps, build: Build) -> None:
    """A file that the index knows and the disk does not is an outcome; an upload heals it."""
    upload(store, build)
    for path in store.folder.glob("files/*/*"):
        path.unlink()
    told = outcome(resolved(maps, report(frame(*build.position(THROW)))))
    assert told["outcome"] == Outcome.GONE
    upload(store, build)
    [got] = resolved(maps, report(frame(*build.position(THROW)))).exceptions[0].frames
    assert got.function == "checkout"


def test_damaged_index_is_said(store: Store, maps: Maps, build: Build) -> None:
    """An index that is no database is an outcome, and the event passes as it came."""
    store.folder.mkdir(parents=True)
    store.index_path.write_bytes(b"no database" * 100)
    sent = report(frame(*build.position(THROW)))
    found = resolved(maps, sent)
    assert outcome(found)["outcome"] == Outcome.STORE_AWAY
    assert found.exceptions == sent.exceptions


def test_use_is_noted_once_a_day(store: Store, maps: Maps, build: Build) -> None:
    """A file that resolves something is not unused: its time moves on."""
    upload(store, build)
    paths = list(store.folder.glob("files/*/*"))
    for path in paths:
        os.utime(path, (1, 1))
    resolved(maps, report(frame(*build.position(THROW))))
    assert all(path.stat().st_mtime > 1_000 for path in paths)
