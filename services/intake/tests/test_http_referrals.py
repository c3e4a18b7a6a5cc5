"""Sending referrals by HTTP, adding to them, and asking where they stand, on real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any
from uuid import uuid4

import httpx
import pytest

from conduit_chassis.testing import Harness, record
from conduit_contracts import topics
from conduit_contracts.envelope import dump
from conduit_contracts.intake import InformationSupplied, ReferralReceived, ReferralWithdrawn, SubmissionRejected
from conduit_contracts.notification import ReferralState, ReferralStatusUpdated
from conduit_contracts.referral import Urgency
from conduit_intake import reading
from services.intake.tests.api import Api, added, body, code, fields, keyed, post, refer, referred
from services.intake.tests.samples import (
    CANARY,
    NORTH,
    NOW,
    REFERENCE,
    SOUTH,
    person,
    reconsideration,
    registered,
    sent,
    submitted,
    withdrawn,
)

ACTS = {
    "information": added(),
    "withdrawal": dump(withdrawn()),
    "reconsideration": dump(reconsideration()),
}


async def told(api: Api, referral_id: str, revision: int, state: ReferralState, **more: Any) -> None:
    """Notification's update to the partner arrives."""
    who = {"partner_id": NORTH, "partner_reference": REFERENCE, "referral_id": referral_id}
    update = ReferralStatusUpdated.model_validate_json(
        json.dumps(
            {
                **who,
                "revision": revision,
                "state": state,
                "fact": f"fact_{'x' * revision}",
                "happened_at": NOW.isoformat(),
                **more,
            }
        )
    )
    await api.intake.deliver(record(topics.PARTNER_UPDATES.name(NORTH), referral_id, update))


class TestSending:
    async def test_a_referral_is_committed_when_the_receipt_is_given(self, api: Api, north: httpx.AsyncClient) -> None:
        before = await api.intake._last_id()
        answer = await refer(north)
        assert answer.status_code == 202
        receipt = answer.json()
        assert answer.headers["location"] == receipt["status_url"] == f"/v1/referrals/{receipt['referral_id']}"
        assert (receipt["partner_reference"], receipt["outcome"], receipt["sandbox"]) == (REFERENCE, "received", False)
        (published,) = await api.intake.published(before)
        assert isinstance(published.message, ReferralReceived)
        assert (str(published.message.referral_id), published.key) == (receipt["referral_id"],) * 2
        assert published.message.partner_id == NORTH

    async def test_abuse_online_needs_no_place_and_goes_on_with_words(self, api: Api, north: httpx.AsyncClient) -> None:
        before = await api.intake._last_id()
        sends = json.loads(body()) | {"places": [{"place_id": "L1", "kind": "online"}], "concerns": ["online_sexual_abuse"]}
        answer, again = [await post(north, "/v1/referrals", json.dumps(sends).encode()) for _ in range(2)]
        assert (answer.status_code, answer.json()["outcome"]) == (202, "received"), answer.text
        assert again.json()["outcome"] == "repeated"
        (received,) = [
            each.message for each in await api.intake.published(before) if isinstance(each.message, ReferralReceived)
        ]
        assert [place.description for place in received.referral.places] == ["Online. No place is known."]

    async def test_it_is_kept_as_a_record_would_be_with_the_partners_own_bytes(
        self, api: Api, north: httpx.AsyncClient
    ) -> None:
        own = json.dumps(json.loads(body()), indent=3).encode()
        await post(north, "/v1/referrals", own)
        stored: bytes = await api.intake.pool.fetchval("SELECT body FROM referrals")
        assert own in stored
        assert json.loads(stored) == json.loads(dump(submitted()))

    async def test_the_same_content_by_kafka_and_by_http_is_the_same_referral(
        self, api: Api, north: httpx.AsyncClient
    ) -> None:
        await api.intake.deliver(sent(submitted()))
        first = await api.intake.pool.fetchval("SELECT referral_id FROM referrals")
        answer = await refer(north)
        assert (answer.status_code, answer.json()["outcome"]) == (200, "repeated")
        assert answer.json()["referral_id"] == str(first)

    async def test_the_callers_trace_goes_on(self, api: Api, north: httpx.AsyncClient) -> None:
        trace = "00-bbfcd4160a1e8674dac62292ae48be47-2c64af2ddf1c05c8-01"
        before = await api.intake._last_id()
        await north.post("/v1/referrals", content=body(), headers=keyed(traceparent=trace))
        (published,) = await api.intake.published(before)
        assert published.attributes.traceparent is not None
        assert published.attributes.traceparent.split("-")[1] == trace.split("-")[1]

    async def test_every_submission_is_a_row_of_history_that_names_no_topic(
        self, api: Api, north: httpx.AsyncClient
    ) -> None:
        await refer(north)
        await refer(north)
        await refer(north, narrative="another")
        rows = await api.intake.pool.fetch("SELECT submission_id, outcome, codes FROM submissions ORDER BY at")
        assert [(row["outcome"], row["codes"]) for row in rows] == [
            ("received", ""),
            ("repeated", ""),
            ("rejected", "reference_reused"),
        ]
        assert all(row["submission_id"].startswith("http/") for row in rows)
        assert len({row["submission_id"] for row in rows}) == 3


