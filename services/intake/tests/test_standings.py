"""What intake keeps of the updates to partners, and the way there from the release before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg

from conduit_chassis.migrate import migrate
from conduit_chassis.records import Delivery
from conduit_chassis.testing import Harness, ManualClock, record
from conduit_contracts import topics
from conduit_contracts.envelope import Attributes
from conduit_contracts.ids import uuid7
from conduit_contracts.notification import ReferralState, ReferralStatusUpdated, SubmissionRejected
from conduit_contracts.problems import sender_problem
from conduit_intake.app import create_service
from conduit_intake.work import IntakeWork
from services.intake.tests.samples import NORTH, NOW, REFERENCE, SOUTH, MemoryOutbox, scene, sent, submitted, take

REFERRAL_ID = uuid7()


def update(
    revision: int = 1, state: ReferralState = ReferralState.UNDER_REVIEW, partner_id: str = NORTH
) -> ReferralStatusUpdated:
    return ReferralStatusUpdated(
        partner_id=partner_id,
        partner_reference=REFERENCE,
        referral_id=REFERRAL_ID,
        revision=revision,
        state=state,
        fact="review_opened",
        happened_at=NOW,
    )


def delivered(message: ReferralStatusUpdated | SubmissionRejected, partner_id: str = NORTH) -> Delivery[object]:
    made = record(topics.PARTNER_UPDATES.name(partner_id), str(REFERRAL_ID), message)
    return Delivery(
        message, Attributes("1", "/conduit/notification", message.type, NOW), made, partner_id, topics.PARTNER_UPDATES
    )  # type: ignore[type-var]


def test_an_update_is_kept_as_it_was_published_and_nothing_is_published_about_it() -> None:
    work = IntakeWork(scene(), MemoryOutbox())
    incoming = delivered(update())
    outbox = take(work, incoming, incoming)  # type: ignore[arg-type]
    assert [(told.revision, told.state, told.partner_id, told.body) for told in work.told] == [
        (1, "under_review", NORTH, incoming.record.value)
    ] * 2
    assert (outbox.events, work.history) == ([], [])


def test_a_rejection_that_intake_itself_made_is_passed_over() -> None:
    work = IntakeWork(scene(), MemoryOutbox())
    problem = sender_problem("field_missing", "urgency")
    outbox = take(work, delivered(SubmissionRejected(partner_id=NORTH, submission_id="x", problems=(problem,))))  # type: ignore[arg-type]
    assert (work.told, work.history, outbox.events) == ([], [], [])


async def test_many_updates_of_one_referral_in_one_batch_leave_the_highest(intake: Harness) -> None:
    await intake.deliver(sent(submitted()))
    batch = [
        record(topics.PARTNER_UPDATES.name(NORTH), "k", update(revision, state))
        for revision, state in enumerate(ReferralState, 1)
    ]
    await intake.deliver(*reversed(batch))
    row = await intake.pool.fetchrow("SELECT state, revision FROM standings WHERE referral_id = $1", REFERRAL_ID)
    assert tuple(row) == (list(ReferralState)[-1], len(batch))
    assert await intake.pool.fetchval("SELECT count(*) FROM updates") == len(batch)


async def test_an_update_about_a_referral_that_is_not_here_does_no_harm(intake: Harness) -> None:
    assert await intake.deliver(record(topics.PARTNER_UPDATES.name(SOUTH), "k", update(partner_id=SOUTH))) == []


async def test_revisions_far_apart_in_time_count_all_the_same(intake: Harness, clock: ManualClock) -> None:
    for revision in (2, 1):
        await intake.deliver(record(topics.PARTNER_UPDATES.name(NORTH), "k", update(revision)))
    assert await intake.pool.fetchval("SELECT revision FROM standings WHERE referral_id = $1", REFERRAL_ID) == 2


def test_referrals_of_the_release_before_stand_as_received(new_database: Callable[[], str], tmp_path: Path) -> None:
    dsn, migrations = new_database(), create_service().migrations
    shutil.copy(migrations / "0001_intake.sql", tmp_path)
    migrate(dsn, tmp_path)
    referral_id = uuid4()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO referrals "
            "(referral_id, partner_id, partner_reference, content_hash, received_at, place_ids, person_ids, body) "
            "VALUES (%s, 'northlight', 'NL-1', repeat('x', 32)::bytea, now(), '{}', '{}', 'x')",
            [referral_id],
        )
        connection.execute(
            "INSERT INTO history (at, actor, what, why, partner_id, submission_id, kind, event_id, referral_id) VALUES "
            "(now(), 'partner:northlight', 'received', '', 'northlight', 'x', 'referral', 'x', %s), "
            "(now(), 'programme', 'registered', '', 'northlight', NULL, NULL, NULL, NULL), "
            "(now(), 'partner:northlight', 'dead_lettered', 'unknown_partner', 'northlight', 'y', 'referral', NULL, NULL)",
            [referral_id],
        )
    assert migrate(dsn, migrations) == sorted(path.stem for path in migrations.glob("0*.sql"))[1:]
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT referral_id, state, revision FROM standings").fetchall() == [
            (referral_id, "received", 0)
        ]
