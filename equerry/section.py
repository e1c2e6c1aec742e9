"""What every table of `equerry.toml` is made of."""

from typing import Annotated

import msgspec

DAY_SECONDS = 86_400

Count = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of `equerry.toml`; a key that it does not know is refused by name."""
