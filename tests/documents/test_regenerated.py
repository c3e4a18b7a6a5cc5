"""Code written over a client of the published document compiles over one that is generated anew from today's."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conduit_generate.documents.openapi import document
from tests.documents.regenerated import changes

PUBLISHED: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "compatibility" / "openapi-0.1.0.json").read_text(encoding="utf-8")
)
SUBMIT = "post /v1/referrals"
BORNE = [f"{form}.kind is required now" for form in ("NamedWithConsent", "NamedWithoutConsent", "Pseudonymous")]
"""The hub refused an identity without it from the start, so that code which worked has it."""


@cache
def made() -> str:
    return json.dumps(document())


def today() -> dict[str, Any]:
    """To be changed at will: no part of it stands in two places."""
    found: dict[str, Any] = json.loads(made())
    return found


def test_nothing_that_generated_code_used_is_gone_or_has_another_place() -> None:
    assert changes(PUBLISHED, today()) == BORNE


def parameters(made: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = made["paths"]["/v1/referrals"]["post"]["parameters"]
    return found


def schemas(made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = made["components"]["schemas"]
    return found


def one_more(made: dict[str, Any]) -> None:
    parameters(made).insert(1, {"name": "Later", "in": "header", "schema": {"type": "string"}})


def another_answer(made: dict[str, Any]) -> None:
    answers = made["paths"]["/v1/referrals"]["post"]["responses"]
    answers["202"]["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/Whole"}


def another_media_type_first(made: dict[str, Any]) -> None:
    body = made["paths"]["/v1/referrals/{referral_id}/attachments"]["post"]["requestBody"]
    body["content"] = dict(reversed(body["content"].items()))


FAULTS: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    (f"{SUBMIT}: parameters", one_more),
    (f"{SUBMIT}: parameters", lambda made: parameters(made).reverse()),
    (f"{SUBMIT}: parameters", lambda made: parameters(made)[-1].update(required=True)),
    (f"{SUBMIT}: parameters", lambda made: parameters(made)[-1].update(schema={"type": "integer"})),
    (f"{SUBMIT}: name", lambda made: made["paths"]["/v1/referrals"]["post"].update(operationId="sendReferral")),
    (f"{SUBMIT}: answer 202", another_answer),
    (f"{SUBMIT} is gone", lambda made: made["paths"]["/v1/referrals"].pop("post")),
    ("post /v1/referrals/{referral_id}/attachments: body", another_media_type_first),
    ("Setting: its constants change", lambda made: schemas(made)["Setting"].update({"x-enum-varnames": ["A"]})),
    ("Urgency: its constants change", lambda made: schemas(made)["Urgency"]["enum"].pop()),
    ("Advice is gone", lambda made: schemas(made).pop("Advice")),
    ("Receipt.status_url is gone", lambda made: schemas(made)["Receipt"]["properties"].pop("status_url")),
    ("Receipt.sandbox: boolean", lambda made: schemas(made)["Receipt"]["properties"].update(sandbox={"type": "string"})),
    ("Receipt.sandbox is optional now", lambda made: schemas(made)["Receipt"]["required"].remove("sandbox")),
    ("Referral.setting is required now", lambda made: schemas(made)["Referral"]["required"].append("setting")),
]


@pytest.mark.parametrize(("told", "change"), FAULTS)
def test_every_change_that_breaks_such_code_is_found(told: str, change: Callable[[dict[str, Any]], Any]) -> None:
    changed = today()
    change(changed)
    (found,) = changes(today(), changed)
    assert found.startswith(told)


def test_what_may_come_is_passed_over() -> None:
    changed = today()
    changed["paths"]["/v1/later"] = today()["paths"]["/v1/places"]
    changed["paths"]["/v1/referrals"]["post"]["responses"]["418"] = {"description": "Later."}
    schemas(changed)["Later"] = {"type": "object", "properties": {}}
    schemas(changed)["Receipt"]["properties"]["later"] = {"type": "string"}
    null_too = {"anyOf": [{"$ref": "#/components/schemas/Urgency"}, {"type": "null"}]}
    schemas(changed)["Referral"]["properties"]["urgency"] = null_too
    assert changes(today(), changed) == []
