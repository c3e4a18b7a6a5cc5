"""The registers' last word holds: a name, an agreement, who takes part."""

from __future__ import annotations

from conduit_chassis.testing import Harness
from conduit_contracts.programme import Contact
from conduit_programme.organisations import store
from conduit_programme.organisations.rules import OrganisationKind
from services.programme.tests import builders as b


async def test_a_partner_of_the_register_is_an_organisation_of_the_same_name(programme: Harness) -> None:
    await programme.deliver(*b.registered(b.partner()))
    async with programme.pool.acquire() as connection:
        found = await store.of_partner(connection, b.PARTNER)
    assert found is not None
    assert (found.kind, found.name, found.owner) == (OrganisationKind.PARTNER, "Northlight", None)


async def test_a_partner_that_is_renamed_has_its_new_name_on_the_next_read_and_stays_the_same(programme: Harness) -> None:
    await programme.deliver(*b.registered(b.partner()))
    async with programme.pool.acquire() as connection:
        before = await store.of_partner(connection, b.PARTNER)
        await programme.deliver(*b.registered(b.partner(name="Northlight and Friends")))
        after = await store.of_partner(connection, b.PARTNER)
    assert before is not None
    assert after is not None
    assert (after.organisation_id, after.name) == (before.organisation_id, "Northlight and Friends")


async def test_of_one_batch_the_last_record_holds_and_a_record_that_comes_twice_changes_nothing(programme: Harness) -> None:
    records = b.registered(b.partner(name="First"), b.partner(name="Last"))
    await programme.deliver(*records)
    await programme.deliver(*records)
    async with programme.pool.acquire() as connection:
        names = await connection.fetch("SELECT name FROM organisations")
        copied = await connection.fetchval("SELECT name FROM partners WHERE partner_id = $1", b.PARTNER)
    assert ([row["name"] for row in names], copied) == (["Last"], "Last")


async def test_an_agreement_is_as_the_register_has_it_now(programme: Harness) -> None:
    await programme.deliver(*b.registered(b.partner()))
    await programme.deliver(*b.registered(b.partner(b.PARTNER, "Northlight", b.mou(valid_to="2026-12-01"), suspended=True)))
    async with programme.pool.acquire() as connection:
        (kept,) = await store.agreements(connection)
    assert (kept.reference, str(kept.valid_to), kept.partner_suspended) == ("MOU-NORTHLIGHT", "2026-12-01", True)


async def test_a_force_that_takes_part_is_known_and_no_address_of_the_registers_is_kept_for_pages(
    programme: Harness,
) -> None:
    reached = b.partner().model_copy(update={"contact": Contact(email="canary@northlight.example")})
    await programme.deliver(*b.registered(b.force(), reached))
    async with programme.pool.acquire() as connection:
        assert await connection.fetchval("SELECT force_id FROM forces") == b.FORCE
        kept = await connection.fetch("SELECT partners::text AS row FROM partners")
    assert "canary" not in str([row["row"] for row in kept])
