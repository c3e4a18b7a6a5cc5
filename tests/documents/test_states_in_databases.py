"""The diagrams' states are those that the databases' constraints allow, and a notice moves as its diagram says.

Notices are taken through the queue's own statements: from every state, by everything that may happen to one.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import psycopg
import pytest

import conduit_intake
import conduit_notification
import conduit_routing
import conduit_triage
from conduit_chassis.migrate import migrate
from conduit_contracts.notification import Channel
from conduit_generate.states import notices
from conduit_generate.states.diagrams import causes
from conduit_generate.states.world import NOW, WAITING
from conduit_notification import queue
from conduit_notification.notices import Claimed, Notice
from conduit_notification.outcomes import AttemptOutcome, Next, Verdict
from conduit_notification.queue import Result, Room
from conduit_notification.shares import Shares
from conduit_notification.templates import Template
from tests.documents.test_glossary import sections
from tests.documents.test_states import drawn
from tests.support.servers import NewDatabase, TemplateDatabase

PACKAGES = {
    "intake": conduit_intake,
    "triage": conduit_triage,
    "routing": conduit_routing,
    "notification": conduit_notification,
}
TABLES = {
    ("triage", "assessments"): "review",
    ("routing", "cases"): "case",
    ("routing", "handoffs"): "handoff",
    ("notification", "referrals"): "referral",
    ("notification", "notices"): "notice",
}
ALLOWED = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass"
WORDS = re.compile(r"^CHECK \(\(state = ANY \(ARRAY\[(.+)\]\)\)\)$")
AUDIENCE = "force:kent"
LEASE = timedelta(hours=1)


@pytest.fixture
def migrated(template_database: TemplateDatabase, new_database: NewDatabase) -> Callable[[str], str]:
    """A database of this service."""

    def made(service: str) -> str:
        folder = Path(str(PACKAGES[service].__file__)).parent / "migrations"

        def apply(dsn: str) -> None:
            migrate(dsn, folder)

        return new_database(template_database(service, apply))

    return made


def allowed(dsn: str, table: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        found = [WORDS.match(row[0]) for row in connection.execute(ALLOWED, (table,))]
    (listed,) = [match[1] for match in found if match]
    return set(re.findall(r"'(\w+)'", listed))


@pytest.mark.parametrize(("service", "table"), TABLES)
def test_the_states_drawn_are_those_that_a_row_may_have(migrated: Callable[[str], str], service: str, table: str) -> None:
    states = {after for _, after in drawn(TABLES[service, table])}
    assert states - {WAITING} == allowed(migrated(service), table)


@pytest.mark.parametrize(
    ("service", "table", "heading"),
    [("notification", "notices", "Of a notice"), ("intake", "attachments", "Of an attachment")],
)
def test_the_glossary_has_the_states_that_no_contract_names(
    migrated: Callable[[str], str], service: str, table: str, heading: str
) -> None:
    assert set(sections()[heading]) == allowed(migrated(service), table)


@pytest.fixture
async def connection(migrated: Callable[[str], str]) -> AsyncIterator[Any]:
    made = await asyncpg.connect(migrated("notification"))
    yield made
    await made.close()


def notice() -> Notice:
    template = Template.FORCE_HANDOFF_OVERDUE
    return Notice(uuid4(), AUDIENCE, 0, Channel.EMAIL, template, uuid4(), {}, False, None, NOW)


async def state_of(connection: Any, made: Notice) -> str:
    found: str | None = await connection.fetchval("SELECT state FROM notices WHERE notice_id = $1", made.notice_id)
    return found or ""


async def attempt(connection: Any, made: Notice) -> Claimed:
    """The attempt that is under way."""
    await connection.execute("UPDATE notices SET next_attempt_at = clock_timestamp() WHERE state = 'queued'")
    claimed = await queue.claim(connection, Channel.EMAIL, LEASE, Room(10, 10), Shares())
    return next((each for each in claimed if each.notice_id == made.notice_id), _late(made))


def _late(made: Notice) -> Claimed:
    """An attempt whose result comes when the notice is settled already."""
    about = (made.referral_id, made.params, 1, NOW, None)
    return Claimed(made.notice_id, made.audience, made.level, made.channel, made.template, *about)


def settling(state: str) -> Callable[[Any, Notice], Awaitable[None]]:
    wait = timedelta(hours=1) if state == "queued" else None

    async def settle(connection: Any, made: Notice) -> None:
        held = await attempt(connection, made)
        await queue.settle(connection, [Result(held, AttemptOutcome(Verdict.AGAIN, "synthetic"), Next(state, wait), NOW, 1)])

    return settle


async def released(connection: Any, made: Notice) -> None:
    await queue.release(connection, [await attempt(connection, made)])


async def told_again(connection: Any, made: Notice) -> None:
    await queue.enqueue(connection, [made])


async def kept_from(connection: Any, made: Notice) -> None:
    await queue.drop(connection, [(made.referral_id or uuid4(), made.audience)])


async def looked_at(connection: Any, _made: Notice) -> None:
    await queue.late_danger(connection, timedelta(), 10)


STATES = ("queued", "sent", "failed", "dropped")
WAYS: list[Callable[[Any, Notice], Awaitable[None]]] = [told_again, kept_from, looked_at, released, *map(settling, STATES)]


async def test_a_notice_moves_as_drawn_whatever_happens_to_it(connection: Any) -> None:
    new = notice()
    assert await state_of(connection, new) == ""
    await told_again(connection, new)
    seen = {("", await state_of(connection, new))}
    for bring in (told_again, *map(settling, STATES)):
        for happens in WAYS:
            made = notice()
            await told_again(connection, made)
            await bring(connection, made)
            before = await state_of(connection, made)
            await happens(connection, made)
            seen.add((before, await state_of(connection, made)))
    stays = {(state, state) for state in STATES}
    assert seen - stays == set(causes("notice", notices.moves())) - stays
