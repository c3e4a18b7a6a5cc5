"""Every view and change has a line in the same transaction, and none can be changed afterwards."""

from __future__ import annotations

import asyncpg
import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_programme import trail
from conduit_programme.trail import Deed, DeedFilter
from conduit_web.acts import ActKind
from conduit_web.people import Person, Role
from services.programme.tests import experience as ex
from services.programme.tests.pages import Enter, send

EMMA = Person("p-1", frozenset({Role.ENGAGEMENT_OFFICER}))
MARA = Person("p-2", frozenset({Role.PARTNER_MANAGER}), partner_id="northlight")
KIM = Person("p-3", frozenset({Role.FORCE_TEAM}), force_id="kent")
LOOKS, CHANGES = Deed(ActKind.CONSULTATION, "viewed_organisation"), Deed(ActKind.ALTERATION, "wrote_offer")


async def test_what_fails_leaves_neither_a_change_nor_a_line(programme: Harness, clock: ManualClock) -> None:
    async def fails() -> None:
        async with trail.acting(programme.pool, EMMA, CHANGES, clock.now()) as connection:
            await connection.execute("INSERT INTO forces (force_id, registered_at) VALUES ('kent', now())")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await fails()
    async with programme.pool.acquire() as connection:
        assert (await trail.deeds(connection)).rows == []
        assert await connection.fetchval("SELECT count(*) FROM forces") == 0


async def test_a_line_says_who_of_whose_people_did_what(programme: Harness, clock: ManualClock) -> None:
    about = uuid7()
    async with programme.pool.acquire() as connection:
        for person in (EMMA, MARA, KIM):
            await trail.note(connection, person, LOOKS, clock.now())
        await trail.note(connection, EMMA, Deed(ActKind.ALTERATION, "wrote_offer", "organisation", about), clock.now())
        rows = (await trail.deeds(connection)).rows
        assert [(row.account, row.belongs_to) for row in rows] == [
            ("p-1", "hub"),
            ("p-3", "force.kent"),
            ("p-2", "partner.northlight"),
            ("p-1", "hub"),
        ]
        for narrowed, number in (
            (DeedFilter(account="p-1"), 2),
            (DeedFilter(kind="alteration"), 1),
            (DeedFilter(account="p-1", kind="consultation"), 1),
            (DeedFilter(about_id=about), 1),
        ):
            assert len((await trail.deeds(connection, narrowed)).rows) == number


async def test_a_line_cannot_be_changed_or_taken_away(programme: Harness, clock: ManualClock) -> None:
    async with programme.pool.acquire() as connection:
        await trail.note(connection, EMMA, LOOKS, clock.now())
        for statement in ("UPDATE acts SET account = 'p-9'", "DELETE FROM acts", "TRUNCATE acts"):
            with pytest.raises(asyncpg.PostgresError):
                await connection.execute(statement)


def test_a_filter_that_no_index_answers_is_refused() -> None:
    with pytest.raises(ValueError, match="narrowed by"):
        DeedFilter(account="p-1", about_id=uuid7())


async def test_an_auditor_sees_who_did_what(enter: Enter) -> None:
    await (await enter("emma")).get("/organisations")
    audrey = await enter("audrey")
    text = (await audrey.get("/trail")).text
    assert "looked at the list of organisations" in text
    assert "Engagement officer" in text
    assert "Nobody did such a thing." in (await audrey.get("/trail?kind=disclosure")).text
    assert "There is a problem" in (await audrey.get("/trail?about=1")).text


async def test_a_line_of_what_was_created_says_by_its_id_what_that_is(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    today = ex.today_of(clock)
    emma, lena, mara = await enter("emma"), await enter("lena"), await enter("mara")
    keeping = await ex.begin(emma, held, today)
    await keeping.give(*ex.ALL)
    await keeping.publish(await keeping.tell(await keeping.talk()))
    heard = {"words": "Synthetic: nobody calls back", "speaker": "manager", "heard_on": today.isoformat()}
    noted = {**heard, "organisation": await ex.partner_organisation(held)}
    for browser, path, form in (
        (mara, "/our-insights/new", heard),
        (emma, "/insights/new", noted),
        (emma, "/organisations/new", {"name": "Synthetic clinic", "kind": "health"}),
        (lena, "/four-ps/protect/measures/new", {"name": "Synthetic measure", "counts": "people_trained"}),
    ):
        assert (await send(browser, path, form)).status_code == 303, path
    async with held.pool.acquire() as connection:
        rows = await connection.fetch("SELECT what, about_id FROM acts WHERE kind <> 'consultation'")
        created = [row["about_id"] for row in rows]
        assert [row["what"] for row in rows if row["about_id"] is None] == []
        for table, key in (
            ("contributors", "contributor_id"),
            ("releases", "release_id"),
            ("insights", "insight_id"),
            ("organisations", "organisation_id"),
            ("measures", "measure_id"),
        ):
            query = f"SELECT count(*) FROM {table} WHERE {key} = ANY($1::uuid[])"  # noqa: S608 - constants
            assert await connection.fetchval(query, created), table
