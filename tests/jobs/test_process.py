"""What worker processes share on disk."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workers.process import node_name


def test_one_name_for_all(tmp_path: Path) -> None:
    """Processes that start at once agree, for good, and leave nothing else behind."""
    data = tmp_path / "var"
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(node_name, [data] * 16))
    assert names == {node_name(data)}
    assert re.fullmatch(r"n[0-9a-f]{8}", names.pop())
    assert [path.name for path in data.iterdir()] == ["node"]


def test_killed_while_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name appears whole or not at all; an empty one of an older version is made anew."""

    class Killed(BaseException):
        """The process ends here."""

    def link(_source: object, _target: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", link)
        with pytest.raises(Killed):
            node_name(tmp_path)
    assert not (tmp_path / "node").exists()
    (tmp_path / "node").touch()
    assert re.fullmatch(r"n[0-9a-f]{8}", node_name(tmp_path))
