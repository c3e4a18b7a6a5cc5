"""CloudEvents 1.0 in Kafka's binary mode: attributes in `ce_*` headers, the message as JSON in the value.

Nothing read from a record ever appears in an error: a `Problem` names the field, never what stood in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel, ValidationError

from conduit_contracts.base import Value
from conduit_contracts.problems import Problem, problems_from, sender_problem

CONTENT_TYPE = "application/json"
SPEC_VERSION = "1.0"
_LONGEST_HEADER = 1_000
_HEADER_FORM = "This header is too long or holds control characters. Send at most 1,000 printable characters."


class Message(Value):
    """Everything that travels on a topic. Frozen, and closed where it is produced."""

    type: ClassVar[str]
    """The CloudEvents type, which ends in the major version of the message."""


class Event(Message):
    """A fact, named in the past tense."""


class Command(Message):
    """A request that somebody act, named in the imperative."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The CloudEvents attributes of one record. `time` is aware; `subject` is the referral's id where there is one."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str | None = None
    traceparent: str | None = None


class Undecodable(ValueError):  # noqa: N818 - named for what the record is
    """The record cannot be read. `attributes` are given where at least the headers could be."""

    def __init__(self, problems: tuple[Problem, ...], attributes: Attributes | None = None) -> None:
        super().__init__(", ".join(f"{problem.code} at {problem.field}" for problem in problems))
        self.problems = problems
        self.attributes = attributes


def encode_headers(attributes: Attributes) -> list[tuple[str, bytes]]:
    """The record's headers, in the order the binding lists them."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", attributes.id.encode()),
        ("ce_source", attributes.source.encode()),
        ("ce_type", attributes.type.encode()),
        ("ce_time", attributes.time.isoformat().encode()),
        ("content-type", b"application/json"),
    ]
    if attributes.subject is not None:
        headers.append(("ce_subject", attributes.subject.encode()))
    if attributes.traceparent is not None:
        headers.append(("traceparent", attributes.traceparent.encode()))
    return headers


def dump(message: Message) -> bytes:
    """The message as UTF-8 JSON. Absent values are left out, not sent as null."""
    return message.__pydantic_serializer__.to_json(message, exclude_none=True)


def encode(message: Message, attributes: Attributes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value of one record."""
    return encode_headers(attributes), dump(message)


def decode_attributes(headers: Sequence[tuple[str, bytes | None]]) -> Attributes:
    """The CloudEvents attributes of a record.

    Raises:
        Undecodable: an attribute is missing or is not UTF-8 text; the problem names the header.
    """
    texts = {name: _text(name, raw) for name, raw in headers if name.startswith("ce_") or name == "traceparent"}
    missing = [name for name in ("ce_specversion", "ce_id", "ce_source", "ce_type") if not texts.get(name)]
    if missing:
        raise Undecodable(tuple(sender_problem("header_missing", name) for name in missing))
    if texts["ce_specversion"] != SPEC_VERSION:
        raise Undecodable((sender_problem("spec_version_unsupported", "ce_specversion"),))
    return Attributes(
        id=texts["ce_id"],
        source=texts["ce_source"],
        type=texts["ce_type"],
        time=_time(texts.get("ce_time")),
        subject=texts.get("ce_subject"),
        traceparent=texts.get("traceparent"),
    )


def decode(
    headers: Sequence[tuple[str, bytes | None]],
    value: bytes | None,
    accept: Mapping[str, type[BaseModel]],
    *,
    closed: bool = False,
) -> tuple[Attributes, BaseModel]:
    """Attributes and message of one record, read by the model that `accept` gives for its type.

    With `closed`, a field that the contract does not have is a problem: so it is at the edges, where a misspelt
    `immediate_danger` must not be dropped. Otherwise unknown fields are ignored, so that producers can be upgraded first.

    Raises:
        Undecodable: with every problem found.
    """
    attributes = decode_attributes(headers)
    model = accept.get(attributes.type)
    if model is None:
        raise Undecodable((sender_problem("type_not_accepted", "ce_type"),), attributes)
    if value is None:
        raise Undecodable((sender_problem("value_missing", "value"),), attributes)
    try:
        message = model.model_validate_json(value, extra="forbid" if closed else "ignore")
    except ValidationError as error:
        raise Undecodable(problems_from(error), attributes) from None
    return attributes, message


def _text(name: str, raw: bytes | None) -> str:
    if raw is None:
        raise Undecodable((sender_problem("header_null", name),))
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Undecodable((sender_problem("header_not_utf8", name),)) from None
    if len(text) > _LONGEST_HEADER or not text.isprintable():
        raise Undecodable((sender_problem("format_invalid", name, _HEADER_FORM),))
    return text


def _time(text: str | None) -> datetime:
    if text is None:
        raise Undecodable((sender_problem("header_missing", "ce_time"),))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Undecodable((sender_problem("time_invalid", "ce_time"),)) from None
    if moment.tzinfo is None:
        raise Undecodable((sender_problem("time_without_zone", "ce_time"),))
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Undecodable((sender_problem("time_invalid", "ce_time"),)) from None
