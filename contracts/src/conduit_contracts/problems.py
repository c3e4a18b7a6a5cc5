"""What was wrong with a record, in words for its sender.

A problem has a stable code, the field, whose fault it is, whether trying again helps, and what to do. It never repeats the
value: the texts are written here and take nothing from the record.
"""

import re
from typing import Annotated, TypeAlias

from pydantic import StringConstraints

from conduit_contracts.base import KNOWN_NAMES, TAGS, Term, Value
from conduit_contracts.forms import formed

Location: TypeAlias = tuple[int | str, ...]


class Origin(Term):
    """Whose fault a problem is (after the NHS Booking and Referral Standard's split of error codes)."""

    SENDER = "sender"
    HUB = "hub"
    RECEIVER = "receiver"


class Problem(Value):
    """One thing that was wrong."""

    code: Annotated[str, formed(r"^[a-z][a-z0-9_]*$", "lower-case letters, digits and underscores", max_length=64)]
    """Stable: decide by this one."""
    field: Annotated[str, StringConstraints(max_length=200)]
    """Path in the message, for example `referral.persons[0].age_at_offence`, or the name of a header or attribute."""
    message: Annotated[str, StringConstraints(max_length=400)]
    """What is wrong and what to do about it."""
    origin: Origin
    """Whose fault it is."""
    retryable: bool
    """True if sending the same again later may succeed."""


_TEXTS = {
    "header_missing": "This header is missing. Send every CloudEvents attribute as a ce_ header.",
    "header_null": "This header has no value. Send it as UTF-8 text.",
    "header_repeated": "This header is there more than once, so it is not clear which one holds. Send it once.",
    "header_not_utf8": "This header is not UTF-8 text. Encode it as UTF-8.",
    "spec_version_unsupported": "Only CloudEvents 1.0 is supported. Send 1.0 as the specversion.",
    "time_invalid": "This is not an RFC 3339 time. Send a time such as 2026-11-23T09:30:00Z.",
    "time_without_zone": "This time has no time zone. Add Z or an offset.",
    "content_type_unsupported": (
        "This content type is not supported here. Send application/json or application/cloudevents+json."
    ),
    "data_base64_unsupported": "data_base64 is not supported. Send the message as a JSON object in data.",
    "type_not_accepted": "This type is not accepted on this topic. See the topic's list of messages.",
    "value_missing": (
        "The record has no value. A record without a value deletes nothing here. Send the whole message; a partner takes a "
        "referral back by a withdrawal."
    ),
    "json_invalid": "The value is not valid JSON. Send one JSON object in UTF-8.",
    "field_missing": "This field is required. Add it.",
    "field_unknown": "The contract has no such field here. Check its spelling and place.",
    "field_repeated": "This field appears more than once in its object. Send it once.",
    "field_type": "This field has the wrong type.",
    "value_not_allowed": "This value is not allowed.",
    "value_out_of_range": (
        "This number or time is out of range. Times can be from 2 January of the year 1 to 30 December 9999."
    ),
    "length_out_of_range": "This is too short or too long.",
    "format_invalid": "This does not have the required format.",
    "value_inconsistent": "This contradicts another field.",
}

MOST_PROBLEMS = 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def sender_problem(code: str, field: str, message: str | None = None) -> Problem:
    """A problem that the sender must correct; sending the same again does not help."""
    return Problem(code=code, field=field, message=message or _TEXTS[code], origin=Origin.SENDER, retryable=False)


def path_of(location: Location, root: str) -> str:
    """The path of the field. An unknown name is shown only if it is spelt like a field name; any other key may be words
    about a person."""
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step not in TAGS:
            path += ("." if path else "") + (step if step in KNOWN_NAMES or _NAME.fullmatch(step) else "(unknown)")
    return path[:200] or root
