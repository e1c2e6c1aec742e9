"""What an HTTP receiver's answer means for a delivery."""

from equerry.errors import DeliveryError
from equerry.outbound import Answer
from workers.alerting.channels.wording import one_line

SUCCESS, REDIRECT, CLIENT_ERROR = 2, 3, 4

# Request Timeout, Too Early, Too Many Requests (RFC 9110, 8470, 6585): the same may pass later.
TEMPORARY = frozenset({408, 425, 429})

# Bad Request, Forbidden, Content Too Large, Unsupported, Unprocessable: a receiver, or a firewall
# before it, may mean this one message. Nobody may end a channel by what an event says.
OF_MESSAGE = frozenset({400, 403, 413, 415, 422})


def raise_for(answer: Answer) -> None:
    """Return for a 2xx; for anything else raise DeliveryError, permanent where the status says so.

    5xx and the statuses in TEMPORARY may heal and carry the receiver's Retry-After; a redirect and
    every other 4xx cannot.
    """
    status = answer.status
    family = status // 100
    if family == SUCCESS:
        return
    body = one_line(answer.body.decode("utf-8", "replace"), 200)
    said = f"HTTP {status}: {body}" if body else f"HTTP {status}"
    if family == REDIRECT:
        raise DeliveryError(
            f"{said} - redirects are not followed; set the final address", permanent=True
        )
    raise DeliveryError(
        said,
        permanent=family == CLIENT_ERROR and status not in TEMPORARY,
        of_message=status in OF_MESSAGE,
        retry_after_seconds=answer.retry_after_seconds,
    )
