"""Whatever is asked: never a 500, and what the document says is so."""

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from operators import MakeToken, Report
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from dashboard.operations import ACTIONS, OPERATIONS, ROOT
from equerry.tokens import Scope

FRESH = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FRESH
@given(body=st.binary(max_size=200), action=st.sampled_from([*ACTIONS, "nothing"]))
def test_any_bytes(
    client: FlaskClient, redis_token: dict[str, str], body: bytes, action: str
) -> None:
    """Random bytes as a body are refused, not choked on."""
    headers = {**redis_token, "Content-Type": "application/json"}
    answer = client.post(f"{ROOT}/issues/WEB-1/{action}", data=body, headers=headers)
    assert answer.status_code < 500


@FRESH
@given(text=st.text(max_size=60))
def test_any_query(client: FlaskClient, redis_token: dict[str, str], text: str) -> None:
    """Any text may stand in a query, a cursor or a path."""
    for name in ("query", "cursor", "sort", "project", "limit"):
        answer = client.get(f"{ROOT}/issues", query_string={name: text}, headers=redis_token)
        assert answer.status_code < 500
    for path in ("issues", "events", "projects"):
        assert client.get(f"{ROOT}/{path}/{text}", headers=redis_token).status_code < 500


@FRESH
@given(
    name=st.sampled_from(["Authorization", "Host", "Origin", "Content-Type", "Content-Length"]),
    value=st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40),
)
def test_any_header(
    client: FlaskClient, redis_token: dict[str, str], name: str, value: str
) -> None:
    """A header may hold anything."""
    headers = {**redis_token, "Content-Type": "application/json", name: value}
    answer = client.post(f"{ROOT}/issues/WEB-1/note", data=b'{"text":"x"}', headers=headers)
    assert answer.status_code < 500


@pytest.fixture
def redis_token(make_token: MakeToken) -> dict[str, str]:
    """Return the header of a token that may write."""
    return make_token(Scope.WRITE)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_document_is_true(
    app: Flask, report: Report, redis_token: dict[str, str], mode: GenerationMode
) -> None:
    """What the document calls valid is taken, what it does not is refused, all as it says."""
    report("alpha", "beta", release="1.0")
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    labels = {operation.label for operation in operations}
    assert labels >= {f"{each.method} {ROOT}{each.path}" for each in OPERATIONS}
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not (
            operation.query or operation.path_parameters or operation.body
        ):
            continue  # it takes nothing that could be wrong

        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            if "id" in (case.path_parameters or {}) and mode is GenerationMode.POSITIVE:
                case.path_parameters["id"] = "WEB-1"
            answer = case.call(headers=redis_token)
            # What a query means, no schema says.
            causes = answer.json().get("causes", []) if answer.status_code == 400 else []
            unsaid = [cause["field"] for cause in causes] == ["query"]
            excluded = [ignored_auth, *([positive_data_acceptance] if unsaid else [])]
            case.validate_response(answer, excluded_checks=excluded)

        check()
