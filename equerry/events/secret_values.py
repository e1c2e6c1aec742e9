"""Values that are hidden for their look, wherever they stand in a text; and every rule in order.

Each rule has two patterns. `pattern` is what is replaced. `hint` is found in the JSON of every text
that the pattern is found in: it allows for JSON's escapes and asks for no boundary, since the
newline before a word is the letter `n` there.
"""

import base64
from collections.abc import Callable
from typing import NamedTuple

from equerry.events.linear import Match, Pattern, linear, which
from equerry.events.secret_named import FILTERED, NAMED_HINT, NAMED_RULES, hide_named


def _card(match: Match) -> bytes:
    """Hide a number that passes Luhn's check and does not go on at either side."""
    if match.group(1) or match.group(3):
        return match.group(0)
    digits = [byte - 48 for byte in match.group(2) if 48 <= byte <= 57]  # noqa: PLR2004 - "0" to "9"
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]  # noqa: PLR2004 - Luhn
    return match.group(0) if (sum(digits[-1::-2]) + sum(doubled)) % 10 else FILTERED


# ISO 13616: how long an IBAN of each country is.
_IBANS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 "
    "EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 "
    "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 "
    "NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18 SE24 SI19 SK24 SM27 ST25 SV28 "
    "TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
_IBAN_LENGTHS = {pair[:2].encode(): int(pair[2:]) for pair in _IBANS.split()}


def _iban(match: Match) -> bytes:
    """Hide the account number where its check digits hold (mod 97), and leave what follows it."""
    found = match.group(2)
    length = _IBAN_LENGTHS.get(found[:2], 0)
    compact = found.replace(b" ", b"")[:length]
    if match.group(1) or not length or len(compact) < length:
        return match.group(0)
    number = "".join(str(int(chr(byte), 36)) for byte in compact[4:] + compact[:4])
    if int(number) % 97 != 1:
        return match.group(0)
    end = 0
    for _ in range(length):
        end += 1 + (found[end : end + 1] == b" ")
    return FILTERED + found[end:]


def _jwt(match: Match) -> bytes:
    """Hide a token; in the middle of a word, only one whose header is base64 (not `keyJoin`)."""
    before, header = match.group(1), match.group(2)
    if before:
        try:
            is_json = base64.urlsafe_b64decode(header + b"==").isascii()
        except ValueError:
            is_json = False
        if not is_json:
            return match.group(0)
    return before + FILTERED


def _basic(match: Match) -> bytes:
    """Hide a name and password in base64; `basic authentication` is none."""
    word = match.group(2).rstrip(b"=")
    try:
        pair = base64.b64decode(word + b"=" * (-len(word) % 4), altchars=b"-_").decode()
    except ValueError:
        return match.group(0)
    return match.group(1) + FILTERED if ":" in pair and pair.isprintable() else match.group(0)


def _ssn(match: Match) -> bytes:
    return match.group(0) if match.group(1) or match.group(3) else FILTERED


def _email(match: Match) -> bytes:
    """Keep the domain, which helps and names nobody. `icon@2x.png` is a picture."""
    domain = match.group(2)
    if domain[1:3] == b"x." and domain[:1].isdigit():
        return match.group(0)
    return FILTERED + match.group(0)[len(match.group(1)) :]


def _userinfo(match: Match) -> bytes:
    """Hide the password; a name without one may be a token itself."""
    user = match.group(1)
    if match.group(2):
        return b"://" + user + b":" + FILTERED + b"@"
    return b"://" + FILTERED + b"@" if user else match.group(0)


def _after_first(match: Match) -> bytes:
    return match.group(1) + FILTERED


def _windows_user(match: Match) -> bytes:
    return match.group(1) + FILTERED + (match.group(2) or b"")


def _all(_match: Match) -> bytes:
    return FILTERED


class Rule(NamedTuple):
    """One look: what is replaced and by what, and the hint that it may be there."""

    name: str
    hint: str
    pattern: Pattern
    hide: Callable[[Match], bytes]

    def apply(self, text: bytes) -> bytes:
        """Return the text with every match hidden."""
        return self.pattern.sub(self.hide, text)


def _rule(name: str, pattern: str, hide: Callable[[Match], bytes], hint: str = "") -> Rule:
    return Rule(name, hint or pattern, linear(pattern), hide)


# Blanks, also unbreakable ones, or dashes; dots only all over: `4123.456789012345` is a duration.
_BLANK = r"(?:[ -]|\xc2\xa0|\xe2\x80\xaf){0,2}"
_CARD_16 = (
    r"(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|35(?:2[89]|[3-8][0-9])"
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9]))"
)
_CARD = "|".join(
    rf"{_CARD_16}(?:{joint}[0-9]{{4}}){{3}}|3[47][0-9]{{2}}{joint}[0-9]{{6}}{joint}[0-9]{{5}}"
    rf"|3(?:0[0-59]|[689][0-9])[0-9]{joint}[0-9]{{6}}{joint}[0-9]{{4}}"
    for joint in (_BLANK, r"\.")
)
_IBAN = r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?"
_MAIL_NAME = r"[A-Za-z0-9._%+'\x80-\xff-]+"
_MAIL_DOMAIN = r"[A-Za-z0-9\x80-\xff-]+(?:\.[A-Za-z0-9\x80-\xff-]+)*\.[A-Za-z\x80-\xff]{2,}"

