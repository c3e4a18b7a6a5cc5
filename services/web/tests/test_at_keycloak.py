"""The small desk with Keycloak in place of the provider for tests, by settings alone: the same journeys, at its own pages.

`make keycloak` runs them. How a desk gets on with a provider that remembers people, asks for passwords and codes, and takes
nobody's word, only such a provider can show.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page
from starlette.types import ASGIApp

from conduit_chassis.clock import SystemClock
from conduit_contracts.programme import HubRole
from conduit_local.keycloak import EmbeddedKeycloak
from conduit_local.keycloak_realms import (
    DIGITS,
    OTP,
    PERIOD_SECONDS,
    TWO_FACTORS,
    RealmClient,
    RealmUser,
    realm_of,
    subject_of,
    user_of,
)
from conduit_local.personas import HUB, PARTNER, PERSONAS, LocalProvider, Persona, account, registered
from conduit_web.access import Action
from conduit_web.people import Identity, person_of
from conduit_web.visits import Visit, may
from conduit_web.words import N_
from services.web.tests import html_desk
from services.web.tests import test_in_a_browser as shared
from services.web.tests.html_desk import find, html_pages
from services.web.tests.sample import People
from services.web.tests.test_in_a_browser import Site, free_url, served

pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(1200)]  # the first start is a long one
chromium = shared.chromium

LIST = "/html/cases"
PASSWORD, CODES, CLIENT_SECRET = "synthetic password", "synthetic secret of codes", "synthetic:secret"
BY_ACR: dict[str, Any] = {"client_id": "console", "second_factor_acr": [TWO_FACTORS], "second_factor_amr": []}
BY_AMR: dict[str, Any] = {"client_id": "programme", "second_factor_amr": [OTP]}
ONE_FACTOR_OFFICER = Persona("officer-with-one-factor", "Triage officer who has no code", (HubRole.OFFICER,))
STRANGER = RealmUser("stranger", "9b2f6f0e-5a0c-4f0e-9c0b-0d3b1f2a7c11", PASSWORD, CODES)
"""Somebody of the hub whom nobody gave access."""

Open = Callable[..., AbstractAsyncContextManager[Site]]
declined: list[tuple[str, str]] = []
router = APIRouter()
router.get("/")(html_desk.home)
router.get(LIST)(html_desk.cases)


@router.get("/html/cases/{number}/decline")
async def decline_form(request: Request, number: str, visit: Annotated[Visit, may(Action.DECLINE, find)]) -> Response:
    shown: Response = request.app.state.desk.pages.page(request, "decline.html", N_("Decline"), visit=visit, case_id=number)
    return shown


@router.post("/html/cases/{number}/decline")
async def decline(number: str, visit: Annotated[Visit, may(Action.DECLINE, find)]) -> Response:
    declined.append((number, visit.person.person_id))
    return RedirectResponse(LIST, status_code=303)


@pytest.fixture
def clock() -> SystemClock:
    """Keycloak's: its tokens are good for minutes."""
    return SystemClock()


@pytest.fixture(scope="module")
def desk_url() -> str:
    return free_url()


@pytest.fixture(scope="module")
def keycloak(desk_url: str) -> Iterator[EmbeddedKeycloak]:
    folder = Path(tempfile.mkdtemp(prefix="conduit-test-"))
    made = EmbeddedKeycloak(folder, tell=print)
    try:
        made.start()
        give_realms(made, desk_url)
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)


def give_realms(keycloak: EmbeddedKeycloak, desk_url: str) -> None:
    one_factor = replace(user_of(ONE_FACTOR_OFFICER, PASSWORD, CODES), otp_secret=None)
    others = {HUB.name: [STRANGER, one_factor]}
    for provider in (HUB, PARTNER):
        people = [user_of(each, PASSWORD, CODES) for each in PERSONAS if each.provider is provider]
        clients = [
            RealmClient("console", CLIENT_SECRET, desk_url, provider.name),
            RealmClient("programme", CLIENT_SECRET, desk_url, provider.name, asks_for_second_factor=False),
        ]
        keycloak.put_realm(realm_of(provider, [*people, *others.get(provider.name, [])], clients))


