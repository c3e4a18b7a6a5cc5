"""What a document's change does to code that was written over a generated client, once the client is generated anew.

Generated functions take parameters by their place, so that one more, optional or not, is a change in every call. Classes are
named after schemas, their members after fields, constants after values: each name is used in somebody's code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]


def changes(old: Json, new: Json) -> list[str]:
    """One line for everything that such code used and does not find, in the order of the old document."""
    return [*_operations(old["paths"], new["paths"]), *_schemas(_named(old), _named(new))]


def kind(schema: Json) -> str:
    """The type that generated code has for it. Null beside a type is the same type: what may be absent may be null."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if len(whole := schema.get("allOf", ())) == 1:
        return kind(whole[0])
    forms = schema.get("oneOf") or schema.get("anyOf")
    if forms:
        return " or ".join(each for each in map(kind, forms) if each != "null")
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {}))}"
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return " ".join([str(schema.get("type", "anything")), *filter(None, [schema.get("format")]), *map(str, values)])


def _operations(old: Json, new: Json) -> Iterator[str]:
    for path, methods in old.items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            later = new.get(path, {}).get(method)
            if later is None:
                yield f"{where} is gone"
                continue
            for what, before, after in zip(_USED, _used(operation), _used(later), strict=True):
                if before != after:
                    yield f"{where}: {what} {before} → {after}"
            answers = _answers(later)
            yield from (
                f"{where}: answer {at} {before} → {answers.get(at)}"
                for at, before in _answers(operation).items()
                if answers.get(at) != before
            )


_USED = ("name", "parameters", "body")


def _used(operation: Json) -> tuple[object, Sequence[str], Sequence[str]]:
    parameters = [
        f"{each['name']} ({each['in']}, {'required' if each.get('required') else 'optional'}, {kind(each['schema'])})"
        for each in operation.get("parameters", ())
    ]
    body = operation.get("requestBody", {})
    # The first media type is the one that a generated client names.
    sent = [f"{media_type} {kind(each['schema'])}" for media_type, each in body.get("content", {}).items()]
    return (operation["operationId"], operation.get("tags")), parameters, [*sent, "required" if body.get("required") else ""]


def _answers(operation: Json) -> dict[str, str]:
    return {
        f"{status} {media_type}": kind(each.get("schema", {}))
        for status, answer in operation["responses"].items()
        for media_type, each in answer.get("content", {}).items()
    }


def _named(document: Json) -> Json:
    found: Json = document["components"]["schemas"]
    return found


def _schemas(old: Json, new: Json) -> Iterator[str]:
    for name, schema in old.items():
        if name not in new:
            yield f"{name} is gone"
            continue
        after = new[name]
        gone = [value for value in schema.get("enum", ()) if value not in after.get("enum", ())]
        if gone or schema.get("x-enum-varnames") != after.get("x-enum-varnames"):
            yield f"{name}: its constants change"
        yield from _fields(name, schema, after)


def _fields(name: str, old: Json, new: Json) -> Iterator[str]:
    later = new.get("properties", {})
    for field, schema in old.get("properties", {}).items():
        if field not in later:
            yield f"{name}.{field} is gone"
        elif kind(schema) != kind(later[field]):
            yield f"{name}.{field}: {kind(schema)} → {kind(later[field])}"
    required = set(new.get("required", ()))
    yield from (f"{name}.{field} is optional now" for field in old.get("required", ()) if field not in required)
    yield from (f"{name}.{field} is required now" for field in sorted(required - {*old.get("required", ())}))
