"""How a message travels, as schemas: headers in binary mode, one object in structured mode, and dead letters."""

from __future__ import annotations

from typing import Any, TypeAlias

from conduit_contracts.signature import HEADER as SIGNATURE
from conduit_contracts.signature import MOST_BYTES
from conduit_contracts.structured import CONTENT_TYPE as STRUCTURED
from conduit_contracts.topics import Topic

Json: TypeAlias = dict[str, Any]

KAFKA_BINDING = "0.5.0"
HEADERS, OBJECT = "CloudEventHeaders", "CloudEvent"
_TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 1000}
_TRACE: Json = {
    "type": "string",
    "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    "description": "W3C trace context. Passed on, so that one trace leads from the sender to the last notice.",
}
_TIME = "When it was said: RFC 3339, with a zone. Absent: when the broker took the record. The hub's records have it."
_ATTRIBUTES: dict[str, Json] = {
    "specversion": {"type": "string", "const": "1.0", "description": "The version of CloudEvents."},
    "id": _TEXT | {"description": "Unique per source. The hub's are UUIDv7; the same id and content again has no effect."},
    "source": _TEXT | {"description": "Who made the event, for example /partners/example-haven or /services/intake."},
    "type": _TEXT | {"description": "The message's type, which ends in its major version."},
    "time": {"type": "string", "format": "date-time", "description": _TIME},
    "subject": _TEXT | {"description": "The referral's id, where the hub has given one."},
}
_REQUIRED = ("specversion", "id", "source", "type")


def envelope_schemas() -> dict[str, Json]:
    """The two envelopes that every message's own headers and objects build on."""
    headers = {f"ce_{name}": schema for name, schema in _ATTRIBUTES.items()}
    content_type = {"type": "string", "const": "application/json", "description": "Of the value; JSON where it is absent."}
    return {
        HEADERS: {
            "title": HEADERS,
            "description": "A CloudEvent's attributes as headers: Kafka's binary mode. Values are UTF-8 text.",
            "type": "object",
            "required": [f"ce_{name}" for name in _REQUIRED],
            "properties": headers | {"content-type": content_type, "traceparent": _TRACE},
        },
        OBJECT: {
            "title": OBJECT,
            "description": "A CloudEvent as one object: structured mode. Other members are ignored; data_base64 is refused.",
            "type": "object",
            "required": [*_REQUIRED, "data"],
            "properties": _ATTRIBUTES
            | {
                "datacontenttype": {"type": "string", "description": "A JSON media type; application/json where absent."},
                "traceparent": _TRACE,
                "data": {"type": "object", "description": "The message."},
            },
        },
    }


def binary_headers(message_type: str, *, signed: bool = False) -> Json:
    """The headers of one message in binary mode."""
    own = {"ce_type": _the_type(message_type), **({SIGNATURE: _the_signature()} if signed else {})}
    return {"type": "object", "allOf": [{"$ref": f"#/components/schemas/{HEADERS}"}, {"properties": own}]}


def _the_signature() -> Json:
    said = "A compact JWS by the console's signer, good for this record alone. Without it the command is refused."
    return {"type": "string", "maxLength": MOST_BYTES, "description": said}


def _the_type(message_type: str) -> Json:
    return {"const": message_type, "description": "This message's type."}


def structured_headers() -> Json:
    """The header that tells structured mode."""
    content_type = {"type": "string", "description": f"{STRUCTURED}, in any case, with or without a charset."}
    return {"type": "object", "required": ["content-type"], "properties": {"content-type": content_type}}


def structured_payload(message_type: str, payload: Json) -> Json:
    """The object of one message in structured mode."""
    own = {"properties": {"type": _the_type(message_type), "data": payload}}
    return {"type": "object", "allOf": [{"$ref": f"#/components/schemas/{OBJECT}"}, own]}


def key_binding(topic: Topic) -> Json:
    """The record's key."""
    return {"kafka": {"key": {"type": "string", "description": f"{topic.key}."}, "bindingVersion": KAFKA_BINDING}}


def dead_letter() -> Json:
    """A record that a service put aside."""
    texts = {
        "conduit-dead-letter-id": "Its number in the service's database.",
        "conduit-service": "The service that put it aside.",
        "conduit-reason": "Why: a code.",
        "conduit-error-class": "The class of the error, without its text; empty where there was none.",
        "conduit-topic": "Where the record came from.",
        "conduit-partition": "Its partition there.",
        "conduit-offset": "Its offset there.",
        "conduit-timestamp": "When it was written, in milliseconds of Unix time.",
    }
    return {
        "name": "dead-letter",
        "title": "DeadLetter",
        "summary": "A record that a service could not handle, as it came, for replay. It may hold personal data.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "required": list(texts),
            "properties": {name: {"type": "string", "description": text} for name, text in texts.items()},
        },
        "payload": {
            "type": "string",
            "format": "binary",
            "description": "Four bytes of length, big-endian; so much JSON, with the original headers in base64; the value.",
        },
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "As it came."},
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def replay() -> Json:
    """An operator's order to a service."""
    texts = {
        "number": {"type": "integer", "description": "The dead letter, by its number in the service's database."},
        "digest": {"type": "string", "description": "SHA-256 of the record's key and value, in hexadecimal."},
        "snapshot": {"type": "string", "format": "uuid", "description": "Instead: the id of the snapshot that is wanted."},
        "actor": {"type": "string", "description": "Who orders it. It stands in the history of what comes of it."},
        "reason": {"type": "string", "description": "Why. It is kept with what was ordered."},
    }
    return {
        "name": "replay",
        "title": "Replay",
        "summary": "An order to handle a dead letter again, or to publish all facts that the service keeps once more. The "
        "service takes either from its own store.",
        "contentType": "application/json",
        "payload": {"type": "object", "required": ["actor", "reason"], "properties": texts},
    }


def fact_again() -> Json:
    """A record of a snapshot."""
    texts = {
        "ce_id": "An id of this record, not that of the event which it repeats.",
        "ce_type": "The event's type.",
        "conduit-snapshot": "The order that asked for it.",
        "conduit-fact": "JSON: the event's first id, its topic, partition and offset, when the broker took it (at_ms: "
        "milliseconds of Unix time), and whether people's words are in it (worded). The last record of a snapshot has none.",
    }
    return {
        "name": "fact-again",
        "title": "FactAgain",
        "summary": "An event that the service published before, with its type, time and value, and an id of its own. The "
        "value lacks what people wrote where the case is closed, and what the console has from another service or never "
        "shows. The last record says how many there were.",
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["ce_id", "ce_type", "conduit-snapshot"],
            "properties": {name: {"type": "string", "description": text} for name, text in texts.items()},
        },
        "payload": {"type": "object"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "The order that asked for it."},
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }
