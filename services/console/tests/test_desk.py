"""What officers leave behind: claims, views, names for restricted cases, drafts."""

from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg
import pytest

from conduit_chassis.testing import Harness
from conduit_console import content, desk
from conduit_console.pages.at_desk import GLASS_LASTS
from conduit_console.queries import audit, lists
from conduit_console.queries import case as cases
from conduit_contracts import routing
from conduit_contracts.console import GlassBroken
from conduit_contracts.ids import uuid7
from conduit_contracts.topics import CONSOLE_ACTS
from services.console.tests import builders as b
from services.console.tests.builders import HOME, NOW, OFFICER, REFERRAL, SECOND

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
async def held(console: Harness) -> Harness:
    await console.deliver(*b.records(b.received(), b.review_opened()))
    return console


async def mine(console: Harness, officer_id: str) -> list[str]:
    async with console.pool.acquire() as connection:
        page = await lists.questions(connection, lists.Whose.MINE, officer_id)
    return [row.asked_by.value for row in page.rows]


async def acts_of(console: Harness) -> list[tuple[str, str]]:
    async with console.pool.acquire() as connection:
        return [(row.officer_id, row.what) for row in (await audit.acts(connection)).rows]


async def test_who_claims_first_has_it_and_the_other_is_told_who(held: Harness) -> None:
    first = await desk.claim(held.pool, REFERRAL, OFFICER, NOW)
    second = await desk.claim(held.pool, REFERRAL, SECOND, LATER)
    assert first == second == desk.Claim(OFFICER, NOW)
    assert await mine(held, OFFICER) == ["triage"]
    assert await mine(held, SECOND) == []
    assert await acts_of(held) == [(OFFICER, "claimed")]


async def test_what_is_asked_later_of_a_claimed_case_is_its_officers(held: Harness) -> None:
    await desk.claim(held.pool, REFERRAL, OFFICER, NOW)
    await held.deliver(*b.records(b.fact(routing.RoutingReviewOpened, reasons=["tie"]), start=LATER))
    assert await mine(held, OFFICER) == ["routing", "triage"]
    assert await desk.hand_back(held.pool, REFERRAL, OFFICER, LATER)
    assert await mine(held, OFFICER) == []
    await held.deliver(*b.records(b.supplied(), start=LATER + timedelta(minutes=1)))
    assert await mine(held, OFFICER) == []


async def test_a_case_can_be_claimed_before_the_console_hears_what_is_asked(console: Harness) -> None:
    await console.deliver(*b.records(b.received()))
    await desk.claim(console.pool, REFERRAL, OFFICER, NOW)
    await console.deliver(*b.records(b.review_opened(), start=LATER))
    assert await mine(console, OFFICER) == ["triage"]


async def test_only_who_has_a_case_hands_it_back(held: Harness) -> None:
    await desk.claim(held.pool, REFERRAL, OFFICER, NOW)
    assert not await desk.hand_back(held.pool, REFERRAL, SECOND, NOW)
    assert await mine(held, OFFICER) == ["triage"]


async def test_a_supervisor_gives_a_case_to_another_and_sees_who_has_what(held: Harness) -> None:
    await desk.claim(held.pool, REFERRAL, OFFICER, NOW)
    assert await desk.reassign(held.pool, REFERRAL, SECOND, "s.supervisor", LATER)
    async with held.pool.acquire() as connection:
        (row,) = (await audit.who_has_what(connection)).rows
        burdens = await audit.burdens(connection, NOW + timedelta(hours=3))
    assert (row.officer_id, row.questions) == (SECOND, 1)
    assert [(each.officer_id, each.questions, each.late) for each in burdens] == [(SECOND, 1, 1)]
    assert await acts_of(held) == [("s.supervisor", "reassigned"), (OFFICER, "claimed")]


async def test_a_view_is_committed_before_anything_can_be_shown_and_says_who_is_reading(held: Harness) -> None:
    assert await desk.consult(held.pool, REFERRAL, OFFICER, NOW)
    async with held.pool.acquire() as connection:
        found = await cases.case_at_hand(connection, REFERRAL, LATER, timedelta(hours=1))
        later = await cases.case_at_hand(connection, REFERRAL, NOW + timedelta(minutes=6), timedelta(hours=1))
    assert found
    assert later
    assert [reader.officer_id for reader in found.readers] == [OFFICER]
    assert later.readers == []
    assert found.readers == [cases.Reading(OFFICER, NOW, 2)]


async def test_what_is_new_is_what_the_console_heard_since_the_officer_was_away(held: Harness) -> None:
    async def news(officer_id: str, at: datetime) -> list[str] | None:
        await desk.consult(held.pool, REFERRAL, officer_id, at)
        async with held.pool.acquire() as connection:
            before = await cases.looked_before(connection, REFERRAL, officer_id)
            return before and [step.what for step in await cases.new_steps(connection, REFERRAL, before)]

    assert await news(OFFICER, NOW) is None, "who looks for the first time has seen nothing"
    old = b.records(b.supplied(), start=NOW - timedelta(hours=1))  # it was read late, and stands before what was seen
    await held.deliver(*old, *b.records(b.asked(), start=LATER))
    back = NOW + timedelta(minutes=10)
    assert await news(OFFICER, back) == ["information_supplied"], "what the officer did is not new to them"
    assert await news(OFFICER, back + timedelta(minutes=4)) == ["information_supplied"], "a page that is loaded again"
    assert await news(SECOND, back) is None
    assert await news(OFFICER, back + timedelta(minutes=10)) == []


