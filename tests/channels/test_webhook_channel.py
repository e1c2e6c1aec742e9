import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from receivers import HttpReceiver, Reply

from equerry.alerts.notification import Notification
from equerry.errors import DeliveryError
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.settings import Settings
from workers.alerting.channels import webhook

DOC = Path(__file__).parents[2] / "docs" / "webhook.md"
SECRET = "a secret with an ü"
BODY = b'{"id":"1"}'


def test_request(
    notification: Callable[..., Notification],
    finding: Callable[..., Finding],
    settings: Callable[..., Settings],
) -> None:
    """The body is as documented and the signature is over the bytes that arrive."""
    bundle = notification(
        finding(severity=Severity.LOW, key="a"), finding(key="b", title="Ü<b>"), repeat=True
    )
    with HttpReceiver(Reply(204)) as receiver:
        given = settings(webhook={"url": f"{receiver.url}/in", "secret": SECRET})
        assert webhook.send(bundle, given) == "HTTP 204"
    request = receiver.requests[0]
    assert request.path == "/in"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-equerry-delivery"] == bundle.id
    stamp = request.headers["x-equerry-timestamp"]
    assert abs(int(stamp) - time.time()) < 5
    signature = request.headers["x-equerry-signature"]
    assert webhook.verify(SECRET, stamp, request.body, signature, request.time)
    payload = msgspec.json.decode(request.body)
    assert payload.pop("findings")[1] == {
        "rule": "new-issue",
        "key": "b",
        "severity": "high",
        "title": "Ü<b>",
        "at": "2026-11-24T15:00:00.123Z",
        "details": {"url": "https://example.org/book"},
    }
    assert payload == {
        "id": bundle.id,
        "scope": "p1",
        "created_at": "2026-11-24T15:00:00.123Z",
        "severity": "high",
        "title": "Still: Ü<b> (and 1 more)",
        "repeat": True,
        "more": 0,
    }


def test_signature_is_pinned() -> None:
    """The scheme is a promise to receivers: this value was computed by openssl, not by us."""
    expected = "v1=086f6aff7bd084c98679825129c5a64dbad88c760016d6d2c0fb123f27951d54"
    assert webhook.sign("secret", 1_700_000_000, BODY) == expected


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"now": 1_700_000_300.0}, True),
        ({"now": 1_699_999_700.0}, True),
        ({"now": 1_700_000_301.0}, False),
        ({"now": 1_699_999_699.0}, False),
        ({"secret": "other"}, False),
        ({"body": BODY + b" "}, False),
        ({"timestamp": "1700000001"}, False),
        ({"timestamp": "1700000000.0"}, False),
        ({"timestamp": "-1"}, False),
        ({"timestamp": ""}, False),
        ({"timestamp": "9" * 5000}, False),
        ({"signature": ""}, False),
        ({"signature": "v1=é"}, False),
        ({"signature": "\ud800"}, False),
    ],
)
def test_verify(change: dict[str, object], valid: bool) -> None:
    """Only the same bytes, secret and a recent time pass; nonsense is false, never an exception."""
    whole: dict[str, object] = {
        "secret": SECRET,
        "timestamp": "1700000000",
        "body": BODY,
        "signature": webhook.sign(SECRET, 1_700_000_000, BODY),
        "now": 1_700_000_000.0,
    }
    assert webhook.verify(**{**whole, **change}) is valid  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reply", "permanent", "retry_after"),
    [
        (Reply(429, headers={"Retry-After": "30"}), False, 30.0),
        (Reply(503, headers={"Retry-After": "86400"}), False, 3600.0),
        (Reply(500), False, None),
        (Reply(404), True, None),
        (Reply(308, headers={"Location": "http://169.254.169.254/"}), True, None),
    ],
)
def test_refusals(
    reply: Reply,
    permanent: bool,
    retry_after: float | None,
    notification: Callable[..., Notification],
    settings: Callable[..., Settings],
) -> None:
    """Anything but a 2xx is a failure; what the receiver asks for is passed on."""
    with HttpReceiver(reply) as receiver, pytest.raises(DeliveryError) as failure:
        webhook.send(notification(), settings(webhook={"url": receiver.url, "secret": SECRET}))
    assert failure.value.permanent is permanent
    assert failure.value.retry_after_seconds == retry_after
    assert len(receiver.requests) == 1


def test_private_receiver(
    notification: Callable[..., Notification], settings: Callable[..., Settings]
) -> None:
    """Without the setting a private receiver is refused."""
    with HttpReceiver() as receiver:
        given = settings(webhook={"url": receiver.url, "secret": SECRET}, allow_private=False)
        with pytest.raises(DeliveryError, match="EQUERRY_ALERT_ALLOW_PRIVATE"):
            webhook.send(notification(), given)
    assert receiver.requests == []


def test_documented_python(tmp_path: Path) -> None:
    """The snippet in the docs accepts a genuine request and refuses a forged one."""
    snippet = re.search(r"```python\n(.+?)```", DOC.read_text(), re.DOTALL)
    assert snippet
    stamp = int(time.time())
    signature = webhook.sign("s", stamp, BODY)
    script = tmp_path / "verify.py"
    script.write_text(
        f"{snippet[1]}\n"
        f"assert verify('s', '{stamp}', {BODY!r}, '{signature}')\n"
        f"assert not verify('s', '{stamp}', b'forged', '{signature}')\n"
        f"assert not verify('s', '{stamp - 301}', {BODY!r}, "
        f"'{webhook.sign('s', stamp - 301, BODY)}')\n"
    )
    subprocess.run([sys.executable, script], check=True, timeout=20)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_documented_javascript(tmp_path: Path) -> None:
    """The same for the snippet in JavaScript."""
    snippet = re.search(r"```javascript\n(.+?)```", DOC.read_text(), re.DOTALL)
    assert snippet
    stamp = int(time.time())
    good, old = webhook.sign("s", stamp, BODY), webhook.sign("s", stamp - 301, BODY)
    script = tmp_path / "verify.mjs"
    script.write_text(
        f"{snippet[1]}\n"
        f"const body = Buffer.from('{BODY.decode()}');\n"
        f"const said = [verify('s', '{stamp}', body, '{good}'),\n"
        f"  verify('s', '{stamp}', Buffer.from('forged'), '{good}'),\n"
        f"  verify('s', '{stamp - 301}', body, '{old}'), verify('s', '{stamp}', body, '')];\n"
        "process.exit(said.join() === 'true,false,false,false' ? 0 : 1);\n"
    )
    subprocess.run(["node", script], check=True, timeout=20)
