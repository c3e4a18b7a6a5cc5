"""The messages' JSON Schemas as AsyncAPI components: 2020-12 put into the draft 7 that every AsyncAPI tool reads."""

from __future__ import annotations

from typing import Any, TypeAlias

from conduit_contracts.envelope import Message
from conduit_contracts.schemas import HUB_READS, messages, schema

Json: TypeAlias = dict[str, Any]

PREFIX = "#/components/schemas/"
WRITERS = ".writers"
"""Ends the name of a value type as partners, forces and officers write it: closed, with null for what is absent."""
_LOCAL = "#/$defs/"
_HEAD = ("$schema", "$id", "$comment", "$defs", "examples")


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
        if message.type in HUB_READS:
            made = _writers(made)
        for name, definition in made.get("$defs", {}).items():
            converted = draft7(definition)
            if shared.setdefault(name, converted) != converted:
                raise ValueError(f"two value types are called {name}")
        own[key_of(message)] = draft7({name: part for name, part in made.items() if name not in _HEAD})
    return own | {name: {"title": name, **shared[name]} for name in sorted(shared)}


def _writers(made: Json) -> Json:
    """With names of their own for value types that are closed for writers and open for readers."""
    objects = {name for name, definition in made.get("$defs", {}).items() if "properties" in definition}

    def renamed(node: Any) -> Any:
        if isinstance(node, list):
            return [renamed(item) for item in node]
        if not isinstance(node, dict):
            return node
        named = str(node.get("$ref", "")).removeprefix(_LOCAL)
        target = {"$ref": f"{_LOCAL}{named}{WRITERS}"} if named in objects else {}
        return {name: renamed(part) for name, part in node.items()} | target

    definitions = {name + WRITERS * (name in objects): renamed(part) for name, part in made.get("$defs", {}).items()}
    return {**renamed({name: part for name, part in made.items() if name != "$defs"}), "$defs": definitions}


def draft7(node: Any) -> Any:
    """The same schema without what draft 7 and AsyncAPI read differently."""
    if isinstance(node, list):
        return [draft7(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {name: part if name == "default" else draft7(part) for name, part in node.items()}
    if isinstance(kept.get("$ref"), str):
        reference = {"$ref": kept.pop("$ref").replace(_LOCAL, PREFIX)}
        return {"allOf": [reference], **kept} if kept else reference  # draft 7 ignores what stands beside a reference
    return kept
