"""A Flask site with Sentry's SDK in it, which is asked for three pages over HTTP and ends."""

import contextlib
import threading
import urllib.error
import urllib.request

import sentry_sdk
from flask import Flask
from werkzeug.serving import make_server

sentry_sdk.init(send_default_pii=True)
app = Flask(__name__)


@app.get("/baskets/<int:number>")
def basket(number: int) -> str:
    """Show a basket; the seventh has no price."""
    prices = {1: 12}
    sentry_sdk.set_tag("basket", str(number))
    return f"{prices[number]}"


def main() -> None:
    """Ask for a page that works, one that fails and one that works."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for number in (1, 7, 1):
        address = f"http://127.0.0.1:{server.port}/baskets/{number}?colour=green"
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(address, timeout=10).close()
    server.shutdown()
    thread.join()


if __name__ == "__main__":
    main()
