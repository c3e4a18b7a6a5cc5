"""CloudEvents 1.0 on Kafka: written in binary mode, attributes in `ce_*` headers and the message as JSON in the value.

Structured mode is read as well, told by the content type. Nothing read from a record ever appears in an error: a `Problem`
names the field, never its value. A field's path begins in the message, in both modes alike.
"""

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import ClassVar

from pydantic import BaseModel, ValidationError

from conduit_contracts.attributes import (
    SPEC_VERSION,
    Attributes,
    Headers,
    Undecodable,
    decode_attributes,
    encode_headers,
    refuse_repeated,
)
from conduit_contracts.base import Value
from conduit_contracts.entry import entry_problems
from conduit_contracts.explain import fault_problems, listed, problems_from, repeated_problems
from conduit_contracts.json_texts import LONGEST_LIST, Unreadable, has_endless_list, parse, plain
from conduit_contracts.problems import Problem, sender_problem
from conduit_contracts.repeated import repeated_fields
from conduit_contracts.structured import NAMES, is_structured, open_envelope

__all__ = [
    "CONTENT_TYPE",
    "SPEC_VERSION",
    "Attributes",
    "Command",
    "Event",
    "Message",
    "Undecodable",
    "decode",
    "decode_attributes",
    "dump",
    "encode",
    "encode_headers",
    "read_message",
    "short_name",
]

CONTENT_TYPE = "application/json"
_LARGE = 8_192
"""In bytes. A smaller value cannot hold so much that checking all of it takes long."""
_SPECVERSION = re.compile(rb'"specversion"\s*:')
_STRUCTURED = (
    "The event's attributes are in the value, as in structured mode. Send content-type application/cloudevents+json with "
    "it, or send the attributes as ce_ headers."
)


class Message(Value):
    """Everything that travels on a topic. Frozen, and closed where it is produced."""

    type: ClassVar[str]
    """The CloudEvents type, which ends in the major version of the message."""


class Event(Message):
    """A fact, named in the past tense."""


class Command(Message):
    """A request that somebody act, named in the imperative."""


@lru_cache(256)
def short_name(message_type: str) -> str:
    """`handoff_received` for `uk.conduit.routing.handoff-received.v1`; empty for what is no type of a message."""
    return message_type.split(".")[-2].replace("-", "_") if message_type.count(".") > 1 else ""


def dump(message: Message) -> bytes:
    """The message as UTF-8 JSON. Absent values are left out, not sent as null."""
    return message.__pydantic_serializer__.to_json(message, exclude_none=True)


