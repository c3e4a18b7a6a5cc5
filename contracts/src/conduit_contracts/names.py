"""The ids that a refused record gives, so that its sender knows which record it was, even if little of it can be read.

Only ids in the contract's format are used. They are not trusted, and only the sender gets them back.
"""

import re
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import StringConstraints

from conduit_contracts.attributes import Attributes, Headers
from conduit_contracts.json_texts import Unreadable, look
from conduit_contracts.structured import is_structured

SenderEventId = Annotated[str, StringConstraints(max_length=200)]
"""The id that its sender gave the event: `ce_id` in a header, `id` in an object."""

_EVENT_ID = re.compile(r"[!-~]{1,200}")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_UUID7 = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}")
_SAID_REFERENCE = re.compile(rb'"partner_reference"\s*:\s*"([^"\\]{1,64})"')
_SAID_REFERRAL = re.compile(rb'"referral_id"\s*:\s*"([^"\\]{36})"')


class Names(NamedTuple):
    """The ids that a record's sender gave it."""

    event_id: str | None = None
    partner_reference: str | None = None
    referral_id: UUID | None = None


NAMELESS = Names()


def names_of(headers: Headers, key: bytes | None, value: object, attributes: Attributes | None = None) -> Names:
    """The ids that can be read from a record: from its value first, otherwise from its key."""
    body = value if isinstance(value, bytes) else b""
    referral_id = _first(_UUID7, *_found(_SAID_REFERRAL, body), key)
    return Names(
        event_id=_first(_EVENT_ID, *([attributes.id.encode()] if attributes else [_event_id(headers, body)])),
        partner_reference=_first(_REFERENCE, *_found(_SAID_REFERENCE, body), key),
        referral_id=UUID(referral_id) if referral_id else None,
    )


def _found(said: re.Pattern[bytes], body: bytes) -> list[bytes]:
    found = said.search(body)
    return [found[1]] if found else []


def _first(form: re.Pattern[str], *texts: bytes | None) -> str | None:
    """The first text that has the format."""
    decoded = (text.decode("ascii", "replace") for text in texts if text)
    return next((text for text in decoded if form.fullmatch(text)), None)


def _event_id(headers: Headers, body: bytes) -> bytes | None:
    if not is_structured(headers):
        ids = {raw for name, raw in headers if name == "ce_id"}
        return ids.pop() if len(ids) == 1 else None
    try:
        members, _ = look(body)
    except Unreadable:
        return None
    given = members.get("id") if isinstance(members, dict) else None
    return given.encode("utf-8", "replace") if isinstance(given, str) else None
