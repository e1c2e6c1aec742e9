import time
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from equerry.events import intake, scrub
from equerry.events.linear import linear
from equerry.events.report import ErrorReport
from equerry.events.secret_names import STEM, secret_name

SENDER = intake.Sender(user_agent="Mozilla/5.0 (X11) Chrome/149.0.0.0", address="192.0.2.0/24")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"


def raw(**fields: Any) -> bytes:
    """Send an error through the door; return its JSON."""
    (accepted,) = intake.errors({"message": "m", **fields}, SENDER, 0).accepted
    return accepted.raw


def message(text: str) -> str:
    """Scrub a message."""
    return msgspec.json.decode(scrub.scrub(raw(message=text)), type=ErrorReport).message


@pytest.mark.parametrize(
    "name",
    [
        *("password", "Password", "userPassword", "user_password", "mypassword", "PASSWD", "pwd"),
        *("authToken", "x-api-key", "apiKey", "API_KEY", "api.key", "apikey", "Authorization"),
        *("auth", "accesstoken", "refresh_token", "clientSecret", "client_secret", "AWSSecretKey"),
        *("credentials", "privateKey", "two-factor", "otp", "bearer", "csrf", "xsrfToken"),
        *("_vercel_jwt", "next-auth.session-token", "__Secure-next", "__Host-sid", "connect.sid"),
        *("PHPSESSID", "JSESSIONID", "ASP.NET_SessionId", "session", "cookie", "Set-Cookie"),
        *("mysql_pwd", "passWord", "user[password]", "cardNumber", "HTTPToken"),
    ],
)
def test_secret_names(name: str) -> None:
    """The value of a secret name is hidden whole, whatever it is, at any depth, in tags as well."""
    report = scrub.scrub(raw(extra={"a": [{name: {"deep": ["s3cr3t"]}}]}, tags={name: "s3cr3t"}))
    decoded = msgspec.json.decode(report, type=ErrorReport)
    assert decoded.extra == {"a": [{name: "[Filtered]"}]}
    assert decoded.tags == {name: "[Filtered]"}


@pytest.mark.parametrize(
    "name",
    [
        *("author", "authority", "authored_by", "tokenizer", "secretary", "cookieConsent", "key"),
        *("sessionDuration", "inside", "sidebar", "option", "passenger", "keyboard", "passport_ok"),
        *("code", "sig", "passed", "compass", "bypass", "passRate", "passthrough", "account"),
        *("message", "stack", "user", "url", "primaryKey", "authenticated", "oauth"),
    ],
)
def test_innocent_names(name: str) -> None:
    """A name that only holds the letters of a secret one keeps its value."""
    assert not secret_name(name.encode())
    report = raw(extra={name: "kept"})
    assert scrub.scrub(report) is report


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("login failed: password=hunter2 for bob", "login failed: password=[Filtered] for bob"),
        ("POST /x?token=abc&next=/a", "POST /x?token=[Filtered]&next=/a"),
        ("https://a.b/c?access_token=x#y", "https://a.b/c?access_token=[Filtered]"),
        ("next=%2Flogin%3Ftoken%3Dabc", "next=%2Flogin%3Ftoken%3D[Filtered]"),
        ("token: abc", "token: [Filtered]"),
        ('{"password": "a, \\" b", "n": 1}', '{"password": "[Filtered]", "n": 1}'),
        ('"{\\"password\\":\\"abc\\"}"', '"{\\"password\\":\\"[Filtered]\\"}"'),
        ("{'secret': 'a b'}", "{'secret': '[Filtered]'}"),
        ('password="never ends', 'password="[Filtered]"'),
        ("Authorization: Bearer abc.def", "Authorization: [Filtered]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: [Filtered]"),
        ("sent Bearer abcdef123 along", "sent Bearer [Filtered] along"),
        ("Cookie: a=b; sid=c\nnext", "Cookie: [Filtered]\nnext"),
        ("author=token=abc", "author=token=[Filtered]"),
        ('author: "password=abc"', 'author: "password=[Filtered]"'),
        ("postgres://bob:p@ss@db:5432/x", "postgres://bob:[Filtered]@db:5432/x"),
        ("redis://:hunter2@cache", "redis://:[Filtered]@cache"),
        ("https://ghp@github.com/x", "https://[Filtered]@github.com/x"),
        (f"got {JWT}!", "got [Filtered]!"),
        (f"a%2F{JWT}", "a%2F[Filtered]"),
        (f"key {PEM} end", "key [Filtered] end"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut", "[Filtered]"),
        ("stripe sk_live_4eC39HqLyjWDarjtT1 said no", "stripe [Filtered] said no"),
        ("paid with 4111 1111 1111 1111.", "paid with [Filtered]."),
        ("4111111111111111,5500-0055-5555-5559", "[Filtered],[Filtered]"),
        ("amex 378282246310005", "amex [Filtered]"),
        ("IBAN DE89 3704 0044 0532 0130 00 PLEASE", "IBAN [Filtered] PLEASE"),
        ("GB29NWBK60161331926819", "[Filtered]"),
        ("ssn 078-05-1120", "ssn [Filtered]"),
        ("mail alice.b+c@example.co.uk now", "mail [Filtered]@example.co.uk now"),
        ("/u?e=alice%40example.com", "/u?e=[Filtered]%40example.com"),
        ("at f (/home/alice/app/a.js:1:2)", "at f (/home/[Filtered]/app/a.js:1:2)"),
        ("at f (file:///Users/alice/a.js:1)", "at f (file:///Users/[Filtered]/a.js:1)"),
        ("in C:\\Users\\Al Bo\\x.py", "in C:\\Users\\[Filtered]\\x.py"),
        ("in C:/Users/alice/x.py", "in C:/Users/[Filtered]/x.py"),
    ],
)
def test_text_keeps_what_is_around(text: str, expected: str) -> None:
    """A secret is cut out of its text, or of bytes that are no JSON; twice changes nothing."""
    assert message(text) == expected
    assert scrub.blunt(text.encode()).decode() == expected
    once = scrub.scrub(raw(message=text))
    assert scrub.scrub(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "Unexpected token < in JSON at position 0",
        "the password is wrong",
        "render@https://example.org/a.js:1:2",
        "author: Bob",
        "at keyJoinThemAll.prototype.map (https://example.org/a.js:1:2)",
        "/img/icon@2x.png",
        "node_modules/.pnpm/react-dom@18.2.0_react@18.2.0/node_modules/react",
        "https://example.org/home/deals",
        "https://example.org:8080/a",
        "order 4111111111111112",
        "order 94111111111111111",
        "v6-1795532400123-4821059173648",
        "DE89 3704 0044 0532 0130 01",
        "123-45-67890",
        "123e4567-e89b-12d3-a456-426614174000",
        "2026-11-24T15:00:00.123Z",
        "0a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d",
    ],
)
def test_innocent_text_stays(text: str) -> None:
    """What only looks a little like a secret is left alone, and the report is the same object."""
    report = raw(message=text, extra={"x": [text]}, url=text, stack=text)
    assert scrub.scrub(report) is report


