"""Where a notice can be sent: the one look at an address that onboarding and sending share.

An address that cannot be sent to is refused where it is entered; one in another alphabet is written as the network has it.
"""

from urllib.parse import urlsplit, urlunsplit

import idna
import phonenumbers
from email_validator import EmailNotValidError, validate_email

REGION = "GB"


class AddressError(ValueError):
    """It cannot be sent to; the text says what to do, and never what was entered."""


def email(text: str) -> str:
    """The address in ASCII.

    Raises:
        AddressError: it is none, or its local part needs a mail server that takes other alphabets.
    """
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise AddressError("is not an e-mail address; give one like team@example.org") from None
    if found.ascii_email is None:
        raise AddressError("has letters before the @ that mail servers may refuse; give one in plain ASCII")
    return found.ascii_email


def url(text: str, *, allow_http: bool = False) -> str:
    """A webhook's URL with its host in ASCII.

    Raises:
        AddressError: it is no https URL, has a login in it, or its host is none.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        name = host if ":" in host or host.replace(".", "").isdigit() else idna.encode(host, uts46=True).decode()
    except (ValueError, UnicodeError):
        raise AddressError("is not a URL with a host that can be found; give one like https://example.org/conduit") from None
    if parts.scheme not in ({"https", "http"} if allow_http else {"https"}) or not name:
        raise AddressError("is not an https URL; give one like https://example.org/conduit")
    if parts.username is not None or parts.password is not None:
        raise AddressError("contains a login; webhooks are signed instead")
    shown = f"[{name}]" if ":" in name else name
    return urlunsplit((parts.scheme, f"{shown}:{port}" if port else shown, parts.path, parts.query, ""))


def telephone(text: str) -> str:
    """The number as E.164 has it; without a country's code it is British.

    Raises:
        AddressError: there can be no such number.
    """
    try:
        number = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        raise AddressError("is not a telephone number; give one like +44 1632 960147") from None
    if number.extension or not phonenumbers.is_possible_number(number):
        raise AddressError("is not a number that can be dialled; give one like +44 1632 960147, without an extension")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
