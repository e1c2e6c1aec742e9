"""A Celery app with Sentry's SDK in it; its broker is a folder.

`celery --app celery_site worker` runs it, `python celery_site.py` sends it its one task.
"""

import os

import sentry_sdk
from celery import Celery

sentry_sdk.init()
app = Celery("celery_site", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": os.environ["BROKER_FOLDER"],
    "data_folder_out": os.environ["BROKER_FOLDER"],
    "control_folder": os.environ["BROKER_FOLDER"],
}


@app.task(name="shop.ship")
def ship(basket: int) -> None:
    """Fail to ship a basket."""
    raise TimeoutError(f"no van for basket {basket}")


if __name__ == "__main__":
    ship.delay(7)