@pytest.fixture
def open_desk(
    keycloak: EmbeddedKeycloak, desk_url: str, people: People, make_desk: Callable[..., ASGIApp], chromium: Chromium
) -> Open:
    """A desk that was told of Keycloak by settings, and of its people by the register."""
    declined.clear()
    for each in (*PERSONAS, ONE_FACTOR_OFFICER):
        issuer = keycloak.issuer(each.provider.name)
        people.known[Identity(issuer, subject_of(each))] = person_of(registered(each, issuer))

    def made(*providers: LocalProvider, **told: Any) -> AbstractAsyncContextManager[Site]:
        about = [
            {
                "name": each.name,
                "label": each.label,
                "issuer": keycloak.issuer(each.name),
                "client_secret": CLIENT_SECRET,
                **BY_ACR,
                **told,
            }
            for each in providers or (HUB,)
        ]
        return served(chromium, make_desk(*about, url=desk_url, pages=html_pages(), routes=router), desk_url)

    return made


async def give_password(page: Page, name: str, password: str = PASSWORD) -> None:
    await page.locator("#username").fill(name)
    await page.locator("#password").fill(password)
    await page.keyboard.press("Enter")


async def give_code(page: Page) -> None:
    code = TOTP(CODES.encode(), DIGITS, SHA1(), PERIOD_SECONDS).generate(int(time.time()))  # noqa: S303 - what apps make
    await page.locator("#otp").fill(code.decode())
    await page.keyboard.press("Enter")


async def sign_in(site: Site, name: str = "officer", path: str = LIST) -> Page:
    page = await site.page()
    await page.goto(f"{site.url}{path}")
    await give_password(page, name)
    await give_code(page)
    await page.wait_for_url(f"{site.url}{path}")
    return page


async def lands_on(page: Page, heading: str) -> None:
    await page.get_by_role("heading", name=heading, exact=True).wait_for()


def is_at(page: Page, keycloak: EmbeddedKeycloak, realm: str = HUB.name) -> bool:
    return page.url.startswith(keycloak.issuer(realm) + "/")


@pytest.mark.parametrize("told", [BY_ACR, BY_AMR], ids=["by acr, which the desk asks for", "by amr"])
async def test_an_officer_signs_in_with_two_factors(open_desk: Open, pool: Any, told: dict[str, Any]) -> None:
    async with open_desk(**told) as site:
        page = await sign_in(site)
        await lands_on(page, "Cases")
        (session,) = await pool.fetch("SELECT * FROM web_sessions")
        assert (session["second_factor"], session["level"]) == (True, TWO_FACTORS)
        assert session["provider_session"], "by which Keycloak can end it"
        assert session["signed_in_at"] is not None


async def test_the_people_of_each_organisation_sign_in_at_their_own(open_desk: Open, keycloak: EmbeddedKeycloak) -> None:
    async with open_desk(HUB, PARTNER) as site:
        page = await site.page()
        await page.goto(f"{site.url}{LIST}")
        await page.get_by_role("link", name=PARTNER.label).click()
        await page.locator("#username").wait_for()
        assert is_at(page, keycloak, PARTNER.name)
        await give_password(page, "officer")
        await page.get_by_text("Invalid username or password").wait_for()
        await give_password(page, "partner-manager")
        await give_code(page)
        await page.wait_for_url(f"{site.url}{LIST}")


async def test_who_is_not_in_the_register_does_not_come_in_and_somebody_else_can(open_desk: Open, pool: Any) -> None:
    async with open_desk() as site:
        page = await site.page()
        await page.goto(f"{site.url}{LIST}")
        await give_password(page, "officer", "another password")
        await page.get_by_text("Invalid username or password").wait_for()
        await give_password(page, STRANGER.name)
        await give_code(page)
        await lands_on(page, "You do not have access")
        assert await pool.fetchval("SELECT count(*) FROM web_sessions") == 0
        await page.get_by_role("link", name="Sign out, to sign in as somebody else").click()
        await page.locator("#kc-logout").click()
        await page.wait_for_url(f"{site.url}/signed-out")
        await page.get_by_role("link", name="Sign in again").click()
        await give_password(page, "officer")
        await give_code(page)
        await page.wait_for_url(f"{site.url}{LIST}")


async def test_who_needs_no_second_factor_is_asked_for_none_and_may_do_what_their_role_may(
    open_desk: Open, pool: Any
) -> None:
    async with open_desk() as site:
        page = await site.page()
        await page.goto(f"{site.url}{LIST}")
        await give_password(page, "finance")
        await lands_on(page, "You may not do this")
        assert [row["second_factor"] for row in await pool.fetch("SELECT * FROM web_sessions")] == [False]
        await pool.execute("UPDATE web_sessions SET ended_at = now(), end_reason = 'ended_by_person'")
        await page.goto(f"{site.url}/sessions")
        await page.get_by_role("link", name="Sign in and go back to the page").click()
        await page.locator("#password").fill(PASSWORD)  # with a password alone, Keycloak remembers nobody for long
        await page.keyboard.press("Enter")
        await lands_on(page, "Where you are signed in")