def test_numbers_keys_and_counts() -> None:
    """A card as a number goes, an address as a key too; a count under a secret tag stays one."""
    report = raw(
        extra={"n": 4111111111111111, "m": 4111111111111112, "bob@example.org": 1},
        tags={"token": "x" * 300},
        user="bob@example.org",
    )
    hidden = msgspec.json.decode(scrub.scrub(report), type=ErrorReport)
    assert hidden.extra == {"n": "[Filtered]", "m": 4111111111111112, "[Filtered]@example.org": 1}
    assert hidden.cut == {"tags.token": 300}
    assert hidden.user == "[Filtered]@example.org"


def test_a_measurement_stays_a_number() -> None:
    """A metric's value is read as a number again, though it could be a card."""
    report = b'{"timestamp":"t","name":"token","value":4111111111111111.0,"url":"?token=x"}'
    assert msgspec.json.decode(scrub.scrub(report))["value"] == 4111111111111111.0


def test_timestamp_stays_first() -> None:
    """A scrubbed report still begins with its time."""
    assert scrub.scrub(raw(message="password=x")).startswith(b'{"timestamp":"1970-')


def test_blunt_takes_any_bytes() -> None:
    """Bytes that are neither JSON nor UTF-8 come out as UTF-8 without the secret."""
    assert (
        scrub.blunt(b'{"password": "hunter2", \xff') == b'{"password": "[Filtered]", \xef\xbf\xbd'
    )


SECRET = st.from_regex(r"[A-Za-z0-9!#$%*+./?^_~-]{6,20}", fullmatch=True).map("zQ7x{}x7Qz".format)
AROUND = st.text(alphabet="ab é\n\t\"'\\{}[]()<>&=:;,.@/-_0149\U0001f600", max_size=20)
PLANTED = (
    "password={}",
    "pwd: {}",
    '"apiKey":"{}"',
    '\\"token\\": \\"{}\\"',
    "?access_token={}",
    "Authorization: Bearer {}",
    "client_secret => {}",
    "Set-Cookie: sid={}",
    "x-auth-token:{}",
    "https://bob:{}@example.org".replace("{}", "{{safe}}"),
    "-----BEGIN X KEY-----\n{}",
    "--password {}",
    '{{"name":"token","value":"{}"}}',
    "<token>{}</token>",
    "%22password%22%3A%22{}",
    "/a?sig={}",
    "postgres://app:{{safe}}/zz@db",
    'name="password"\r\n\r\n{}',
    "curl -u bob:{}",
    "password: correct {}",
    "DB_PASS={}",
)


