"""What was wrong with a record, in words for the one who sent it.

A problem has a stable code, the field, whose fault it is, whether trying again helps and what to do. It never holds
the value: texts are written here and do not come from the record.
"""

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Annotated, TypeAlias

from pydantic import StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from conduit_contracts.base import KNOWN_NAMES, TAGS, Inconsistent, Term, Value

Location: TypeAlias = tuple[int | str, ...]


class Origin(Term):
    """Whose fault a problem is (after the NHS Booking and Referral Standard's split of error codes)."""

    SENDER = "sender"
    HUB = "hub"
    RECEIVER = "receiver"


class Problem(Value):
    """One thing that was wrong."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
    field: Annotated[str, StringConstraints(max_length=200)]
    """Path in the message, for example `referral.persons[0].age_at_offence`, or the name of a header or attribute."""
    message: Annotated[str, StringConstraints(max_length=400)]
    """What is wrong and what to do about it."""
    origin: Origin
    retryable: bool
    """True where sending the same again later may succeed."""


_TEXTS = {
    "header_missing": "This header is missing. Send every CloudEvents attribute as a ce_ header.",
    "header_null": "This header has no value. Send it as UTF-8 text.",
    "header_not_utf8": "This header is not UTF-8 text. Encode it as UTF-8.",
    "spec_version_unsupported": "Only CloudEvents 1.0 is read. Send 1.0 as the specversion.",
    "time_invalid": "This is not an RFC 3339 time. Send for example 2026-11-23T09:30:00Z.",
    "time_without_zone": "This time has no zone. Add Z or an offset.",
    "content_type_unsupported": "This content type is not read here. Send application/json or application/cloudevents+json.",
    "data_base64_unsupported": "data_base64 is not read here. Send the message as a JSON object in data.",
    "type_not_accepted": "This type is not accepted on this topic. See the topic's list of messages.",
    "value_missing": "The record has no value. Deleting by a record without value is not possible here; send a withdrawal.",
    "json_invalid": "The value is not valid JSON. Send one JSON object in UTF-8.",
    "field_missing": "This field is required. Add it.",
    "field_unknown": "The contract has no such field here. Check its spelling and place.",
    "field_repeated": "This field stands more than once in its object. Send it once.",
    "field_type": "This field has the wrong type. See the JSON Schema of this message.",
    "value_not_allowed": "This value is not one of the allowed ones. See the JSON Schema of this message.",
    "value_out_of_range": "This number or time is outside the allowed range. See the JSON Schema of this message.",
    "length_out_of_range": "This is too short or too long. See the JSON Schema of this message.",
    "format_invalid": "This does not have the required form. See the JSON Schema of this message.",
    "value_inconsistent": "This contradicts another field.",
}

_CODES = {
    "missing": "field_missing",
    "extra_forbidden": "field_unknown",
    "json_invalid": "json_invalid",
    "enum": "value_not_allowed",
    "literal_error": "value_not_allowed",
    "union_tag_invalid": "value_not_allowed",
    "union_tag_not_found": "field_missing",
    "greater_than": "value_out_of_range",
    "greater_than_equal": "value_out_of_range",
    "less_than": "value_out_of_range",
    "less_than_equal": "value_out_of_range",
    "string_too_short": "length_out_of_range",
    "string_too_long": "length_out_of_range",
    "too_short": "length_out_of_range",
    "too_long": "length_out_of_range",
    "string_pattern_mismatch": "format_invalid",
    "value_error": "value_inconsistent",
}

_FORMATS = ("date", "time", "uuid", "url", "string_unicode")
MOST_PROBLEMS = 20
_LONGEST_MISSPELLING = 64


def sender_problem(code: str, field: str, message: str | None = None) -> Problem:
    """A problem that the sender must mend; sending the same again does not help."""
    return Problem(code=code, field=field, message=message or _TEXTS[code], origin=Origin.SENDER, retryable=False)


def problems_from(error: ValidationError, root: str = "value") -> tuple[Problem, ...]:
    """The sender's problems behind a validation error, at most twenty, without any value from the input.

    `root` is what a problem with the whole message names.
    """
    details = error.errors(include_url=False, include_input=False)
    return tuple(_problem(detail, root) for detail in details[:MOST_PROBLEMS])


def repeated_problems(locations: Sequence[Location], envelope: Collection[str] = ()) -> tuple[Problem, ...]:
    """The sender's problems where fields stand more than once, at most twenty.

    In an envelope with these members, paths are those of the message in its `data` or the member's name.
    """
    fields = (_member(location, envelope) if envelope else path_of(location, "value") for location in locations)
    return tuple(sender_problem("field_repeated", field) for field in islice(fields, MOST_PROBLEMS))


def _member(location: Location, envelope: Collection[str]) -> str:
    name, *rest = location
    if name == "data" and rest:
        return path_of(tuple(rest), "data")
    return str(name) if name in envelope else "(unknown)"


def _problem(detail: ErrorDetails, root: str) -> Problem:
    code = _code(detail["type"])
    location = detail["loc"]
    if code != "field_unknown":
        text = _inconsistency(detail) if code == "value_inconsistent" else None
        return sender_problem(code, path_of(location, root), text)
    return sender_problem(code, path_of(location, root), _TEXTS[code] + _hint(str(location[-1])))


def _hint(name: str) -> str:
    """The contract's nearest field name. Long keys are not compared: a record may hold many, and comparing is slow."""
    near = get_close_matches(name, KNOWN_NAMES, n=1, cutoff=0.75) if len(name) <= _LONGEST_MISSPELLING else []
    return f" Did you mean {near[0]}?" if near else ""


def _code(kind: str) -> str:
    if kind in _CODES:
        return _CODES[kind]
    return "format_invalid" if kind.startswith(_FORMATS) else "field_type"


def _inconsistency(detail: ErrorDetails) -> str | None:
    """The text of a rule of our own, which is written beside the rule and holds no value."""
    rule = detail.get("ctx", {}).get("error")
    return str(rule)[:400] if isinstance(rule, Inconsistent) else None


def path_of(location: Location, root: str) -> str:
    """Only names that the contract itself knows are shown: an unknown key may be somebody's name."""
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step not in TAGS:
            path += ("." if path else "") + (step if step in KNOWN_NAMES else "(unknown)")
    return path[:200] or root
