"""The spool has a limit: beyond it the door says so, and never yes to what it does not keep."""

import signal

import pytest
from installation import Installation, OwnValkey, short_folder
from load import account, error, event_id

pytestmark = pytest.mark.faults

SPOOL_BYTES = 80_000


def test_full_spool_is_no_false_yes() -> None:
    """What does not fit is 429, at first; only what was 202 is archived."""
    accepted: set[int] = set()
    with short_folder() as folder:
        valkey = OwnValkey(folder)
        toml = f"[queue]\nspool_max_bytes = {SPOOL_BYTES}\n"
        environ = {"EQUERRY_REDIS_URL": valkey.url}
        equerry = Installation(folder, toml=toml, lines=("api", "worker", "beat"), environ=environ)

        def post(number: int, padding_bytes: int) -> int:
            report = error(number) | {"stack": "x" * padding_bytes}
            answer = equerry.post("/api/errors", report)
            if answer.status == 202:
                assert answer.body["id"] == event_id(number)
                accepted.add(number)
            else:
                assert int(answer.headers["retry-after"]) > 0
                assert "spool" in answer.body["detail"]
            return answer.status

        try:
            valkey.start()
            equerry.start()
            valkey.signal(signal.SIGKILL)
            statuses = [post(number, 30_000) for number in range(1, 4)]
            assert statuses == [202, 202, 429]
            filling = [post(number, 1000) for number in range(4, 29)]
            assert set(filling) == {202, 429}
            folder_bytes = sum(path.stat().st_size for path in (equerry.data / "spool").iterdir())
            assert folder_bytes <= SPOOL_BYTES
            valkey.start()
            equerry.wait_drained()
            assert post(29, 0) == 202
            equerry.wait_drained()
            result = account(equerry, accepted)
        finally:
            equerry.close()
            valkey.close()
    assert result.faults == {}
    assert result["archived"] == len(accepted)
