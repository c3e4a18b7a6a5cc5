"""No command is taken but on a signature of somebody in the register. What is not taken is answered and kept, and stops
nothing."""

from typing import Any

import pytest

from conduit_chassis.dead_letters import HANDLER_FAILED, Cause, put_aside
from conduit_chassis.signed import Verifier
from conduit_chassis.testing import KEY, EveryOfficer, Harness, replay_order
from conduit_contracts.programme import HubPersonRegistered
from conduit_contracts.signature import HEADER
from conduit_contracts.signing_keys import TrustedKeys
from conduit_contracts.triage import CommandRefused, ReferralDeclined
from services.triage.tests.builders import accepting, as_record, asking, declining, names, received
from tests.support.authenticator import Authenticator


def unsigned(made: Any) -> Any:
    """As a release before 0.2 wrote it, or whoever holds Kafka's credentials."""
    return made._replace(headers=[header for header in made.headers if header[0] != HEADER])


async def under_review(triage: Harness) -> Any:
    message = received()
    assert names(await triage.deliver(as_record(message))) == ["ReviewOpened"]
    return message.referral_id


@pytest.mark.parametrize("made", [accepting, declining, asking])
async def test_a_command_that_nobody_signed_is_refused_and_the_case_stays_in_its_queue(triage: Harness, made: Any) -> None:
    referral_id = await under_review(triage)
    (refused,) = await triage.deliver(unsigned(as_record(made(referral_id), event_id="unsigned")))
    assert isinstance(refused.message, CommandRefused)
    assert (refused.message.command_id, refused.message.referral_id) == ("unsigned", referral_id)
    assert [each.code for each in refused.message.problems] == ["signature_missing"]
    assert await triage.pool.fetchval("SELECT count(*) FROM reviews WHERE referral_id = $1", referral_id) == 1
    assert await triage.dead_letters() == []
    kept = await triage.pool.fetchrow("SELECT * FROM command_answers")
    assert (kept["answer"], kept["command_id"], kept["officer_id"]) == ("refused", "unsigned", "a.officer")
    assert await triage.pool.fetchval("SELECT count(*) FROM command_signatures") == 0


async def test_who_signed_is_kept_with_the_history(triage: Harness) -> None:
    referral_id = await under_review(triage)
    made = as_record(declining(referral_id), event_id="signed")
    (declined,) = await triage.deliver(made)
    assert isinstance(declined.message, ReferralDeclined)
    kept = await triage.pool.fetchrow("SELECT * FROM command_signatures")
    assert (kept["command_id"], kept["referral_id"], kept["officer_id"]) == ("signed", referral_id, "a.officer")
    assert kept["signature"].encode() in [value for name, value in made.headers if name == HEADER]
    assert kept["recorded_at"] == made.timestamp


async def test_a_copy_of_a_signed_command_has_no_second_effect_and_no_second_answer(triage: Harness) -> None:
    referral_id = await under_review(triage)
    made = as_record(asking(referral_id))
    assert names(await triage.deliver(made)) == ["InformationRequested"]
    for copied in (made._replace(partition=2, offset=77_001), made._replace(partition=5, offset=77_002, key=b"another")):
        assert await triage.deliver(copied) == []


async def test_an_unsigned_dead_letter_of_an_earlier_release_is_answered_when_it_is_replayed(triage: Harness) -> None:
    referral_id = await under_review(triage)
    made = unsigned(as_record(declining(referral_id), event_id="of-0.1.0"))
    async with triage.runtime.transaction() as (connection, outbox):
        item, now = triage.reader.read(made), triage.runtime.clock.now()
        number = await put_aside(connection, outbox, "triage", item, Cause(HANDLER_FAILED), now)
    (refused,) = await triage.deliver(replay_order("triage", number, made))
    assert isinstance(refused.message, CommandRefused)
    assert refused.message.problems[0].code == "signature_missing"
    assert await triage.dead_letters() == []
    assert names(await triage.deliver(as_record(declining(referral_id)))) == ["ReferralDeclined"]


async def test_a_signed_dead_letter_is_as_good_at_its_replay_as_when_it_was_given(triage: Harness) -> None:
    referral_id = await under_review(triage)
    made = as_record(declining(referral_id))
    made = made._replace(timestamp_ms=made.timestamp_ms)
    async with triage.runtime.transaction() as (connection, outbox):
        item, now = triage.reader.read(made), triage.runtime.clock.now()
        number = await put_aside(connection, outbox, "triage", item, Cause(HANDLER_FAILED), now)
    assert names(await triage.deliver(replay_order("triage", number, made))) == ["ReferralDeclined"]


async def test_a_thousand_forged_commands_cost_their_writer_alone(triage: Harness) -> None:
    referral_id = await under_review(triage)
    forged = [unsigned(as_record(accepting(referral_id), event_id=f"forged-{n}")) for n in range(1_000)]
    published = await triage.deliver(*forged, as_record(declining(referral_id)))
    assert names(published) == [*["CommandRefused"] * 1_000, "ReferralDeclined"]
    assert await triage.dead_letters() == []


async def test_an_officer_who_left_the_register_after_signing_decides_nothing(triage: Harness) -> None:
    class Left(EveryOfficer):
        def find(self, issuer: str, subject: str) -> None:
            del issuer, subject

    referral_id = await under_review(triage)
    made = as_record(declining(referral_id))
    triage.reader._verifier = Verifier(lambda: TrustedKeys([KEY.public()]), Left())
    (refused,) = await triage.deliver(made)
    assert refused.message.problems[0].code == "officer_not_registered"
    assert await triage.pool.fetchval("SELECT count(*) FROM reviews WHERE referral_id = $1", referral_id) == 1


async def test_an_officer_who_has_a_passkey_declines_with_it_alone(triage: Harness) -> None:
    passkey = Authenticator()

    class WithPasskey(EveryOfficer):
        def find(self, issuer: str, subject: str) -> HubPersonRegistered | None:
            found = super().find(issuer, subject)
            return found and found.model_copy(update={"passkeys": (passkey.passkey(),)})

    triage.reader._verifier = Verifier(lambda: TrustedKeys([KEY.public()]), WithPasskey())
    referral_id = await under_review(triage)
    (refused,) = await triage.deliver(as_record(declining(referral_id), event_id="by-the-console-alone"))
    assert isinstance(refused.message, CommandRefused)
    assert refused.message.problems[0].code == "passkey_missing"
    assert await triage.pool.fetchval("SELECT problems -> 0 ->> 'code' FROM command_answers") == "passkey_missing"
    made = passkey.touched_for(as_record(declining(referral_id)))
    assert names(await triage.deliver(made)) == ["ReferralDeclined"]
    assert (await triage.pool.fetchval("SELECT passkey FROM command_signatures")).encode() == made.headers[-1][1]
