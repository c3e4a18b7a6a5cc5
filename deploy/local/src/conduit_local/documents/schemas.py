"""The messages' JSON Schemas as AsyncAPI components: 2020-12 put into the draft 7 that every AsyncAPI tool reads."""

from __future__ import annotations

from typing import Any, TypeAlias

from conduit_contracts.envelope import Message
from conduit_contracts.schemas import messages, schema

Json: TypeAlias = dict[str, Any]

PREFIX = "#/components/schemas/"
_LOCAL = "#/$defs/"
_HEAD = ("$schema", "$id", "$defs", "examples")


def key_of(message: type[Message]) -> str:
    """What a message and its schema are called in the document."""
    return message.type.removeprefix("uk.conduit.")


def payload_schemas() -> dict[str, Json]:
    """Every message's schema under its key, then the value types that they share under their names.

    Raises:
        ValueError: two value types have one name.
    """
    own: dict[str, Json] = {}
    shared: dict[str, Json] = {}
    for message in messages().values():
        made = schema(message)
        for name, definition in made.get("$defs", {}).items():
            converted = draft7(definition)
            if shared.setdefault(name, converted) != converted:
                raise ValueError(f"two value types are called {name}")
        own[key_of(message)] = draft7({name: part for name, part in made.items() if name not in _HEAD})
    return own | {name: {"title": name, **shared[name]} for name in sorted(shared)}


def draft7(node: Any) -> Any:
    """The same schema without what draft 7 and AsyncAPI read differently."""
    if isinstance(node, list):
        return [draft7(item) for item in node]
    if not isinstance(node, dict):
        return node
    # AsyncAPI's discriminator is another keyword; each alternative's constant tells them apart as well.
    kept = {name: part if name == "default" else draft7(part) for name, part in node.items() if name != "discriminator"}
    if isinstance(kept.get("$ref"), str):
        reference = {"$ref": kept.pop("$ref").replace(_LOCAL, PREFIX)}
        return {"allOf": [reference], **kept} if kept else reference  # draft 7 ignores what stands beside a reference
    return kept
