"""The shapes that secrets come in besides `password=…`."""

import base64
import json
from typing import Any

import msgspec
import pytest

from equerry.events import intake, scrub
from equerry.events.report import ErrorReport

SENDER = intake.Sender(user_agent="Mozilla/5.0 (X11) Chrome/149.0.0.0", address="192.0.2.0/24")
HIDDEN = "[Filtered]"
PAIR = base64.b64encode(b"admin:hunter2hunter2").decode()
# Put together here, so that no scanner takes this file for a leak.
MIXED = "a1B2" * 12
SECRET_ITEM, HIDDEN_ITEM = {"password": 'x"y', "n": 1}, {"password": HIDDEN, "n": 1}
SECRET_PAIR, HIDDEN_PAIR = ({"name": "Cookie", "value": value} for value in ("a=b; c=d", HIDDEN))


def scrubbed(**fields: Any) -> ErrorReport:
    """Send an error through the door, scrub it, read it."""
    (accepted,) = intake.errors({"message": "m", **fields}, SENDER, 0).accepted
    return msgspec.json.decode(scrub.scrub(accepted.raw), type=ErrorReport)


def in_json(value: object, depth: int) -> str:
    """Return the value as JSON, put into JSON again to the depth."""
    text = json.dumps(value)
    return text if depth == 1 else in_json(text, depth - 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[('password', 'x'), ('name', 'ann')]", f"[('password', {HIDDEN}), ('name', 'ann')]"),
        ("OrderedDict([('api_key', 'x')])", f"OrderedDict([('api_key', {HIDDEN})])"),
        ("[(b'cookie', b'x'), (b'host', b'a')]", f"[(b'cookie', {HIDDEN}), (b'host', b'a')]"),
        ("print('ok', 'x')", "print('ok', 'x')"),
    ],
)
def test_pairs_that_python_shows(text: str, expected: str) -> None:
    """A local variable comes as its `repr`: a form, headers."""
    assert scrubbed(extra={"x": text}).extra == {"x": expected}


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"name": "Authorization", "value": "x"}, {"name": "Authorization", "value": HIDDEN}),
        ({"value": "x", "key": "API_KEY"}, {"value": HIDDEN, "key": "API_KEY"}),
        ({"Header": "x-api-key", "Value": ["x"]}, {"Header": "x-api-key", "Value": HIDDEN}),
        ([["Authorization", f"Basic {PAIR}"]], [["Authorization", HIDDEN]]),
        (["Host", "a", "Cookie", "b"], ["Host", "a", "Cookie", HIDDEN]),
        (["Cookie", "b", "X-Api-Key", "c"], ["Cookie", HIDDEN, "X-Api-Key", HIDDEN]),
        (["mysql", "--password", "x", "-h", "db"], ["mysql", "--password", HIDDEN, "-h", "db"]),
        (["'mysql'", "'--password'", "'x'"], ["'mysql'", "'--password'", HIDDEN]),
        (["'token'", "'x'"], ["'token'", HIDDEN]),
        ([["b'cookie'", "b'a=x'"]], [["b'cookie'", HIDDEN]]),
        (["b'token", "x"], ["b'token", "x"]),
        (["'it'", "'token'", "'x'"], ["'it'", "'token'", "'x'"]),
        (["run", "--token=x", "a"], ["run", f"--token={HIDDEN}", "a"]),
        (
            ["a", "-----BEGIN RSA PRIVATE KEY-----", "MIIE", "-----END RSA PRIVATE KEY-----", "b"],
            ["a", HIDDEN, HIDDEN, HIDDEN, "b"],
        ),
        ({"cookieHeader": "sess=x"}, {"cookieHeader": HIDDEN}),
        ({"pass": "x", "DB_PASS": 1}, {"pass": HIDDEN, "DB_PASS": HIDDEN}),
        ({"passphrase": "x", "pass_phrase": "y"}, {"passphrase": HIDDEN, "pass_phrase": HIDDEN}),
        (
            {"AccountKey": "x", "SharedAccessKey": "y"},
            {"AccountKey": HIDDEN, "SharedAccessKey": HIDDEN},
        ),
        ({"contraseña": "x", "Passwort": "y"}, {"contraseña": HIDDEN, "Passwort": HIDDEN}),
        (4111111111111111.0, HIDDEN),
        (36227206271667, HIDDEN),
    ],
)
def test_pairs_lists_and_names(extra: object, expected: object) -> None:
    """A name hides its value wherever the two stand together."""
    assert scrubbed(extra={"x": extra}).extra == {"x": expected}