def encode(message: Message, attributes: Attributes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value of one record."""
    return encode_headers(attributes), dump(message)


def decode(
    headers: Headers,
    value: bytes | None,
    accept: Mapping[str, type[BaseModel]],
    *,
    closed: bool = False,
    again: bool = False,
    recorded_at: datetime | None = None,
) -> tuple[Attributes, BaseModel]:
    """Attributes and message of one record, read by the model that `accept` gives for its type.

    With `closed`, a field that the contract does not have is a problem: so it is at the edges, where a misspelt
    `immediate_danger` must not be dropped, a header that is there twice is one too, and the rules of entry are asked, unless
    it came in before and is read `again`.
    Otherwise unknown fields are ignored, so that producers can be upgraded first. `recorded_at` is the record's own time,
    which is used if its sender gave none.

    Raises:
        Undecodable: with every problem found.
    """
    if closed and not again:
        refuse_repeated(headers)
    if is_structured(headers):
        return _decode_structured(headers, value, accept, recorded_at, closed=closed, again=again)
    try:
        attributes = decode_attributes(headers, recorded_at)
    except Undecodable:
        if _is_mislabelled(headers, value):
            raise Undecodable((sender_problem("content_type_unsupported", "content-type", _STRUCTURED),)) from None
        raise
    model = accept.get(attributes.type)
    if model is None:
        raise Undecodable((_not_accepted("ce_type", attributes.type, accept),), attributes)
    if value is None:
        raise Undecodable((sender_problem("value_missing", "value"),), attributes)
    return attributes, read_message(model, value, attributes, closed=closed, again=again)


def _is_mislabelled(headers: Headers, value: bytes | None) -> bool:
    """An event in structured mode that is not labelled as such, as one library's `to_structured` writes it."""
    return value is not None and not any(name.startswith("ce_") for name, _ in headers) and bool(_SPECVERSION.search(value))


def _not_accepted(field: str, given: str, accept: Mapping[str, type[BaseModel]]) -> Problem:
    return sender_problem(
        "type_not_accepted", field, listed("This type is not accepted here. Send one of: ", given, list(accept))
    )


def read_message(
    model: type[BaseModel],
    value: bytes,
    attributes: Attributes | None = None,
    *,
    closed: bool = False,
    again: bool = False,
) -> BaseModel:
    """A message from JSON alone, by the rules of `decode`.

    Raises:
        Undecodable: with every problem found, and with these attributes.
    """
    message = _validated(model, value, attributes, closed=closed)
    if closed:
        _refuse_repeated(value, attributes)
    if closed and not again:
        _refuse_entry(message, attributes)
    return message


def _decode_structured(
    headers: Headers,
    value: bytes | None,
    accept: Mapping[str, type[BaseModel]],
    recorded_at: datetime | None,
    *,
    closed: bool,
    again: bool,
) -> tuple[Attributes, BaseModel]:
    if value is None:
        raise Undecodable((sender_problem("value_missing", "value"),))
    attributes, data = open_envelope(headers, value, recorded_at)
    model = accept.get(attributes.type)
    if model is None:
        raise Undecodable((_not_accepted("type", attributes.type, accept),), attributes)
    message = _validated(model, data, attributes, closed=closed, root="data")
    if closed:
        _refuse_repeated(value, attributes, within=NAMES)
    if closed and not again:
        _refuse_entry(message, attributes, root="data")
    return attributes, message


def _validated(
    model: type[BaseModel], value: bytes, attributes: Attributes | None, *, closed: bool, root: str = "value"
) -> BaseModel:
    endless = closed and len(value) > _LARGE and has_endless_list(value)
    if not endless:
        try:
            return model.model_validate_json(value, extra="forbid" if closed else "ignore")
        except ValidationError as error:
            if not closed:
                raise Undecodable(problems_from(error, root), attributes) from None
    return _second_look(model, value, attributes, root, endless=endless)


def _second_look(
    model: type[BaseModel], value: bytes, attributes: Attributes | None, root: str, *, endless: bool
) -> BaseModel:
    """Once more what a sender at the edge wrote, with null for what is absent and whole numbers as such.

    Of `endless` lists first the beginning and one entry too many: mostly they are refused for these, and what is wrong with
    tens of thousands of others is no news to their sender, but looking would cost all other senders seconds.
    """
    try:
        given = parse(value)
    except Unreadable as error:
        raise Undecodable(fault_problems(error.faults, root), attributes) from None
    try:
        if endless:
            model.model_validate_json(json.dumps(plain(given, LONGEST_LIST + 1)), extra="forbid")
        return model.model_validate_json(json.dumps(plain(given)), extra="forbid")
    except ValidationError as error:
        raise Undecodable(problems_from(error, root, model, given), attributes) from None


def _refuse_entry(message: BaseModel, attributes: Attributes | None, root: str = "value") -> None:
    problems = entry_problems(message, root)
    if problems:
        raise Undecodable(problems, attributes)


def _refuse_repeated(value: bytes, attributes: Attributes | None, *, within: Collection[str] = ()) -> None:
    """Last, once the rest is in order. `within` are the members of the envelope, where there is one."""
    repeated = repeated_fields(value.decode("utf-8", "surrogatepass"))
    if repeated:
        raise Undecodable(repeated_problems(repeated, within), attributes)
