"""Who belongs to what: told for certain, or not at all; and what the register says is so within five minutes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from conduit_chassis.people import PeopleBook, RegisterBehindError, account_of
from conduit_chassis.people_follower import BEHIND_SECONDS, PeopleFollower
from conduit_chassis.testing import ManualClock, settings_for
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import new_person_id, uuid7
from conduit_contracts.programme import (
    ForcePersonRegistered,
    ForceRole,
    HubPersonRegistered,
    HubRole,
    PartnerPersonRegistered,
    PartnerRole,
    PersonRegistered,
    RightsRevoked,
)
from conduit_contracts.topics import OFFICERS, PEOPLE, REVOCATIONS
from services.chassis.tests.world import eventually

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ISSUER = "https://login.hub.example"
OTHERS = "https://login.northlight.example"
LEAST_PROMISED = timedelta(minutes=5)


def officer(person_id: str = "p-0000000000000001", subject: str = "anna", **more: Any) -> HubPersonRegistered:
    about = {"issuer": ISSUER, "roles": (HubRole.OFFICER,), "valid_from": NOW} | more
    return HubPersonRegistered.model_validate({"person_id": person_id, "subject": subject, **about})


def caseworker(person_id: str = "p-0000000000000002", subject: str = "anna", **more: Any) -> PartnerPersonRegistered:
    about = {"issuer": OTHERS, "roles": (PartnerRole.CASEWORKER,), "valid_from": NOW, "partner_id": "northlight"} | more
    return PartnerPersonRegistered.model_validate({"person_id": person_id, "subject": subject, **about})


def take(book: PeopleBook, topic: str, *people: PersonRegistered) -> list[bool]:
    return [book.take(topic, each.person_id.encode(), *written(each)) for each in people]


def written(person: PersonRegistered) -> tuple[list[tuple[str, bytes]], bytes]:
    return encode(person, Attributes(str(uuid7()), "/programme", person.type, NOW))


def test_the_same_subject_at_another_issuer_is_somebody_else() -> None:
    book = PeopleBook()
    assert take(book, OFFICERS.name(), officer()) == [True]
    assert take(book, PEOPLE.name(), caseworker()) == [True]
    assert book.find(ISSUER, "anna", NOW) == officer()
    assert book.find(OTHERS, "anna", NOW) == caseworker()
    assert book.find("https://login.elsewhere.example", "anna", NOW) is None


def test_who_may_write_of_partners_people_can_make_nobody_an_officer() -> None:
    book = PeopleBook()
    assert take(book, PEOPLE.name(), officer()) == [False]
    assert take(book, OFFICERS.name(), caseworker()) == [False]
    assert book.everybody() == []


def test_two_who_claim_the_same_sign_in_are_nobody_until_one_is_gone() -> None:
    book = PeopleBook()
    other = officer("p-0000000000000003")
    take(book, OFFICERS.name(), officer(), other)
    assert book.find(ISSUER, "anna", NOW) is None
    book.take(OFFICERS.name(), other.person_id.encode(), (), None)
    assert book.find(ISSUER, "anna", NOW) == officer()


def test_whose_record_cannot_be_read_or_names_another_key_is_nobody_until_the_next() -> None:
    book = PeopleBook()
    key = officer().person_id.encode()
    take(book, OFFICERS.name(), officer())
    assert not book.take(OFFICERS.name(), key, written(officer())[0], b"{")
    assert (book.find(ISSUER, "anna", NOW), len(book.unreadable)) == (None, 1)
    assert not book.take(OFFICERS.name(), key, *written(officer("p-0000000000000009")))
    assert take(book, OFFICERS.name(), officer()) == [True]
    assert (book.find(ISSUER, "anna", NOW), book.unreadable) == (officer(), set())


def test_somebody_may_come_in_from_the_first_moment_to_the_last() -> None:
    book, ends = PeopleBook(), NOW + timedelta(days=1)
    take(book, OFFICERS.name(), officer(valid_to=ends))
    moments = (NOW - timedelta(seconds=1), NOW, ends - timedelta(seconds=1), ends)
    assert [book.find(ISSUER, "anna", each) is not None for each in moments] == [False, True, True, False]


def revoke(book: PeopleBook, person_id: str = "p-0000000000000001", **more: Any) -> bool:
    message = RightsRevoked(person_id=person_id, **more)
    headers, value = encode(message, Attributes(str(uuid7()), "/programme", message.type, NOW))
    return book.take(REVOCATIONS.name(), person_id.encode(), headers, value)


def test_what_was_revoked_holds_over_every_record_of_the_register_until_it_is_given_back() -> None:
    book, both = PeopleBook(), officer(roles=(HubRole.OFFICER, HubRole.SUPERVISOR))
    assert revoke(book, roles_left=(HubRole.SUPERVISOR,)), "it may come before the register is read"
    take(book, OFFICERS.name(), both)
    assert book.find(ISSUER, "anna", NOW) == officer(roles=(HubRole.SUPERVISOR,))
    revoke(book, removed=True)
    take(book, OFFICERS.name(), both)
    assert (book.find(ISSUER, "anna", NOW), book.everybody(), book.entries()) == (None, [], [both])
    book.take(REVOCATIONS.name(), both.person_id.encode(), (), None)
    assert book.find(ISSUER, "anna", NOW) == both


def test_who_was_removed_claims_their_sign_in_no_more() -> None:
    book, again = PeopleBook(), officer("p-0000000000000003")
    take(book, OFFICERS.name(), officer(), again)
    revoke(book, removed=True)
    assert book.find(ISSUER, "anna", NOW) == again


def test_of_whom_it_cannot_be_read_what_was_revoked_is_nobody() -> None:
    book = PeopleBook()
    take(book, OFFICERS.name(), officer())
    assert not book.take(REVOCATIONS.name(), officer().person_id.encode(), (), b"{")
    assert (book.find(ISSUER, "anna", NOW), len(book.unreadable)) == (None, 1)
    assert revoke(book, sessions_from=NOW)
    assert (book.find(ISSUER, "anna", NOW), book.unreadable) == (officer(sessions_from=NOW), set())


def test_acts_are_kept_under_the_account_from_before_there_was_a_register() -> None:
    force = ForcePersonRegistered(
        person_id="p-0000000000000004", issuer=ISSUER, subject="x", valid_from=NOW, force_id="kent", roles=(ForceRole.TEAM,)
    )
    assert account_of(officer(officer_id="a.okafor")) == "a.okafor"
    assert (account_of(officer()), account_of(force)) == ("p-0000000000000001", "p-0000000000000004")


@pytest.fixture
async def writes(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    for topic in (OFFICERS, PEOPLE, REVOCATIONS):
        with suppress(TopicAlreadyExistsError):
            await admin.create_topics([NewTopic(topic.name(), 1, 1, topic_configs=topic.config)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all")
    await producer.start()
    yield producer
    await producer.stop()


async def write(producer: AIOKafkaProducer, person: HubPersonRegistered, *, leaves: bool = False) -> None:
    headers, value = written(person)
    await producer.send_and_wait(
        OFFICERS.name(), None if leaves else value, key=person.person_id.encode(), headers=[] if leaves else headers
    )


class Seconds:
    """A clock for waits, which tests set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def following(kafka_bootstrap: str, seconds: Seconds) -> AsyncIterator[PeopleFollower]:
    settings = settings_for(kafka_bootstrap, "postgresql://nowhere")
    made = PeopleFollower(settings, ManualClock(NOW), name="sample", now=seconds)
    running = asyncio.create_task(made.run())
    try:
        async with asyncio.timeout(20):
            await made.until_ready()
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_change_is_known_at_once_and_whoever_leaves_is_nobody(
    kafka_bootstrap: str, writes: AIOKafkaProducer
) -> None:
    person = officer(new_person_id(), f"anna-{uuid7()}")
    await write(writes, person)

    async def roles() -> Any:
        found = made.find(ISSUER, person.subject)
        return found and found.roles

    async def has_left() -> bool:
        return made.find(ISSUER, person.subject) is None

    async with following(kafka_bootstrap, Seconds()) as made:
        assert await roles() == (HubRole.OFFICER,), "what was written before it started is known once it is ready"
        await write(writes, person.model_copy(update={"roles": (HubRole.AUDITOR,)}))

        async def is_auditor() -> bool:
            return bool(await roles() == (HubRole.AUDITOR,))

        await eventually(is_auditor, "a role that was taken away")
        await write(writes, person, leaves=True)
        await eventually(has_left, "somebody who left")
    async with following(kafka_bootstrap, Seconds()) as again:
        assert again.find(ISSUER, person.subject) is None