class TestRefusals:
    async def test_a_field_that_is_wrong_is_named_and_never_shown(self, north: httpx.AsyncClient) -> None:
        wrong = json.loads(body()) | {"urgency": CANARY, "imediate_danger": CANARY}
        del wrong["immediate_danger"]
        answer = await post(north, "/v1/referrals", wrong)
        assert code(answer) == (422, "body_invalid")
        assert set(fields(answer)) == {
            ("urgency", "value_not_allowed"),
            ("immediate_danger", "field_missing"),
            ("imediate_danger", "field_unknown"),
        }
        assert CANARY not in answer.text

    async def test_a_field_that_stands_twice_is_refused(self, north: httpx.AsyncClient) -> None:
        twice = body().replace(b'"immediate_danger":false', b'"immediate_danger":true,"immediate_danger":false')
        answer = await post(north, "/v1/referrals", twice)
        assert code(answer) == (422, "body_invalid")
        assert fields(answer) == [("immediate_danger", "field_repeated")]

    async def test_what_is_not_json_is_not_read(self, north: httpx.AsyncClient) -> None:
        for content in [b"", b"{", b"\xff", b"[1", b"{'a': 1}"]:
            assert code(await post(north, "/v1/referrals", content)) == (400, "json_invalid")

    async def test_a_rules_refusal_names_the_bodys_own_field_and_the_next_step_by_http(
        self, north: httpx.AsyncClient
    ) -> None:
        answer = await refer(north, mou_reference="MOU-UNKNOWN")
        assert code(answer) == (422, "mou_unknown")
        assert fields(answer) == [("mou_reference", "mou_unknown")]
        assert "Idempotency-Key" in answer.json()["errors"][0]["message"]
        assert "ce_id" not in answer.text

    async def test_a_rule_has_a_status(self, north: httpx.AsyncClient) -> None:
        for changes, expected in [
            ({"partner_id": SOUTH}, (403, "identity_mismatch")),
            ({"reported_at": NOW.replace(year=2027)}, (422, "time_in_future")),
        ]:
            assert code(await refer(north, **changes)) == expected

    async def test_other_content_under_the_same_reference_is_a_conflict(self, api: Api, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        before = await api.intake._last_id()
        answer = await refer(north, narrative="another")
        assert code(answer) == (409, "reference_reused")
        (published,) = await api.intake.published(before)
        assert isinstance(published.message, SubmissionRejected)
        assert str(published.message.referral_id) == referral_id

    async def test_a_partner_that_the_register_does_not_have_yet_is_told_to_wait(self, api: Api) -> None:
        stranger = await api.client("stranger")
        answer = await refer(stranger, partner_id="stranger")
        assert code(answer) == (403, "unknown_partner")
        assert (answer.json()["origin"], answer.json()["retryable"]) == ("hub", True)
        assert await api.intake.pool.fetchval("SELECT count(*) FROM kept_answers") == 0

    async def test_a_suspended_partner_may_look_and_not_send(self, api: Api, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        await api.intake.deliver(sent(registered(suspended=True)))
        assert code(await refer(north, partner_reference="NL-2")) == (403, "partner_suspended")
        assert code(await post(north, f"/v1/referrals/{referral_id}/information", added())) == (403, "partner_suspended")
        assert (await north.get(f"/v1/referrals/{referral_id}")).status_code == 200

    async def test_a_lapsed_mou_stops_new_referrals_and_not_running_ones(self, api: Api, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        await api.intake.deliver(sent(registered(valid_to=NOW.date().replace(day=1))))
        assert code(await refer(north, partner_reference="NL-2")) == (403, "mou_not_in_force")
        assert (await post(north, f"/v1/referrals/{referral_id}/information", added())).status_code == 202


class TestActs:
    @pytest.mark.parametrize(
        ("act", "event"), [("information", InformationSupplied), ("withdrawal", ReferralWithdrawn)], ids=str
    )
    async def test_an_act_is_published_once_and_the_same_again_is_a_repetition(
        self, api: Api, north: httpx.AsyncClient, act: str, event: type
    ) -> None:
        path = f"/v1/referrals/{await referred(north)}/{act}"
        before = await api.intake._last_id()
        first, second = await post(north, path, ACTS[act]), await post(north, path, ACTS[act])
        assert [(each.status_code, each.json()["outcome"]) for each in (first, second)] == [
            (202, "forwarded"),
            (200, "repeated"),
        ]
        published = await api.intake.published(before)
        assert isinstance(published[0].message, event)
        assert [type(each.message).__name__ for each in published[1:]] == ["SubmissionRepeated"]

    async def test_danger_and_urgency_that_are_told_later_go_on_as_they_were_said(
        self, api: Api, north: httpx.AsyncClient
    ) -> None:
        path = f"/v1/referrals/{await referred(north)}/information"
        before = await api.intake._last_id()
        assert (await post(north, path, added(immediate_danger=True, urgency=Urgency.URGENT))).status_code == 202
        (published,) = await api.intake.published(before)
        assert (published.message.supplement.immediate_danger, published.message.supplement.urgency) == (True, "urgent")
        misspelt = added().replace(b'"text"', b'"imediate_danger":true,"text"')
        assert fields(await post(north, path, misspelt)) == [("imediate_danger", "field_unknown")]

    async def test_a_second_look_is_asked_for_once(self, north: httpx.AsyncClient) -> None:
        path = f"/v1/referrals/{await referred(north)}/reconsideration"
        assert (await post(north, path, ACTS["reconsideration"])).status_code == 202
        assert code(await post(north, path, ACTS["reconsideration"])) == (409, "reconsideration_already_requested")

    async def test_after_a_withdrawal_nothing_is_added(self, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        await post(north, f"/v1/referrals/{referral_id}/withdrawal", ACTS["withdrawal"])
        answer = await post(north, f"/v1/referrals/{referral_id}/information", ACTS["information"])
        assert code(answer) == (409, "referral_withdrawn")
        assert (await north.get(f"/v1/referrals/{referral_id}")).json()["withdrawn_at"] == "2026-11-23T09:00:00Z"

    async def test_ids_must_fit_what_the_hub_holds(self, north: httpx.AsyncClient) -> None:
        path = f"/v1/referrals/{await referred(north)}/information"
        answer = await post(north, path, added(persons=(person("V1", "L9"),)))
        assert code(answer) == (422, "local_id_taken")
        assert fields(answer) == [("persons[0].person_id", "local_id_taken"), ("persons[0].place_ids[0]", "place_unknown")]

    @pytest.mark.parametrize("act", ACTS)
    async def test_the_address_and_the_body_must_name_the_same_referral(self, north: httpx.AsyncClient, act: str) -> None:
        other = await referred(north, partner_reference="NL-2")
        answer = await post(north, f"/v1/referrals/{other}/{act}", ACTS[act])
        assert code(answer) == (422, "reference_mismatch")
        assert fields(answer) == [("partner_reference", "reference_mismatch")]


class TestLooking:
    async def test_a_referral_just_accepted_is_received(self, north: httpx.AsyncClient) -> None:
        shown = (await north.get(f"/v1/referrals/{await referred(north)}")).json()
        assert (shown["state"], shown["revision"], shown["updates"]) == ("received", 0, [])
        assert shown["received_at"] == shown["updated_at"] == "2026-11-23T09:00:00Z"
        assert "withdrawn_at" not in shown

    async def test_its_state_is_what_the_partners_updates_say(self, api: Api, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        await told(api, referral_id, 1, ReferralState.RECEIVED)
        await told(
            api, referral_id, 2, ReferralState.INFORMATION_REQUESTED, comment="Which year was it?", force_ids=("kent",)
        )
        shown = (await north.get(f"/v1/referrals/{referral_id}")).json()
        assert (shown["state"], shown["revision"]) == ("information_requested", 2)
        assert [update["revision"] for update in shown["updates"]] == [1, 2]
        assert shown["updates"][1]["comment"] == "Which year was it?"
        assert [update["force_ids"] for update in shown["updates"]] == [[], ["kent"]]
        assert CANARY not in json.dumps(shown)

    async def test_revisions_count_and_not_the_order_of_arrival(self, api: Api, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        for revision, state in ((3, ReferralState.ACCEPTED), (1, ReferralState.RECEIVED), (2, ReferralState.UNDER_REVIEW)):
            await told(api, referral_id, revision, state)
        shown = (await north.get(f"/v1/referrals/{referral_id}")).json()
        assert (shown["state"], shown["revision"]) == ("accepted", 3)
        assert [update["state"] for update in shown["updates"]] == ["received", "under_review", "accepted"]

    async def test_an_update_that_comes_again_changes_nothing(self, api: Api, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        for _ in range(2):
            await told(api, referral_id, 1, ReferralState.UNDER_REVIEW)
        assert len((await north.get(f"/v1/referrals/{referral_id}")).json()["updates"]) == 1

    async def test_however_many_updates_there_are_each_answer_is_small_and_together_they_are_all_of_them(
        self, api: Api, north: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "MOST_UPDATES", 4)
        monkeypatch.setattr(reading, "MOST_BYTES", 5_000)
        chance = random.Random(20261129)
        for count in (0, 1, 4, 5, 13):
            referral_id = await referred(north, partner_reference=f"NL-{count}")
            for revision in range(1, count + 1):
                words = "x" * chance.choice((1, 900, 3_900))
                await told(api, referral_id, revision, ReferralState.INFORMATION_REQUESTED, comment=words)
            found: list[int] = []
            address = f"/v1/referrals/{referral_id}"
            while address:
                answer = await north.get(address)
                shown = [update["revision"] for update in answer.json()["updates"]]
                assert len(shown) <= 4
                assert len(answer.content) < 15_000
                assert answer.json()["revision"] == count
                found = [*shown, *found]
                address = answer.links.get("prev", {}).get("url", "")
            assert found == list(range(1, count + 1))

    @pytest.mark.parametrize("before", ["0", "-1", "x", "9999999999"])
    async def test_a_revision_that_is_none_is_refused(self, north: httpx.AsyncClient, before: str) -> None:
        answer = await north.get(f"/v1/referrals/{await referred(north)}", params={"updates_before": before})
        assert code(answer) == (400, "query_invalid")

    async def test_it_is_found_by_the_partners_reference(self, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        await referred(north, partner_reference="NL-2")
        found = (await north.get("/v1/referrals", params={"partner_reference": REFERENCE})).json()
        assert [item["referral_id"] for item in found["items"]] == [referral_id]
        assert (await north.get("/v1/referrals", params={"partner_reference": "NL-9"})).json() == {"items": []}

    async def test_only_those_in_a_state(self, api: Api, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        await referred(north, partner_reference="NL-2")
        await told(api, referral_id, 1, ReferralState.UNDER_REVIEW)
        states = ("under_review", "received", "declined")
        answers = [(await north.get("/v1/referrals", params={"state": state})).json()["items"] for state in states]
        assert [[item["partner_reference"] for item in items] for items in answers] == [[REFERENCE], ["NL-2"], []]

    async def test_pages_hold_everything_once_in_order_while_more_come_in(self, north: httpx.AsyncClient) -> None:
        sent_first = [await referred(north, partner_reference=f"NL-{number}") for number in range(5)]
        seen: list[str] = []
        following: str | None = "/v1/referrals?limit=2"
        while following:
            page = (await north.get(following)).json()
            seen += [item["referral_id"] for item in page["items"]]
            if len(seen) == 2:
                sent_first.append(await referred(north, partner_reference="NL-late"))
            following = page.get("next")
        assert seen == sorted(seen)
        assert seen == sent_first

    async def test_a_cursor_that_is_none_of_ours_is_refused(self, north: httpx.AsyncClient) -> None:
        for cursor in ["", "x", "AQ", "!!", "A" * 40, "ÿ", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]:
            assert code(await north.get("/v1/referrals", params={"cursor": cursor})) == (400, "cursor_invalid")

    async def test_a_cursor_holds_for_its_filter_and_its_partner_alone(
        self, north: httpx.AsyncClient, south: httpx.AsyncClient
    ) -> None:
        for number in range(3):
            await referred(north, partner_reference=f"NL-{number}")
        following = (await north.get("/v1/referrals?limit=1")).json()["next"]
        assert code(await north.get(following + "&state=received")) == (400, "cursor_invalid")
        assert code(await south.get(following)) == (400, "cursor_invalid")

    async def test_a_query_that_is_not_understood_is_refused(self, north: httpx.AsyncClient) -> None:
        for query, field in [
            ("limit=0", "limit"),
            ("limit=x", "limit"),
            ("state=open", "state"),
            ("stat=received", "stat"),
            ("partner_reference=%00", "partner_reference"),
        ]:
            answer = await north.get(f"/v1/referrals?{query}")
            assert code(answer) == (400, "query_invalid")
            assert [name for name, _ in fields(answer)] == [field]


class TestNeedToKnow:
    """A token of partner A gets 404 for B's referral, always."""

    async def test_anothers_referral_is_not_found_by_any_route(
        self, north: httpx.AsyncClient, south: httpx.AsyncClient
    ) -> None:
        referral_id = await referred(north)
        looks = ["", "/attachments", f"/attachments/{uuid4()}"]
        answers = [await south.get(f"/v1/referrals/{referral_id}{path}") for path in looks]
        for act, content in ACTS.items():
            claims = json.loads(content) | {"partner_id": SOUTH}
            answers.append(await post(south, f"/v1/referrals/{referral_id}/{act}", claims))
            answers.append(await post(south, f"/v1/referrals/{referral_id}/{act}", content))
        headers = keyed() | {"content-type": "text/plain"}
        answers.append(await south.post(f"/v1/referrals/{referral_id}/attachments", content=b"text", headers=headers))
        assert {code(answer) for answer in answers} == {(404, "referral_not_found")}

    async def test_the_answer_is_the_same_as_for_a_referral_that_is_nowhere(
        self, north: httpx.AsyncClient, south: httpx.AsyncClient
    ) -> None:
        theirs, nowhere = await referred(north), str(uuid4())
        answers = [await south.get(f"/v1/referrals/{each}") for each in (theirs, nowhere, "no-uuid")]
        assert len({answer.content for answer in answers}) == 1

    async def test_a_list_holds_ones_own_referrals_alone(self, north: httpx.AsyncClient, south: httpx.AsyncClient) -> None:
        await referred(north)
        for query in ("", f"?partner_reference={REFERENCE}", "?state=received"):
            assert (await south.get(f"/v1/referrals{query}")).json() == {"items": []}

    async def test_two_partners_may_use_the_same_reference_and_the_same_key(
        self, north: httpx.AsyncClient, south: httpx.AsyncClient
    ) -> None:
        first = await post(north, "/v1/referrals", body(), key="1")
        second = await post(south, "/v1/referrals", body(partner_id=SOUTH), key="1")
        assert [first.status_code, second.status_code] == [202, 202]
        assert first.json()["referral_id"] != second.json()["referral_id"]


async def test_fifty_requests_at_once_under_different_keys_make_one_referral(api: Api, north: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(refer(north) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200, 202}
    assert [answer.status_code for answer in answers].count(202) == 1
    assert len({answer.json()["referral_id"] for answer in answers}) == 1
    assert await api.intake.pool.fetchval("SELECT count(*) FROM referrals") == 1


async def test_records_and_requests_about_one_reference_race_to_one_referral(api: Api, north: httpx.AsyncClient) -> None:
    intake: Harness = api.intake
    records = [sent(submitted(partner_reference=f"NL-{number}")) for number in range(20)]
    requests = [refer(north, partner_reference=f"NL-{number}") for number in range(20)]
    *answers, _ = await asyncio.gather(*requests, intake.processor.process(records))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert await intake.pool.fetchval("SELECT count(*) FROM referrals") == 20
    assert await intake.pool.fetchval("SELECT count(*) FROM history WHERE what = 'received'") == 20


async def test_the_media_type_may_have_parameters(north: httpx.AsyncClient) -> None:
    headers = keyed() | {"content-type": "Application/JSON; charset=utf-8"}
    assert (await north.post("/v1/referrals", content=body(), headers=headers)).status_code == 202
