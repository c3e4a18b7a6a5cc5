"""The OpenAPI document: true, whole, and free of words that are not ours to say. What it says of answers, `api.py` holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from conduit_contracts import partner
from conduit_contracts.envelope import read_message
from conduit_contracts.referral import Referral, Supplement
from conduit_intake import problems, rules
from conduit_intake.api.examples import EXAMPLES
from conduit_intake.api.refusals import RULES, TABLE, Refused, response
from services.intake.tests.api import DOCUMENT, PROBLEM, Api

MODELS = {
    "Referral": Referral,
    "Supplement": Supplement,
    "ReferralWithdrawn": partner.ReferralWithdrawn,
    "ReconsiderationRequested": partner.ReconsiderationRequested,
}
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


def described(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


async def test_it_is_served_to_anybody(api: Api) -> None:
    answer = await (await api.anybody()).get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == DOCUMENT


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=str)
def test_every_operation_is_described_and_every_answer_has_a_correlation_id(path: str, method: str) -> None:
    operation = described(path, method)
    assert operation["operationId"]
    assert operation["summary"]
    assert operation["tags"]
    for status, answer in operation["responses"].items():
        assert answer["description"]
        assert "X-Correlation-Id" in answer["headers"]
        assert status.startswith("2") or PROBLEM in answer["content"] or path == "/oauth/token"
    assert operation["security"] == ([{"clientCredentials": []}] if path.startswith("/v1") else [])


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=str)
def test_every_post_under_v1_takes_a_key_and_no_get_does(path: str, method: str) -> None:
    required = {each["name"] for each in described(path, method).get("parameters", ()) if each["required"]}
    assert ("Idempotency-Key" in required) == (method == "post" and path.startswith("/v1"))


def test_every_reference_leads_somewhere_and_fastapis_own_forms_are_gone() -> None:
    text = json.dumps(DOCUMENT)
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names <= DOCUMENT["components"]["schemas"].keys()
    assert "#/$defs/" not in text
    assert "ValidationError" not in text


def test_every_field_and_every_parameter_is_described() -> None:
    assert list(undescribed(DOCUMENT)) == []
    assert list(undescribed({"schema": {"properties": {"a": {"type": "string"}, "b": {"description": "B."}}}})) == [
        "schema.a"
    ]


def undescribed(node: Any, path: str = "") -> Iterator[str]:
    """Where a field of an object, a parameter, a header or a schema with a name has no description of its own."""
    if isinstance(node, list):
        for each in node:
            yield from undescribed(each, path)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("properties"), dict):
        yield from (f"{path}.{name}" for name, each in node["properties"].items() if not each.get("description", "").strip())
    if "in" in node and "schema" in node and not node.get("description", "").strip():
        yield f"{path}.{node['name']}"
    for name, each in node.items():
        if name not in {"example", "examples", "default"}:
            yield from undescribed(each, f"{path}.{name}".removeprefix("."))


@pytest.mark.parametrize("name", MODELS)
def test_an_example_is_what_the_schema_and_the_contract_say(name: str) -> None:
    whole = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(EXAMPLES[name])
    read_message(MODELS[name], json.dumps(EXAMPLES[name]).encode(), closed=True)


@pytest.mark.parametrize("code", TABLE)
def test_every_code_is_documented_or_the_routers_own(code: str) -> None:
    described_codes = {
        example
        for path, method in OPERATIONS
        for answer in described(path, method)["responses"].values()
        for example in answer.get("content", {}).get(PROBLEM, {}).get("examples", ())
    }
    unexpected = {"not_found", "method_not_allowed"}
    impossible = {"referral_unknown"}  # the address says which referral, and it was looked up
    assert (code in described_codes) != (code in unexpected | impossible)


@pytest.mark.parametrize("code", TABLE)
def test_a_problem_is_as_its_schema_says(code: str) -> None:
    answer = response(Refused(code, [problems.problem("place_unknown", "persons[0]")]))
    whole = {"$ref": "#/components/schemas/ProblemDetails", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(json.loads(bytes(answer.body)))


def test_every_code_of_a_rule_has_a_status() -> None:
    known = set(re.findall(r'problem\("([a-z_]+)"', _source(rules))) | set(re.findall(r'"([a-z_]+)" if', _source(rules)))
    assert known
    assert {RULES.get(code, code) for code in known} <= TABLE.keys()


def _source(module: Any) -> str:
    with open(module.__file__, encoding="utf-8") as file:  # noqa: PTH123  a module's own source
        return file.read()


async def test_nothing_is_loaded_from_elsewhere(north: httpx.AsyncClient) -> None:
    """There is no page of FastAPI's own, which would."""
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        assert (await north.get(path)).status_code == 404
