"""The partner kit by HTTP: against the real API, and against a hub that fails in every way."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest

from conduit_contracts.kits import InvalidError, SettingsError, UnconfirmedError
from conduit_contracts.kits.http import HttpKit, HttpSettings, RefusedError
from conduit_contracts.notification import ReferralState
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.problems import Origin
from conduit_contracts.routing import HandoffState
from conduit_intake.access import clients
from conduit_local.stack import Stack
from tests.kits.samples import fields, information

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17) + b"\x00\x00\x00\x00IEND\xaeB`\x82"
RECEIPT: dict[str, Any] = {
    "referral_id": str(uuid.uuid4()),
    "partner_reference": "NL-1",
    "outcome": "received",
    "came_later": 1,
}


def settings(stack: Stack, client_id: str) -> HttpSettings:
    with psycopg.connect(stack.dsns["intake"], autocommit=True) as connection:
        secret = clients.add(connection, client_id, datetime.now(UTC))
    return HttpSettings(stack.url("intake"), client_id, secret.text)


@pytest.fixture(scope="module")
def live(stack: Stack) -> HttpSettings:
    return settings(stack, "northlight")


def new_reference() -> str:
    return f"HTTP-{uuid.uuid4().hex[:12]}"


async def test_a_referral_is_sent_once_under_a_key_and_known_again_under_another(live: HttpSettings) -> None:
    async with HttpKit("northlight", live) as kit:
        referral = kit.referral(new_reference(), **fields())
        first = await kit.submit(referral, key="k" + referral.partner_reference)
        again = await kit.submit(referral, key="k" + referral.partner_reference)
        other_key = await kit.submit(referral)
    assert (first.outcome, first.sandbox) == ("received", False)
    assert again == first
    assert (other_key.outcome, other_key.referral_id) == ("repeated", first.referral_id)


async def test_what_is_done_to_a_referral_shows_where_it_stands(live: HttpSettings) -> None:
    async with HttpKit("northlight", live) as kit:
        reference = new_reference()
        receipt = await kit.submit(kit.referral(reference, **fields()))
        supplement = kit.supplement(reference, **information())
        assert (await kit.supply(receipt.referral_id, supplement)).outcome == "forwarded"
        assert (await kit.reconsider(receipt.referral_id, reference, "Synthetic: look again.")).outcome == "forwarded"
        withdrawn = await kit.withdraw(str(receipt.referral_id), reference, WithdrawalReason.DUPLICATE)
        assert withdrawn.referral_id == receipt.referral_id
        found = await kit.find(reference)
        story = await kit.standing(receipt.referral_id)
        listed = [each.referral_id async for each in kit.referrals()]
    assert found is not None
    assert found.referral_id == story.referral_id == receipt.referral_id
    assert receipt.referral_id in listed


async def test_an_attachment_waits_to_be_scanned(live: HttpSettings) -> None:
    async with HttpKit("northlight", live) as kit:
        receipt = await kit.submit(kit.referral(new_reference(), **fields()))
        attached = await kit.attach(receipt.referral_id, PNG, "image/png")
        assert [each.attachment_id for each in await kit.attachments(receipt.referral_id)] == [attached.attachment_id]
    assert attached.state == "pending"


async def test_a_refusal_says_by_its_code_and_fields_what_to_do(live: HttpSettings) -> None:
    async with HttpKit("northlight", live) as kit:
        reference = new_reference()
        await kit.submit(kit.referral(reference, **fields()))
        with pytest.raises(RefusedError) as conflict:
            await kit.submit(kit.referral(reference, **fields(narrative="canary: something else")))
        with pytest.raises(RefusedError) as unknown:
            await kit.submit(kit.referral(new_reference(), **fields(mou_reference="MOU-NONE")))
        with pytest.raises(RefusedError) as nowhere:
            await kit.standing(uuid.uuid4())
        assert await kit.find(new_reference()) is None
    assert (conflict.value.status, conflict.value.code) == (409, "reference_reused")
    assert [each.field for each in unknown.value.errors] == ["mou_reference"]
    assert (nowhere.value.status, nowhere.value.retryable) == (404, False)
    assert "canary" not in str(conflict.value)


async def test_what_the_hub_would_refuse_is_not_sent(live: HttpSettings) -> None:
    async with HttpKit("northlight", live) as kit:
        other = HttpKit("harbour-trust", live).referral(reference := new_reference(), **fields())
        with pytest.raises(InvalidError, match="identity_mismatch"):
            await kit.submit(other)
        assert await kit.find(reference) is None


async def test_in_the_sandbox_everything_is_answered_and_nothing_is_live(stack: Stack, live: HttpSettings) -> None:
    reference = new_reference()
    async with HttpKit("northlight", settings(stack, "northlight.sandbox")) as sandbox:
        receipt = await sandbox.submit(sandbox.referral(reference, **fields()))
        assert receipt.sandbox
        assert (await sandbox.standing(receipt.referral_id)).state is ReferralState.RECEIVED
    async with HttpKit("northlight", live) as kit:
        assert await kit.find(reference) is None


async def test_a_wrong_secret_is_told_apart(stack: Stack) -> None:
    async with HttpKit("northlight", HttpSettings(stack.url("intake"), "northlight", "wrong")) as kit:
        with pytest.raises(RefusedError) as error:
            await kit.find("NL-1")
    assert (error.value.status, error.value.code) == (401, "invalid_client")


Answer = httpx.Response | Exception


class FailingHub:
    """Gives out tokens, and then the answers that it was told to give, in order."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.keys: list[str] = []
        self.tokens = 0

    def kit(self) -> HttpKit:
        kit = HttpKit("northlight", HttpSettings("http://127.0.0.1:1", "northlight", "s"), retry_seconds=(0.0, 0.0))
        kit._connection._client = httpx.AsyncClient(transport=httpx.MockTransport(self._answer), base_url="http://hub")
        return kit

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            self.tokens += 1
            return httpx.Response(200, json={"access_token": f"t{self.tokens}", "expires_in": 900})
        self.keys.append(request.headers.get("Idempotency-Key", ""))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def no(status: int, **body: Any) -> httpx.Response:
    return httpx.Response(status, json=body)


