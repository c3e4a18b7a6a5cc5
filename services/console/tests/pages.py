"""The console's pages for tests: a real database, a real provider, people in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from starlette.types import ASGIApp

from conduit_chassis.testing import KEY, Harness, ManualClock
from conduit_console import store
from conduit_console.commanding import Commanding, SignerClient
from conduit_console.grounds import ShownPolicy, read_shown_policy
from conduit_console.pages.at_desk import ConsoleDesk
from conduit_console.pages.front import ROUTERS, console_pages
from conduit_console.queries.news import Newest, newest
from conduit_contracts.programme import HubPersonRegistered, HubRole
from conduit_contracts.topics import consumed_by
from conduit_local.services import POLICY_FILE
from conduit_signer.api import create_api
from conduit_web.desk import create_app
from conduit_web.people import RegisteredPeople
from conduit_web.sessions import Sessions
from conduit_web.settings import DeskSettings
from conduit_web.streams import Streams
from services.console.tests.builders import NOW

ISSUER_NAME = "hub"
TOKEN = "synthetic-console-token"
Enter = Callable[..., Any]
"""Signs somebody in, and gives their browser."""


def person(number: int, subject: str, *roles: HubRole, shown_as: str, issuer: str) -> HubPersonRegistered:
    return HubPersonRegistered(
        person_id=f"p-{number:016d}", issuer=issuer, subject=subject, shown_as=shown_as, valid_from=NOW, roles=roles
    )


@dataclass
class Register:
    """A register in memory."""

    known: dict[tuple[str, str], HubPersonRegistered]

    @classmethod
    def of(cls, issuer: str) -> Register:
        people = (
            person(1, "anna", HubRole.OFFICER, shown_as="Triage officer, days", issuer=issuer),
            person(2, "ben", HubRole.OFFICER, shown_as="Triage officer, nights", issuer=issuer),
            person(3, "sue", HubRole.SUPERVISOR, shown_as="Supervisor", issuer=issuer),
            person(4, "audrey", HubRole.AUDITOR, shown_as="Auditor", issuer=issuer),
            person(5, "lena", HubRole.LEAD, shown_as="Programme lead", issuer=issuer),
        )
        return cls({(each.issuer, each.subject): each for each in people})

    def find(self, issuer: str, subject: str) -> HubPersonRegistered | None:
        return self.known.get((issuer, subject))

    def everybody(self) -> list[HubPersonRegistered]:
        return list(self.known.values())


ANNA, BEN, SUE, AUDREY = (f"p-{number:016d}" for number in (1, 2, 3, 4))


def shown_policy() -> ShownPolicy:
    return read_shown_policy(POLICY_FILE)


def console_app(
    harness: Harness, clock: ManualClock, register: Register, http: httpx.AsyncClient, issuer: str, url: str, **more: Any
) -> ASGIApp:
    about = {"name": ISSUER_NAME, "label": "The hub", "issuer": issuer, "client_id": "console", "client_secret": "s"}
    settings = DeskSettings.model_validate({"public_url": url, "identity_providers": [about]})
    sessions = Sessions(harness.pool, clock, idle=settings.session_idle, longest=settings.session_longest)
    pages = more.get("pages") or console_pages()
    desk = ConsoleDesk(
        settings, register=RegisteredPeople(register), sessions=sessions, clock=clock, http=http, pages=pages
    ).with_cases(
        harness.pool,
        more.get("policy") or shown_policy(),
        register,
        pages,
        commanding(harness, clock, register, **more),
    )
    desk.files = more.get("files")
    streams = more.get("streams") or streams_of(harness, clock, register)
    return create_app(desk.with_streams(streams), *ROUTERS)


def streams_of(harness: Harness, clock: ManualClock, register: Register) -> Streams[Newest]:
    """What tells pages that there is something new, as soon as its worker runs."""
    sessions = Sessions(harness.pool, clock, idle=timedelta(minutes=15), longest=timedelta(hours=8))
    return Streams(harness.pool, sessions, RegisteredPeople(register), newest, every_seconds=0.1)


def commanding(harness: Harness, clock: ManualClock, register: Register, **more: Any) -> Commanding:
    """The real signer, in this process: with the key that tests trust, and the same register."""
    signer = more.get("signer") or create_api(register, lambda: KEY, TOKEN, clock)
    http = httpx.AsyncClient(transport=httpx.ASGITransport(signer))
    return Commanding(harness.runtime.transaction, SignerClient(http, "http://signer", lambda: TOKEN))


async def all_read(console: Harness, clock: ManualClock) -> None:
    """Every list is complete up to now."""
    everywhere = {
        (topic.name(), number): clock.now() for topic in consumed_by("console") for number in range(topic.partitions)
    }
    async with console.pool.acquire() as connection:
        await store.follow(connection, everywhere)


def path_of(case_id: UUID) -> str:
    return f"/cases/{case_id}"
