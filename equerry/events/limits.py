"""How much of a report is taken. Relay's figures where it has one, so that SDKs fit.

Lengths of text are in characters. What is longer is cut and its length noted, never refused.
"""

MESSAGE = 8_192
NAME = 256
# Relay has no limit for a raw stack; V8 keeps 10 frames, Firefox 128, and 64 KiB holds both.
STACK = 65_536
URL = 2_048
RELEASE = 200
ENVIRONMENT = 64
COMPONENT = 200
USER = 128
USER_AGENT = 512
EVENT_NAME = 200
METRIC_ID = 128
WORD = 64

TAGS = 100
TAG_KEY = 200
TAG_VALUE = 200
BREADCRUMBS = 100
# Levels of objects and arrays in `extra`, `attribution` and a breadcrumb; deeper ones are cut.
DEPTH = 7
RETRIES = 1_000

# What only SDKs send.
EXCEPTIONS = 50
FRAMES = 250  # the calls at both ends matter: where it began, and where it broke
FUNCTION = 256
TRANSACTION = 200
CONTEXT_LINE = 512
CONTEXT_LINES = 20  # to each side
MODULES = 500
GROUP_BY = 32
IMAGES = 200
LOGGER = 64

BATCH = 100
# Faults named for one event; beyond it a reply would be larger than what was sent.
CAUSES = 20

# What the platform can measure sensibly: a minute, and a layout that shifted a hundred times.
DURATION_MS = 60_000.0
LAYOUT_SHIFT = 100.0
# A metric of a name that we do not know has a unit that we do not know.
OTHER_VALUE = 1e12

LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z
