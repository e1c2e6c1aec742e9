"""Who asks the operator's port in the tests, and what there is to ask for."""

from collections.abc import Callable
from typing import Any

# make_token(scope, name, lives_ms) → the header that bears the new token.
MakeToken = Callable[..., dict[str, str]]
# ask(path, body, status=200) → the answer's JSON.
Ask = Callable[..., Any]
# report(message, …, **fields) → the events' ids, once they are archived and counted.
Report = Callable[..., list[str]]
