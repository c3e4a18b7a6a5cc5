"""What the page on topics shows, taken from the AsyncAPI document alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from conduit_generate.documents.actors import group_of, user_words
from conduit_generate.documents.envelopes import HEADERS, OBJECT
from conduit_generate.documents.shapes import rows

Json: TypeAlias = Mapping[str, Any]

_STRUCTURED = ".structured"
_DAY_MS = 24 * 60 * 60 * 1000
_ENVELOPES = {
    HEADERS: ("Binary mode: attributes in headers, the message as the value", "Headers"),
    OBJECT: ("Structured mode: attributes and message in one object", "Members of the object"),
}


def asyncapi_view(document: Json) -> dict[str, Any]:
    """The variables of the template. `told` are the schemas that it shows elsewhere than among the types."""
    schemas = document["components"]["schemas"]
    messages = document["components"]["messages"]
    return {
        "introduction": document["info"]["description"],
        "roles": [_role(document, tag) for tag in document["info"]["tags"]],
        "server": document["servers"]["kafka"],
        "scram": document["components"]["securitySchemes"]["scram"],
        "envelopes": [_envelope(name, schemas[name]) for name in _ENVELOPES],
        "topics": [_topic(document, key, channel) for key, channel in document["channels"].items()],
        "told": {*messages, *_ENVELOPES},
    }


def _role(document: Json, tag: Json) -> Json:
    actor = tag["name"]
    operations = [each for each in document["operations"].values() if each["tags"] == [{"name": actor}]]
    group, begins = group_of(actor)
    receives = _channels(document, operations, "receive")
    return {
        "name": actor,
        "about": tag["description"],
        "user": user_words(actor),
        "group": group if receives else None,
        "begins": begins,
        "sends": _channels(document, operations, "send"),
        "receives": receives,
    }


def _channels(document: Json, operations: list[Json], action: str) -> list[Json]:
    keys = [each["channel"]["$ref"].rpartition("/")[2] for each in operations if each["action"] == action]
    return [{"key": key, "address": document["channels"][key]["address"]} for key in keys]


def _envelope(name: str, schema: Json) -> Json:
    heading, caption = _ENVELOPES[name]
    return {"name": name, "heading": heading, "caption": caption, "about": schema["description"], "rows": rows(schema)}


def _topic(document: Json, key: str, channel: Json) -> Json:
    binding = channel["bindings"]["kafka"]
    config = binding["topicConfiguration"]
    names = [name for name in channel["messages"] if not name.endswith(_STRUCTURED)]
    compacted = config["cleanup.policy"] == ["compact"]
    parameters = channel.get("parameters", {}).items()
    days = config["retention.ms"] // _DAY_MS
    return {
        "key": key,
        "address": channel["address"],
        "about": channel["description"],
        "write": list(channel["x-access"]["write"]),
        "read": channel["x-access"]["read"],
        "keyed": channel["x-key"],
        "kept": "last per key" if compacted else f"{days} day{'s' if days > 1 else ''}",
        "parameters": [(name, each["description"], each["examples"][0]) for name, each in parameters],
        "partitions": binding["partitions"],
        "cleanup": "compaction" if compacted else "deletion",
        "largest": f"{config['max.message.bytes'] // 1024:,} KiB",
        "links": [(name, document["components"]["messages"][name]["title"]) for name in names],
        "messages": [_message(document, name) for name in names if _first_channel(document, name) == key],
    }


def _first_channel(document: Json, message: str) -> str:
    """Where a message is told: dead letters stand on several."""
    channels: dict[str, Json] = document["channels"]
    return next(key for key, channel in channels.items() if message in channel["messages"])


def _message(document: Json, key: str) -> Json:
    messages, schemas = document["components"]["messages"], document["components"]["schemas"]
    message = messages[key]
    known = key in schemas
    examples = [
        {"name": name, "headers": _headers(example["headers"]), "value": _pretty(example["payload"])}
        for name, each in (("Example", message), ("Structured example", messages.get(f"{key}{_STRUCTURED}", {})))
        for example in each.get("examples", ())
    ]
    return {
        "key": key,
        "name": message["name"],
        "title": message["title"],
        "summary": message["summary"],
        "headers": rows(message["headers"]) if "headers" in message and not known else [],
        "about": None if known else message["payload"].get("description"),
        "rows": rows(schemas[key] if known else message["payload"]),
        "examples": examples,
    }


def _headers(headers: Json) -> str:
    return "\n".join(f"{name}: {text}" for name, text in headers.items())


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
