"""JSON Schema as people read it: for each field its type in words, what may stand there, and what it means."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

Json: TypeAlias = Mapping[str, Any]

_WORDS = {
    ("string", "date-time"): "time",
    ("string", "date"): "date",
    ("string", "uuid"): "UUID",
    ("string", "binary"): "bytes",
    ("string", None): "text",
    ("integer", None): "whole number",
    ("number", None): "number",
    ("boolean", None): "true or false",
    ("object", None): "object",
    ("array", None): "list",
    ("null", None): "null",
}


class Part(NamedTuple):
    """A piece of a type's name; with a link where it is described in a place of its own."""

    text: str
    to: str | None = None


@dataclass(frozen=True)
class Shape:
    """What may stand in one place."""

    parts: tuple[Part, ...]
    limits: tuple[str, ...] = ()
    pattern: str | None = None
    values: tuple[str, ...] = ()
    default: str | None = None
    about: str = ""


class Row(NamedTuple):
    """One field of an object."""

    name: str
    required: bool
    shape: Shape


def rows(schema: Json) -> list[Row]:
    """The fields of an object, those of its parts included."""
    found: dict[str, Row] = {}
    for part in (*schema.get("allOf", ()), schema):
        required = part.get("required", ())
        for name, field in part.get("properties", {}).items():
            found[name] = Row(name, name in required, shape(field))
    return list(found.values())


def shape(schema: Json) -> Shape:
    """What one schema allows."""
    found = _core(schema)
    about = schema.get("description") or found.about
    default = schema.get("default")
    shown = None if default is None or isinstance(default, dict) else json.dumps(default, ensure_ascii=False)
    return replace(found, about=about, default=shown)


def _core(schema: Json) -> Shape:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Shape((Part(name, name),))
    if "const" in schema:
        return Shape((Part("always"),), values=(str(schema["const"]),))
    if "enum" in schema:
        return Shape((Part("one of"),), values=tuple(map(str, schema["enum"])))
    if len(whole := schema.get("allOf", ())) == 1:
        return _core(whole[0])
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives:
        return _either([shape(each) for each in alternatives])
    return _plain(schema)


def _either(shapes: list[Shape]) -> Shape:
    """Alternatives as one. Usually one is null, so that limits belong to the other."""
    parts: list[Part] = []
    for each in shapes:
        parts += [Part(" or "), *each.parts] if parts else each.parts
    telling = [each for each in shapes if each.limits or each.pattern or each.values]
    return replace(telling[0], parts=tuple(parts)) if len(telling) == 1 else Shape(tuple(parts))


def _plain(schema: Json) -> Shape:
    kind = schema.get("type")
    limits = tuple(_limits(schema))
    if kind == "array":
        items = shape(schema.get("items", {}))
        return Shape((Part("list of "), *items.parts), (*limits, *items.limits), items.pattern, items.values)
    if isinstance(kind, list):
        return _either([_plain({**schema, "type": each}) for each in kind])
    if schema.get("format") == "uuid" and "-7[" in schema.get("pattern", ""):
        return Shape((Part("UUID, version 7"),))
    words = _WORDS.get((kind, schema.get("format"))) or _WORDS.get((kind, None), "any JSON") if kind else "any JSON"
    return Shape((Part(words),), limits, schema.get("pattern"))


def _limits(schema: Json) -> Iterable[str]:
    for low, high, unit in (("minLength", "maxLength", "characters"), ("minItems", "maxItems", "entries")):
        if text := _range(schema.get(low), schema.get(high)):
            yield f"{text} {unit}"
    if text := _range(schema.get("minimum"), schema.get("maximum")):
        yield text


def _range(low: float | None, high: float | None) -> str | None:
    if low is not None and high is not None:
        return f"{low:,} to {high:,}"
    if low is not None:
        return f"at least {low:,}"
    return None if high is None else f"at most {high:,}"
