"""The AsyncAPI 3.0 document of the whole conduit.

It describes a system, not one application: each operation belongs to the actor that its first tag names, and `send` means
that this actor writes. All of it follows from the topic registry, the access rules, the JSON Schemas and the examples.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from conduit_contracts import __version__
from conduit_contracts.documents import CONTACT, LICENCE
from conduit_contracts.envelope import Message
from conduit_contracts.schemas import CHECKOUT, messages
from conduit_contracts.structured import CONTENT_TYPE as STRUCTURED
from conduit_contracts.topics import FORCE, OPERATOR, PARTNER, REGISTRY, SERVICES, Topic, keepers, snapshot_topic
from conduit_generate.documents.actors import ACTORS, access_to, all_topics, group_of, user_words
from conduit_generate.documents.envelopes import (
    KAFKA_BINDING,
    binary_headers,
    dead_letter,
    envelope_schemas,
    fact_again,
    key_binding,
    replay,
    structured_headers,
    structured_payload,
)
from conduit_generate.documents.schemas import PREFIX, key_of, payload_schemas

Json: TypeAlias = dict[str, Any]

DEAD_LETTER, REPLAY, AGAIN = "dead-letter", "replay", "fact-again"
_INTRODUCTION = """\
The conduit takes referrals of complex child sexual abuse from partner organisations, has them triaged, and hands each one to
the police forces concerned, with proof that it arrived. Everything in this document is synthetic.

A record is a CloudEvent 1.0. The topic that it stands on is its sender's identity: each partner and each force has topics of
its own. A record's key orders it; records with one key are read in the order in which they were written. Every record may
come twice, and takes effect once.

Partners, forces and officers may write in binary mode, with the attributes in headers, or in structured mode, as one object.
What they write is read closed: a field that the contract does not have, or that stands twice, is refused and answered with a
problem that names it, never dropped. The hub itself writes in binary mode.\
"""
_EXAMPLE_IDS = {"partner_id": "example-haven", "force_id": "west-mercia"}
_PARAMETERS = {
    "partner_id": "The partner's name in the register: lower-case letters, digits and single hyphens, at most 40.",
    "force_id": "The police force's name, as in the reference data: lower-case letters, digits and single hyphens.",
}
_SNAPSHOTS = [snapshot_topic(service) for service in keepers()]
_ANSWERS = {
    PARTNER: "What cannot be taken is answered on `partner.{partner_id}.updates.v1`.",
    FORCE: "What cannot be taken is answered on `force.{force_id}.cases.v1`.",
}


def document(home: Path = CHECKOUT) -> Json:
    """The document, with the examples that stand in `home`, the contracts' folder of a checkout."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:uk:conduit:referrals",
        "info": {
            "title": "The referral conduit: topics and messages",
            "version": __version__,
            "description": _INTRODUCTION,
            "contact": {**CONTACT},
            "license": {**LICENCE},
            "tags": [{"name": actor, "description": text} for actor, text in ACTORS.items()],
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {channel_key(topic): _channel(topic) for topic in all_topics()},
        "operations": dict(_operations()),
        "components": {
            "messages": dict(_messages(home)),
            "schemas": envelope_schemas() | payload_schemas(),
            "securitySchemes": {"scram": _scram()},
        },
    }


def channel_key(topic: Topic) -> str:
    """The topic's name in the document: its template without the parameter."""
    return topic.template.replace(f"{{{topic.parameter}}}.", "")


def _server() -> Json:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka-secure",
        "protocolVersion": "4.3",
        "title": "Apache Kafka, TLS",
        "description": "One user per service, partner and force. Each may do what its channels say; all else is denied.",
        "variables": {
            "bootstrap": {
                "default": "127.0.0.1:9092",
                "description": "As in the file that came with the credentials.",
            }
        },
        "security": [{"$ref": "#/components/securitySchemes/scram"}],
        "bindings": {"kafka": {"bindingVersion": KAFKA_BINDING}},
    }


def _scram() -> Json:
    return {
        "type": "scramSha512",
        "description": "SASL_SSL with SCRAM-SHA-512. Check the broker's certificate against the CA given at onboarding, "
        "and its name. Credentials change with an overlap: a second user, such as `partner.{partner_id}.2`, works beside "
        "the first until that is removed.",
    }


def _channel(topic: Topic) -> Json:
    access = access_to(topic)
    keys = _keys(topic)
    made: Json = {
        "address": topic.template,
        "title": topic.template,
        "description": _describe(topic),
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in keys},
        "bindings": {"kafka": _topic_binding(topic)},
        "x-key": topic.key,
        "x-access": {"write": list(access.write), "read": list(access.read)},
    }
    if topic.parameter:
        example = {"examples": [_EXAMPLE_IDS[topic.parameter]]}
        made["parameters"] = {topic.parameter: {"description": _PARAMETERS[topic.parameter]} | example}
    return made


