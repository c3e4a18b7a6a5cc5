"""CloudEvents 1.0 in structured mode: one JSON object holds the attributes, and the message as its member `data`.

A receiver tells the modes apart by the `content-type` header alone, as the Kafka binding says. In structured mode `ce_*`
headers may stand beside it and are not read: the object is what the sender signed off.
"""

import json
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from conduit_contracts.attributes import (
    MEMBERS,
    SPEC_VERSION,
    TRACE,
    Attributes,
    Headers,
    Undecodable,
    checked,
    from_texts,
    header_text,
    trace_of,
)
from conduit_contracts.explain import fault_problems
from conduit_contracts.json_texts import Unreadable, look
from conduit_contracts.problems import sender_problem

CONTENT_TYPE = "application/cloudevents+json"
_PREFIX = b"application/cloudevents"
_PLAIN = ("content-type", b"application/json")
_TEXTS = (*MEMBERS.required, MEMBERS.time, MEMBERS.subject)
NAMES = frozenset({*_TEXTS, TRACE, "tracestate", "data", "data_base64", "datacontenttype", "dataschema"})
"""What a problem may name; other members are somebody's own."""


class Opened(NamedTuple):
    """An envelope that was opened: its attributes, and the message as JSON."""

    attributes: Attributes
    data: bytes


def is_structured(headers: Headers) -> bool:
    """Whether the content type says so, in whatever case. The last one holds, but application/json before any."""
    if _PLAIN in headers:  # nearly always, and quicker than a look at each
        return False
    raw = dict(headers).get("content-type")
    return raw is not None and raw[: len(_PREFIX)].lower() == _PREFIX


def open_envelope(headers: Headers, value: bytes, recorded_at: datetime | None = None) -> Opened:
    """The attributes and the message of a record in structured mode. `recorded_at` is as in binary mode.

    Raises:
        Undecodable: with every problem found. Attributes are named as members, such as `id`.
    """
    _check_format(headers)
    members = _members(value)
    trace = trace_of(members.get(TRACE)) or trace_of(dict(headers).get(TRACE))
    attributes = from_texts(_texts(members), MEMBERS, trace, recorded_at)
    return Opened(attributes, _data(members, attributes))


def encode_structured(data: bytes, attributes: Attributes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value of one record whose message is `data`, a JSON object as bytes."""
    members: dict[str, str | None] = {
        "specversion": SPEC_VERSION,
        "id": attributes.id,
        "source": attributes.source,
        "type": attributes.type,
        "time": attributes.time.isoformat(),
        "datacontenttype": "application/json",
        "subject": attributes.subject,
        "traceparent": attributes.traceparent,
    }
    head = json.dumps({name: text for name, text in members.items() if text is not None})
    return [("content-type", f"{CONTENT_TYPE}; charset=UTF-8".encode())], head[:-1].encode() + b', "data": ' + data + b"}"


def _check_format(headers: Headers) -> None:
    """Only JSON, one event at a time: the binding has no batches, and Avro or XML nobody here reads."""
    text = header_text("content-type", dict(headers)["content-type"])
    if text.partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise Undecodable((sender_problem("content_type_unsupported", "content-type"),))


def _members(value: bytes) -> dict[str, Any]:
    try:
        members = from_json(value, allow_inf_nan=False)
    except ValueError:
        members = _once_more(value)
    if not isinstance(members, dict):
        raise Undecodable((sender_problem("field_type", "value"),))
    return members


def _once_more(value: bytes) -> Any:
    """What a stricter parser refused: faults in members that are not read cost nothing."""
    try:
        members, faults = look(value)
    except Unreadable as error:
        raise Undecodable(fault_problems(error.faults, envelope=NAMES)) from None
    read = tuple(fault for fault in faults if fault.location[:1] == () or fault.location[0] in NAMES - {TRACE})
    if read or not faults:
        raise Undecodable(fault_problems(read, envelope=NAMES) or (sender_problem("json_invalid", "value"),))
    return {name: member for name, member in members.items() if name in NAMES} if isinstance(members, dict) else members


def _texts(members: dict[str, Any]) -> dict[str, str]:
    """The attributes that are read. A member that is null is not there, says the JSON format."""
    given = {name: members[name] for name in _TEXTS if members.get(name) is not None}
    wrong = [name for name, member in given.items() if not isinstance(member, str)]
    if wrong:
        raise Undecodable(tuple(sender_problem("field_type", name) for name in wrong))
    return {name: checked(member, name, "attribute") for name, member in given.items()}


def _data(members: dict[str, Any], attributes: Attributes) -> bytes:
    if members.get("data_base64") is not None:
        raise Undecodable((sender_problem("data_base64_unsupported", "data_base64"),), attributes)
    if not _is_json(members.get("datacontenttype")):
        raise Undecodable((sender_problem("content_type_unsupported", "datacontenttype"),), attributes)
    if "data" not in members:
        raise Undecodable((sender_problem("field_missing", "data"),), attributes)
    return to_json(members["data"])


def _is_json(media_type: Any) -> bool:
    if media_type is None:
        return True
    kind = media_type.partition(";")[0].strip().lower() if isinstance(media_type, str) else ""
    return kind.endswith(("/json", "+json"))
