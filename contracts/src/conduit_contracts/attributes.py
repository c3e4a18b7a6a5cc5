"""The CloudEvents attributes of a record, and how they are read from text that anyone may have written."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from conduit_contracts.problems import Problem, sender_problem

Headers: TypeAlias = Sequence[tuple[str, bytes | None]]

SPEC_VERSION = "1.0"
_LONGEST = 1_000


class Attributes(NamedTuple):
    """The CloudEvents attributes of one record. `time` is aware; `subject` is the referral's id where there is one."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str | None = None
    traceparent: str | None = None


class Undecodable(ValueError):  # noqa: N818 - named for what the record is
    """The record cannot be read. `attributes` are present if at least they could be read."""

    def __init__(self, problems: tuple[Problem, ...], attributes: Attributes | None = None) -> None:
        super().__init__(", ".join(f"{problem.code} at {problem.field}" for problem in problems))
        self.problems = problems
        self.attributes = attributes


class Names(NamedTuple):
    """The names of the attributes in one mode, so that a problem uses the name that the sender wrote."""

    required: tuple[str, str, str, str]
    """The version, the id, the source and the type."""
    time: str
    subject: str
    missing: str
    """The code of the problem if an attribute is missing."""


HEADERS = Names(("ce_specversion", "ce_id", "ce_source", "ce_type"), "ce_time", "ce_subject", "header_missing")
_READ = frozenset({*HEADERS.required, HEADERS.time, HEADERS.subject})
_DECIDES = _READ | {"content-type"}
TRACE = "traceparent"
MEMBERS = Names(("specversion", "id", "source", "type"), "time", "subject", "field_missing")


def encode_headers(attributes: Attributes) -> list[tuple[str, bytes]]:
    """The record's headers in binary mode, in the order the binding lists them."""
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


def decode_attributes(headers: Headers, recorded_at: datetime | None = None) -> Attributes:
    """The CloudEvents attributes of a record in binary mode. Extension attributes are not looked at, whatever they hold.

    `recorded_at` is when the broker took the record. It is used if there is no `ce_time`.

    Raises:
        Undecodable: an attribute is missing or is not UTF-8 text; the problem names the header.
    """
    given = [header for header in headers if header[0] in _READ]
    try:
        texts = {name: raw.decode() for name, raw in given if raw is not None}
    except UnicodeDecodeError:
        texts = {}
    together = "".join(texts.values())
    if len(texts) < len(given) or len(together) > _LONGEST or not together.isprintable():
        # One of them may be wrong: look at each, to say which.
        texts = {name: header_text(name, raw) for name, raw in given}
    traces = [raw for name, raw in headers if name == TRACE]
    return from_texts(texts, HEADERS, trace_of(traces[-1]) if traces else None, recorded_at)


def refuse_repeated(headers: Headers) -> None:
    """At entry, what is read of a record's headers is there once, even with the same value.

    Extension attributes and traces are not looked at. Read again, the last one holds, as it always has.

    Raises:
        Undecodable: a header is there more than once; the problems name each.
    """
    given = [name for name, _ in headers if name in _DECIDES]
    if len(given) != len(set(given)):
        twice = dict.fromkeys(name for name in given if given.count(name) > 1)
        raise Undecodable(tuple(sender_problem("header_repeated", name) for name in twice))


def from_texts(
    texts: Mapping[str, str], names: Names, traceparent: str | None = None, recorded_at: datetime | None = None
) -> Attributes:
    """Attributes from the texts of a record.

    Raises:
        Undecodable: one is missing, or does not say what it must.
    """
    if not all(map(texts.get, names.required)):
        missing = [name for name in names.required if not texts.get(name)]
        empty = "This is empty. Send a value that can be seen."
        given = tuple(sender_problem(names.missing, name, empty if name in texts else None) for name in missing)
        raise Undecodable(given)
    version, identity, source, kind = names.required
    if texts[version] != SPEC_VERSION:
        raise Undecodable((sender_problem("spec_version_unsupported", version),))
    time = _time(texts[names.time], names.time) if names.time in texts else recorded_at
    if time is None:
        raise Undecodable((sender_problem(names.missing, names.time),))
    return Attributes(
        id=texts[identity],
        source=texts[source],
        type=texts[kind],
        time=time,
        subject=texts.get(names.subject),
        traceparent=traceparent,
    )


def trace_of(raw: object) -> str | None:
    """The trace that a record belongs to. An unreadable trace is no reason to refuse the record."""
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
    except UnicodeDecodeError:
        return None
    return text if isinstance(text, str) and len(text) <= _LONGEST and text.isprintable() else None


def header_text(name: str, raw: bytes | None) -> str:
    """A header's value as the text it must be.

    Raises:
        Undecodable: it is no text.
    """
    if raw is None:
        raise Undecodable((sender_problem("header_null", name),))
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Undecodable((sender_problem("header_not_utf8", name),)) from None
    return checked(text, name, "header")


def checked(text: str, name: str, kind: str) -> str:
    """The text, if logs and traces can show it. `kind` is the sender's word for it: header or attribute.

    Raises:
        Undecodable: it is too long or holds control characters.
    """
    if len(text) > _LONGEST or not text.isprintable():
        advice = f"This {kind} is too long or contains control characters. Send at most 1,000 printable characters."
        raise Undecodable((sender_problem("format_invalid", name, advice),))
    return text


def _time(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Undecodable((sender_problem("time_invalid", name),)) from None
    if moment.tzinfo is None:
        raise Undecodable((sender_problem("time_without_zone", name),))
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Undecodable((sender_problem("time_invalid", name),)) from None
