"""What is doubtful is taken, and said: in a header for every client, in the body for one that reads it, in the updates."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from conduit_chassis.testing import Harness
from conduit_contracts.intake import InformationSupplied, ReferralReceived, SubmissionRejected
from conduit_contracts.kits.http_answers import Receipt, read
from conduit_contracts.meaning import hash_of_text
from conduit_contracts.referral import OffencePlace
from services.intake.tests.api import DOCUMENT, Api, added, body, code, fields, keyed, referred
from services.intake.tests.samples import sent, submitted

NEVER = OffencePlace(place_id="L1", district_code="E07000999", description="Synthetic place")
OF_0_1_0 = {"referral_id", "partner_reference", "outcome", "sandbox", "status_url"}
"""The fields of a receipt, which clients of 0.1.0 take and no other."""


async def ask(
    client: httpx.AsyncClient, key: str | None = None, contract: str | None = None, **changes: Any
) -> httpx.Response:
    more = {"conduit-contract": contract} if contract is not None else {}
    changes = {"places": (NEVER,)} | changes
    return await client.post("/v1/referrals", content=body(**changes), headers=keyed(key, **more))


async def test_a_code_that_never_was_is_taken_and_said_in_a_header_that_any_client_may_pass_over(
    north: httpx.AsyncClient,
) -> None:
    answer = await ask(north)
    assert answer.status_code == 202
    assert set(answer.json()) == OF_0_1_0
    said = answer.headers["conduit-warnings"]
    assert said.startswith('district_code_unknown;field="places[0].district_code";message="No place has ever had this code')
    assert said.isascii()
    assert "E07000999" not in said


@pytest.mark.parametrize(
    ("contract", "shown"), [("0.2", True), ("0.2.0", True), ("1.0", True), ("0.1", False), ("x", False)]
)
async def test_the_body_has_it_where_the_request_reads_the_contract_that_has_it(
    north: httpx.AsyncClient, contract: str, *, shown: bool
) -> None:
    answer = await ask(north, contract=contract)
    assert set(answer.json()) == OF_0_1_0 | ({"warnings"} if shown else set())
    if shown:
        (warning,) = answer.json()["warnings"]
        assert (warning["code"], warning["field"]) == ("district_code_unknown", "places[0].district_code")
        assert "no force has the case yet" in warning["message"]


async def test_the_same_request_again_is_answered_with_the_same_warnings(north: httpx.AsyncClient) -> None:
    first, again = await ask(north, "k", "0.2"), await ask(north, "k", "0.2")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    assert again.headers["conduit-warnings"] == first.headers["conduit-warnings"]
    assert again.headers["location"] == first.headers["location"]
    assert set((await ask(north, "k")).json()) == OF_0_1_0
    assert (await ask(north, contract="0.2")).json()["warnings"] == first.json()["warnings"]


async def test_where_nothing_is_doubtful_nothing_is_said(north: httpx.AsyncClient) -> None:
    answer = await north.post("/v1/referrals", content=body(), headers=keyed(**{"conduit-contract": "0.2"}))
    assert "conduit-warnings" not in answer.headers
    assert answer.json()["warnings"] == []


async def test_what_is_added_is_looked_at_as_well(api: Api, north: httpx.AsyncClient) -> None:
    referral_id = await referred(north)
    before = await api.intake._last_id()
    place = OffencePlace(place_id="L9", district_code="E08000025", country="UK", description="Synthetic place")
    answer = await north.post(f"/v1/referrals/{referral_id}/information", content=added(places=(place,)), headers=keyed())
    assert answer.status_code == 202
    assert answer.headers["conduit-warnings"].startswith("country_read_as_gb;")
    (published,) = await api.intake.published(before)
    assert isinstance(published.message, InformationSupplied)
    assert [each.code for each in published.message.warnings] == ["country_read_as_gb"]


async def test_by_kafka_the_warning_travels_with_the_referral(intake: Harness, api: Api) -> None:
    before = await intake._last_id()
    await intake.deliver(sent(submitted(places=(NEVER,))))
    (published,) = await intake.published(before)
    assert isinstance(published.message, ReferralReceived)
    assert [(each.code, each.field) for each in published.message.warnings] == [
        ("district_code_unknown", "places[0].district_code")
    ]


@pytest.mark.parametrize(
    ("field", "value", "meant"),
    [("country", "XX", "ISO 3166-1"), ("district_code", "Leeds", "E08000035"), ("district_code", "e08000025", "E08000025")],
)
async def test_what_cannot_be_meant_is_refused_at_its_field(
    north: httpx.AsyncClient, field: str, value: str, meant: str
) -> None:
    told = json.loads(body())
    told["places"][0][field] = value
    answer = await north.post("/v1/referrals", content=json.dumps(told).encode(), headers=keyed())
    assert code(answer) == (422, "body_invalid")
    assert [each[0] for each in fields(answer)] == [f"places[0].{field}"]
    assert meant in answer.json()["errors"][0]["message"]


async def test_by_kafka_a_country_that_is_none_is_refused_too(intake: Harness, api: Api) -> None:
    before = await intake._last_id()
    place = OffencePlace(place_id="L1", country="XX", description="Synthetic place")
    await intake.deliver(sent(submitted(places=(place,))))
    (published,) = await intake.published(before)
    assert isinstance(published.message, SubmissionRejected)
    assert [(each.code, each.field) for each in published.message.problems] == [
        ("value_not_allowed", "referral.places[0].country")
    ]


class TestPlaces:
    async def test_a_name_gives_its_code_and_its_force(self, north: httpx.AsyncClient) -> None:
        answer = await north.get("/v1/places", params={"q": "leeds"})
        assert answer.json()["items"][0] == {
            "district_code": "E08000035",
            "name": "Leeds",
            "kind": "district",
            "current": True,
            "force_id": "west-yorkshire",
            "force_name": "West Yorkshire Police",
        }

    async def test_a_part_of_a_name_or_a_code_is_enough(self, north: httpx.AsyncClient) -> None:
        for words in ("birm", "E08000025", "Brimingham"):
            answer = await north.get("/v1/places", params={"q": words, "limit": 1})
            assert [each["name"] for each in answer.json()["items"]] == ["Birmingham"]
        assert (await north.get("/v1/places", params={"q": "Nowhere at all"})).json() == {"items": []}

    async def test_a_query_that_is_none_is_answered_with_its_field(self, north: httpx.AsyncClient) -> None:
        for query in ({}, {"q": ""}, {"q": "x", "limit": 0}, {"q": "x", "name": "y"}):
            answer = await north.get("/v1/places", params=query)
            assert code(answer) == (400, "query_invalid")

    async def test_it_asks_for_a_token_like_all_else(self, api: Api) -> None:
        assert (await (await api.anybody()).get("/v1/places", params={"q": "leeds"})).status_code == 401


async def test_the_document_says_how_warnings_are_asked_for() -> None:
    for path in ("/v1/referrals", "/v1/referrals/{referral_id}/information"):
        operation = DOCUMENT["paths"][path]["post"]
        assert "`Conduit-Contract: 0.2`" in operation["description"]
        # Not a parameter: that would be one more argument in every call of a client that is generated anew.
        assert "Conduit-Contract" not in {each["name"] for each in operation["parameters"]}
        assert "Conduit-Warnings" in operation["responses"]["202"]["headers"]
    assert "warnings" not in DOCUMENT["components"]["schemas"]["Receipt"]["required"]


async def test_the_kits_receipt_reads_both_forms(north: httpx.AsyncClient) -> None:
    assert read(Receipt, (await ask(north)).content).warnings == ()
    (warning,) = read(Receipt, (await ask(north, contract="0.2")).content).warnings
    assert warning.code == "district_code_unknown"


async def test_the_receipt_has_the_hash_that_the_partner_finds_for_its_own_file(north: httpx.AsyncClient) -> None:
    sent_body = body()
    for key in ("k", "k", "another"):  # taken, answered again, and taken before
        answer = await north.post("/v1/referrals", content=sent_body, headers=keyed(key))
        assert answer.headers["conduit-content-hash"] == hash_of_text(sent_body)
    referral_id = answer.json()["referral_id"]
    more = added()
    answer = await north.post(f"/v1/referrals/{referral_id}/information", content=more, headers=keyed())
    assert answer.headers["conduit-content-hash"] == hash_of_text(more)
    refused = await north.post("/v1/referrals", content=body(narrative="Synthetic: another."), headers=keyed())
    assert (refused.status_code, "conduit-content-hash" in refused.headers) == (409, False)
