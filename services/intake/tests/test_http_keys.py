"""`Idempotency-Key`: once, whichever replica a request reaches and however often it is sent."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from conduit_chassis.periodic import run_tick
from conduit_chassis.testing import ManualClock, logging_as
from conduit_contracts.envelope import dump
from conduit_intake.api import kept
from conduit_intake.api.app import create_api
from conduit_intake.api.keys import REPLAYED
from services.intake.tests.api import JSON, Api, added, body, code, keyed, post, refer, referred
from services.intake.tests.conftest import intake_with
from services.intake.tests.samples import NORTH, registered, sent, withdrawn


async def count(api: Api, table: str) -> int:
    number: int = await api.intake.pool.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608  a table's name
    return number


def respelt(said: bytes) -> bytes:
    """The same content: keys in another order, with spaces, and times in another zone."""
    turned = dict(reversed(json.loads(said).items()))
    for name in {"reported_at", "supplied_at"} & turned.keys():
        turned[name] = datetime.fromisoformat(turned[name]).astimezone(timezone(timedelta(hours=5))).isoformat()
    return json.dumps(turned, indent=2).encode()


class TestTheKey:
    async def test_without_a_key_nothing_is_done(self, api: Api, north: httpx.AsyncClient) -> None:
        assert code(await north.post("/v1/referrals", content=body(), headers=JSON)) == (400, "idempotency_key_missing")
        assert await count(api, "referrals") == 0

    async def test_a_key_has_at_most_255_visible_characters(self, north: httpx.AsyncClient) -> None:
        for key in ["", "x" * 256, "two words", "ÿ"]:
            headers = [*JSON.items(), ("idempotency-key", key)]
            encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
            answer = await north.post("/v1/referrals", content=body(), headers=encoded)
            assert code(answer) == (400, "idempotency_key_invalid")

    @pytest.mark.parametrize("second", ["another", "one"])
    async def test_of_two_keys_neither_is_taken(self, api: Api, north: httpx.AsyncClient, second: str) -> None:
        headers = [*JSON.items(), ("idempotency-key", "one"), ("idempotency-key", second)]
        answer = await north.post("/v1/referrals", content=body(), headers=headers)
        assert code(answer) == (400, "idempotency_key_invalid")
        assert await count(api, "referrals") == 0

    async def test_any_other_key_will_do(self, north: httpx.AsyncClient) -> None:
        for number, key in enumerate(["x" * 255, "!~", '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "a';--"]):
            answer = await post(north, "/v1/referrals", body(partner_reference=f"NL-{number}"), key)
            assert answer.status_code == 202


class TestAgain:
    async def test_the_same_request_gets_the_answer_that_it_had(self, api: Api, north: httpx.AsyncClient) -> None:
        first = await post(north, "/v1/referrals", body(), "1")
        before = await api.intake._last_id()
        second = await post(north, "/v1/referrals", body(), "1")
        assert (second.status_code, second.content) == (first.status_code, first.content) == (202, first.content)
        assert second.headers["location"] == first.headers["location"]
        assert (REPLAYED in first.headers, second.headers[REPLAYED]) == (False, "true")
        assert await api.intake.published(before) == []
        assert await count(api, "history") == 3  # two registrations and one referral

    async def test_another_body_under_the_key_is_refused(self, api: Api, north: httpx.AsyncClient) -> None:
        await post(north, "/v1/referrals", body(), "1")
        answer = await post(north, "/v1/referrals", body(partner_reference="NL-2"), "1")
        assert code(answer) == (422, "idempotency_key_reused")
        assert await count(api, "referrals") == 1

    async def test_the_same_in_another_spelling_is_the_same_request(self, api: Api, north: httpx.AsyncClient) -> None:
        first = await post(north, "/v1/referrals", body(), "1")
        again = await post(north, "/v1/referrals", respelt(body()), "1")
        assert (again.status_code, again.content, again.headers[REPLAYED]) == (202, first.content, "true")
        path = f"/v1/referrals/{first.json()['referral_id']}"
        for end, said in [("information", added()), ("withdrawal", dump(withdrawn()))]:
            first = await post(north, f"{path}/{end}", said, end)
            again = await post(north, f"{path.upper().replace('/V1/REFERRALS', '/v1/referrals')}/{end}", respelt(said), end)
            assert (again.status_code, again.content, again.headers[REPLAYED]) == (202, first.content, "true")
        assert await count(api, "kept_answers") == 3

    async def test_what_an_earlier_release_kept_is_known_to_the_letter(self, api: Api, north: httpx.AsyncClient) -> None:
        first = await post(north, "/v1/referrals", body(), "1")
        await api.intake.pool.execute("UPDATE kept_answers SET meaning = NULL")
        assert (await post(north, "/v1/referrals", body(), "1")).content == first.content
        assert code(await post(north, "/v1/referrals", respelt(body()), "1")) == (422, "idempotency_key_reused")

    async def test_another_path_under_the_key_is_refused(self, north: httpx.AsyncClient) -> None:
        referral_id = (await post(north, "/v1/referrals", body(), "1")).json()["referral_id"]
        answer = await post(north, f"/v1/referrals/{referral_id}/information", added(), "1")
        assert code(answer) == (422, "idempotency_key_reused")

    async def test_a_clients_key_is_its_own(self, api: Api, north: httpx.AsyncClient) -> None:
        other = await api.client(f"{NORTH}.second")
        await post(north, "/v1/referrals", body(), "1")
        answer = await post(other, "/v1/referrals", body(partner_reference="NL-2"), "1")
        assert answer.status_code == 202

    async def test_a_final_refusal_is_kept(self, api: Api, north: httpx.AsyncClient) -> None:
        await refer(north)
        first = await post(north, "/v1/referrals", body(narrative="another"), "1")
        second = await post(north, "/v1/referrals", body(narrative="another"), "1")
        assert code(first) == code(second) == (409, "reference_reused")
        assert second.headers[REPLAYED] == "true"
        assert await count(api, "history") == 4

    async def test_a_refusal_that_may_pass_is_not_kept(self, api: Api) -> None:
        late = await api.client("late")
        content = body(partner_id="late")
        assert code(await post(late, "/v1/referrals", content, "1")) == (403, "unknown_partner")
        await api.intake.deliver(sent(registered("late")))
        assert (await post(late, "/v1/referrals", content, "1")).status_code == 202

    async def test_what_never_came_to_a_rule_is_not_kept(self, north: httpx.AsyncClient) -> None:
        assert code(await post(north, "/v1/referrals", b"{}", "1")) == (422, "body_invalid")
        assert (await post(north, "/v1/referrals", body(), "1")).status_code == 202

    async def test_a_failure_keeps_nothing(
        self, api: Api, north: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(*_arguments: Any) -> None:
            raise ConnectionResetError

        with monkeypatch.context() as broken:
            broken.setattr(kept, "keep", fail)
            answer = await post(north, "/v1/referrals", body(), "1")
            assert code(answer) == (503, "unavailable")
            assert answer.headers["retry-after"] == "5"
        assert await count(api, "referrals") == 0
        assert (await post(north, "/v1/referrals", body(), "1")).status_code == 202

    async def test_an_error_of_ours_says_nothing_of_itself(
        self,
        api: Api,
        north: httpx.AsyncClient,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        async def fail(*_arguments: Any) -> None:
            raise LookupError("canary")

        monkeypatch.setattr(kept, "keep", fail)
        with logging_as("intake"):
            answer = await post(north, "/v1/referrals", body(), "1")
        assert code(answer) == (500, "internal_error")
        shown = capsys.readouterr().out
        assert "canary" not in answer.text + shown
        (line,) = [json.loads(each) for each in shown.splitlines() if "request_failed" in each]
        assert (line["path"], line["error"]) == ("/v1/referrals", "LookupError")
        assert line["correlation_id"] == answer.headers["x-correlation-id"]
        assert answer.headers["x-correlation-id"]
        assert await count(api, "referrals") == 0


class TestAtOnce:
    async def test_fifty_requests_with_one_key_make_one_referral(self, api: Api, north: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(*(post(north, "/v1/referrals", body(), "1") for _ in range(50)))
        kinds = Counter(answer.status_code for answer in answers)
        assert set(kinds) <= {202, 409}
        done = [answer for answer in answers if answer.status_code == 202]
        assert len({answer.content for answer in done}) == 1
        assert [answer.headers.get(REPLAYED) for answer in done].count(None) == 1
        for answer in answers:
            if answer.status_code == 409:
                assert code(answer) == (409, "idempotency_key_in_flight")
                assert (answer.json()["retryable"], answer.headers["retry-after"]) == (True, "1")
        assert await count(api, "referrals") == 1
        assert await count(api, "history WHERE what = 'received'") == 1
        assert (await post(north, "/v1/referrals", body(), "1")).status_code == 202

    async def test_fifty_requests_with_one_key_to_two_replicas_make_one_referral(
        self, api: Api, database: str, clock: ManualClock
    ) -> None:
        async with intake_with(database, clock) as twin:
            clients = [await api.client(), await api.client(app=create_api(twin.runtime))]
            answers = await asyncio.gather(*(post(clients[n % 2], "/v1/referrals", body(), "1") for n in range(50)))
        assert {answer.status_code for answer in answers} <= {202, 409}
        assert len({answer.content for answer in answers if answer.status_code == 202}) == 1
        assert await count(api, "referrals") == 1

    async def test_while_a_request_is_under_way_its_key_is_in_flight(self, api: Api, north: httpx.AsyncClient) -> None:
        async with api.intake.runtime.transaction() as (connection, _):
            assert await kept.lock(connection, NORTH, "1")
            assert code(await post(north, "/v1/referrals", body(), "1")) == (409, "idempotency_key_in_flight")
            assert (await post(north, "/v1/referrals", body(), "2")).status_code == 202
        assert (await post(north, "/v1/referrals", body(), "1")).status_code == 200


async def test_an_answer_is_kept_for_sixty_days_and_then_forgotten(
    api: Api, north: httpx.AsyncClient, clock: ManualClock
) -> None:
    await post(north, "/v1/referrals", body(), "1")
    tick = next(each for each in api.intake.runtime.service.ticks if each.name == "forget_answers")
    clock.advance(timedelta(days=60))
    await run_tick(api.intake.runtime, tick)
    assert await count(api, "kept_answers") == 1
    clock.advance(timedelta(seconds=1))
    await run_tick(api.intake.runtime, tick)
    assert await count(api, "kept_answers") == 0
    assert await count(api, "tokens") == 0


async def test_a_kept_answer_holds_references_alone(api: Api, north: httpx.AsyncClient) -> None:
    referral_id = await referred(north)
    await north.post("/v1/referrals", content=body(narrative="another"), headers=keyed())
    bodies = [row["body"] for row in await api.intake.pool.fetch("SELECT body FROM kept_answers ORDER BY status")]
    assert [json.loads(each).get("referral_id") for each in bodies] == [referral_id, None]
    assert not any(b"canary" in each for each in bodies)