def submit(kit: HttpKit) -> Any:
    return kit.submit(kit.referral("NL-1", **fields()))


@pytest.mark.parametrize(
    "first",
    [
        lambda: httpx.ConnectError("canary"),
        lambda: httpx.ReadTimeout("canary"),
        lambda: httpx.Response(502, text="<html>canary</html>"),
        lambda: no(503, code="unavailable", origin="hub", retryable=True),
        lambda: httpx.Response(429, json={"code": "rate_exceeded", "retryable": True}, headers={"Retry-After": "0"}),
        lambda: no(409, code="idempotency_key_in_flight", retryable=True),
    ],
)
async def test_what_may_pass_is_tried_again_under_the_same_key(first: Callable[[], Answer]) -> None:
    hub = FailingHub(first(), httpx.Response(202, json=RECEIPT))
    async with hub.kit() as kit:
        assert str((await submit(kit)).referral_id) == RECEIPT["referral_id"]
    assert len(hub.keys) == 2
    assert len(set(hub.keys)) == 1


async def test_when_nobody_answers_the_sender_knows_that_it_does_not_know() -> None:
    hub = FailingHub(*(httpx.ConnectError("canary") for _ in range(3)))
    async with hub.kit() as kit:
        with pytest.raises(UnconfirmedError, match="ConnectError") as error:
            await submit(kit)
    assert "canary" not in str(error.value)


async def test_a_final_refusal_is_not_tried_again() -> None:
    hub = FailingHub(no(422, code="body_invalid", detail="Mend it.", retryable=False))
    async with hub.kit() as kit:
        with pytest.raises(RefusedError, match="422 body_invalid: Mend it"):
            await submit(kit)
    assert len(hub.keys) == 1


async def test_a_token_that_has_ended_is_replaced_once() -> None:
    hub = FailingHub(no(401, code="unauthenticated"), httpx.Response(202, json=RECEIPT))
    async with hub.kit() as kit:
        await submit(kit)
    assert hub.tokens == 2
    hub = FailingHub(no(401, code="unauthenticated"), no(401, code="unauthenticated"))
    async with hub.kit() as kit:
        with pytest.raises(RefusedError, match="401 unauthenticated"):
            await submit(kit)


async def test_pages_are_followed_to_their_end() -> None:
    standing = {
        **RECEIPT,
        "state": "received",
        "revision": 0,
        "received_at": "2026-11-23T09:00:00Z",
        "updated_at": "2026-11-23T09:00:00Z",
    }
    pages = ({"items": [standing, standing], "next": "/v1/referrals?cursor=a"}, {"items": [standing]})
    hub = FailingHub(*(httpx.Response(200, json=page) for page in pages))
    async with hub.kit() as kit:
        assert len([each async for each in kit.referrals(ReferralState.RECEIVED)]) == 3


async def test_what_the_contract_holds_strictly_is_read_as_json_has_it_and_later_fields_are_passed_over() -> None:
    handoff = {"force_id": "essex", "state": "received", "came_later": 1}
    happened = {"revision": 1, "state": "with_forces", "fact": "handoff_received", "happened_at": "2026-11-23T09:00:00Z"}
    story = {
        **RECEIPT,
        "state": "with_forces",
        "revision": 1,
        "received_at": "2026-11-23T09:00:00Z",
        "updated_at": "2026-11-23T09:00:00Z",
        "updates": [{**happened, "handoffs": [handoff], "came_later": 1}],
    }
    async with FailingHub(httpx.Response(200, json=story)).kit() as kit:
        told = await kit.standing(RECEIPT["referral_id"])
    assert told.updates[0].handoffs[0].state is HandoffState.RECEIVED
    problem = {
        "code": "field_missing",
        "field": "f",
        "message": "m",
        "origin": "sender",
        "retryable": False,
        "came_later": 1,
    }
    hub = FailingHub(no(422, code="body_invalid", origin="sender", retryable=False, errors=[problem]))
    async with hub.kit() as kit:
        with pytest.raises(RefusedError, match="f: field_missing") as error:
            await submit(kit)
    assert error.value.errors[0].origin is error.value.origin is Origin.SENDER


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"CONDUIT_URL": "https://hub.example"}, "CONDUIT_CLIENT_ID, CONDUIT_CLIENT_SECRET"),
        ({"CONDUIT_URL": "http://hub.example", "CONDUIT_CLIENT_ID": "a", "CONDUIT_CLIENT_SECRET": "b"}, "https://"),
    ],
)
def test_settings_that_cannot_be_used_are_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        HttpSettings.from_environment(environ)


def test_a_secret_never_shows() -> None:
    assert "canary" not in repr(HttpSettings("https://hub.example", "a", "canary"))
