"""Names whose values are hidden: Relay's default list, on the words of a name.

Relay looks for `auth` and `token` anywhere in a name, and so hides `author` and `tokenizer`.
"""

import functools

from equerry.events.linear import linear


def _words(line: str) -> list[str]:
    return line.split()


# A name is secret when one of its words is here (`authToken`, `x-csrf`, `user_pwd`) …
WORDS = _words(
    "pwd passwd passphrase passcode secret secrets auth authorization token tokens otp totp "
    "bearer jwt ssn cvv cvc csrf xsrf signature sessid sessionid sid senha wachtwoord"
)
# … or words that follow each other, however they are joined (`X-Api-Key`, `api.key`) …
PHRASES = _words(
    "api_key private_key access_key signing_key encryption_key two_factor session_id session_key "
    "session_token card_number mysql_pwd pass_phrase account_key cookie_header cookie_string"
)
# … or a word ends so (`accesstoken`), or is the last of the name, or stands anywhere in it.
ENDINGS = _words("token tokens secret secrets pwd sessid sessionid")
LAST = _words("session cookie cookies pass")
ANYWHERE = _words(
    "password passwd passphrase passwort kennwort contrase apikey privatekey credential csrftoken "
    "xsrftoken"
)
# Cookies that a browser guards as secrets.
PREFIXES = _words("__secure __host")

_JOINT = r"[-_. \[\]$:]"
STEM = "(?i:{})".format(
    "|".join(
        dict.fromkeys(
            [*WORDS, *ENDINGS, *LAST, *ANYWHERE, *PREFIXES]
            + [phrase.replace("_", f"{_JOINT}?") for phrase in PHRASES]
        )
    )
)
"""Found in every secret name, in any case: the coarse form, for looking before deciding."""

_JOINTS_AS_UNDERSCORE = bytes.maketrans(b"-. []$:", b"_______")
_CAMEL = linear(r"([a-z0-9])([A-Z])")
_ACRONYM = linear(r"([A-Z])([A-Z][a-z])")
_SECRET = linear(
    rf"_(?:{'|'.join(WORDS + PHRASES)})_|(?:{'|'.join(ENDINGS)})_"
    rf"|_(?:{'|'.join(LAST)})_+(?:\n|\z)|{'|'.join(ANYWHERE)}"
)
# Longer names are judged each time: the cache stays below a megabyte.
_LONGEST_CACHED = 128


def secret_name(name: bytes) -> bool:
    """Whether what is so named is to be hidden."""
    return _cached(name) if len(name) <= _LONGEST_CACHED else _judge(name)


def _judge(name: bytes) -> bool:
    """Look at the name as written and at its camelCase taken apart: `passWord`, `apiKey`."""
    apart = _ACRONYM.sub(rb"\1_\2", _CAMEL.sub(rb"\1_\2", name))
    words = b"_%b_\n_%b_" % (name, apart)
    return _SECRET.search(
        words.lower().translate(_JOINTS_AS_UNDERSCORE)
    ) is not None or name.lower().startswith(tuple(prefix.encode() for prefix in PREFIXES))


_cached = functools.lru_cache(maxsize=4096)(_judge)