@pytest.mark.parametrize(
    "extra",
    [
        {"name": "Bob", "value": "x", "key": "author", "code": "E42"},
        {"name": "password"},
        {"pass": True, "passed": 3},
        ["email", "password", "name"],
        ["Unexpected token", "in JSON"],
        ["author", "Bob"],
        {"pass": 12, "fail": 1},
        4111111111111112.0,
        1e300,
        1795532400123.5,
    ],
)
def test_innocent_pairs_stay(extra: object) -> None:
    """What no secret name introduces stays, and so do counts under `pass`."""
    assert scrubbed(extra={"x": extra}).extra == {"x": extra}


@pytest.mark.parametrize(
    "token",
    [
        *(f"github_pat_{MIXED}", f"ghp_{MIXED}", f"gho_{MIXED}", f"ghs_{MIXED}", f"glpat-{MIXED}"),
        *(
            "AKIA" + "ABCD" * 4,
            "ASIA" + "ABCD" * 4,
            f"AIza{MIXED}",
            f"whsec_{MIXED}",
            f"npm_{MIXED}",
            "eqy_" + "0123456789abcdef" * 3,
        ),
        *(
            f"sk-proj-{MIXED}",
            f"sk-{MIXED}",
            f"sk-ant-{MIXED}",
            f"SG.{MIXED}.{MIXED}",
            f"hf_{MIXED}",
        ),
        *(f"{kind}_live_{MIXED}" for kind in ("sk", "rk")),
        *(f"xox{kind}-{MIXED}" for kind in "abp"),
        "AKIA" + "ABCD" * 4 + " " + "a1B/" * 10,
    ],
)
def test_issued_tokens(token: str) -> None:
    """A token that its issuer gave a shape is hidden with nothing said about it."""
    assert scrubbed(message=f"got {token} back").message == f"got {HIDDEN} back"
    assert MIXED not in scrubbed(message=f"line\n{token}").message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"sent Basic {PAIR} along", f"sent Basic {HIDDEN} along"),
        (
            "https://hooks.slack.com/services/T0/B0/x1 404",
            f"https://hooks.slack.com/services/{HIDDEN} 404",
        ),
        ("env DB_PASS=a SMTP_PASS=b", f"env DB_PASS={HIDDEN} SMTP_PASS={HIDDEN}"),
        ("user=bob&pass=x&n=1", f"user=bob&pass={HIDDEN}&n=1"),
        ("https://x/a?sv=1&sig=ab%3D&b=1", f"https://x/a?sv=1&sig={HIDDEN}&b=1"),
        ("https://x/cb?code=abc&state=z#a", f"https://x/cb?code={HIDDEN}&state=z#a"),
        ("https://x/api?key=abc", f"https://x/api?key={HIDDEN}"),
        ("AccountName=x;AccountKey=abc==", f"AccountName=x;AccountKey={HIDDEN}"),
        ("client_secret=x", f"client_secret={HIDDEN}"),
        ("passphrase: correct horse, n", f"passphrase: {HIDDEN}, n"),
        ("password: correct horse\nnext", f"password: {HIDDEN}\nnext"),
        ("password=correct horse", f"password={HIDDEN} horse"),
        ("<a><password>x y</password></a>", f"<a><password>{HIDDEN}</password></a>"),
        ('<ns:Token t="1">x</ns:Token>', f'<ns:Token t="1">{HIDDEN}</ns:Token>'),
        ("<password><![CDATA[x]]></password>", f"<password>{HIDDEN}</password>"),
        (
            '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nx\ny\r\n--b--',
            f'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{HIDDEN}\r\n--b--',
        ),
        (
            '--b\n; name="token"\nContent-Type: a/b\n\nx\n--b\n; name="n"\n\n1\n--b--',
            f'--b\n; name="token"\nContent-Type: a/b\n\n{HIDDEN}\n--b\n; name="n"\n\n1\n--b--',
        ),
        ("%7B%22auth%22%3A%22x%22%2C%22n%22%3A1", f"%7B%22auth%22%3A%22{HIDDEN}%22%2C%22n%22%3A1"),
        (in_json(SECRET_ITEM, 1), in_json(HIDDEN_ITEM, 1)),
        (in_json(SECRET_ITEM, 2), in_json(HIDDEN_ITEM, 2)),
        (in_json(SECRET_ITEM, 3), in_json(HIDDEN_ITEM, 3)),
        (in_json(SECRET_PAIR, 1), in_json(HIDDEN_PAIR, 1)),
        ("postgres://app:p@ss:w0rd/zz@db:5432/x", f"postgres://app:{HIDDEN}@db:5432/x"),
        (
            "http://localhost:1/proxy/http://a:b/c@d/x",
            f"http://localhost:1/proxy/http://a:{HIDDEN}@d/x",
        ),
        ("mysql --password x -h db", f"mysql --password {HIDDEN} -h db"),
        ("curl -u admin:x https://a", f"curl -u admin:{HIDDEN} https://a"),
        ("curl -s --user 'admin:x' a", f"curl -s --user 'admin:{HIDDEN}' a"),
        ('Authorization: Digest username="a", response="b"\nn', f"Authorization: {HIDDEN}\nn"),
        ('<input name="password" value="x y">', f'<input name="password" value="{HIDDEN}">'),
        ('<meta name="csrf-token" content="x">', f'<meta name="csrf-token" content="{HIDDEN}">'),
        *(
            (f"card {number} declined", f"card {HIDDEN} declined")
            for number in (
                *("4111.1111.1111.1111", "4111\xa01111\xa01111\xa01111", "4111  1111  1111  1111"),
                *("3530111333300000", "36227206271667", "3622 720627 1667", "4111-1111-1111-1111"),
            )
        ),
    ],
)
def test_forms_of_text(text: str, expected: str) -> None:
    """Each form loses its secret and nothing around it; twice changes nothing."""
    assert scrubbed(message=text).message == expected
    assert scrubbed(message=expected).message == expected
    assert scrub.blunt(text.encode()).decode() == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "password: must be longer",
            "Password: required",
            "token: invalid, a",
            "git -u origin:main",
        ),
        *("the password is required", "Basic authentication failed", "basic Components crashed"),
        *("in <AuthProvider>\n  in <App>", "<Session></Session>", "Error code: 42, key=a, code=5"),
        *(
            "http://localhost:3000/@vite/client:1",
            "https://a.b:8080/x/@scope/pkg",
            "pass: 3, fail: 1",
        ),
        *(
            "class sk-fading-circle-container",
            "task-a1B2a1B2a1B2a1",
            "npm_config_registry_url_path",
        ),
        *(
            "took 4123.456789012345 ms",
            "passed 3 of 4",
            '<input name="email">',
            "docker -u 1000:1000",
        ),
        *("webpack-internal:///./node_modules/@a/b.js", "?keyword=a&codec=b", "compass=N"),
    ],
)
def test_innocent_forms_stay(text: str) -> None:
    """Readable text stays readable."""
    assert scrubbed(message=text, url=text, extra={"x": [text]}).message == text
