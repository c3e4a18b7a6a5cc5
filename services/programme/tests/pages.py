"""The programme's pages for tests: a real database, a provider that says what a test wants, people in memory."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import httpx
from starlette.types import ASGIApp

from conduit_chassis.people import RegisterBehindError, may_come_in
from conduit_chassis.postgres import Connection
from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.programme import (
    ForcePersonRegistered,
    ForceRole,
    HubPersonRegistered,
    HubRole,
    PartnerPersonRegistered,
    PartnerRole,
    PersonRegistered,
)
from conduit_programme.pages.at_desk import ProgrammeDesk
from conduit_programme.pages.front import ROUTERS, programme_pages
from conduit_web.desk import create_app
from conduit_web.people import RegisteredPeople
from conduit_web.sessions import Sessions
from conduit_web.settings import DeskSettings
from services.programme.tests.builders import FORCE, NOW, PARTNER
from services.web.tests.browser import Browser

ISSUER_NAME, CLIENT = "hub", "programme"
Enter = Callable[..., Any]
"""Signs somebody in, and gives their browser."""


def _person(number: int, subject: str, shown_as: str, issuer: str, roles: tuple[Any, ...]) -> PersonRegistered:
    about: dict[str, Any] = {
        "person_id": f"p-{number:016d}",
        "issuer": issuer,
        "subject": subject,
        "shown_as": shown_as,
        "valid_from": NOW,
        "roles": roles,
    }
    if isinstance(roles[0], PartnerRole):
        return PartnerPersonRegistered(**about, partner_id="harbour-trust" if subject == "hanna" else PARTNER)
    if isinstance(roles[0], ForceRole):
        return ForcePersonRegistered(**about, force_id="essex" if subject == "essa" else FORCE)
    return HubPersonRegistered(**about)


PEOPLE: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("emma", "Engagement officer", (HubRole.ENGAGEMENT_OFFICER,)),
    ("lena", "Programme lead", (HubRole.LEAD,)),
    ("fred", "Finance", (HubRole.FINANCE,)),
    ("anna", "Triage officer", (HubRole.OFFICER,)),
    ("audrey", "Auditor", (HubRole.AUDITOR,)),
    ("adam", "Administrator", (HubRole.ADMINISTRATOR,)),
    ("mara", "Manager at Northlight", (PartnerRole.MANAGER,)),
    ("hanna", "Manager at Harbour Trust", (PartnerRole.MANAGER,)),
    ("cara", "Caseworker at Northlight", (PartnerRole.CASEWORKER,)),
    ("kim", "Single point of contact", (ForceRole.SINGLE_POINT_OF_CONTACT,)),
    ("tom", "Safeguarding team", (ForceRole.TEAM,)),
    ("nick", "Night officer", (HubRole.OFFICER,)),
    ("essa", "Safeguarding team in Essex", (ForceRole.TEAM,)),
)
NUMBERS = {name: number for number, (name, _, _) in enumerate(PEOPLE, 1)}


def account(name: str) -> str:
    return f"p-{NUMBERS[name]:016d}"


@dataclass
class Register:
    """A register in memory."""

    known: dict[tuple[str, str], PersonRegistered]
    clock: ManualClock | None = None
    behind: bool = False
    """Whether it is not known how it stands."""

    @classmethod
    def of(cls, issuer: str) -> Register:
        people = [_person(NUMBERS[name], name, shown_as, issuer, roles) for name, shown_as, roles in PEOPLE]
        return cls({(each.issuer, each.subject): each for each in people})

    def find(self, issuer: str, subject: str) -> PersonRegistered | None:
        person = next((each for each in self.everybody() if (each.issuer, each.subject) == (issuer, subject)), None)
        return person if person and (self.clock is None or may_come_in(person, self.clock.now())) else None

    def everybody(self) -> list[PersonRegistered]:
        if self.behind:
            raise RegisterBehindError
        return list(self.known.values())

    def change(self, name: str, **changes: Any) -> None:
        """From now on this person is so."""
        (key,) = (each for each in self.known if each[1] == name)
        self.known[key] = self.known[key].model_copy(update=changes)


def programme_app(
    harness: Harness, clock: ManualClock, register: Register, http: httpx.AsyncClient, issuer: str, url: str, **more: Any
) -> ASGIApp:
    about = {"name": ISSUER_NAME, "label": "The hub", "issuer": issuer, "client_id": CLIENT, "client_secret": "s"}
    settings = DeskSettings.model_validate({"public_url": url, "identity_providers": [about]})
    sessions = Sessions(harness.pool, clock, idle=settings.session_idle, longest=settings.session_longest)
    pages, register.clock = more.get("pages") or programme_pages(), clock
    desk = ProgrammeDesk(
        settings, register=RegisteredPeople(register), sessions=sessions, clock=clock, http=http, pages=pages
    ).with_store(harness.pool, ZoneInfo("Europe/London"), register, pages)
    desk.insight_answer_days = more.get("answer_days", desk.insight_answer_days)
    desk.practice_answer_days = more.get("practice_days", desk.practice_answer_days)
    desk.practice_force_days = more.get("force_days", desk.practice_force_days)
    desk.transactions, desk.scans = harness.runtime.transaction, more.get("scans", False)
    return create_app(desk, *ROUTERS)


def hidden_of(text: str) -> dict[str, str]:
    """What the last form of a page carries unseen."""
    return dict(re.findall(r'<input type="hidden" name="(form_token|form_key|mark)" value="([^"]*)"', text))


async def send(browser: Browser, path: str, form: dict[str, str] | None = None, **query: str) -> httpx.Response:
    """A form of this desk, filled in and sent."""
    hidden = hidden_of((await browser.get("/sessions")).text)
    address = f"{path}?{urlencode(query)}" if query else path
    return await browser.post(address, hidden | (form or {}))


async def change(
    browser: Browser, path: str, form: dict[str, str] | None = None, page: str = "", **query: str
) -> httpx.Response:
    """A form that is opened first, so that it carries the mark of what stands; `page` is where it is, if not at its path."""
    address = f"{path}?{urlencode(query)}" if query else path
    hidden = hidden_of((await browser.get(page or address)).text)
    return await browser.post(address, hidden | (form or {}))


def text_of(page: str) -> str:
    """What is read of a page, with one blank between words."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


async def waiting_or_done(watching: Connection, task: asyncio.Task[Any]) -> None:
    """Returns once somebody waits for what another transaction holds, or the task has not waited."""
    waits = "SELECT true FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not task.done() and not await watching.fetchval(waits):  # noqa: ASYNC110 - PostgreSQL tells nobody that somebody waits
        await asyncio.sleep(0.01)
