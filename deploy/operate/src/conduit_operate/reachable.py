"""Contacts as somebody types them, looked at by the code that sends: nothing is registered that cannot be reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conduit_contracts.programme import Contact
from conduit_notification import addresses
from conduit_notification.addresses import AddressError
from conduit_operate.onboarding import MisuseError


def checked(option: str, text: str | None, check: Callable[[str], str]) -> str | None:
    """The value as it is registered; nothing and an empty text stay as they are.

    Raises:
        MisuseError: it cannot be sent to; the text names the option.
    """
    if not text:
        return text
    try:
        return check(text)
    except AddressError as error:
        raise MisuseError(f"{option} {error}") from None


def _webhook(text: str) -> str:
    """Of this machine alone, a URL may be http."""
    return addresses.url(text, allow_http=text.startswith(("http://127.0.0.1:", "http://localhost:")))


LOOKS: Mapping[str, Callable[[str], str]] = {
    "email": addresses.email,
    "telephone": addresses.telephone,
    "webhook_url": _webhook,
    "webhook_secret": str,
}
"""By the contact's field."""


def looked_at(field: str, text: str | None) -> str | None:
    """What is given for a contact's field, as it is registered."""
    return checked(f"--{field.replace('_', '-')}", text, LOOKS[field])


def contact(text: str, option: str = "--contact") -> Contact:
    """A contact typed as EMAIL, EMAIL,TELEPHONE or, to be told by another way too, with ,URL,SECRET-NAME behind it.

    Raises:
        MisuseError: it is typed otherwise, or cannot be reached.
    """
    email, *more = (part.strip() for part in text.split(","))
    webhook = more[-2:] if len(more) >= 2 and "://" in more[-2] else []
    telephones = more[: len(more) - len(webhook)]
    if len(telephones) > 1:
        raise MisuseError(f"{option} has a comma too many; give EMAIL,TELEPHONE or EMAIL,TELEPHONE,URL,SECRET-NAME")
    return Contact(
        email=checked(option, email, addresses.email),
        telephone=checked(option, "".join(telephones), addresses.telephone) or None,
        webhook_url=checked(option, webhook[0], _webhook) if webhook else None,
        webhook_secret=webhook[1] if webhook else None,
    )
