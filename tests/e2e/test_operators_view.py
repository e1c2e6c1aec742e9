"""What an orchestrator, a monitor and an operator see of a running Equerry."""

import base64
import contextlib
import subprocess

import pytest
from alerted_site import PROJECTS, Site
from installation import EQUERRY, wait_until

pytestmark = pytest.mark.e2e


def test_probes_say_alive_and_ready(site: Site) -> None:
    """Both probes answer 200, and ready says where events are kept."""
    assert site.equerry.ask("/livez").status == 200
    ready = site.equerry.ask("/readyz")
    assert (ready.status, ready.body["keeps_in"]) == (200, "redis")


def test_health_names_every_part(site: Site) -> None:
    """Every part is there and ok, since when; the disk of whoever runs this may be fuller."""
    page = {}

    def all_ok() -> bool:
        answer = site.equerry.ask("/api/infrastructure/health")
        page.update(answer.body["parts"], status=answer.status)
        parts = [part for name, part in answer.body["parts"].items() if name != "disk"]
        workers = answer.body["parts"]["workers"]["value"]
        return all(part["status"] == "ok" for part in parts) and workers.get("alive") == 2

    # Beat leads, and both workers say that they live, a moment after the door is up.
    with contextlib.suppress(AssertionError):
        wait_until(all_ok, "every part is ok")
    assert all_ok(), page
    parts = {"redis", "stream", "spool", "workers", "beat", "dead_letters", "outbox", "disk"}
    assert parts <= page.keys()
    assert page["status"] == 200
    assert all(page[name]["since"] for name in parts)
    assert page["redis"]["value"]["aof_enabled"] == 1


def test_metrics_are_prometheus(site: Site) -> None:
    """The metrics page is exposition text that says Equerry is up."""
    page = site.equerry.ask("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    assert "\nequerry_up 1.0\n" in page.body
    # Somebody's proxy on this machine is no reason to show it to the world.
    assert site.equerry.ask("/metrics", {"X-Forwarded-For": "203.0.113.9"}).status == 403


def test_the_operators_port_answers_to_tokens(site: Site) -> None:
    """With a token from the command line the projects are shown; without one nothing is."""
    port = site.equerry.dashboard_port
    done = subprocess.run(
        [*EQUERRY, "token", "create", "--name", "e2e"],
        cwd=site.equerry.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    header = {"Authorization": f"Bearer {done.stdout.strip()}"}
    assert site.equerry.ask("/livez", port=port).status == 200
    assert site.equerry.ask("/api/v1/projects", port=port).status == 401
    answer = site.equerry.ask("/api/v1/projects", header, port=port)
    assert answer.status == 200
    assert answer.body["projects"][0]["slug"] in PROJECTS
    # What operators do is not for the public door.
    assert site.equerry.ask("/api/v1/projects", header).status == 404


@pytest.mark.parametrize("path", ["/", "/workers", "/api/workers"])
def test_flower_asks_for_its_password(site: Site, path: str) -> None:
    """Flower shows its pages to whoever has the password, which only its owner may read."""
    port = site.equerry.flower_port
    file = site.equerry.data / "flower-password"
    assert file.stat().st_mode & 0o777 == 0o600
    right = _basic(file.read_text().strip())
    assert site.equerry.ask(path, port=port).status == 401
    assert site.equerry.ask(path, _basic("wrong"), port=port).status == 401
    assert site.equerry.ask(path, right, port=port).status == 200


def _basic(password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'admin:{password}'.encode()).decode()}"}