@settings(max_examples=300)
@given(SECRET, st.sampled_from(PLANTED), AROUND, AROUND)
def test_a_planted_secret_never_comes_out(secret: str, form: str, before: str, after: str) -> None:
    """Whatever stands around it, a secret that is introduced as one is gone from the report."""
    safe = "".join(character for character in secret if character not in "/?#")
    text = f"{before} {form.format(secret)}".replace("{safe}", safe)
    report = raw(
        message=f"{text} {after}",
        stack=f"{after}\n{text}",
        extra={"a": [text], "token": secret, "n": {"userPassword": {"x": secret}}},
        breadcrumbs=[{"data": text}],
    )
    assert b"zQ7x" not in scrub.scrub(report)


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *("password", "Token", "AUTH", "api", "Key", "two", "factor", "sid", "cookie", "otp"),
            *("__secure", "=", ":", "=>", "%3D", '"', "'", "\\", " ", "\n", "\t", "\x0b", "\x00"),
            *(
                "x",
                "_",
                "-",
                ".",
                "[",
                "]",
                "$",
                "é",
                "\u017f",
                "\u212a",
                "@",
                "%40",
                "a.bc",
                "://",
                "/",
            ),
            *("/home/", "/Users/", "\\Users\\", "C:", "4111 1111 1111 1111", "378282246310005"),
            *("DE89 3704 0044 0532 0130 00", "078-05-1120", "bearer ", "Bearer abcdefg", JWT),
            *(
                "pass",
                "Key",
                "name",
                "value",
                "<",
                ">",
                "</",
                "--",
                "curl -u ",
                'name="',
                ' value="',
                "?",
                "&",
                "sig",
                "code",
            ),
            *("%22", "%5C", ",", ", ", '\\"', '\\\\"', '"value":', ';name="', "\r\n\r\n", "\n\n"),
            *("4111.1111.1111.1111", "4111\xa01111  1111 1111", "36227206271667", "//a:b/"),
            *("3530111333300000", "Basic QWxhZGRpbjpvcGVu", "hooks.slack.com/services/", "T0/B0"),
            *("sk-", "glpat-", "AIza", "SG.", "npm_", "whsec_", "github_pat_", "a1B2" * 10),
            *("-----BEGIN A KEY-----", "sk_live_abcdefghi", "AKIAABCDEFGHIJKLMNOP", "1", "bob"),
        ]
    )
    | st.text(max_size=2),
    max_size=8,
).map("".join)


@settings(max_examples=1500)
@given(FRAGMENTS, FRAGMENTS, st.integers(0, 10**19))
@example("api\nkey", "x", 0)
@example("", "\npassword\n=\nx", 0)
@example("", "\tBearer abcdefg", 0)
def test_the_hint_overlooks_nothing(name: str, text: str, number: int) -> None:
    """What a full reading would hide, the quick search over the bytes has seen."""
    report = raw(
        message=text,
        extra={
            name: 1,
            "n": number,
            "f": float(number),
            "list": [name, text, name, [text, number]],
            "a": {"name": name, "value": text},
            "b": {text: name, "Header": text, name: text},
        },
        tags={text[:50]: name},
    )
    decoded = msgspec.json.decode(report)
    assert msgspec.json.decode(scrub.scrub(report)) == scrub.clean(decoded)
    msgspec.json.decode(scrub.scrub(report), type=ErrorReport)


@given(st.text())
def test_a_secret_name_holds_a_stem(name: str) -> None:
    """The coarse form is found in every secret name."""
    if secret_name(name.encode()):
        assert linear(STEM).search(name.encode())


@given(st.binary())
def test_blunt_never_raises(data: bytes) -> None:
    """Any bytes at all become UTF-8."""
    scrub.blunt(data).decode()


@pytest.mark.parametrize(
    "unit",
    [
        *("a@", "a.a@a.", "aaaa", "eyJ", "eyJaaaaaaaaaaaa.aaaa ", "password=[", "token={", "://"),
        *("author=", "password='", 'token="', "\\Users\\a ", "/home/", "1", "4111 ", "AB12 ABCD "),
        *(
            "<token>",
            "<token>a</token>",
            'name="token"',
            'name="token"\n\na',
            "--token ",
            "curl -u a:",
            "curl a -u a:b ",
        ),
        *(
            "?key=",
            "://a:b/@",
            "password: a ",
            "%22token%22:%22",
            "basic QUJD",
            "cookie: a",
            "sk-a",
        ),
        *("4.", "4  ", 'token=\\\\\\"', "hooks.slack.com/a/", "<![CDATA[", '"token","value":'),
        *("-----BEGIN A-----", "bearer ", "token", "://a:", "1-1", 'token=\\"'),
    ],
)
def test_time_is_linear(unit: str) -> None:
    """64 KiB of hostile text are scrubbed in a moment, and four times as much in about four."""
    text = unit * (65_536 // len(unit))
    started = time.perf_counter()
    scrub.blunt(text.encode())
    assert time.perf_counter() - started < 2
