"""How a command fails: the server's codes, by the names that they have there."""

from typing import Any

NAMES = {
    2: "BadValue",
    9: "FailedToParse",
    11: "UserNotFound",
    13: "Unauthorized",
    18: "AuthenticationFailed",
    20: "IllegalOperation",
    26: "NamespaceNotFound",
    27: "IndexNotFound",
    43: "CursorNotFound",
    48: "NamespaceExists",
    50: "MaxTimeMSExpired",
    59: "CommandNotFound",
    67: "CannotCreateIndex",
    72: "InvalidOptions",
    73: "InvalidNamespace",
    76: "NoReplicationEnabled",
    85: "IndexOptionsConflict",
    86: "IndexKeySpecsConflict",
    91: "ShutdownInProgress",
    112: "WriteConflict",
    121: "DocumentValidationFailure",
    136: "CappedPositionLost",
    175: "QueryPlanKilled",
    239: "SnapshotTooOld",
    246: "SnapshotUnavailable",
    11000: "DuplicateKey",
    13436: "NotPrimaryOrSecondary",
    40324: "UnrecognizedPipelineStage",
}


class CommandFailed(Exception):
    """A command is refused with a code; `more` joins the reply."""

    def __init__(self, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.more = code, message, more

    def answer(self) -> dict[str, Any]:
        """Return the reply that says so."""
        return {
            "ok": 0.0,
            "errmsg": self.message,
            "code": self.code,
            "codeName": NAMES.get(self.code, "UnknownError"),
            **self.more,
        }
