"""What a batch leaves in the tables."""

from datetime import timedelta

import pytest

from conduit_chassis.testing import Harness
from conduit_console import content, following
from conduit_console.cases import HeldAssessment
from conduit_console.queries import case as cases
from conduit_console.queries import duties, lists
from conduit_console.rebuilt import ONLY_A_LINE
from conduit_contracts import intake, routing, topics, triage
from conduit_contracts.envelope import short_name
from conduit_contracts.ids import uuid7
from conduit_contracts.told import CountedGround
from services.console.tests import builders as b
from services.console.tests.builders import CANARY, HOME, NOW, OFFICER, OTHER, REFERRAL

JOURNEY = (
    b.received(),
    b.review_opened(),
    b.accepted(),
    b.routed(HOME, OTHER),
    b.about_force(routing.HandoffReceived),
    b.about_force(routing.HandoffAcknowledged),
    b.about_force(routing.HandoffAcknowledged, OTHER),
    b.fact(routing.CaseHandedOver, home_force=HOME),
)


async def test_a_journey_is_a_case_its_parts_and_its_timeline_in_order(console: Harness) -> None:
    await console.deliver(*b.records(*JOURNEY[:3]))
    await console.deliver(*b.records(*JOURNEY[3:], start=NOW + timedelta(seconds=3)))
    async with console.pool.acquire() as connection:
        found = await cases.case_at_hand(connection, REFERRAL, NOW, timedelta(hours=1))
        steps = (await cases.timeline(connection, REFERRAL)).rows
    assert found
    assert found.case.state.value == "handed_over"
    assert {force: part.state.value for force, part in found.case.handoffs.items()} == {
        HOME: "acknowledged",
        OTHER: "acknowledged",
    }
    assert found.case.version == len(JOURNEY)
    assert [step.what for step in steps] == [
        "referral_received",
        "review_opened",
        "referral_accepted",
        "case_routed",
        "handoff_received",
        "handoff_acknowledged",
        "handoff_acknowledged",
        "case_handed_over",
    ]
    assert [step.after for step in steps] == [None, *[timedelta(seconds=1)] * 7]
    assert steps[0].actor == f"partner:{b.PARTNER}"
    assert steps[4].actor == f"force:{HOME}"


async def test_the_rows_are_the_same_whichever_topic_is_read_first(console: Harness) -> None:
    made = b.records(*JOURNEY)
    await console.deliver(*made[3:])
    await console.deliver(*made[1:3])
    await console.deliver(made[0])
    async with console.pool.acquire() as connection:
        page = await lists.cases(connection)
        steps = (await cases.timeline(connection, REFERRAL)).rows
    (row,) = page.rows
    assert (row.state.value, row.home_force, row.received_at) == ("handed_over", HOME, NOW)
    assert [step.what for step in steps][:3] == ["referral_received", "review_opened", "referral_accepted"]


async def test_handled_again_past_the_inbox_nothing_is_written_twice(console: Harness) -> None:
    made = b.records(*JOURNEY)
    await console.deliver(*made)
    await console.handle_again(*made)
    assert await console.pool.fetchval("SELECT count(*) FROM timeline") == len(JOURNEY)


async def test_what_people_wrote_stands_in_one_table_and_nowhere_else(console: Harness) -> None:
    said = (b.received(), b.supplied(), b.asked(), b.declined(), b.fact(intake.ReferralWithdrawn, comment=CANARY))
    officers = (
        b.fact(routing.HomeForceNamed, home_force=HOME, reason=CANARY),
        b.about_force(routing.HandoffStoodDown, reason=CANARY),
        b.about_force(routing.ProfessionalStandardsInformed, reason=CANARY),
        b.fact(intake.ReconsiderationRequested, comment=CANARY),
        b.about_force(routing.InterimOwnerNamed, reason=CANARY),
        b.about_force(routing.HandoffOverdue, officer_id=OFFICER, reason=CANARY),
        b.about_force(routing.HandoffEscalated, officer_id=OFFICER, reason=CANARY),
        b.about_force(routing.HandoffAcknowledged, victim_contact=CANARY),
        b.by_telephone(comment=CANARY),
        b.fact(routing.CallRecorded, comment=CANARY),
        b.fact(triage.CallNoted, comment=CANARY),
    )
    await console.deliver(*b.records(*said, *officers))
    tables = await console.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    holding = []
    for (table,) in tables:
        rows = await console.pool.fetch(f"SELECT * FROM {table}")  # noqa: S608 - names from the catalogue
        for value in (each for row in rows for each in row.values()):
            text = bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else str(value)
            holding += [table] if CANARY in text else []
    assert holding == ["contents"] * 16
    async with console.pool.acquire() as connection:
        found = await content.said(connection, REFERRAL)
        sent = await content.said(connection, REFERRAL, content.SENT)
    assert [each.kind for each in found][:2] == ["referral_received", "information_supplied"]
    assert found[0].message.referral.narrative == CANARY
    assert {each.kind for each in sent} == set(content.SENT)
    assert {type(each.message) for each in found} == set(content.MODELS.values())


