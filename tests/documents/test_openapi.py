"""The OpenAPI document is what intake gives, and valid by its own standard. `test_asyncapi` holds that it is committed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from conduit_generate.documents.openapi import document
from conduit_intake.api.app import create_app
from conduit_local.services import DOCS_DIR


@cache
def made() -> dict[str, Any]:
    return document()


def faults(changed: Any) -> list[str]:
    return [str(error) for error in OpenAPIV31SpecValidator(changed).iter_errors()]


def test_the_standards_validator_finds_nothing() -> None:
    assert made()["openapi"].startswith("3.1.")
    assert faults(made()) == []


@pytest.mark.parametrize("fault", ["an answer that says nothing", "one name for two requests"])
def test_and_would(fault: str) -> None:
    changed = copy.deepcopy(made())
    first, second = (each[method] for each in list(changed["paths"].values())[:2] for method in list(each)[:1])
    if fault == "an answer that says nothing":
        del next(iter(first["responses"].values()))["description"]
    else:
        first["operationId"] = second["operationId"]
    assert faults(changed)


async def test_a_running_intake_gives_what_is_committed() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app()), base_url="http://intake") as client:
        answer = await client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == json.loads((DOCS_DIR / "openapi.json").read_text(encoding="utf-8"))


def test_every_request_says_who_may_make_it_and_what_can_go_wrong() -> None:
    for path, methods in made()["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            answers = operation["responses"]
            wrong = [status for status in answers if status.startswith(("4", "5"))]
            assert wrong, (method, path)
            if path.startswith("/v1"):
                assert operation["security"], (method, path)
                assert "application/problem+json" in answers[wrong[0]]["content"], (method, path)


def references(node: Any) -> Iterator[str]:
    """Every `$ref`."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


def test_every_reference_leads_somewhere() -> None:
    schemas = {f"#/components/schemas/{name}" for name in made()["components"]["schemas"]}
    assert {each for each in references(made()) if each.startswith("#/components/schemas/")} <= schemas


def objects_of(part: str) -> dict[str, Any]:
    """The objects in the requests' bodies or in the answers, and all that are in them."""
    operations = [operation for methods in made()["paths"].values() for operation in methods.values()]
    waiting = [*references([operation.get(part) for operation in operations])]
    found: dict[str, Any] = {}
    while waiting:
        name = waiting.pop().rpartition("/")[2]
        if name not in found:
            found[name] = made()["components"]["schemas"][name]
            waiting += references(found[name])
    return {name: schema for name, schema in found.items() if "properties" in schema}


def test_what_is_sent_is_closed_and_what_is_answered_is_open() -> None:
    sent, answered = objects_of("requestBody"), objects_of("responses")
    assert {"Referral", "Person", "Pseudonymous"} <= {*sent}
    assert {"Receipt", "ProblemDetails", "Problem"} <= {*answered}
    assert {name for name, schema in sent.items() if schema.get("additionalProperties") is not False} == set()
    # openapi-generator takes a bare `true` or `{}` for the `false` that stands elsewhere, and then opens what is closed.
    bare = {name for name, schema in answered.items() if schema.get("additionalProperties") in (None, False, True, {})}
    assert bare == set()