# As their issuers write them; the lengths are the least seen, not the exact ones.
_ISSUED = (
    r"[sr]k_(?:live|test)_[A-Za-z0-9]{8,}",
    r"whsec_[A-Za-z0-9+/=]{16,}",
    r"gh[opusr]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"gl(?:pat|ptt|dt|rt|cbt|ft|soat)-[A-Za-z0-9_-]{16,}",
    r"xox[abeprs]-[A-Za-z0-9-]{10,}",
    r"xapp-[A-Za-z0-9-]{20,}",
    # The pair is pasted together; the second half alone looks like any digest.
    r"A[KS]IA[0-9A-Z]{16}(?:[ :,;|]{1,3}[A-Za-z0-9/+]{40})?",
    r"AIza[A-Za-z0-9_-]{30,}",
    r"ya29\.[A-Za-z0-9_-]{20,}",
    r"sk-(?:proj|ant|svcacct|admin|or)-[A-Za-z0-9_-]{16,}",
    r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"npm_[A-Za-z0-9]{30,}",
    r"pypi-AgE[A-Za-z0-9_-]{20,}",
    r"hf_[A-Za-z0-9]{30,}",
    r"dop_v1_[0-9a-f]{40,}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    r"eqy_[0-9a-f]{40,}",
)

RULES: tuple[Rule, ...] = (
    *(Rule(name, hint, linear(form), hide) for name, form, hide, hint in NAMED_RULES),
    _rule(
        "pem",
        r"(?s:-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\z))",
        _all,
        "-----BEGIN [A-Z0-9]",
    ),
    _rule(
        "jwt",
        r"([A-Za-z0-9]*?)(eyJ[A-Za-z0-9_-]{10,})\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*",
        _jwt,
        r"eyJ[A-Za-z0-9_-]{10}",
    ),
    _rule("issued-token", "|".join(_ISSUED), _all),
    _rule(
        "sk",  # not the class names of a spinner, `sk-fading-circle`, nor `task-…`
        r"(\\[nrt]|\b)sk-[A-Za-z0-9]{20,}",
        _after_first,
        "sk-[A-Za-z0-9]{20}",
    ),
    _rule(
        "hook",
        r"((?:hooks\.slack\.com\\*/[a-z]+|discord(?:app)?\.com\\*/api\\*/webhooks)\\*/)"
        r"[A-Za-z0-9/\\_-]+",
        _after_first,
        r"hooks\.slack\.com|discord(?:app)?\.com\\*/api",
    ),
    _rule("bearer", r"((?i:bearer) +)[A-Za-z0-9._~+/=-]{6,}", _after_first, "(?i:bearer) "),
    _rule("basic", r"((?i:basic) +)([A-Za-z0-9+/_-]{6,}=*)", _basic, "(?i:basic) +[A-Za-z0-9]"),
    _rule(
        "url-password-with-slash",
        # A port and a path, `http://localhost:3000/@vite`, are no password.
        r"://([^/\s:@\"'<>?#\[]*):([0-9]*[^0-9/\s@\"'<>?#,][^\s\"'<>?#,]*)@",
        _userinfo,
        r'://[^/ "]*:[0-9]*[^0-9/ "][^ "]*@',
    ),
    _rule("url-password", r"://([^/\s:@\"'<>?#]*)(?::([^/\s\"'<>]*))?@", _userinfo, r'://[^/ "]*@'),
    _rule(
        "email", rf"({_MAIL_NAME})(?:@|%40)({_MAIL_DOMAIN})", _email, rf"(?:@|%40){_MAIL_DOMAIN}"
    ),
    _rule("card", rf"([0-9]*?)({_CARD})([0-9]*)", _card, _CARD),
    _rule("iban", rf"([A-Za-z0-9]*?)({_IBAN})", _iban, r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2}"),
    _rule(
        "ssn",
        r"([0-9-]*?)([0-8][0-9]{2}-[0-9]{2}-[0-9]{4})([0-9-]*)",
        _ssn,
        r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    ),
    _rule(
        "home",
        r"((?:(?m:^)|[\s\"'(=,@<>\[{|;]|file://|[A-Za-z]:)/(?:home|Users)/)[^/\s:\"'()<>]+",
        _after_first,
        "/(?:home|Users)/",
    ),
    _rule(
        "windows-home",
        r"((?i:\\users\\+))(?:[^\\/:*?\"<>|\r\n]+(\\)|[^\\/\s:\"'<>|]+)",
        _windows_user,
        r"(?i:\\users\\)",
    ),
)

_STEPS: tuple[Callable[[bytes], bytes], ...] = (hide_named, *(rule.apply for rule in RULES))
HINTS = (NAMED_HINT, *(rule.hint for rule in RULES))
"""One for each step; found in the JSON of every text that the step changes."""
_WHICH = which(HINTS)


def hide_secrets(text: bytes) -> bytes:
    """Return the text with everything hidden that a name or its look gives away."""
    for index in sorted(_WHICH(text)):
        text = _STEPS[index](text)
    return text
