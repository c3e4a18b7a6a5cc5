"""The programme writes the registers: by orders, on what stands there, whoever wrote that."""

from __future__ import annotations

from typing import Any

import pytest

from conduit_chassis.headers import unpack_headers
from conduit_chassis.records import Record
from conduit_chassis.testing import Harness, Published, record
from conduit_contracts import topics
from conduit_contracts.programme import (
    Contact,
    ForceRegistered,
    OrderRefused,
    PartnerRegistered,
    RegisterForce,
    RegisterPartner,
    ResumePartner,
    SuspendPartner,
)
from conduit_contracts.registering import RegisterOrder, subject_of
from services.programme.tests import builders as b

BY: dict[str, Any] = {"ordered_by": "jo.smith", "reason": "a test"}
MOVED = b.partner().model_copy(update={"contact": Contact(email="team@northlight.example")})


def ordered(order: RegisterOrder, order_id: str = "order-1") -> Record:
    return record(topics.REGISTER_COMMANDS.name(), subject_of(order).identity, order, event_id=order_id)


def seen(published: Published) -> Record:
    """It, as this service reads it on the topic."""
    event_id = published.attributes.id
    return record(published.topic, published.key, published.message, event_id=event_id, source="/conduit/programme")


def suspend(**more: Any) -> SuspendPartner:
    return SuspendPartner(partner_id=b.PARTNER, mous=("MOU-NORTHLIGHT",), **more, **BY)


async def stands(programme: Harness) -> list[tuple[Any, ...]]:
    rows = await programme.pool.fetch("SELECT identity, on_topic, order_id, ordered_by FROM register_entries ORDER BY 1")
    return [tuple(row) for row in rows]


async def test_an_entry_is_written_on_its_register_and_says_whose_order_it_was(programme: Harness) -> None:
    (published,) = await programme.deliver(ordered(RegisterPartner(entry=MOVED, **BY)))
    assert (published.topic, published.key, published.message) == (topics.PARTNERS.name(), b.PARTNER, MOVED)
    packed = await programme.pool.fetchval("SELECT headers FROM outbox ORDER BY id DESC LIMIT 1")
    headers = dict(unpack_headers(packed))
    assert (headers["conduit-order"], headers["conduit-actor"]) == (b"order-1", b"jo.smith")
    assert await stands(programme) == [(b.PARTNER, False, "order-1", "jo.smith")]
    name = await programme.pool.fetchval("SELECT name FROM organisations WHERE partner_id = $1", b.PARTNER)
    assert name == "Northlight", "the pages have it at once"
    assert await programme.deliver(seen(published)) == []
    assert await stands(programme) == [(b.PARTNER, True, "order-1", "jo.smith")]


async def test_a_force_is_written_on_its_own(programme: Harness) -> None:
    entry = ForceRegistered(force_id="kent", contact=Contact(email="team@kent.example"))
    (published,) = await programme.deliver(ordered(RegisterForce(entry=entry, **BY)))
    assert (published.topic, published.key, published.message) == (topics.FORCES.name(), "kent", entry)


async def test_what_an_earlier_release_wrote_stands_and_is_what_an_order_was_decided_on(programme: Harness) -> None:
    await programme.deliver(*b.registered(b.partner()))
    (published,) = await programme.deliver(ordered(RegisterPartner(entry=MOVED, stood=b.partner(), **BY)))
    assert published.message == MOVED


async def test_an_order_that_comes_before_the_old_register_was_read_loses_nothing_of_it(programme: Harness) -> None:
    """No order holds between the two topics."""
    (published,) = await programme.deliver(ordered(suspend(stood=MOVED)))
    assert isinstance(published.message, PartnerRegistered)
    assert published.message.contact == MOVED.contact
    assert [each.suspended for each in published.message.mous] == [True]
    assert await programme.deliver(*b.registered(MOVED)) == []
    (again,) = await programme.deliver(ordered(suspend(generation=2), "order-2"))
    assert isinstance(again.message, PartnerRegistered)
    assert [each.suspended for each in again.message.mous] == [True], "the old one did not take its place"


async def test_what_somebody_else_wrote_after_ours_stands_and_what_came_before_it_does_not(programme: Harness) -> None:
    (published,) = await programme.deliver(ordered(RegisterPartner(entry=MOVED, **BY)))
    await programme.deliver(*b.registered(b.partner(name="Before ours")))
    await programme.deliver(seen(published))
    names = await programme.pool.fetch("SELECT name FROM partners")
    assert [row["name"] for row in names] == ["Northlight"]
    await programme.deliver(*b.registered(b.partner(name="After ours")))
    names = await programme.pool.fetch("SELECT name FROM partners")
    assert [row["name"] for row in names] == ["After ours"]


async def test_an_order_that_was_decided_on_another_entry_is_refused_and_what_stands_is_written_again(
    programme: Harness,
) -> None:
    await programme.deliver(*b.registered(b.partner(name="Renamed meanwhile")))
    refused, again = await programme.deliver(ordered(RegisterPartner(entry=MOVED, stood=b.partner(), **BY)))
    assert refused.topic == topics.REGISTER_ANSWERS.name()
    assert isinstance(refused.message, OrderRefused)
    assert (refused.message.order_id, refused.message.partner_id) == ("order-1", b.PARTNER)
    assert [each.field for each in refused.message.problems] == ["entry.name"]
    assert again.message == b.partner(name="Renamed meanwhile")


async def test_a_first_entry_that_breaks_a_rule_is_refused_and_nothing_stands(programme: Harness) -> None:
    nameless = PartnerRegistered(partner_id="example-haven", name="\u200b")
    (refused,) = await programme.deliver(ordered(RegisterPartner(entry=nameless, **BY)))
    assert isinstance(refused.message, OrderRefused)
    assert [each.field for each in refused.message.problems] == ["entry.name"]
    assert await stands(programme) == []


async def test_orders_of_one_batch_see_each_other_and_a_suspension_is_lifted_by_its_own_order_alone(
    programme: Harness,
) -> None:
    await programme.deliver(*b.registered(b.partner()))
    suspended, registered, resumed = await programme.deliver(
        ordered(suspend(wholly=True), "one"),
        ordered(RegisterPartner(entry=MOVED, stood=b.partner(), **BY), "two"),
        ordered(ResumePartner(partner_id=b.PARTNER, wholly=True, mous=("MOU-NORTHLIGHT",), **BY), "three"),
    )
    assert [each.message.suspended for each in (suspended, registered, resumed)] == [True, True, False]
    assert resumed.message == MOVED


async def test_an_order_that_cannot_be_read_holds_up_no_later_one_of_the_same_partner(programme: Harness) -> None:
    await programme.deliver(*b.registered(b.partner()))
    broken = ordered(suspend(), "broken")._replace(value=b"{")
    published = await programme.deliver(broken, ordered(suspend(wholly=True), "good"))
    assert [each.topic for each in published if each.message is not None] == [topics.PARTNERS.name()]
    assert len(await programme.dead_letters()) == 1


@pytest.mark.parametrize("table", ["partners", "organisations"])
async def test_what_pages_read_has_no_address_of_the_registers(programme: Harness, table: str) -> None:
    await programme.deliver(ordered(RegisterPartner(entry=MOVED, **BY)))
    rows = await programme.pool.fetch(f"SELECT kept::text AS row FROM {table} AS kept")  # noqa: S608 - constants
    assert rows
    assert "team@northlight.example" not in str([row["row"] for row in rows])
