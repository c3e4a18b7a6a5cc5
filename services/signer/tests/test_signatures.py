"""What the console gets signed, and what not: by whom, in which role, after which sign-in."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from conduit_chassis.testing import ManualClock
from conduit_contracts.envelope import Attributes, Command, dump
from conduit_contracts.ids import uuid7
from conduit_contracts.notification import TakeDutyTask
from conduit_contracts.passkeys import challenge_of
from conduit_contracts.programme import HubRole, PersonRegistered
from conduit_contracts.routing import NameHomeForce
from conduit_contracts.signature import LEEWAY, Signable, SignatureRefusedError, verify
from conduit_contracts.signing_keys import SigningKey, TrustedKeys
from conduit_signer.rules import FRESH
from conduit_web import access
from conduit_web.people import Role
from services.signer.tests.builders import Register, accepting, asked, declining, person
from tests.support.authenticator import Authenticator

PATH = "/v1/signatures"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def signable(said: dict[str, Any], command: Any) -> Signable:
    attributes = Attributes(said["ce_id"], said["ce_source"], said["ce_type"], NOW)
    return Signable.of(command, attributes, said["topic"], said["value"].encode())


def naming() -> NameHomeForce:
    return NameHomeForce(
        referral_id=uuid7(), officer_id="a.okafor", home_force="kent", reason="canary-reason", seen_version=1
    )


def taking() -> TakeDutyTask:
    return TakeDutyTask(task_id=uuid4(), officer_id="a.okafor", seen_until=NOW)


async def refusal(console: httpx.AsyncClient, said: dict[str, Any]) -> tuple[int, str, str]:
    answer = await console.post(PATH, json=said)
    (problem,) = answer.json()["problems"]
    return answer.status_code, problem["code"], problem["field"]


@pytest.mark.parametrize("made", [accepting, declining, naming, taking])
async def test_an_officers_command_is_signed_as_its_service_verifies_it(
    console: httpx.AsyncClient, clock: ManualClock, key: SigningKey, made: Callable[[], Command]
) -> None:
    command = made()
    said = asked(command, clock.now())
    answer = await console.post(PATH, json=said)
    assert answer.status_code == 200
    claims = verify(answer.json()["signature"], signable(said, command), TrustedKeys([key.public()]), clock.now())
    assert (claims.officer_id, claims.sub, claims.acr) == ("a.okafor", "8f2c", "mfa")


async def test_nobody_but_the_console_is_answered(console: httpx.AsyncClient, clock: ManualClock) -> None:
    said = asked(accepting(), clock.now())
    for token in ("", "Bearer ", "Bearer other", "synthetic-console-token"):
        answer = await console.post(PATH, json=said, headers={"Authorization": token})
        assert answer.status_code == 401
        assert "signature" not in answer.json()
    assert (await console.get(PATH)).status_code == 405


@pytest.mark.parametrize(
    ("found", "behind", "status", "code"),
    [
        (None, False, 403, "officer_not_registered"),
        (person(), True, 503, "register_behind"),
        (person(officer_id="b.lindqvist"), False, 403, "officer_differs"),
        (person(roles=(HubRole.ADMINISTRATOR,)), False, 403, "role_lacking"),
        (person(subject="another"), False, 403, "officer_not_registered"),
    ],
)
async def test_the_register_decides_and_not_the_console(
    console: httpx.AsyncClient,
    clock: ManualClock,
    register: Register,
    found: PersonRegistered | None,
    behind: bool,
    status: int,
    code: str,
) -> None:
    register.person, register.behind = found, behind
    assert (await refusal(console, asked(accepting(), clock.now())))[:2] == (status, code)


@pytest.mark.parametrize("role", sorted(HubRole))
async def test_who_may_decide_here_is_who_may_decide_at_a_desk(
    console: httpx.AsyncClient, clock: ManualClock, register: Register, role: HubRole
) -> None:
    register.person = person(roles=(role,))
    actions = (access.Action.ACCEPT, access.Action.DECLINE, access.Action.NAME_HOME_FORCE, access.Action.STAND_DOWN)
    may = {Role(role) in access.RULES[action].reach for action in actions}
    for command in (accepting(), declining(), naming()):
        answer = await console.post(PATH, json=asked(command, clock.now()))
        assert {answer.status_code == 200} == may


async def test_who_declines_has_just_signed_in(console: httpx.AsyncClient, clock: ManualClock) -> None:
    assert FRESH > access.FRESH, "what a desk lets through is signed"
    late = asked(declining(), clock.now(), ago=FRESH + timedelta(seconds=1))
    assert await refusal(console, late) == (403, "sign_in_again", "auth_time")
    hours = asked(accepting(), clock.now(), ago=timedelta(hours=7))
    assert (await console.post(PATH, json=hours)).status_code == 200
    ahead = asked(accepting(), clock.now(), ago=-LEEWAY - timedelta(seconds=2))
    assert await refusal(console, ahead) == (403, "sign_in_in_the_future", "auth_time")


async def test_what_a_passkey_must_sign_is_not_signed_without_it(
    console: httpx.AsyncClient, clock: ManualClock, register: Register
) -> None:
    mine = Authenticator()
    register.person = person(passkeys=(mine.passkey(),))
    command = declining()
    said = asked(command, clock.now())
    challenge = challenge_of(signable(said, command))
    header = "conduit-passkey"
    assert await refusal(console, said) == (403, "passkey_missing", header)
    other = said | {"passkey": Authenticator().answer(challenge)}
    assert await refusal(console, other) == (403, "passkey_unknown", header)
    good = said | {"passkey": mine.answer(challenge)}
    for _ in range(2):
        assert (await console.post(PATH, json=good)).status_code == 200, "a form that was sent twice"
    assert await refusal(console, good | {"ce_id": str(uuid7())}) == (403, "passkey_for_another", header)
    assert (await console.post(PATH, json=asked(accepting(), clock.now()))).status_code == 200


async def test_a_passkey_that_counts_fewer_uses_than_before_may_be_a_copy(
    console: httpx.AsyncClient, clock: ManualClock, register: Register
) -> None:
    mine, silent = Authenticator(count=5), Authenticator(count=None)
    register.person = person(passkeys=(mine.passkey(), silent.passkey()))

    async def declined(passkey: Authenticator, count: int | None) -> int:
        command, passkey.count = declining(), count
        said = asked(command, clock.now())
        answer = passkey.answer(challenge_of(signable(said, command)))
        return (await console.post(PATH, json=said | {"passkey": answer})).status_code

    assert [await declined(mine, count) for count in (5, 6, 6, 3, None, 7)] == [200, 200, 403, 403, 403, 200]
    assert [await declined(silent, None) for _ in range(2)] == [200, 200], "many do not count"


async def test_nothing_is_signed_that_its_service_would_not_take(console: httpx.AsyncClient, clock: ManualClock) -> None:
    now = clock.now()
    wrong: list[tuple[dict[str, Any], str]] = [
        (asked(accepting(), now, topic="routing.reviews.v1"), "type_not_accepted"),
        (asked(accepting(), now, topic="intake.referrals.v1"), "type_not_accepted"),
        (asked(accepting(), now, ce_type="uk.conduit.triage.referral-accepted.v1"), "type_not_accepted"),
        (asked(accepting(), now, value="{"), "json_invalid"),
        (asked(accepting(), now, value='{"x": 1}'), "field_missing"),
        (asked(accepting(seen_version=None), now), "field_missing"),
    ]
    for said, code in wrong:
        answer = await console.post(PATH, json=said)
        assert answer.status_code == 422
        assert code in [each["code"] for each in answer.json()["problems"]]


async def test_what_says_until_when_the_page_knew_the_case_is_signed_without_a_version(
    console: httpx.AsyncClient, clock: ManualClock, key: SigningKey
) -> None:
    command = accepting(seen_version=None, seen_until=clock.now())
    said, keys = asked(command, clock.now()), TrustedKeys([key.public()])
    signature = (await console.post(PATH, json=said)).json()["signature"]
    assert verify(signature, signable(said, command), keys, clock.now()).case_version is None
    later = accepting(**dict(command) | {"seen_until": clock.now() + timedelta(seconds=1)})
    with pytest.raises(SignatureRefusedError, match="signature_claim_differs at value_sha256"):
        verify(signature, signable(said | {"value": dump(later).decode()}, later), keys, clock.now())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(
    changes=st.dictionaries(
        st.sampled_from(sorted(asked(accepting(), NOW))), st.none() | st.text() | st.integers(), min_size=1
    )
)
async def test_whatever_is_asked_is_answered_and_repeats_nothing(
    console: httpx.AsyncClient, clock: ManualClock, changes: dict[str, Any]
) -> None:
    answer = await console.post(PATH, json=asked(accepting(), clock.now()) | changes)
    assert answer.status_code in {200, 403, 422}
    assert "canary" not in answer.text


async def test_a_body_that_is_too_large_or_no_json_is_refused(console: httpx.AsyncClient) -> None:
    for body in (b"x" * 600_000, b"", b"[]", b"\xff"):
        answer = await console.post(PATH, content=body)
        assert answer.status_code == 422


async def test_what_was_asked_stands_in_no_log_and_no_metric(
    console: httpx.AsyncClient, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    before = REGISTRY.get_sample_value("conduit_signer_requests_total", {"outcome": "signed"}) or 0
    command = accepting()
    said = asked(command, clock.now())
    signature = (await console.post(PATH, json=said)).json()["signature"]
    await console.post(PATH, json=asked(accepting(officer_id="b.lindqvist"), clock.now()))
    logged = capsys.readouterr()
    for hidden in ("canary", "8f2c", "a.okafor", signature[:40], "BEGIN"):
        assert hidden not in logged.out + logged.err
    assert REGISTRY.get_sample_value("conduit_signer_requests_total", {"outcome": "signed"}) == before + 1


def test_the_id_of_a_referral_is_one() -> None:
    assert UUID(json.loads(asked(accepting(), NOW)["value"])["referral_id"]).version == 7
