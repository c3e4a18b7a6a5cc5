"""Danger in what is refused: the sender reads 999 first, and a person at the hub hears of it, with whom to ring back."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit_chassis.records import Record
from conduit_chassis.testing import Harness, ManualClock, raw_record
from conduit_contracts.danger import CALL_999, CODE
from conduit_contracts.intake import DangerReported, ReferralReceived, SubmissionRejected
from conduit_intake import metrics
from conduit_intake.api import dangers, door, kept
from conduit_intake.api.app import create_api
from conduit_intake.api.door import Door
from conduit_intake.api.overlong import MOST_LOOKED_AT, Overlong
from services.intake.tests.api import Api, added, body, code, keyed, post, refer, referred
from services.intake.tests.conftest import intake_with
from services.intake.tests.samples import (
    NORTH,
    NOW,
    REFERENCE,
    SOUTH,
    registered,
    sent,
    submitted,
    supplied,
    withdrawn,
)
from tests.support.closed import closed

PATH = "/v1/referrals"
DANGER = {"immediate_danger": True}
REQUIRED = ("mou_reference", "caseworker", "reported_at", "urgency", "narrative", "numbers", "concerns", "legal_ground")


def unread(**changes: Any) -> Record:
    """A record of a referral in danger whose fields were tampered with."""
    value = {"referral": {**json.loads(body(**DANGER)), **changes}}
    made = sent(submitted())
    return raw_record(made.topic, REFERENCE, made.headers, json.dumps(value).encode())


def without_type() -> Record:
    made = sent(submitted(**DANGER))
    headers = [(name, value) for name, value in made.headers if name != "ce_type"]
    return raw_record(made.topic, REFERENCE, headers, made.value)


REFUSED: dict[str, Callable[[], Record]] = {
    "a refused field": lambda: unread(urgency="at once"),
    "an unknown field": lambda: unread(immediate_dangers=True),
    "no type": without_type,
    "another's identity": lambda: sent(submitted(partner_id=SOUTH, **DANGER)),
    "an unknown MoU": lambda: sent(submitted(mou_reference="MOU-9", **DANGER)),
    "a body over the limit": lambda: unread(narrative="Synthetic. " * 150_000),
    "a time in the future": lambda: sent(submitted(reported_at=NOW + timedelta(days=9_000), **DANGER)),
}


def door_of(api: Api) -> Door:
    app: Any = api.app
    found: Door = app._app.state.door
    return found


def of(kind: type[Any], published: list[Any]) -> list[Any]:
    return [each.message for each in published if isinstance(each.message, kind)]


@pytest.mark.parametrize("made", REFUSED.values(), ids=REFUSED)
async def test_by_kafka_999_stands_first_and_the_hub_hears(intake: Harness, made: Callable[[], Record]) -> None:
    published = await intake.deliver(made())
    (rejected,) = of(SubmissionRejected, published)
    assert rejected.problems[0].code == CODE
    assert rejected.problems[0].message.startswith(CALL_999)
    assert len(rejected.problems) >= 2, "what was wrong is said as before"
    (reported,) = of(DangerReported, published)
    assert (reported.partner_id, reported.submission_id) == (NORTH, rejected.submission_id)
    assert reported.partner_reference == REFERENCE
    assert CODE not in reported.codes


async def test_danger_added_to_what_nobody_holds_is_heard_at_once_and_refused_with_999_when_its_time_is_over(
    intake: Harness, clock: ManualClock
) -> None:
    published = await intake.deliver(sent(supplied(partner_reference="NL-9", **DANGER)))
    (reported,) = of(DangerReported, published)
    assert (reported.partner_id, reported.partner_reference) == (NORTH, "NL-9")
    clock.advance(timedelta(seconds=121))
    (rejected,) = of(SubmissionRejected, await intake.tick("settle_early_updates"))
    assert [each.code for each in rejected.problems] == [CODE, "referral_unknown"]
    assert rejected.problems[0].message.startswith(CALL_999)


async def test_a_suspended_partner_in_danger_is_refused_and_heard(intake: Harness) -> None:
    await intake.deliver(sent(registered(suspended=True)))
    published = await intake.deliver(sent(submitted(**DANGER)))
    (rejected,), (reported,) = of(SubmissionRejected, published), of(DangerReported, published)
    assert [each.code for each in rejected.problems] == [CODE, "partner_suspended"]
    assert reported.callback.email == "team@partner.example"


@pytest.mark.parametrize(
    ("register", "danger", "taken"),
    [
        ({"valid_to": (NOW - timedelta(days=1)).date()}, True, True),
        ({"valid_to": (NOW - timedelta(days=1)).date()}, False, False),
        ({"valid_to": (NOW - timedelta(days=1)).date(), "suspended": True}, True, False),
        ({"valid_to": NOW.date()}, True, True),
    ],
)
async def test_danger_under_a_lapsed_memorandum_is_taken_and_marked(
    intake: Harness, register: dict[str, Any], danger: bool, taken: bool
) -> None:
    await intake.deliver(sent(registered(**register)))
    taken_at = int(NOW.timestamp() * 1000)  # which decides, and not the day of the test
    published = await intake.deliver(sent(submitted(immediate_danger=danger))._replace(timestamp_ms=taken_at))
    received = of(ReferralReceived, published)
    assert bool(received) is taken
    assert [each.mou_lapsed for each in received] == [register["valid_to"] < NOW.date()] * len(received)


async def test_a_partner_whom_nobody_registered_is_put_aside_and_heard(empty_intake: Harness) -> None:
    published = await empty_intake.deliver(sent(submitted(**DANGER)))
    (reported,) = of(DangerReported, published)
    assert reported.codes == ("unknown_partner",)
    assert len(await empty_intake.dead_letters()) == 1


async def test_what_is_taken_or_says_no_danger_makes_no_report(intake: Harness) -> None:
    published = await intake.deliver(
        sent(submitted(**DANGER)),
        sent(supplied(**DANGER)),
        sent(supplied(**DANGER)),
        sent(submitted(mou_reference="MOU-9", partner_reference="NL-2")),
        sent(withdrawn()),
    )
    assert not of(DangerReported, published)
    assert len(of(ReferralReceived, published)) == 1
    (rejected,) = of(SubmissionRejected, published)
    assert CODE not in [each.code for each in rejected.problems]


async def test_a_case_that_was_withdrawn_comes_to_be_in_danger(intake: Harness) -> None:
    await intake.deliver(sent(submitted()), sent(withdrawn()))
    (reported,) = of(DangerReported, await intake.deliver(sent(supplied(**DANGER))))
    assert reported.codes == ("referral_withdrawn",)
    assert reported.referral_id is not None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lost=st.sets(st.sampled_from(REQUIRED), max_size=len(REQUIRED)),
    wrong=st.dictionaries(
        st.sampled_from(REQUIRED) | st.text(min_size=1, max_size=12),
        st.none() | st.integers() | st.text(max_size=8) | st.lists(st.integers(), max_size=2),
        min_size=1,
        max_size=4,
    ),
    by_kafka=st.booleans(),
)
async def test_whatever_is_wrong_besides_danger_comes_first(
    intake: Harness, north: httpx.AsyncClient, lost: set[str], wrong: dict[str, Any], by_kafka: bool
) -> None:
    content = json.loads(body(**DANGER))
    content = {name: value for name, value in {**content, **wrong}.items() if name not in lost} | DANGER
    before = await intake.published()
    if by_kafka:
        made = sent(submitted())
        await intake.deliver(raw_record(made.topic, REFERENCE, made.headers, json.dumps({"referral": content}).encode()))
    else:
        answer = await post(north, PATH, content)
        assert answer.status_code in {202, 200} or answer.json()["detail"].startswith(CALL_999)
        if answer.status_code in {202, 200}:
            return
    published = (await intake.published())[len(before) :]
    assert of(DangerReported, published) or of(ReferralReceived, published)
    for rejected in of(SubmissionRejected, published):
        assert rejected.problems[0].code == CODE


class TestHttp:
    """The same by HTTP, where most refusals come before any rule."""

    async def refused(self, intake: Harness, answer: httpx.Response, *codes: str) -> DangerReported:
        assert answer.status_code >= 400
        assert answer.json()["detail"].startswith(CALL_999)
        assert answer.json()["code"] == codes[0]
        assert CODE not in [each["code"] for each in answer.json()["errors"]]
        (reported,) = of(DangerReported, await intake.published())
        assert reported.partner_id == NORTH
        assert set(codes) <= set(reported.codes)
        return reported

    async def test_a_refused_field(self, intake: Harness, north: httpx.AsyncClient) -> None:
        content = json.loads(body(**DANGER)) | {"urgency": "at once"}
        reported = await self.refused(intake, await post(north, PATH, content), "body_invalid", "value_not_allowed")
        assert reported.partner_reference == REFERENCE
        assert reported.callback is not None
        assert reported.callback.email == "team@partner.example"
        assert not of(SubmissionRejected, await intake.published()), "the answer is this one; no second one follows"

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (body(**DANGER)[:-40], "json_invalid"),
            (body(partner_id=SOUTH, **DANGER), "identity_mismatch"),
            (body(mou_reference="MOU-9", **DANGER), "mou_unknown"),
            (body(reported_at=NOW + timedelta(days=9_000), **DANGER), "time_in_future"),
            (b'{"immediate_danger": true, "x": ' + b"[" * 100 + b"]" * 100 + b"}", "json_too_deep"),
            (b'{"immediate_danger": true, "narrative": "' + b"x" * 300_000 + b'"}', "body_too_large"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    async def test_any_other_refusal(self, intake: Harness, north: httpx.AsyncClient, content: bytes, expected: str) -> None:
        await self.refused(intake, await post(north, PATH, content), expected)

    async def test_another_case_under_a_reference_in_use(self, intake: Harness, north: httpx.AsyncClient) -> None:
        await referred(north)
        await self.refused(intake, await refer(north, narrative="Another", **DANGER), "reference_reused")

    async def test_added_to_a_referral_that_is_anothers(
        self, intake: Harness, north: httpx.AsyncClient, south: httpx.AsyncClient
    ) -> None:
        referral_id = await referred(south, partner_id=SOUTH)
        answer = await post(north, f"{PATH}/{referral_id}/information", added(**DANGER))
        await self.refused(intake, answer, "referral_not_found")

    @pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {"content-encoding": "gzip"}], ids=str)
    async def test_a_body_that_nobody_reads(
        self, intake: Harness, north: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        answer = await north.post(PATH, content=body(**DANGER), headers=keyed() | headers)
        await self.refused(intake, answer, answer.json()["code"])
        assert answer.status_code == 415

    @pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
    async def test_a_body_that_is_packed(
        self, intake: Harness, north: httpx.AsyncClient, name: str, pack: Callable[[bytes], bytes]
    ) -> None:
        headers = keyed() | {"content-type": "application/json", "content-encoding": name}
        answer = await north.post(PATH, content=pack(body(**DANGER)), headers=headers)
        await self.refused(intake, answer, "encoding_unsupported")

    async def test_a_database_that_is_away(self, north: httpx.AsyncClient, database: str) -> None:
        before = metrics.DANGERS_UNREPORTED._value.get()
        async with closed(database):
            answer = await refer(north, **DANGER)
            quiet = await refer(north)
        assert code(answer) == code(quiet) == (503, "unavailable")
        assert answer.json()["detail"].startswith(CALL_999)
        assert CALL_999 not in quiet.text
        assert metrics.DANGERS_UNREPORTED._value.get() == before + 1, "DangerNotHeard has somebody ask"
        assert (await refer(north, **DANGER)).status_code == 202

    @pytest.fixture
    async def no_turn(self, api: Api, north: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
        """Other requests have all turns, and go on having them."""
        assert north
        monkeypatch.setattr(door, "QUEUE_SECONDS", 0.05)
        turns = door_of(api)._turns
        taken = 0
        while not turns.locked():
            await turns.acquire()
            taken += 1
        yield
        for _ in range(taken):
            turns.release()

    @pytest.mark.usefixtures("no_turn")
    async def test_while_others_have_all_turns_the_hub_hears(self, intake: Harness, north: httpx.AsyncClient) -> None:
        reported = await self.refused(intake, await refer(north, **DANGER), "unavailable")
        assert reported.partner_reference == REFERENCE

    @pytest.mark.usefixtures("no_turn")
    async def test_where_the_hub_cannot_hear_in_time_the_alert_does(
        self, intake: Harness, north: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dangers, "REPORT_SECONDS", 0.2)
        before = metrics.DANGERS_UNREPORTED._value.get()
        async with intake.pool.acquire() as other, other.transaction():
            await other.execute("LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE")
            answer = await refer(north, **DANGER)
        assert code(answer) == (503, "unavailable")
        assert answer.json()["detail"].startswith(CALL_999)
        assert metrics.DANGERS_UNREPORTED._value.get() == before + 1, "DangerNotHeard has somebody ask"

    @pytest.mark.parametrize(
        ("method", "path", "expected"),
        [("POST", "/v1/referral", "not_found"), ("PUT", PATH, "method_not_allowed")],
    )
    async def test_what_comes_to_no_address_is_heard_of_whoever_has_a_token(
        self, intake: Harness, north: httpx.AsyncClient, api: Api, method: str, path: str, expected: str
    ) -> None:
        stranger = await api.anybody()
        answer = await stranger.request(method, path, content=body(**DANGER), headers={"authorization": "Bearer nobody"})
        assert answer.json()["detail"].startswith(CALL_999)
        assert not of(DangerReported, await intake.published())
        await self.refused(intake, await north.request(method, path, content=body(**DANGER), headers=keyed()), expected)

    async def test_a_fault_of_ours(self, intake: Harness, north: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
        async def fail(*_arguments: Any) -> None:
            raise LookupError

        monkeypatch.setattr(kept, "keep", fail)
        await self.refused(intake, await refer(north, **DANGER), "internal_error")

    async def test_no_key(self, intake: Harness, north: httpx.AsyncClient) -> None:
        answer = await north.post(PATH, content=body(**DANGER), headers={"content-type": "application/json"})
        await self.refused(intake, answer, "idempotency_key_missing")

    async def test_a_suspended_partner(self, intake: Harness, north: httpx.AsyncClient) -> None:
        await intake.deliver(sent(registered(suspended=True)))
        await self.refused(intake, await refer(north, **DANGER), "partner_suspended")

    async def test_one_that_asks_too_often(self, api: Api, database: str, clock: ManualClock) -> None:
        async with intake_with(database, clock, http_burst=1, http_rate_per_second=0.001) as slow:
            client = await api.client(NORTH, create_api(slow.runtime))
            await client.get(PATH)
            await self.refused(slow, await refer(client, **DANGER), "rate_exceeded")

    async def test_a_sandbox_says_999_and_wakes_nobody(self, intake: Harness, api: Api) -> None:
        client = await api.client(f"{NORTH}.sandbox")
        for content in (
            json.loads(body(**DANGER)) | {"urgency": "at once"},
            json.loads(body(mou_reference="X-9", **DANGER)),
        ):
            answer = await post(client, PATH, content)
            assert answer.json()["detail"].startswith(CALL_999)
        assert not of(DangerReported, await intake.published())

    async def test_somebody_without_a_token_is_told_999_and_wakes_nobody(self, intake: Harness, api: Api) -> None:
        answer = await refer(await api.anybody(), **DANGER)
        assert code(answer) == (401, "unauthenticated")
        assert answer.json()["detail"].startswith(CALL_999)
        assert not of(DangerReported, await intake.published())

    async def test_without_danger_nothing_is_said_of_it(self, intake: Harness, north: httpx.AsyncClient) -> None:
        answer = await post(north, PATH, json.loads(body()) | {"urgency": "at once"})
        assert CALL_999 not in answer.text
        assert not of(DangerReported, await intake.published())


def overlong(long: int, *, danger_first: bool, reference_first: bool) -> bytes:
    """A referral with this much text, in danger, with its fields before or behind the text."""
    content = json.loads(body())
    danger, reference = content.pop("immediate_danger"), content.pop("partner_reference")
    del danger
    before = (DANGER if danger_first else {}) | ({"partner_reference": reference} if reference_first else {})
    behind = ({} if danger_first else DANGER) | ({} if reference_first else {"partner_reference": reference})
    return json.dumps({**before, **content, "narrative": "Synthetic. " * (long // 11), **behind}).encode()


class TestTooLarge:
    """A body over the limit is refused, and whoever says danger in it is heard wherever the field stands."""

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        long=st.integers(262_144, 3_500_000),
        danger_first=st.booleans(),
        reference_first=st.booleans(),
        declared=st.booleans(),
        chunk=st.integers(1_000, 200_000),
    )
    async def test_danger_is_heard_behind_megabytes_of_text(
        self,
        intake: Harness,
        north: httpx.AsyncClient,
        long: int,
        danger_first: bool,
        reference_first: bool,
        declared: bool,
        chunk: int,
    ) -> None:
        content = overlong(long, danger_first=danger_first, reference_first=reference_first)

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(content), chunk):
                yield content[at : at + chunk]

        before = len(await intake.published())
        headers = keyed() | ({"content-length": str(len(content))} if declared else {})
        answer = await north.post(PATH, content=pieces(), headers=headers)
        assert code(answer) == (413, "body_too_large")
        assert answer.json()["detail"].startswith(CALL_999)
        (reported,) = of(DangerReported, (await intake.published())[before:])
        assert (reported.partner_id, reported.partner_reference) == (NORTH, REFERENCE)
        assert "body_too_large" in reported.codes

    async def test_without_danger_nobody_hears_and_the_answer_says_999_all_the_same(
        self, intake: Harness, north: httpx.AsyncClient
    ) -> None:
        answer = await post(north, PATH, json.loads(body()) | {"narrative": "Synthetic. " * 300_000})
        assert code(answer) == (413, "body_too_large")
        assert "call 999" in answer.json()["detail"]
        assert not of(DangerReported, await intake.published())

    async def test_of_a_stranger_only_the_beginning_is_read(self, api: Api) -> None:
        read = 0

        async def pieces() -> AsyncIterator[bytes]:
            nonlocal read
            for _ in range(60):
                read += 1
                yield b" " * 65_536

        answer = await (await api.anybody()).post(PATH, content=pieces(), headers=keyed())
        assert (answer.status_code, read < 10) == (401, True)

    @settings(max_examples=200, deadline=None)
    @given(
        text=st.sampled_from(
            [
                '"immediate_danger": true',
                '"immediateDanger" : "Yes"',
                "immediate_danger=on&",
                "x",
                '"immediate_danger": false,',
            ]
        ),
        before=st.integers(0, 400),
        behind=st.integers(0, 400),
        chunk=st.integers(1, 300),
    )
    def test_the_field_may_lie_across_chunks(self, text: str, before: int, behind: int, chunk: int) -> None:
        content = (" " * before + text + " " * behind).encode()
        ear = Overlong()
        for at in range(0, len(content), chunk):
            assert ear.hear(content[at : at + chunk])
        assert ear.danger is (text not in {"x", '"immediate_danger": false,'})

    def test_looking_through_is_bounded_and_quick(self) -> None:
        ear, chunk = Overlong(), b'"immediate_danger": false, ' * 2_500
        started, pieces = time.process_time(), 0
        while ear.hear(chunk):
            pieces += 1
        assert pieces * len(chunk) <= MOST_LOOKED_AT
        assert time.process_time() - started < 5
        assert not ear.danger
