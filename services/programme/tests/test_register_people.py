"""The programme writes the registers of people: by orders, on who stands there, whoever wrote that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from conduit_chassis.headers import unpack_headers
from conduit_chassis.records import Record
from conduit_chassis.testing import Harness, Published, raw_record, record
from conduit_contracts import topics
from conduit_contracts.programme import (
    ForcePersonRegistered,
    ForceRole,
    HubPersonRegistered,
    HubRole,
    OrderRefused,
    PartnerPersonRegistered,
    PartnerRole,
    PersonRegistered,
    RemovePerson,
)
from conduit_contracts.registering_people import PersonOrder, people_register_of, person_of, registering

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HUB, THEIRS = "https://login.hub.example", "https://login.northlight.example"
ABOUT: dict[str, Any] = {"subject": "canary-subject", "valid_from": NOW}
ANNA = HubPersonRegistered(person_id="p-0000000000000001", issuer=HUB, roles=(HubRole.OFFICER,), **ABOUT)
LEAD = ANNA.model_copy(update={"roles": (HubRole.LEAD,)})
MARA = PartnerPersonRegistered(
    person_id="p-0000000000000002", issuer=THEIRS, roles=(PartnerRole.MANAGER,), partner_id="northlight", **ABOUT
)
KIM = ForcePersonRegistered(
    person_id="p-0000000000000003",
    issuer="https://login.kent.example",
    roles=(ForceRole.TEAM,),
    force_id="kent",
    **ABOUT,
)


def stood(*people: PersonRegistered) -> list[Record]:
    """What somebody else wrote on the topics: an earlier release, or this service before its database was restored."""
    return [record(people_register_of(each).name(), each.person_id, each) for each in people]


def ordered(order: PersonOrder, order_id: str = "order-1") -> Record:
    return record(topics.PEOPLE_COMMANDS.name(), person_of(order), order, event_id=order_id)


def registers(entry: PersonRegistered, before: PersonRegistered | None = None, order_id: str = "order-1") -> Record:
    return ordered(registering(entry, before, "jo.smith", "a test"), order_id)


def removes(person: PersonRegistered, order_id: str = "order-9") -> Record:
    return ordered(RemovePerson(person_id=person.person_id, ordered_by="jo.smith", reason="a test"), order_id)


def seen(published: Published) -> Record:
    """It, as this service reads it on the topic."""
    if published.message is None:
        headers = [("ce_id", published.attributes.id.encode()), ("ce_type", published.attributes.type.encode())]
        return raw_record(published.topic, published.key, headers, None)
    return record(published.topic, published.key, published.message, event_id=published.attributes.id)


async def holds(programme: Harness) -> list[tuple[Any, ...]]:
    rows = await programme.pool.fetch("SELECT person_id, kind, on_topic, order_id FROM register_people ORDER BY 1")
    return [tuple(row) for row in rows]


async def last_headers(programme: Harness) -> dict[str, bytes]:
    return dict(unpack_headers(await programme.pool.fetchval("SELECT headers FROM outbox ORDER BY id DESC LIMIT 1")))


async def test_each_is_written_on_their_register_which_says_whose_order_it_was(programme: Harness) -> None:
    for number, (person, topic) in enumerate(((ANNA, topics.OFFICERS), (MARA, topics.PEOPLE), (KIM, topics.PEOPLE))):
        (published,) = await programme.deliver(registers(person, order_id=f"order-{number}"))
        assert (published.topic, published.key, published.message) == (topic.name(), person.person_id, person)
        headers = await last_headers(programme)
        assert (headers["conduit-order"], headers["conduit-actor"]) == (f"order-{number}".encode(), b"jo.smith")
        assert await programme.deliver(seen(published)) == []
    kinds = [(kind, on_topic) for _, kind, on_topic, _ in await holds(programme)]
    assert kinds == [("hub", True), ("partner", True), ("force", True)]


async def test_one_who_is_removed_leaves_an_empty_place_and_nothing_but_the_id(programme: Harness) -> None:
    await programme.deliver(*stood(ANNA, MARA))
    (published,) = await programme.deliver(removes(ANNA))
    assert (published.topic, published.key, published.message) == (topics.OFFICERS.name(), ANNA.person_id, None)
    assert (await last_headers(programme))["conduit-order"] == b"order-9"
    assert await programme.deliver(seen(published)) == []
    assert (await holds(programme))[0] == (ANNA.person_id, None, True, "order-9")
    assert await programme.dead_letters() == []
    kept = await programme.pool.fetch("SELECT kept::text AS row FROM register_people AS kept WHERE kind IS NULL")
    assert "canary" not in str([row["row"] for row in kept])
    again = await programme.deliver(removes(ANNA, "order-10"))
    assert {each.message for each in again} == {None}, "whoever gives the order again is answered again"
    (refused,) = await programme.deliver(registers(LEAD, ANNA, "late"))
    assert [each.code for each in refused.message.problems] == ["person_removed"]


async def test_whose_record_nobody_could_read_can_be_removed_from_either_register(programme: Harness) -> None:
    broken = stood(ANNA)[0]._replace(value=b"{")
    await programme.deliver(broken)
    published = await programme.deliver(removes(ANNA))
    assert [each.topic for each in published] == [topics.OFFICERS.name(), topics.PEOPLE.name()]
    assert {each.message for each in published} == {None}


async def test_what_an_earlier_release_wrote_stands_and_is_what_an_order_was_decided_on(programme: Harness) -> None:
    await programme.deliver(*stood(ANNA))
    (published,) = await programme.deliver(registers(LEAD, ANNA))
    assert published.message == LEAD


async def test_an_order_that_comes_before_the_old_register_was_read_loses_nothing_of_it(programme: Harness) -> None:
    """No order holds between topics."""
    (published,) = await programme.deliver(registers(LEAD, ANNA))
    assert published.message == LEAD
    assert await programme.deliver(*stood(ANNA)) == []
    await programme.deliver(seen(published))
    (removed,) = await programme.deliver(removes(LEAD))
    assert removed.topic == topics.OFFICERS.name(), "the old one did not take its place"


async def test_an_order_that_was_decided_on_another_entry_is_refused_and_who_stands_is_written_again(
    programme: Harness,
) -> None:
    named = ANNA.model_copy(update={"shown_as": "Triage officer"})
    await programme.deliver(*stood(named))
    refused, again = await programme.deliver(registers(LEAD, ANNA))
    assert refused.topic == topics.REGISTER_ANSWERS.name()
    assert isinstance(refused.message, OrderRefused)
    assert (refused.message.order_id, refused.message.person_id) == ("order-1", ANNA.person_id)
    assert [each.field for each in refused.message.problems] == ["entry.shown_as"]
    assert "canary" not in refused.message.model_dump_json()
    assert again.message == named


async def test_nobody_comes_in_by_the_provider_of_somebody_elses_people(programme: Harness) -> None:
    """Whatever `conduit` was told, and whoever has its credential."""
    await programme.deliver(*stood(ANNA, MARA))
    eve = ANNA.model_copy(update={"person_id": "p-0000000000000009", "issuer": THEIRS, "subject": "eve"})
    twin = ANNA.model_copy(update={"person_id": "p-0000000000000008"})
    published = await programme.deliver(registers(eve, order_id="one"), registers(twin, order_id="two"))
    codes = [[problem.code for problem in each.message.problems] for each in published]
    assert codes == [["issuer_taken"], ["sign_in_taken"]]
    assert len(await holds(programme)) == 2


async def test_orders_of_one_batch_see_each_other(programme: Harness) -> None:
    again = ANNA.model_copy(update={"person_id": "p-0000000000000008"})
    published = await programme.deliver(
        registers(ANNA, order_id="one"), removes(ANNA, "two"), registers(again, order_id="three")
    )
    assert [each.message for each in published] == [ANNA, None, again]


async def test_an_order_that_cannot_be_read_holds_up_no_later_one_of_the_same_person(programme: Harness) -> None:
    await programme.deliver(*stood(ANNA))
    broken = registers(LEAD, ANNA, "broken")._replace(value=b"{")
    published = await programme.deliver(broken, removes(ANNA))
    assert topics.OFFICERS.name() in {each.topic for each in published}
    assert len(await programme.dead_letters()) == 1


async def test_a_place_that_somebody_else_emptied_is_empty(programme: Harness) -> None:
    """As an earlier release's command line did."""
    await programme.deliver(*stood(ANNA))
    await programme.deliver(raw_record(topics.PEOPLE.name(), ANNA.person_id, [], None))
    assert [kind for _, kind, _, _ in await holds(programme)] == ["hub"], "that is the other register"
    await programme.deliver(raw_record(topics.OFFICERS.name(), ANNA.person_id, [("conduit-actor", b"jo")], None))
    assert [kind for _, kind, _, _ in await holds(programme)] == [None]
    assert await programme.dead_letters() == []