async def test_lines_of_the_previous_release_are_new_by_their_time(held: Harness) -> None:
    await desk.consult(held.pool, REFERRAL, OFFICER, NOW)
    await held.deliver(*b.records(b.supplied(), start=LATER))
    back = NOW + timedelta(minutes=10)
    await desk.consult(held.pool, REFERRAL, OFFICER, back)
    async with held.pool.acquire() as connection:
        await connection.execute("ALTER TABLE timeline DISABLE TRIGGER append_only")
        await connection.execute("UPDATE timeline SET version = NULL")
        before = await cases.looked_before(connection, REFERRAL, OFFICER)
        steps = (await cases.timeline(connection, REFERRAL)).rows
        assert before
        assert [step.what for step in steps if before.is_new(step)] == ["review_opened", "information_supplied"]
        assert await cases.new_steps(connection, REFERRAL, before) == [
            replace(step, after=None) for step in steps if before.is_new(step)
        ]


@pytest.mark.parametrize("act", [desk.consult, desk.claim, desk.hand_back])
async def test_of_a_case_that_is_not_there_nothing_is_noted(console: Harness, act: object) -> None:
    assert callable(act)
    assert not await act(console.pool, uuid7(), OFFICER, NOW)
    assert await acts_of(console) == []


async def test_a_restricted_case_names_who_may_open_it_and_who_broke_the_glass(held: Harness) -> None:
    assert await desk.name_officer(held.pool, REFERRAL, OFFICER, "s.supervisor", NOW)
    assert await desk.break_glass(held.runtime.transaction, REFERRAL, SECOND, "child_at_risk", NOW, GLASS_LASTS)
    async with held.pool.acquire() as connection:
        found = await cases.case_at_hand(connection, REFERRAL, LATER, timedelta(hours=1))
        after = await cases.case_at_hand(connection, REFERRAL, NOW + timedelta(hours=2), timedelta(hours=1))
        grouped = await audit.grouped_acts(connection)
        broke = await audit.acts(connection, audit.ActFilter(kind="consultation", officer_id=SECOND))
    assert found
    assert after
    assert (found.named, found.glass_broken_by) == ({OFFICER}, {SECOND: NOW + GLASS_LASTS})
    assert after.glass_broken_by == {}
    assert [(row.what, row.why) for row in broke.rows] == [("broke_glass", "child_at_risk")]
    assert {(group.officer_id, group.what, group.times) for group in grouped} == {
        (SECOND, "broke_glass", 1),
        ("s.supervisor", "named_officer", 1),
    }
    (told,) = await held.published()
    assert (told.topic, told.key, told.message) == (
        CONSOLE_ACTS.name(),
        str(REFERRAL),
        GlassBroken(referral_id=REFERRAL, officer_id=SECOND, reason="child_at_risk", open_until=NOW + GLASS_LASTS),
    )


async def test_a_restricted_case_is_open_to_nobody_who_named_themselves(held: Harness) -> None:
    with pytest.raises(ValueError, match="themselves"):
        await desk.name_officer(held.pool, REFERRAL, SECOND, SECOND, NOW)
    await held.pool.execute("INSERT INTO officers_named VALUES ($1, $2, $2, now())", REFERRAL, SECOND)
    for opened in (frozenset[str](), {SECOND}):
        async with held.pool.acquire() as connection:
            found = await cases.case_at_hand(connection, REFERRAL, NOW, GLASS_LASTS)
        assert found
        assert found.named == opened, "an earlier release let them"
        assert await desk.name_officer(held.pool, REFERRAL, SECOND, "s.supervisor", NOW)


async def test_a_case_that_does_not_exist_is_broken_open_by_nobody_and_nobody_is_told(held: Harness) -> None:
    broken = await desk.break_glass(held.runtime.transaction, uuid7(), SECOND, "child_at_risk", NOW, GLASS_LASTS)
    assert (broken, await held.published(), await acts_of(held)) == (False, [], [])


async def test_acts_and_timelines_cannot_be_changed_afterwards(held: Harness) -> None:
    await desk.claim(held.pool, REFERRAL, OFFICER, NOW)
    for statement in ("UPDATE acts SET officer_id = 'x'", "DELETE FROM acts", "DELETE FROM timeline"):
        with pytest.raises(asyncpg.PostgresError):
            await held.pool.execute(statement)


async def test_a_draft_is_kept_for_its_officer_until_it_is_dropped(held: Harness) -> None:
    async with held.pool.acquire() as connection:
        await content.save_draft(connection, REFERRAL, OFFICER, "decline", "first", NOW)
        await content.save_draft(connection, REFERRAL, OFFICER, "decline", "second", LATER)
        assert await content.draft(connection, REFERRAL, OFFICER, "decline") == content.Draft("second", LATER)
        assert await content.draft(connection, REFERRAL, SECOND, "decline") is None
        with pytest.raises(ValueError, match="64,000"):
            await content.save_draft(connection, REFERRAL, OFFICER, "decline", "x" * 64_001, NOW)
        await content.drop_draft(connection, REFERRAL, OFFICER, "decline")
        assert await content.draft(connection, REFERRAL, OFFICER, "decline") is None


async def test_a_remembered_filter_comes_back(console: Harness) -> None:
    await desk.remember(console.pool, OFFICER, "cases", {"state": "declined"}, NOW)
    await desk.remember(console.pool, OFFICER, "cases", {"force_id": HOME}, LATER)
    async with console.pool.acquire() as connection:
        assert await desk.remembered(connection, OFFICER, "cases") == {"force_id": HOME}
        assert await desk.remembered(connection, SECOND, "cases") == {}
