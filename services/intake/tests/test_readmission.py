"""What intake's database has lost is taken in again from what intake published, under the same ids."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from conduit_chassis.records import Record
from conduit_chassis.testing import Harness, ManualClock, Published
from conduit_contracts import intake as events
from conduit_contracts.topics import INTAKE_REFERRALS
from conduit_intake.batch import scene_of
from conduit_intake.readmission import TAKEN, SentAgain, TakenEvent, claim_refused, known_since, readmit
from services.intake.tests.conftest import intake_with
from services.intake.tests.samples import (
    CANARY,
    NOW,
    person,
    reconsideration,
    registered,
    sent,
    submitted,
    supplied,
    withdrawn,
)

ACTOR = "operator.on-call"
HELD = "SELECT referral_id, partner_reference, content_hash, place_ids, person_ids, received_at FROM referrals ORDER BY 1"
CHANGED = (
    "SELECT withdrawn_at IS NOT NULL AS gone, reconsideration_requested_at IS NOT NULL AS asked FROM referrals ORDER BY 1"
)
ADDED = "SELECT referral_id, content_hash FROM supplements ORDER BY 1, 2"
STANDING = "SELECT referral_id, partner_id, state, revision FROM standings ORDER BY 1"


@pytest.fixture
async def restored(new_database: Any, database_template: str, clock: ManualClock) -> AsyncIterator[Harness]:
    """Intake on a database from before: it knows the partner, and nothing that was sent."""
    async with intake_with(new_database(database_template), clock) as made:
        await made.deliver(sent(registered()))
        yield made


def taken(published: list[Published]) -> list[TakenEvent]:
    return [
        TakenEvent(each.attributes.id, each.attributes.time, each.message)
        for each in published
        if each.topic == INTAKE_REFERRALS.name() and each.attributes.type in TAKEN
    ]


async def everything(intake: Harness) -> list[Published]:
    """A referral to which information is added and for which a second look is asked, and one that is withdrawn."""
    told = await intake.deliver(sent(submitted(partner_reference="A")), sent(submitted(partner_reference="B")))
    told += await intake.deliver(sent(supplied(partner_reference="A", persons=(person("V9"),))))
    told += await intake.deliver(sent(reconsideration(reference="A")), sent(withdrawn(reference="B")))
    return told


async def rows(harness: Harness, statement: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await harness.pool.fetch(statement)]


async def again(harness: Harness, lost: list[TakenEvent], *records: Record) -> Any:
    sent_again = SentAgain()
    for each in records:
        sent_again.add(each)
    async with harness.pool.acquire() as connection:
        return await readmit(connection, lost, scene_of(harness.runtime), sent_again, actor=ACTOR)


async def test_what_was_lost_stands_again_under_its_ids_and_nothing_is_published(intake: Harness, restored: Harness) -> None:
    lost = taken(await everything(intake))
    assert len(lost) == 5
    found = await again(restored, lost)
    assert (len(found.done), found.clashing) == (5, [])
    for statement in (HELD, CHANGED, ADDED, STANDING):
        assert await rows(restored, statement) == await rows(intake, statement) != []
    assert await restored.published() == []


async def test_history_says_who_had_it_done_and_knows_the_events_from_then_on(intake: Harness, restored: Harness) -> None:
    lost = taken(await everything(intake))
    async with restored.pool.acquire() as connection:
        assert await known_since(connection, NOW) == set()
        await readmit(connection, lost, scene_of(restored.runtime), SentAgain(), actor=ACTOR)
        assert await known_since(connection, NOW) == {each.event_id for each in lost}
    history = await rows(restored, "SELECT why, replayed_by FROM history WHERE submission_id IS NOT NULL")
    assert {(row["why"], row["replayed_by"]) for row in history} == {("readmitted", ACTOR)}
    assert CANARY not in str(await rows(restored, "SELECT * FROM history"))


async def test_what_the_partner_sent_and_was_answered_is_passed_over_when_it_is_read_again(
    intake: Harness, restored: Harness
) -> None:
    records = [
        sent(submitted(partner_reference="A")),
        sent(submitted(partner_reference="B", mou_reference="MOU-NOBODYS")),
        sent(supplied(partner_reference="A")),
        sent(withdrawn(reference="A")),
    ]
    told = [message for each in records for message in await intake.deliver(each)]
    unanswered = sent(submitted(partner_reference="C"))
    sent_again = SentAgain()
    for each in (*records, unanswered):
        sent_again.add(each)
    refused = [each.message for each in told if isinstance(each.message, events.SubmissionRejected)]
    async with restored.pool.acquire() as connection:
        assert await claim_refused(connection, refused, sent_again) == 1
        await readmit(connection, taken(told), scene_of(restored.runtime), sent_again, actor=ACTOR)
    assert await restored.deliver(*records) == []
    (received,) = await restored.deliver(unanswered)
    assert isinstance(received.message, events.ReferralReceived)
    places = [f"{each.topic}/{each.partition}/{each.offset}" for each in records]
    known = "SELECT submission_id FROM history WHERE why = 'readmitted' ORDER BY id"
    assert [row["submission_id"] for row in await rows(restored, known)] == [places[0], *places[2:]]


async def test_the_same_sent_twice_is_passed_over_once_and_then_a_repeat(intake: Harness, restored: Harness) -> None:
    records = [sent(submitted(partner_reference="A")), sent(submitted(partner_reference="A"))]
    told = [message for each in records for message in await intake.deliver(each)]
    await again(restored, taken(told), *records)
    assert await restored.deliver(records[0]) == []
    (repeated,) = await restored.deliver(records[1])
    assert isinstance(repeated.message, events.SubmissionRepeated)
    assert repeated.message.referral_id == told[0].message.referral_id


async def test_what_stands_under_another_id_by_now_is_named_and_left_alone(intake: Harness, restored: Harness) -> None:
    lost = taken(await everything(intake))
    await restored.deliver(sent(submitted(partner_reference="A")))  # read again before it was taken in again
    found = await again(restored, lost)
    about_a = {each.event_id for each in lost if each.message.referral_id == lost[0].message.referral_id}
    assert set(found.clashing) == about_a
    assert len(found.done) == 2
    assert len(await rows(restored, HELD)) == 2


async def test_an_addition_to_what_nobody_holds_is_named(intake: Harness, restored: Harness) -> None:
    lost = [each for each in taken(await everything(intake)) if not isinstance(each.message, events.ReferralReceived)]
    found = await again(restored, lost)
    assert (list(found.done), len(found.clashing)) == ([], 3)


async def test_all_of_a_batch_is_taken_in_or_nothing(intake: Harness, restored: Harness) -> None:
    lost = taken(await everything(intake))
    await restored.pool.execute("ALTER TABLE supplements ADD CONSTRAINT a_fault CHECK (false) NOT VALID")
    with pytest.raises(Exception, match="a_fault"):
        await again(restored, lost)
    assert await rows(restored, HELD) == []
