"""The real sentry-cli against the real process of the operator's port."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import builds
import pytest
from browser_events import SCRIPT_URL, event, frame, kept, report
from installation import PROCFILE, free_port, wait_until

from equerry import clock, tokens
from equerry.events.severity import DEFAULT_RULES, RuleTable
from equerry.redis_client import Redis
from equerry.settings import Settings
from equerry.source_maps.maps import Maps
from equerry.source_maps.store import FOLDER
from equerry.tokens import Scope
from workers.pipeline import stages

LINE = dict(line.split(": ", 1) for line in PROCFILE.read_text().splitlines())["dashboard"]


class Cli(NamedTuple):
    """sentry-cli, pointed at the operator's port."""

    program: Path
    environ: dict[str, str]
    folder: Path

    def run(self, *arguments: str, token: str = "") -> "subprocess.CompletedProcess[str]":
        """Run it in the site's folder."""
        environ = self.environ | ({"SENTRY_AUTH_TOKEN": token} if token else {})
        return subprocess.run(
            [self.program, *arguments],
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def cli(redis: Redis, settings: Settings, tmp_path: Path) -> Iterator[Cli]:
    """Run the Procfile's line of the dashboard, with a token that may write."""
    program = builds.program("sentry-cli")
    secret = tokens.make(redis, "ci", Scope.WRITE, clock.now_ms())
    port = free_port()
    plain = {name: text for name, text in os.environ.items() if not name.startswith("EQUERRY_")}
    plain["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{plain['PATH']}"
    file = tmp_path / "equerry.toml"
    [project] = settings.projects
    file.write_text(
        f'data_dir = "{settings.data_dir}"\n[redis]\nurl = "{settings.redis.url}"\n'
        f'[[projects]]\nid = {project.id}\nslug = "{project.slug}"\nkey = "{project.key}"\n'
    )
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {LINE}"],
            cwd=tmp_path,
            env=plain | {"EQUERRY_CONFIG": str(file), "EQUERRY_DASHBOARD_PORT": str(port)},
            stdout=out,
            stderr=out,
        )
    site = {
        "SENTRY_URL": f"http://127.0.0.1:{port}",
        "SENTRY_AUTH_TOKEN": secret,
        "SENTRY_ORG": "anything",
        "SENTRY_PROJECT": "web",
        "SENTRY_DISABLE_UPDATE_CHECK": "1",
        "SENTRY_LOG_LEVEL": "warn",
    }
    made = Cli(program, plain | site, tmp_path / "site")
    try:
        wait_until(lambda: made.run("info").returncode == 0, (tmp_path / "out").read_text())
        yield made
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def site(tmp_path: Path) -> builds.Build:
    """Return the built shop."""
    (tmp_path / "site").mkdir()
    return builds.esbuild(tmp_path / "site")


def test_upload_resolves_the_next_event(site: builds.Build, cli: Cli, settings: Settings) -> None:
    """Inject, upload, and an event with nothing but debug ids has its written frames."""
    injected = cli.run("sourcemaps", "inject", "dist")
    assert injected.returncode == 0, injected.stderr
    debug_id = json.loads(site.source_map.read_text())["debugId"]
    sent = cli.run("sourcemaps", "upload", "--release", "shop@1.2", "dist")
    assert sent.returncode == 0, sent.stdout + sent.stderr
    maps = Maps(settings.data_path)
    url = "https://cdn.example/renamed.js"
    reported = report(
        frame(*site.position("new Error("), url=url), release="", debug_ids={url: debug_id}
    )
    tools = stages.Tools(RuleTable(DEFAULT_RULES), maps)
    [got] = kept(stages.resolve(event(reported), tools).raw).exceptions[0].frames
    assert (got.function, got.filename, got.lineno) == ("checkout", "src/shop.js", 10)
    by_release = report(frame(*site.position("new Error("), url=SCRIPT_URL))
    [same] = kept(stages.resolve(event(by_release), tools).raw).exceptions[0].frames
    assert same.function == "checkout"
    maps.close()
    assert not [path for path in _chunks(settings) if path.name != "lock"]


def test_upload_again_is_known(site: builds.Build, cli: Cli, settings: Settings) -> None:
    """A second upload of the same build sends nothing, and is no second upload."""
    for _ in range(2):
        sent = cli.run("sourcemaps", "upload", "--release", "shop@1.2", "--dist", "7", "dist")
        assert sent.returncode == 0, sent.stdout + sent.stderr
    files = list((settings.data_path / FOLDER / "1" / "files").glob("*/*"))
    assert len(files) == 2
    assert site.script.exists()


PLUGIN = """
import { build } from "esbuild";
import { sentryEsbuildPlugin } from "@sentry/esbuild-plugin";
await build({
  entryPoints: ["src/shop.js"], outfile: "plugin/shop.js",
  bundle: true, minify: true, sourcemap: true, logLevel: "error",
  plugins: [sentryEsbuildPlugin({
    url: process.env.SENTRY_URL, authToken: process.env.SENTRY_AUTH_TOKEN,
    org: "equerry", project: "web", telemetry: false,
    release: { name: "shop@2.0", deploy: { env: "production" } },
    errorHandler(error) { throw error; },
  })],
});
"""


def test_bundler_plugin_uploads(site: builds.Build, cli: Cli, settings: Settings) -> None:
    """A build with Sentry's plugin, pointed here, resolves by the debug ids that it injected."""
    modules = site.folder.parent / "node_modules"
    for name in ("esbuild", "@sentry"):
        (modules / name).symlink_to(builds.MODULES / name)
    (site.folder.parent / "build.mjs").write_text(PLUGIN)
    done = cli._replace(program=Path("node")).run("build.mjs")
    assert done.returncode == 0, done.stdout + done.stderr
    script = site.folder.parent / "plugin" / "shop.js"
    noted = re.search(r"sentry-dbid-([0-9a-f-]{36})", script.read_text())
    assert noted, script.read_text()[-2_000:]
    url = "https://cdn.example/shop.js"
    place = site._replace(script=script).position("new Error(")
    reported = report(frame(*place, url=url), release="", debug_ids={url: noted[1]})
    maps = Maps(settings.data_path)
    tools = stages.Tools(RuleTable(DEFAULT_RULES), maps)
    [got] = kept(stages.resolve(event(reported), tools).raw).exceptions[0].frames
    maps.close()
    assert (got.function, got.filename, got.lineno) == ("checkout", "src/shop.js", 10)


def test_releases_and_deploys_are_answered(site: builds.Build, cli: Cli) -> None:
    """What the tools do around an upload does not fail it."""
    assert site.script.exists()
    for arguments in (
        ("releases", "new", "shop@1.2"),
        ("releases", "finalize", "shop@1.2"),
        ("releases", "set-commits", "shop@1.2", "--auto", "--ignore-missing"),
        ("deploys", "new", "--release", "shop@1.2", "--env", "production"),
        ("projects", "list"),
        ("organizations", "list"),
    ):
        done = cli.run(*arguments)
        if arguments[1] != "set-commits":  # it looks for a git repository first
            assert done.returncode == 0, (arguments, done.stdout, done.stderr)


def test_wrong_token_is_refused(site: builds.Build, cli: Cli, settings: Settings) -> None:
    """Without a valid token nothing is kept."""
    assert site.script.exists()
    sent = cli.run("sourcemaps", "upload", "--release", "x", "dist", token="eqy_" + "0" * 48)
    assert sent.returncode != 0
    assert "401" in sent.stderr + sent.stdout
    assert not (settings.data_path / FOLDER / "1").exists()


def test_unknown_project_is_named(site: builds.Build, cli: Cli) -> None:
    """A slug that there is not is told with those that there are."""
    assert site.script.exists()
    sent = cli.run("sourcemaps", "upload", "--project", "shop", "--release", "x", "dist")
    assert sent.returncode != 0
    assert "there is no project" in sent.stderr + sent.stdout


def _chunks(settings: Settings) -> list[Path]:
    return list((settings.data_path / FOLDER / "chunks").iterdir())