async def test_what_is_asked_and_who_is_late_stands_in_the_lists(console: Harness) -> None:
    danger, calm = uuid7(NOW), uuid7(NOW)
    later = b.review_opened(calm, due_at=NOW + timedelta(hours=1))
    urgent = b.review_opened(danger, danger=True, due_at=NOW + timedelta(hours=9))
    await console.deliver(*b.records(later, urgent, b.review_opened()))
    await console.deliver(*b.records(b.routed(referral_id=calm), b.overdue(referral_id=calm)))
    async with console.pool.acquire() as connection:
        everybody = await lists.questions(connection, lists.Whose.EVERYBODY, OFFICER)
        mine = await lists.questions(connection, lists.Whose.MINE, OFFICER)
        silent = await lists.silent_forces(connection, NOW)
        before = await lists.silent_forces(connection, NOW - timedelta(seconds=1))
    assert [row.referral_id for row in everybody.rows] == [danger, calm, REFERRAL]
    assert [row.danger for row in everybody.rows] == [True, False, False]
    assert not mine.rows
    assert [(row.force_id, row.chases) for row in silent.rows] == [(HOME, 1)]
    assert not before.rows


async def test_failed_notices_and_danger_without_a_case_are_kept(console: Harness) -> None:
    await console.deliver(*b.records(b.notice_failed(1), b.notice_failed(2, None), b.fact(intake.DangerReported)))
    async with console.pool.acquire() as connection:
        failed, dangers = await lists.failed_notices(connection), await lists.dangers(connection)
    assert [row.notice_id.int for row in failed.rows] == [2, 1]
    assert len(dangers.rows) == 1


async def test_a_duty_task_waits_until_somebody_takes_it_whatever_is_read_late(console: Harness) -> None:
    open_ones = [b.duty(1), b.duty(2, danger=True), b.duty(3)]
    await console.deliver(*b.records(*open_ones))
    await console.deliver(b.record_of(b.duty(3, taken_by="officer:a.okafor"), NOW + timedelta(minutes=1)))
    await console.deliver(b.record_of(b.duty(3), NOW + timedelta(seconds=30)))
    async with console.pool.acquire() as connection:
        page = await duties.waiting(connection)
    assert [(row.task_id.int, row.danger) for row in page.rows] == [(2, True), (1, False)]


async def test_a_case_that_was_named_nowhere_before_begins_with_any_fact(console: Harness) -> None:
    await console.deliver(*b.records(b.fact(triage.ReconsiderationRefused, code="not_declined_but_accepted")))
    assert await console.pool.fetchval("SELECT state FROM cases") == "received"


async def test_a_list_says_up_to_when_it_is_complete(console: Harness) -> None:
    async with console.pool.acquire() as connection:
        nothing = await following.currency(connection, NOW)
        assert nothing.is_behind
        await console.deliver(*b.records(b.received()))
        found = await following.currency(connection, NOW + timedelta(seconds=1))
        assert (found.complete_to, found.is_behind) == (NOW, False)
        assert (await following.currency(connection, NOW + timedelta(seconds=3))).is_behind
        waiting, unclaimed, behind = await following.measure(connection, NOW + timedelta(seconds=3))
    assert (waiting, unclaimed, behind) == (0, 0, 3.0)


async def test_what_triage_counted_stays_with_the_case_and_one_of_the_previous_release_has_none(console: Harness) -> None:
    async def held() -> HeldAssessment | None:
        async with console.pool.acquire() as connection:
            found = await cases.case_at_hand(connection, REFERRAL, NOW, timedelta(hours=1))
        assert found
        return found.case.assessment

    opened = b.review_opened()
    assert opened.assessment
    await console.deliver(*b.records(b.received(), opened.model_copy(update={"assessment": None})))
    assert await held() is None
    await console.deliver(*b.records(opened, start=NOW + timedelta(minutes=1)))
    grounds = tuple(CountedGround(each.ground, each.known, each.at_least) for each in opened.assessment.grounds)
    assert await held() == HeldAssessment(grounds, opened.policy_version, NOW + timedelta(minutes=1))
    await console.deliver(*b.records(b.declined(), start=NOW + timedelta(minutes=2)))
    assert await held() is not None, "what an officer decided on"
    await console.deliver(*b.records(b.accepted(), start=NOW + timedelta(minutes=3)))
    assert await held() == HeldAssessment(grounds, opened.policy_version, NOW + timedelta(minutes=1)), "as it was decided on"
    by_rules = b.accepted().model_copy(update={"assessment": opened.assessment, "decided_by": triage.ByRules()})
    await console.deliver(*b.records(by_rules, start=NOW + timedelta(minutes=4)))
    assert await held() == HeldAssessment(grounds, by_rules.policy_version, NOW + timedelta(minutes=4))


@pytest.mark.parametrize("kind", sorted(ONLY_A_LINE))
async def test_a_line_that_is_read_before_its_case_is_written_once_that_is_there(console: Harness, kind: str) -> None:
    (model,) = {model for topic in topics.consumed_by("console") for model in topic.messages if model.type == kind}
    early, told = b.record_of(b.fact(model)), b.records(*JOURNEY, start=NOW - timedelta(seconds=30))
    await console.deliver(early)
    assert await timeline(console) == []
    await console.deliver(*told)
    await console.tick("release_held_facts")
    assert await timeline(console) == sorted([short_name(kind), *(short_name(each.type) for each in JOURNEY)])
    assert not await console.pool.fetch("SELECT FROM held_facts")


async def test_a_line_of_no_case_waits_until_all_that_was_written_before_it_has_been_read(console: Harness) -> None:
    await console.deliver(b.record_of(b.fact(triage.CommandRefused)))
    await console.tick("release_held_facts")
    assert len(await console.pool.fetch("SELECT FROM held_facts")) == 1
    await console.pool.execute("UPDATE followed SET complete_to = $1", NOW + timedelta(minutes=2))
    await console.tick("release_held_facts")
    assert not await console.pool.fetch("SELECT FROM held_facts")


async def timeline(console: Harness) -> list[str]:
    return sorted(row["what"] for row in await console.pool.fetch("SELECT what FROM timeline"))