async def test_an_officer_with_one_factor_does_not_come_in_and_is_asked_again(
    open_desk: Open, keycloak: EmbeddedKeycloak, pool: Any
) -> None:
    async with open_desk() as site:
        page = await site.page()
        await page.goto(f"{site.url}{LIST}")
        await give_password(page, ONE_FACTOR_OFFICER.name)
        await lands_on(page, "You need a second way to prove who you are")
        assert await pool.fetchval("SELECT count(*) FROM web_sessions") == 0
        await page.get_by_role("link", name="Try again").click()
        await page.locator("#password").wait_for()
        assert is_at(page, keycloak), "and not sent back as somebody whom it remembers"


async def test_a_decline_asks_for_credentials_again_though_keycloak_remembers_the_officer(
    open_desk: Open, keycloak: EmbeddedKeycloak, pool: Any
) -> None:
    path = f"{LIST}/7/decline"
    async with open_desk() as site:
        page = await sign_in(site)
        await pool.execute("UPDATE web_sessions SET signed_in_at = signed_in_at - interval '6 minutes'")
        await page.goto(f"{site.url}{path}")
        await page.locator("#password").fill(PASSWORD)
        assert is_at(page, keycloak)
        await page.keyboard.press("Enter")
        await give_code(page)
        await page.wait_for_url(f"{site.url}{path}")
        await page.get_by_role("button", name="Decline").click()
        await page.wait_for_url(f"{site.url}{LIST}")
    assert declined == [("7", account("officer"))]


async def test_a_session_that_ran_out_begins_again_without_a_word_while_keycloak_remembers_the_officer(
    open_desk: Open, pool: Any
) -> None:
    async with open_desk() as site:
        page = await sign_in(site)
        await pool.execute("UPDATE web_sessions SET ended_at = now(), end_reason = 'ended_by_person'")
        await page.goto(f"{site.url}{LIST}")
        await page.get_by_role("link", name="Sign in and go back to the page").click()
        await page.wait_for_url(f"{site.url}{LIST}")
        await lands_on(page, "Cases")
        row = await pool.fetchrow("SELECT second_factor, level FROM web_sessions WHERE ended_at IS NULL")
        assert (row["second_factor"], row["level"]) == (True, TWO_FACTORS)


@pytest.mark.parametrize("hint", [False, True], ids=["asked once more", "at once, by the token that is kept for that"])
async def test_signing_out_ends_it_at_keycloak_too(open_desk: Open, keycloak: EmbeddedKeycloak, *, hint: bool) -> None:
    async with open_desk(id_token_hint=hint) as site:
        page = await sign_in(site)
        await page.get_by_role("button", name="Sign out").click()
        if not hint:
            await page.locator("#kc-logout").click()
        await page.wait_for_url(f"{site.url}/signed-out")
        await page.goto(f"{site.url}{LIST}")
        await page.locator("#username").wait_for()
        assert is_at(page, keycloak), "it remembers nobody"


async def test_who_is_signed_out_at_keycloak_is_out_of_the_desk(
    open_desk: Open, keycloak: EmbeddedKeycloak, pool: Any
) -> None:
    async with open_desk() as site:
        page, another = await sign_in(site), await sign_in(site, "supervisor")
        (officer,) = [each for each in PERSONAS if each.name == "officer"]
        await asyncio.to_thread(keycloak.end_sessions, HUB.name, subject_of(officer))
        await page.goto(f"{site.url}{LIST}")
        await lands_on(page, "Your session has ended")
        await another.goto(f"{site.url}{LIST}")
        await lands_on(another, "Cases")
        ended = await pool.fetch("SELECT subject, end_reason FROM web_sessions WHERE ended_at IS NOT NULL")
        assert [tuple(row) for row in ended] == [(subject_of(officer), "ended_by_provider")]


async def test_while_keycloak_is_down_who_is_in_stays_in_and_others_come_in_when_it_is_back(
    open_desk: Open, keycloak: EmbeddedKeycloak, desk_url: str
) -> None:
    async with open_desk() as site:
        page = await sign_in(site)
        await asyncio.to_thread(keycloak.kill)
        await page.reload()
        await lands_on(page, "Cases")
    async with open_desk() as site:  # one that has not met it yet
        page = await site.page()
        await page.goto(f"{site.url}{LIST}")
        await lands_on(page, "You cannot sign in at the moment")
        await asyncio.to_thread(keycloak.start)
        await asyncio.to_thread(give_realms, keycloak, desk_url)
        await page.get_by_role("link", name="Try again").click()
        await give_password(page, "officer")
        await give_code(page)
        await page.wait_for_url(f"{site.url}{LIST}")
