"""A restricted case is in nobody's hands to whom it is shut: whoever had it has it no more, and nobody is given it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conduit_chassis.migrate import migrate
from conduit_chassis.testing import Harness, ManualClock
from conduit_console import desk, opinions
from conduit_console.app import create_service
from conduit_console.opinions import AskedOpinion
from conduit_console.queries import audit, lists
from conduit_console.queries import opinions as waiting
from conduit_contracts import routing
from conduit_contracts.ids import uuid7
from conduit_web import MIGRATIONS
from services.console.tests import builders as b
from services.console.tests.builders import REFERRAL
from services.console.tests.pages import ANNA, BEN, SUE, Enter

RESTRICTED = b.fact(routing.CaseRestricted, kept_from=["kent"])
ASKED = b.fact(routing.RoutingReviewOpened, reasons=["no_force"])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    """A case that an officer took and accepted."""
    await console.deliver(*b.records(b.received(), b.review_opened(), start=clock.now()))
    await desk.claim(console.pool, REFERRAL, ANNA, clock.now())
    await console.deliver(b.record_of(b.accepted(), clock.now() + timedelta(seconds=2)))
    return console


async def restrict(console: Harness, clock: ManualClock, *facts: Any) -> None:
    """Routing says this, and that nobody knows who gets it."""
    await console.deliver(*b.records(*(facts or (RESTRICTED,)), ASKED, start=clock.now() + timedelta(seconds=3)))


async def whose(console: Harness) -> dict[str, list[str]]:
    """What each officer has in hand, and under the empty name what nobody has."""
    async with console.pool.acquire() as connection:
        mine = {who: await lists.questions(connection, lists.Whose.MINE, who) for who in (ANNA, BEN, SUE)}
        mine[""] = await lists.questions(connection, lists.Whose.UNCLAIMED, "")
    return {who: [row.asked_by.value for row in found.rows] for who, found in mine.items() if found.rows}


async def test_a_case_that_is_restricted_is_taken_from_whoever_is_not_named_and_waits_for_everybody(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    await restrict(held, clock)
    assert await whose(held) == {"": ["routing"]}
    await desk.name_officer(held.pool, REFERRAL, BEN, SUE, clock.now())
    ben = await enter("ben")
    text = (await ben.get(f"/cases/{REFERRAL}")).text
    assert "Take this case" in text
    token = re.findall(r'name="form_token" value="([^"]+)"', text)[0]
    await ben.post(f"/cases/{REFERRAL}/claim", {"form_token": token})
    assert await whose(held) == {BEN: ["routing"]}


async def test_whoever_is_named_for_it_keeps_it(held: Harness, clock: ManualClock) -> None:
    await desk.name_officer(held.pool, REFERRAL, ANNA, SUE, clock.now())
    await restrict(held, clock)
    assert await whose(held) == {ANNA: ["routing"]}


async def test_whichever_fact_restricts_it_takes_it_away(held: Harness, clock: ManualClock) -> None:
    told = {"force_id": "kent", "officer_id": b.OFFICER}
    await restrict(held, clock, b.fact(routing.ProfessionalStandardsInformed, **told))
    assert await whose(held) == {"": ["routing"]}


async def test_a_form_that_was_open_meanwhile_takes_it_for_nobody(held: Harness, clock: ManualClock) -> None:
    await restrict(held, clock)
    assert await desk.claim(held.pool, REFERRAL, ANNA, clock.now()) is None
    with pytest.raises(desk.ShutToThemError):
        await desk.reassign(held.pool, REFERRAL, BEN, SUE, clock.now())
    assert await whose(held) == {"": ["routing"]}
    async with held.pool.acquire() as connection:
        done = (await audit.acts(connection, audit.ActFilter(kind="alteration"))).rows
    assert [each.what for each in done] == ["claimed"]


async def test_a_supervisor_gives_a_restricted_case_to_those_alone_to_whom_it_is_open(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    await desk.name_officer(held.pool, REFERRAL, ANNA, SUE, clock.now())
    await restrict(held, clock)
    sue = await enter("sue")
    text = (await sue.get("/officers")).text
    assert "Restricted" in text
    assert re.findall(r'<option value="([^"]+)"', text) == [ANNA]
    token = re.findall(r'name="form_token" value="([^"]+)"', text)[0]
    answer = await sue.post(f"/cases/{REFERRAL}/reassign", {"form_token": token, "officer": BEN})
    assert (answer.status_code, "not open to them" in answer.text) == (409, True)
    assert await whose(held) == {ANNA: ["routing"]}
    await desk.name_officer(held.pool, REFERRAL, BEN, SUE, clock.now())
    assert re.findall(r'<option value="([^"]+)"', (await sue.get("/officers")).text) == [ANNA, BEN]
    answer = await sue.post(f"/cases/{REFERRAL}/reassign", {"form_token": token, "officer": BEN})
    assert (answer.status_code, await whose(held)) == (303, {BEN: ["routing"]})


async def test_what_was_asked_about_it_waits_on_the_lists_of_those_who_can_answer_or_take_it_back(
    held: Harness, clock: ManualClock
) -> None:
    async def listed(who: str) -> tuple[int, int]:
        async with held.pool.acquire() as connection:
            return len(await waiting.asked_of(connection, who)), len(await waiting.asked_by(connection, who))

    asked = AskedOpinion(uuid7(), REFERRAL, "decline", ANNA, None, "Synthetic question.")
    await opinions.ask(held.pool, asked, clock.now())
    assert [await listed(who) for who in (ANNA, BEN, SUE)] == [(0, 1), (1, 0), (1, 0)]
    await restrict(held, clock)
    assert [await listed(who) for who in (ANNA, BEN, SUE)] == [(0, 0), (0, 0), (0, 0)]
    for who in (ANNA, BEN):
        await desk.name_officer(held.pool, REFERRAL, who, SUE, clock.now())
    assert [await listed(who) for who in (ANNA, BEN, SUE)] == [(0, 1), (1, 0), (0, 0)]


async def test_what_an_earlier_release_left_with_somebody_is_given_back_by_the_migration(
    held: Harness, clock: ManualClock, database: str
) -> None:
    await restrict(held, clock)
    await held.pool.execute("INSERT INTO claims VALUES ($1, $2, now())", REFERRAL, ANNA)
    await held.pool.execute("UPDATE questions SET claimed_by = $1", ANNA)
    await held.pool.execute("DROP INDEX acts_of_glass_newest")
    await held.pool.execute("ALTER TABLE second_opinions DROP COLUMN seen_version")
    await held.pool.execute("DELETE FROM _yoyo_migration WHERE migration_id LIKE '%_who_read_what'")
    migrate(database, MIGRATIONS, create_service().migrations)
    assert await whose(held) == {"": ["routing"]}
    assert await held.pool.fetchval("SELECT count(*) FROM claims") == 0
