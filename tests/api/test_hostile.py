"""Whatever is sent: never a 500, and memory bounded."""

import json
import tracemalloc
import zlib

import pytest
import schemathesis
from corpus import json_suite, naughty_strings
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from known import WEB_KEY
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
)

from equerry import clock, keys
from equerry.redis_client import Redis

JSON = {"X-Equerry-Key": WEB_KEY, "Content-Type": "application/json"}
PATHS = ("/api/errors", "/api/performance/metrics")
FRESH = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FRESH
@given(body=st.binary(max_size=400), path=st.sampled_from(PATHS))
def test_any_bytes(client: FlaskClient, body: bytes, path: str) -> None:
    """Random bytes as a body are refused, not choked on."""
    assert client.post(path, data=body, headers=JSON).status_code < 500


@FRESH
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
        max_leaves=12,
    ),
    field=st.sampled_from(["message", "tags", "extra", "timestamp", "value", "id", "breadcrumbs"]),
    path=st.sampled_from(PATHS),
)
def test_any_value_in_any_field(client: FlaskClient, value: object, field: str, path: str) -> None:
    """A field of the wrong kind is named, whatever it holds."""
    body = {"message": "m", "name": "LCP", "value": 1, field: value}
    assert client.post(path, json=body, headers=JSON).status_code in {202, 400}


@FRESH
@given(
    name=st.sampled_from(["X-Equerry-Key", "Content-Type", "Content-Encoding", "X-Forwarded-For"]),
    value=st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40),
)
def test_any_header(client: FlaskClient, name: str, value: str) -> None:
    """A header may hold anything."""
    answer = client.post("/api/errors", data=b'{"message":"x"}', headers={**JSON, name: value})
    assert answer.status_code < 500


def test_the_json_suite(client: FlaskClient) -> None:
    """318 files of what JSON is and is not: bare, and as a field's value."""
    for case in json_suite():
        text = case.text.encode()
        for body in (text, b'{"message":"m","extra":{"x":' + text + b"}}"):
            answer = client.post("/api/errors", data=body, headers=JSON)
            assert answer.status_code in {202, 400}, case.name


def test_naughty_strings(client: FlaskClient) -> None:
    """Strings that break others are taken as text, in every field that takes text."""
    for text in naughty_strings():
        body = {"message": text, "name": text, "url": text, "tags": {text: text}, "user": text}
        assert client.post("/api/errors", json=body, headers=JSON).status_code == 202


def test_a_bomb_costs_no_more_than_its_limit(client: FlaskClient) -> None:
    """A gigabyte in a megabyte would be refused by size; 60 MB in 60 KB are refused while read."""
    bomb = zlib.compress(b"0" * 60_000_000)
    headers = {**JSON, "Content-Encoding": "deflate"}
    client.post("/api/errors", data=bomb, headers=headers)
    tracemalloc.start()
    try:
        assert client.post("/api/errors", data=bomb, headers=headers).status_code == 413
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


@schemathesis.serializer("text/plain")
def json_as_text(_context: object, value: object) -> bytes:
    """Send what the document describes under text/plain as what it is: JSON."""
    return json.dumps(value).encode()


@schemathesis.serializer("application/x-sentry-envelope")
def text_as_it_is(_context: object, value: object) -> bytes:
    """Send what stands for an envelope as it is."""
    return str(value).encode()


@schemathesis.serializer("application/csp-report")
def json_as_report(_context: object, value: object) -> bytes:
    """Send what browsers send under their own names: JSON."""
    return json.dumps(value).encode()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_document_is_true(app: Flask, redis: Redis, mode: GenerationMode) -> None:
    """What the document calls valid is taken, what it does not is refused, all as it says."""
    later = clock.now_ms() + 600_000
    redis.zadd(keys.workers(), {"worker@here": later, "jobs@here": later})
    redis.set(keys.beat_leader(), b"x")
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.path for operation in operations} >= set(PATHS)
    for operation in operations:
        if operation.path not in PATHS and mode is GenerationMode.NEGATIVE:
            continue  # they take nothing that could be wrong

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            if "project" in case.path_parameters:
                case.path_parameters["project"] = "web"
            answer = case.call(
                headers={"X-Equerry-Key": WEB_KEY, "X-Sentry-Auth": f"Sentry sentry_key={WEB_KEY}"}
            )
            # In an array the good are taken, and the bad are named in the same answer.
            named = answer.status_code == 202 and answer.json().get("causes")
            excluded = [ignored_auth, *([negative_data_rejection] if named else [])]
            if "envelope" in case.path:  # its framing is more than JSON Schema can say
                excluded.append(positive_data_acceptance)
            case.validate_response(answer, excluded_checks=excluded)

        check()
