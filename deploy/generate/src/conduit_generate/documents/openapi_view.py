"""What the page on HTTP shows, taken from the OpenAPI document alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from conduit_generate.documents.shapes import Row, rows, shape

Json: TypeAlias = Mapping[str, Any]

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


def openapi_view(document: Json) -> dict[str, Any]:
    """The variables of the template."""
    info = document["info"]
    schemes = document.get("components", {}).get("securitySchemes", {})
    return {
        "title": info["title"],
        "standard": document["openapi"].rpartition(".")[0],
        "introduction": info.get("description", ""),
        "servers": document.get("servers", ()),
        "schemes": [{"name": name, "about": _scheme(each)} for name, each in schemes.items()],
        "operations": list(_operations(document)),
        "headers": list(_headers(document)),
    }


def resolve(document: Json, node: Json) -> Json:
    """What a reference within the document points to, or the node itself."""
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        node = found
    return node


def _scheme(scheme: Json) -> str:
    kind = " ".join(str(scheme[name]) for name in ("type", "scheme") if name in scheme)
    flows = scheme.get("flows", {})
    token = "".join(f" Token from `{flow['tokenUrl']}`." for flow in flows.values() if "tokenUrl" in flow)
    return f"{scheme.get('description', '')} ({kind}){token}".strip()


def _operations(document: Json) -> Iterator[Json]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield _operation(document, path, method, item)


def _operation(document: Json, path: str, method: str, item: Json) -> Json:
    operation = item[method]
    parameters = [resolve(document, each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))]
    return {
        "key": operation.get("operationId") or f"{method}-{path.strip('/').replace('/', '-')}",
        "method": method.upper(),
        "path": path,
        "title": operation.get("summary") or operation.get("operationId") or path,
        "about": operation.get("description", ""),
        "parameters": [_parameter(each) for each in parameters],
        "bodies": _bodies(document, resolve(document, operation.get("requestBody", {}))),
        "answers": [_answer(document, status, each) for status, each in operation["responses"].items()],
    }


def _parameter(parameter: Json) -> Row:
    schema = {**parameter.get("schema", {})}
    words = f"{parameter.get('description', schema.get('description', ''))} In the {parameter['in']}.".strip()
    return Row(parameter["name"], parameter.get("required", False), shape({**schema, "description": words}))


def _bodies(document: Json, holder: Json) -> list[Json]:
    return [
        {
            "media": media,
            "shape": shape(body.get("schema", {})),
            "rows": rows(body.get("schema", {})),
            "examples": [
                {"name": name.replace("_", " "), "text": json.dumps(each.get("value"), indent=2, ensure_ascii=False)}
                for name, each in body.get("examples", {}).items()
                for each in (resolve(document, each),)
            ],
        }
        for media, body in holder.get("content", {}).items()
    ]


def _answer(document: Json, status: str, response: Json) -> Json:
    found = resolve(document, response)
    return {
        "status": status,
        "about": found["description"],
        "headers": list(found.get("headers", {})),
        "bodies": _bodies(document, found),
    }


def _headers(document: Json) -> Iterator[Row]:
    """Every header that an answer may have, once."""
    seen: dict[str, Json] = {}
    for item in document["paths"].values():
        for method in METHODS:
            for response in item.get(method, {}).get("responses", {}).values():
                seen = {**resolve(document, response).get("headers", {}), **seen}
    for name, header in sorted(seen.items()):
        found = resolve(document, header)
        yield Row(name, False, shape({**found.get("schema", {}), "description": found.get("description", "")}))
