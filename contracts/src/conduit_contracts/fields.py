"""The forms of the fields of a referral: lines and texts, addresses, counts, countries and languages."""

from typing import Annotated

from pydantic import Field

from conduit_contracts.base import Finding
from conduit_contracts.countries import is_country, nearest
from conduit_contracts.entry import AtEntry
from conduit_contracts.forms import formed
from conduit_contracts.texts import blank_text, shows_something

_NO_NUL = r"^[^\x00]*$"  # PostgreSQL's text cannot hold it
_NO_NUL_WORDS = "text without the character NUL (U+0000)"
_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
_ONE_LINE_WORDS = "one line, without control characters such as line breaks and tabs"
_IN_WORDS = AtEntry(blank_text)
Line = Annotated[str, formed(_ONE_LINE, _ONE_LINE_WORDS, min_length=1, max_length=200), _IN_WORDS]
"""Without control characters, so that it cannot break out of a header or a list."""
Text = Annotated[str, formed(_NO_NUL, _NO_NUL_WORDS, min_length=1, max_length=4_000), _IN_WORDS]
Narrative = Annotated[str, formed(_NO_NUL, _NO_NUL_WORDS, min_length=1, max_length=40_000), _IN_WORDS]
LocalId = Annotated[
    str,
    formed(r"^[A-Za-z][A-Za-z0-9_-]*$", "letters, digits, _ and -, beginning with a letter, for example V1", max_length=32),
]
"""Names a person or a place inside one referral, for example V1 or L2. Unique in the referral."""


def _nobodys_address(address: str) -> Finding | None:
    return None if all(map(shows_something, address.split("@"))) else Finding("format_invalid", f"Send {_EMAIL}.")


def _nobodys_number(telephone: str) -> Finding | None:
    return None if sum(map(str.isdigit, telephone)) >= _FEWEST_DIGITS else Finding("format_invalid", _TOO_FEW_DIGITS)


_EMAIL = "an e-mail address, for example team@partner.example"
Email = Annotated[
    str,
    formed(r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$", _EMAIL, max_length=254),
    AtEntry(_nobodys_address),
]
_FEWEST_DIGITS = 5
_TELEPHONE = "5 to 25 digits, spaces, brackets and hyphens, with + only at the beginning, for example +44 20 7946 0000"
_TOO_FEW_DIGITS = "This has fewer than 5 digits, so nobody can call it. Send a number such as +44 20 7946 0000."
TelephoneText = Annotated[str, formed(r"^\+?[0-9 ()-]{5,25}$", _TELEPHONE), AtEntry(_nobodys_number)]
Count = Annotated[int, Field(ge=0, le=100_000)]
Age = Annotated[int, Field(ge=0, le=120)]


def _no_country(code: str) -> Finding | None:
    if is_country(code):
        return None
    near = nearest(code)
    meant = f" Did you mean {near}?" if near else ""
    return Finding("value_not_allowed", f"ISO 3166-1 has no country with this code.{meant}")


CountryCode = Annotated[
    str, formed(r"^[A-Z]{2}$", "two capital letters of ISO 3166-1, for example GB"), AtEntry(_no_country)
]
"""ISO 3166-1 alpha-2."""
LanguageCode = Annotated[
    str, formed(r"^[a-z]{2,3}(-[A-Z]{2})?$", "two or three lower-case letters of ISO 639, for example pl or pt-BR")
]
"""ISO 639 language, for example `bsl` is not one: British Sign Language is `bfi`."""
