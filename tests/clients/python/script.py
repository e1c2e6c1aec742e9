"""A script with Sentry's SDK in it, which does what its argument says."""

import logging
import sys
import time

import sentry_sdk


def pay(basket: dict[str, int]) -> int:
    """Fail, two calls deep."""
    return share(basket["total"], basket["payers"])


def share(total: int, payers: int) -> int:
    """Divide by zero."""
    return total // payers


def crash() -> None:
    """End the interpreter by an exception that nobody caught."""
    sentry_sdk.set_user({"id": "visitor-7"})
    sentry_sdk.set_tag("theme", "dark")
    sentry_sdk.add_breadcrumb(category="basket", message="a pear was added", level="info")
    pay({"total": 12, "payers": 0})


def chained() -> None:
    """Catch one exception, raise another from it, and report that."""
    try:
        try:
            pay({"total": 12, "payers": 0})
        except ZeroDivisionError as error:
            raise LookupError("nobody pays for basket 7") from error
    except LookupError as error:
        sentry_sdk.capture_exception(error)


def logged() -> None:
    """Log a warning, which becomes a breadcrumb, and an error, which becomes an event."""
    logger = logging.getLogger("shop.stock")
    logger.warning("only %d pears left", 2)
    logger.error("no %s left", "pears", extra={"shelf": "B4"})


@sentry_sdk.monitor(monitor_slug="count-stock")
def counted() -> None:
    """Do a job that is watched."""


@sentry_sdk.monitor(monitor_slug="fill-shelves")
def unfilled() -> None:
    """Fail at a job that is watched."""
    raise OSError("no shelf")


def checked_in() -> None:
    """Run both jobs."""
    counted()
    try:
        unfilled()
    except OSError:
        return


def flood(pause_seconds: float = 0.0) -> None:
    """Report message after message, each sent before the next is made."""
    for number in range(30):
        sentry_sdk.capture_message(f"message {number} of a flood")
        sentry_sdk.flush(5)
        time.sleep(pause_seconds)


if __name__ == "__main__":
    sentry_sdk.init(send_default_pii=True)
    {
        "crash": crash,
        "chained": chained,
        "logged": logged,
        "checked_in": checked_in,
        "flood": flood,
        "trickle": lambda: flood(0.15),
    }[sys.argv[1]]()
