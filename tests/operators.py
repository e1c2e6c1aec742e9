"""Who asks the operator's port in the tests."""

from collections.abc import Callable

# make_token(scope, name, lives_ms) → the header that bears the new token.
MakeToken = Callable[..., dict[str, str]]