async def test_what_is_revoked_bites_while_nobody_writes_the_register(
    kafka_bootstrap: str, writes: AIOKafkaProducer
) -> None:
    person = officer(new_person_id(), f"anna-{uuid7()}", roles=(HubRole.OFFICER, HubRole.AUDITOR))
    await write(writes, person)

    async def revokes(**more: Any) -> None:
        message = RightsRevoked(person_id=person.person_id, **more)
        headers, value = encode(message, Attributes(str(uuid7()), "/programme", message.type, NOW))
        await writes.send_and_wait(REVOCATIONS.name(), value, key=person.person_id.encode(), headers=headers)

    async with following(kafka_bootstrap, Seconds()) as made:
        assert made.find(ISSUER, person.subject) == person
        await revokes(roles_left=(HubRole.AUDITOR,))

        async def is_auditor() -> bool:
            found = made.find(ISSUER, person.subject)
            return found is not None and found.roles == (HubRole.AUDITOR,)

        await eventually(is_auditor, "a role that was taken away")
        await revokes(removed=True)

        async def is_out() -> bool:
            return made.find(ISSUER, person.subject) is None

        await eventually(is_out, "somebody who was removed")
    async with following(kafka_bootstrap, Seconds()) as again:
        assert again.find(ISSUER, person.subject) is None, "it holds for whoever starts later"


async def test_a_role_that_was_taken_away_is_gone_within_five_minutes_even_where_nothing_can_be_read(
    kafka_bootstrap: str, writes: AIOKafkaProducer
) -> None:
    person, seconds = officer(new_person_id(), f"anna-{uuid7()}"), Seconds()
    await write(writes, person)
    async with following(kafka_bootstrap, seconds) as made:
        assert made.find(ISSUER, person.subject) == person
    # From now on it hears of nothing: its reading has ended, as where no broker answers.
    await write(writes, person, leaves=True)
    seconds.now += BEHIND_SECONDS - 1
    assert made.find(ISSUER, person.subject) == person, "a short break locks nobody out"
    seconds.now += 1
    assert timedelta(seconds=BEHIND_SECONDS) < LEAST_PROMISED
    assert made.not_ready() == "the registers of people cannot be read"
    with pytest.raises(RegisterBehindError):
        made.find(ISSUER, person.subject)


def test_before_all_was_read_nobody_can_be_told() -> None:
    settings = settings_for("127.0.0.1:1", "postgresql://nowhere")
    made = PeopleFollower(settings, ManualClock(NOW), name="sample", now=Seconds())
    assert made.not_ready() == "the registers of people were not read to their end yet"
    with pytest.raises(RegisterBehindError):
        made.find(ISSUER, "anna")
