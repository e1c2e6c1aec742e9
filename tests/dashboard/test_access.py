import msgspec
import pytest
from flask.testing import FlaskClient
from operators import MakeToken

from dashboard.access import WRONG_PER_MINUTE
from dashboard.app import build
from equerry import keys, tokens
from equerry.redis_client import Redis
from equerry.settings import Dashboard, Settings
from equerry.tokens import Scope

READ_PATH = "/api/v1/projects"
WRITE_PATH = "/api/v1/issues/WEB-1/resolve"
OPEN_PATHS = ("/livez", "/readyz", "/api/v1/openapi.json")


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_open_paths_need_no_token(client: FlaskClient, path: str) -> None:
    """Probes and the document are for anyone who reaches the port."""
    assert client.get(path).status_code == 200


def test_every_other_endpoint_needs_a_token(client: FlaskClient) -> None:
    """Whatever is registered is closed unless it is named as open."""
    rules = [
        rule for rule in client.application.url_map.iter_rules() if rule.rule not in OPEN_PATHS
    ]
    assert rules
    for rule in rules:
        path = "/".join("x" if "<" in part else part for part in rule.rule.split("/"))
        for method in rule.methods or ():
            answer = client.open(path, method=method)
            assert answer.status_code == 401, rule
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_without_a_token_the_answer_says_how_to_get_one(client: FlaskClient) -> None:
    """A missing token is 401, with the field and the verb that makes one."""
    answer = client.get(READ_PATH)
    assert answer.status_code == 401
    assert "equerry token create" in answer.json["detail"]
    assert answer.json["causes"] == [
        {"field": "Authorization", "problem": "is missing", "limit": ""}
    ]


@pytest.mark.parametrize(
    "header",
    [
        "eqy_00",
        "Basic ZXF5XzAwOg==",
        "Bearer",
        "Bearer  ",
        "Token eqy_00",
        "\xff",
        "Bearer \xff\xfe",
    ],
)
def test_what_is_no_token(client: FlaskClient, make_token: MakeToken, header: str) -> None:
    """Other schemes, empty and foreign text are 401 each."""
    make_token()
    assert client.get(READ_PATH, headers={"Authorization": header}).status_code == 401


def test_the_right_token_in_any_spelling(client: FlaskClient, make_token: MakeToken) -> None:
    """The scheme's case and spaces around the token do not matter."""
    secret = make_token()["Authorization"].removeprefix("Bearer ")
    for header in (f"Bearer {secret}", f"bearer {secret}", f"BEARER   {secret} "):
        assert client.get(READ_PATH, headers={"Authorization": header}).status_code == 200


def test_a_revoked_token_is_refused_at_once(
    client: FlaskClient, redis: Redis, make_token: MakeToken
) -> None:
    """No process remembers a token."""
    header = make_token(name="ann")
    assert client.get(READ_PATH, headers=header).status_code == 200
    assert tokens.revoke(redis, "ann")
    answer = client.get(READ_PATH, headers=header)
    assert answer.status_code == 401
    assert answer.json["causes"][0]["problem"] == "is unknown"


def test_an_expired_token_says_so(client: FlaskClient, make_token: MakeToken) -> None:
    """Past its time a token is 401, and the answer names it."""
    header = make_token(name="ann", lives_ms=-1)
    answer = client.get(READ_PATH, headers=header)
    assert answer.status_code == 401
    assert "'ann' has expired" in answer.json["detail"]


def test_a_read_token_changes_nothing(client: FlaskClient, make_token: MakeToken) -> None:
    """A write with the scope read is 403 and names the scope; a write token may read too."""
    answer = client.post(WRITE_PATH, headers=make_token(), json={})
    assert answer.status_code == 403
    assert "--scope write" in answer.json["detail"]
    header = make_token(Scope.WRITE, "bob")
    assert client.get(READ_PATH, headers=header).status_code == 200
    assert client.post(WRITE_PATH, headers=header, json={}).status_code == 404


def test_wrong_tokens_are_slowed_and_right_ones_are_not(
    client: FlaskClient, make_token: MakeToken
) -> None:
    """Beyond the limit of a minute a wrong token is told to wait; a right one goes on."""
    right = make_token()
    wrong = {"Authorization": "Bearer eqy_wrong"}
    statuses = [
        client.get(READ_PATH, headers=wrong).status_code for _ in range(2 * WRONG_PER_MINUTE + 1)
    ]
    assert 429 in statuses
    assert statuses[:WRONG_PER_MINUTE] == [401] * WRONG_PER_MINUTE
    answer = client.get(READ_PATH, headers=wrong)
    if answer.status_code == 429:  # a minute may have begun meanwhile
        assert int(answer.headers["Retry-After"]) > 0
    assert client.get(READ_PATH, headers=right).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8001", 200),
        ("127.0.0.1:8001", 200),
        ("[::1]:8001", 200),
        ("equerry.internal", 200),
        ("10.1.2.3:8001", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost@evil.example", 403),
        ("0.0.0.0", 403),  # noqa: S104, asked for, not bound
        ("[::1", 403),
        ("", 403),
    ],
)
def test_only_our_names_are_answered(
    redis: Redis, settings: Settings, host: str, status: int
) -> None:
    """A name that was rebound to this address is refused, for open paths too."""
    own = Dashboard(host="10.1.2.3", hosts=("Equerry.Internal",))
    client = build(msgspec.structs.replace(settings, dashboard=own), redis).test_client()
    assert client.get("/livez", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8001", 404),
        ("http://localhost:8001", 404),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_pages_of_other_origins_change_nothing(
    client: FlaskClient, make_token: MakeToken, origin: str, status: int
) -> None:
    """A write that a foreign page sends is refused, even with a right token."""
    headers = {**make_token(Scope.WRITE), "Origin": origin}
    assert client.post(WRITE_PATH, headers=headers, json={}).status_code == status


def test_no_page_of_another_origin_may_read(client: FlaskClient, make_token: MakeToken) -> None:
    """No answer carries a CORS header, a preflight is refused, and nothing is kept by a cache."""
    headers = {**make_token(), "Origin": "https://evil.example"}
    answer = client.get(READ_PATH, headers=headers)
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    asked = {"Origin": "http://localhost", "Access-Control-Request-Method": "POST"}
    assert client.options(WRITE_PATH, headers=asked).status_code == 405


def test_the_last_use_is_known_to_the_hour(
    client: FlaskClient, redis: Redis, make_token: MakeToken
) -> None:
    """A use is noted once an hour, and not of an expired token."""
    header = make_token(name="ann")
    client.get(READ_PATH, headers=header)
    first = redis.hget(keys.tokens_used(), "ann")
    client.get(READ_PATH, headers=header)
    assert redis.hget(keys.tokens_used(), "ann") == first
    redis.hset(keys.tokens_used(), "ann", int(first) - tokens.USED_WITHIN_MS)
    client.get(READ_PATH, headers=header)
    assert int(redis.hget(keys.tokens_used(), "ann")) >= int(first)
    client.get(READ_PATH, headers=make_token(name="old", lives_ms=-1))
    assert redis.hget(keys.tokens_used(), "old") is None
