"""What in a text looks as if somebody could be known by it: addresses, numbers and dates, as people here write them. Pure.

It finds no names, and takes some things for numbers that are none: whoever is told so writes them in another way. An officer
reads what is left.
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum

_BEFORE, _AFTER = "(?<![A-Za-z0-9])", "(?![A-Za-z0-9])"
_DAY, _YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:19|20)[0-9]{2}"
_NTH = f"{_DAY}(?:st|nd|rd|th)?"
_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?)"
)
_SIGN = r"\s?[./-]\s?"
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-")
_NHS_DIGITS, _NHS_MODULUS = 10, 11


class IdentifyingKind(StrEnum):
    """What it looks like."""

    EMAIL = "email"
    ONLINE = "online"
    """An account or an address on the web."""
    TELEPHONE = "telephone"
    POSTCODE = "postcode"
    DATE = "date"
    """A whole date, or whatever follows "born"."""
    NHS_NUMBER = "nhs_number"
    NATIONAL_INSURANCE = "national_insurance"
    NUMBER = "number"
    """So many digits that they are somebody's."""


WAYS_TO_REACH = frozenset({IdentifyingKind.EMAIL, IdentifyingKind.ONLINE, IdentifyingKind.TELEPHONE})
"""What the hub and forces may write, who say whom one can call."""
_NUMBERED = frozenset({IdentifyingKind.TELEPHONE, IdentifyingKind.NHS_NUMBER})
_LOOKS: Mapping[IdentifyingKind, str] = {
    IdentifyingKind.EMAIL: r"[^\s@]@[^\s@]+\.[^\s@.]",
    IdentifyingKind.ONLINE: r"(?<![\w.])@\w{2,}|\bhttps?://\S|\bwww\.\S",
    IdentifyingKind.TELEPHONE: r"(?<!\w)(?:\+|0)(?:[\s().-]{0,2}[0-9]){8,14}",
    IdentifyingKind.POSTCODE: (
        rf"{_BEFORE}[A-PR-UWYZ][A-HK-Y]?[0-9][A-Z0-9]?[\s-]{{0,3}}[0-9][ABD-HJLNP-UW-Z]{{2}}{_AFTER}"
    ),
    IdentifyingKind.DATE: "|".join(
        (
            rf"(?<![0-9]){_DAY}{_SIGN}{_DAY}{_SIGN}(?:{_YEAR}|[0-9]{{2}})(?![0-9])",
            rf"(?<![0-9]){_YEAR}{_SIGN}{_DAY}{_SIGN}{_DAY}(?![0-9])",
            rf"(?<![0-9]){_DAY}\s{_DAY}\s{_YEAR}(?![0-9])",
            rf"(?<![0-9]){_NTH}[\s-]?(?:of\s)?{_MONTH}[.,]?[\s-]?(?:{_YEAR}|'[0-9]{{2}})(?![0-9])",
            rf"{_BEFORE}{_MONTH}\.?\s{_NTH},?\s{_YEAR}(?![0-9])",
            rf"{_BEFORE}(?:born|d\.?o\.?b\.?|date\sof\sbirth){_AFTER}[^0-9\n]{{0,12}}[0-9]",
        )
    ),
    IdentifyingKind.NATIONAL_INSURANCE: (
        rf"{_BEFORE}[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:[\s-]?[0-9]){{6}}[\s-]?[A-D]{_AFTER}"
    ),
    IdentifyingKind.NUMBER: r"[0-9]{7,}|(?<![0-9])[0-9]{3,5}[\s-][0-9]{3,4}[\s-]?[0-9]{3,4}(?![0-9])",
}
_PATTERNS = {kind: re.compile(look, re.IGNORECASE) for kind, look in _LOOKS.items()}
_TEN_DIGITS = re.compile(r"(?<![0-9])[0-9]{3}[\s-]?[0-9]{3}[\s-]?[0-9]{4}(?![0-9])")


def identifying(text: str, allowed: frozenset[IdentifyingKind] = frozenset()) -> tuple[IdentifyingKind, ...]:
    """What a text has by which somebody could be known, each kind once. What it found it does not say."""
    plain = _plain(text)
    found = {kind for kind, pattern in _PATTERNS.items() if pattern.search(plain)}
    if any(map(_is_nhs_number, _TEN_DIGITS.findall(plain))):
        found.add(IdentifyingKind.NHS_NUMBER)
    if found & _NUMBERED:
        # The same digits, said better.
        found.discard(IdentifyingKind.NUMBER)
    return tuple(kind for kind in IdentifyingKind if kind in found - allowed)


def _plain(text: str) -> str:
    """As a reader sees it: wide letters and digits as plain ones, one sort of dash, and nothing that cannot be seen."""
    letters = unicodedata.normalize("NFKC", text).translate(_DASHES)
    return "".join(each for each in letters if unicodedata.category(each) != "Cf")


def _is_nhs_number(written: str) -> bool:
    """Whether its last digit is what the others make it."""
    digits = [int(each) for each in written if each.isdigit()]
    weighed = sum(digit * (_NHS_DIGITS - place) for place, digit in enumerate(digits[:-1]))
    return digits[-1] == -weighed % _NHS_MODULUS
