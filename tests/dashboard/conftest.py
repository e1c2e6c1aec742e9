"""The real app over the session's Valkey and a real archive, asked through Flask's client."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from operators import Ask, MakeToken, Report, Take

from dashboard.app import build
from equerry import clock, keys, tokens
from equerry.archive.segment import Writer
from equerry.events import intake
from equerry.events.intake import Intake
from equerry.events.severity import RuleTable
from equerry.redis_client import Redis
from equerry.settings import Queue, Settings
from equerry.slots import Slots
from equerry.source_maps.maps import Maps
from equerry.stream.consumer import Consumer
from equerry.stream.door import UNLIMITED, Door
from equerry.stream.entry import Entry
from equerry.tokens import Scope
from workers.pipeline import drain
from workers.pipeline.batch import Bench
from workers.pipeline.stages import Tools


@pytest.fixture
def app(redis: Redis, settings: Settings) -> Flask:
    """Return the app over an empty Valkey."""
    return build(settings, redis)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client that sends no token by itself."""
    return app.test_client()


@pytest.fixture
def make_token(redis: Redis) -> MakeToken:
    """Make a token: returns the header that bears it."""

    def make(scope: Scope = Scope.READ, name: str = "ann", lives_ms: int = 0) -> dict[str, str]:
        now_ms = clock.now_ms()
        expires_ms = now_ms + lives_ms if lives_ms else 0
        secret = tokens.make(redis, name, scope, now_ms, expires_ms)
        return {"Authorization": f"Bearer {secret}"}

    return make


@pytest.fixture
def ask(client: FlaskClient, make_token: MakeToken) -> Ask:
    """Ask as the token `ann`, which may write: GET, or POST where there is a body."""
    header = make_token(Scope.WRITE)

    def asked(path: str, body: object = None, *, status: int = 200) -> object:
        method = "GET" if body is None else "POST"
        answer = client.open(f"/api/v1{path}", method=method, headers=header, json=body)
        assert answer.status_code == status, answer.text
        assert answer.mimetype == "application/json"
        return answer.json

    return asked


@pytest.fixture
def take(redis: Redis, settings: Settings) -> Iterator[Take]:
    """Take what the door has read into project web, as the door and a worker do."""
    slots = Slots(settings.data_path / "consumers")
    consumer = Consumer(redis, slots, "node")
    writer = Writer(settings.data_path / "archive", consumer.name)
    tools = Tools(RuleTable(settings.severity.rules), Maps(settings.data_path))
    bench = Bench(settings, redis, consumer, writer, tools)
    door = Door(redis, Queue())

    def taken(got: Intake) -> list[str]:
        assert not got.causes
        now_ms = clock.now_ms()
        entries = [Entry(b"", each.kind, each.id, now_ms, each.raw) for each in got.accepted]
        door.append(keys.scope(1), entries, UNLIMITED, "")
        drain.drain(bench, keys.scope(1), 1, seconds=5.0)
        return [each.id for each in got.accepted]

    yield taken
    writer.close()
    slots.release(int(consumer.name.rpartition("-")[2]))


@pytest.fixture
def report(take: Take) -> Report:
    """Report errors of project web; returns their ids."""

    def send(*messages: str, **more: object) -> list[str]:
        sent = [{"message": text, **more} for text in messages]
        return take(intake.errors(sent, intake.Sender("test", ""), clock.now_ms()))

    return send
