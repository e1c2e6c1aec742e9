import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from equerry.settings import Settings
from equerry.source_maps.store import FOLDER

Cli = Callable[..., Result]
MAP = {
    "version": 3,
    "sources": ["../src/a.js"],
    "names": [],
    "mappings": "AAAA",
    "sourcesContent": ["throw new Error('a')"],
}
DEBUG_ID = "8b33d90e-cdbf-5cc8-b26b-30cd992a8913"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """Return a build: a pair, a script without a map, one whose map is gone, a lone map."""
    folder = tmp_path / "dist"
    (folder / "js").mkdir(parents=True)
    (folder / "js" / "a.js").write_text("x()\n//# sourceMappingURL=a.js.map\n")
    (folder / "js" / "a.js.map").write_text(json.dumps(MAP))
    (folder / "plain.js").write_text("x()\n")
    (folder / "lost.js").write_text("x()\n//# sourceMappingURL=gone.js.map\n")
    (folder / "lone.js.map").write_text(json.dumps(MAP))
    (folder / "outside.js").write_text("x()\n//# sourceMappingURL=../../../etc/passwd\n")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "b.js").write_text("x()\n//# sourceMappingURL=b.js.map\n")
    return folder


def test_upload_says_what_was_kept_and_what_not(cli: Cli, build: Path) -> None:
    """The summary names each kept file, and each left out with its reason."""
    done = cli("sourcemaps", "upload", str(build), "--release", "shop@1.2")
    assert done.exit_code == 0, done.stderr
    assert "~/js/a.js " in done.stdout
    assert "~/js/a.js.map" in done.stdout
    assert "left out: plain.js: it names no source map (sourceMappingURL)" in done.stdout
    assert "left out: lost.js: its source map is not here: gone.js.map" in done.stdout
    assert "left out: outside.js: its source map is not here" in done.stdout
    assert "left out: lone.js.map: no script names it" in done.stdout
    assert "2 files kept" in done.stdout


def test_list_shows_uploads(cli: Cli, build: Path) -> None:
    """Each upload is listed with its release, dist and size."""
    assert "No source maps yet" in cli("sourcemaps", "list").stdout
    cli("sourcemaps", "upload", str(build), "--release", "shop@1.2", "--dist", "7")
    done = cli("sourcemaps", "list")
    assert "shop@1.2" in done.stdout
    [listed] = map(json.loads, cli("sourcemaps", "list", "--json").stdout.splitlines())
    assert (listed["release"], listed["dist"], listed["files"]) == ("shop@1.2", "7", 2)


def test_explain_says_what_is_found(cli: Cli, build: Path) -> None:
    """A script that resolves is told with its source, one that does not with what was sought."""
    cli("sourcemaps", "upload", str(build), "--release", "shop@1.2")
    found = cli("sourcemaps", "explain", "https://a.org/js/a.js", "--release", "shop@1.2")
    assert found.exit_code == 0, found.stdout
    assert "../src/a.js:1:1" in found.stdout
    missing = cli("sourcemaps", "explain", "https://a.org/js/b.js?v=1", "--release", "shop@1.2")
    assert missing.exit_code == 1
    assert "no-file-of-this-name" in missing.stdout
    assert "looked for  ~/js/b.js" in missing.stdout


def test_prefix_is_put_before_each_name(cli: Cli, build: Path) -> None:
    """What the folder is in a browser's URL is said by the prefix."""
    done = cli(
        "sourcemaps", "upload", str(build), "--release", "r", "--url-prefix", "~/static", "--json"
    )
    urls = {json.loads(line).get("url") for line in done.stdout.splitlines()}
    assert {"~/static/js/a.js", "~/static/js/a.js.map"} <= urls


def test_debug_ids_need_no_release(cli: Cli, build: Path) -> None:
    """A build with debug ids is taken without a release; one without is told what is missing."""
    refused = cli("sourcemaps", "upload", str(build))
    assert refused.exit_code == 1
    assert "a release is needed" in refused.stderr
    (build / "js" / "a.js.map").write_text(json.dumps(MAP | {"debug_id": DEBUG_ID}))
    assert DEBUG_ID in cli("sourcemaps", "upload", str(build)).stdout
    found = cli("sourcemaps", "explain", "x.js", "--debug-id", DEBUG_ID)
    assert found.exit_code == 0


def test_injected_build_is_found_by_its_ids(cli: Cli, build: Path) -> None:
    """Inject names each id; an upload without a release takes it, and explain finds it."""
    done = cli("sourcemaps", "inject", str(build), "--json")
    row, *left_out = map(json.loads, done.stdout.splitlines())
    names = {"lost.js", "outside.js", "plain.js"}
    assert {each["left_out"] for each in left_out} == {str(build / name) for name in names}
    assert row["script"] == str(build / "js" / "a.js")
    assert cli("sourcemaps", "upload", str(build)).exit_code == 0
    found = cli("sourcemaps", "explain", "x.js", "--debug-id", row["debug_id"], "--at", "2:1")
    assert found.exit_code == 0, found.stdout
    again = cli("sourcemaps", "inject", str(build)).stdout
    assert f"{row['debug_id']}  js/a.js  (it had one)" in again
    assert "1 scripts have debug ids" in again


def test_links_are_not_followed(cli: Cli, build: Path, settings: Settings) -> None:
    """A link in a build that points elsewhere takes nothing from there."""
    secret = build.parent / "secret.js"
    secret.write_text("hunter2\n//# sourceMappingURL=a.js.map\n")
    (build / "js" / "b.js").symlink_to(secret)
    (build / "etc").symlink_to("/etc")
    cli("sourcemaps", "upload", str(build), "--release", "r")
    kept = (settings.data_path / FOLDER).rglob("files/*/*")
    assert not any(b"hunter2" in path.read_bytes() for path in kept)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("upload", ".", "--release", "r", "--project", "shop"), "there is no project 'shop'"),
        (("upload", ".", "--release", "x" * 300), "--release: takes up to 200"),
        (("explain", "a.js", "--at", "1"), "takes LINE:COLUMN"),
        (("explain", "a.js", "--at", "0:1"), "takes LINE:COLUMN"),
        (("explain", "a.js", "--at", f"{2**31}:1"), "takes LINE:COLUMN"),
        (("explain", "a.js", "--at", "1:" + "9" * 5_000), "takes LINE:COLUMN"),
    ],
)
def test_mistakes_are_named(cli: Cli, arguments: tuple[str, ...], says: str) -> None:
    """A wrong flag is told in a line."""
    done = cli("sourcemaps", *arguments)
    assert done.exit_code != 0
    assert says in done.stderr


def test_empty_folder_is_said(cli: Cli, tmp_path: Path) -> None:
    """A folder without scripts is no success."""
    (tmp_path / "empty").mkdir()
    done = cli("sourcemaps", "upload", str(tmp_path / "empty"), "--release", "r")
    assert done.exit_code == 1
    assert "nothing was kept" in done.stderr


def test_config_check_says_what_to_install(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the settings are fine, and what is missing is told beside them."""
    assert cli("config", "check").stderr == ""
    monkeypatch.setitem(sys.modules, "symbolic", None)
    done = cli("config", "check")
    assert done.exit_code == 0
    assert "pip install 'equerry[sourcemaps]'" in done.stderr