def _describe(topic: Topic) -> str:
    kept = "The last record of each key is kept." if topic.compacted else f"Kept for {_days(topic)}."
    keyed = {"as it came": "Keyed as each record came.", "none": "Without keys."}.get(topic.key, f"Keyed by {topic.key}.")
    sentences = [keyed, kept, access_to(topic).words]
    if topic.edge:
        sentences.append(f"Read closed. {_ANSWERS.get(topic.audience, '')}".strip())
    if topic.signed:
        sentences.append("Taken only with the signature of an officer who is in the register.")
    return " ".join(sentences)


def _days(topic: Topic) -> str:
    return "a day" if topic.retention.days == 1 else f"{topic.retention.days} days"


def _topic_binding(topic: Topic) -> Json:
    config: Json = dict(topic.config)
    config["cleanup.policy"] = [config["cleanup.policy"]]
    config |= {name: int(config[name]) for name in ("retention.ms", "max.message.bytes")}
    binding: Json = {"partitions": topic.partitions, "topicConfiguration": config, "bindingVersion": KAFKA_BINDING}
    return binding if topic.parameter else {"topic": topic.name(), **binding}


def _operations() -> Iterator[tuple[str, Json]]:
    """In flow order by topic; first who sends, then who receives."""
    for topic in all_topics():
        access = access_to(topic)
        for action, actors in (("send", access.write), ("receive", access.read)):
            for actor in actors:
                yield f"{actor}.{action}.{channel_key(topic)}", _operation(topic, action, actor)


def _operation(topic: Topic, action: str, actor: str) -> Json:
    channel = channel_key(topic)
    keys = _keys(topic)
    verb = "sends to" if action == "send" else "receives from"
    made: Json = {
        "action": action,
        "title": f"{actor} {verb} {topic.template}",
        "summary": f"As the Kafka user `{user_words(actor)}`.",
        "description": _describe(topic),
        "channel": {"$ref": f"#/channels/{channel}"},
        "tags": [{"name": actor}],
        "messages": [{"$ref": f"#/channels/{channel}/messages/{key}"} for key in keys],
    }
    if action == "receive" and actor not in topic.followers:
        made["bindings"] = {"kafka": {"groupId": _group(actor), "bindingVersion": KAFKA_BINDING}}
    return made


def _group(actor: str) -> Json:
    name, begins = group_of(actor)
    if actor in SERVICES:
        return {"type": "string", "enum": [name]}
    return {"type": "string", "description": f"Begins with `{name}`." if begins else name}


def _keys(topic: Topic) -> list[str]:
    if topic in _SNAPSHOTS:
        return [AGAIN]
    apart = REPLAY if OPERATOR in topic.producers else DEAD_LETTER
    return [key for message in topic.messages for key in _message_keys(topic, message)] or [apart]


def _message_keys(topic: Topic, message: type[Message]) -> list[str]:
    key = key_of(message)
    return [key, f"{key}.structured"] if topic.edge else [key]


def _messages(home: Path) -> Iterator[tuple[str, Json]]:
    topic_of = {message.type: topic for topic in REGISTRY for message in topic.messages}
    for name, message in messages().items():
        example = json.loads((home / "examples" / f"{name}.json").read_text(encoding="utf-8"))
        made = _message(message, topic_of[name], example)
        yield key_of(message), made
        if topic_of[name].edge:
            yield f"{key_of(message)}.structured", _structured(message, made, example)
    yield DEAD_LETTER, dead_letter()
    yield REPLAY, replay()
    yield AGAIN, fact_again()


def _message(message: type[Message], topic: Topic, example: Json) -> Json:
    return {
        "name": message.type,
        "title": message.__name__,
        "summary": inspect.cleandoc(message.__doc__ or ""),
        "contentType": "application/json",
        "headers": binary_headers(message.type, signed=topic.signed),
        "payload": {"$ref": PREFIX + key_of(message)},
        "bindings": key_binding(topic),
        "examples": [{"name": "canonical", "headers": example["headers"], "payload": example["value"]}],
    }


def _structured(message: type[Message], binary: Json, example: Json) -> Json:
    attributes = {name.removeprefix("ce_"): text for name, text in example["headers"].items() if name != "content-type"}
    content_type = f"{STRUCTURED}; charset=UTF-8"
    return binary | {
        "title": f"{message.__name__}, structured",
        "contentType": STRUCTURED,
        "headers": structured_headers(),
        "payload": structured_payload(message.type, binary["payload"]),
        "examples": [
            {
                "name": "canonical",
                "headers": {"content-type": content_type},
                "payload": attributes | {"data": example["value"]},
            }
        ],
    }
