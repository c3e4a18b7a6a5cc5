"""Requests that others make people's browsers send, addresses that lead elsewhere, and routes that nobody guards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter
from starlette.routing import Route
from starlette.types import ASGIApp

from conduit_chassis.testing import ManualClock
from conduit_web.access import Action
from conduit_web.addresses import page_here
from conduit_web.desk import UnguardedRouteError, actions
from conduit_web.settings import DeskSettings
from conduit_web.signing_in import router as signing_in
from conduit_web.visits import OpenToAll, anybody_may, may
from services.web.tests.browser import STRONG, URL, Browser
from services.web.tests.sample import declined, router

FORM = {"reason": "not_abuse"}


async def at_the_form(browser: Browser, clock: ManualClock) -> str:
    await browser.sign_in("anna", STRONG | {"auth_time": int(clock.now().timestamp())})
    return (await browser.get("/cases/c-1/decline")).text.split()[-1]


async def test_a_form_of_ones_own_is_acted_on(browser: Browser, clock: ManualClock) -> None:
    token = await at_the_form(browser, clock)
    assert (await browser.post("/cases/c-1/decline", FORM | {"form_token": token})).text == "declined"
    assert declined == [("c-1", "o-1", "not_abuse")]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": ""},
        {"Sec_Fetch_Site": "", "Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "", "Origin": "null"},
        {"Sec_Fetch_Site": "", "Origin": f"{URL}.evil.example"},
    ],
)
async def test_a_form_from_elsewhere_is_refused_even_with_the_token(
    browser: Browser, clock: ManualClock, headers: dict[str, str]
) -> None:
    token = await at_the_form(browser, clock)
    answer = await browser.post("/cases/c-1/decline", FORM | {"form_token": token}, **headers)
    assert (answer.status_code, answer.text.split()[0], declined) == (403, "form_refused", [])


async def test_a_browser_that_only_says_its_origin_is_good_enough(browser: Browser, clock: ManualClock) -> None:
    token = await at_the_form(browser, clock)
    answer = await browser.post("/cases/c-1/decline", FORM | {"form_token": token}, Sec_Fetch_Site="", Origin=URL)
    assert answer.text == "declined"


async def test_a_form_without_the_sessions_own_token_is_refused(
    browser: Browser, clock: ManualClock, new_browser: Callable[[], Browser]
) -> None:
    await at_the_form(browser, clock)
    attacker = new_browser()
    await attacker.sign_in("ben")
    for token in ("", "made-up", "ü", await attacker.form_token()):
        answer = await browser.post("/cases/c-1/decline", FORM | {"form_token": token})
        assert (answer.status_code, answer.text.split()[0]) == (403, "form_refused")
    assert declined == []


async def test_signing_out_is_a_form_too(browser: Browser) -> None:
    await browser.sign_in("anna")
    assert (await browser.post("/sign-out")).status_code == 403
    assert (await browser.get("/cases")).text == "cases"
    assert (await browser.get("/sign-out")).status_code == 405


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
async def test_what_is_no_form_is_refused(browser: Browser, clock: ManualClock, kind: str) -> None:
    token = await at_the_form(browser, clock)
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": kind}
    answer = await browser.desk.post("/cases/c-1/decline", content=f"form_token={token}&reason=x", headers=headers)
    assert (answer.status_code, declined) == (403, [])


async def test_a_form_larger_than_forms_are_is_refused(browser: Browser, clock: ManualClock) -> None:
    token = await at_the_form(browser, clock)
    answer = await browser.post("/cases/c-1/decline", {"form_token": token, "reason": "x" * 300_000})
    assert (answer.status_code, answer.text.split()[0]) == (413, "too_large")
    answer = await browser.post("/cases/c-1/decline", {"form_token": token} | {f"f{n}": "" for n in range(501)})
    assert answer.status_code == 403


SAFE = ["/", "/cases", "/cases?page=2&after=a%2Fb", "/cases/c-1#notes", "/cases?next=https://evil.example"]
UNSAFE = [
    "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "/\t/evil.example", "/\n/evil.example", " /cases", "/cases\r\nSet-Cookie: a=b", "javascript:alert(1)", "http:/cases",
    "https:evil.example", "cases", "", "/" + "a" * 2_000, "/ü", "/sign-in", "/sign-out", "/signed-in/hub?code=c", "/\x00",
]  # fmt: skip


@pytest.mark.parametrize("address", SAFE)
def test_a_page_of_the_desk_is_returned_to(address: str) -> None:
    assert page_here(address) == address


@pytest.mark.parametrize("address", UNSAFE)
def test_no_address_leads_elsewhere(address: str) -> None:
    assert page_here(address) == "/"


@pytest.mark.parametrize("address", ["https://evil.example", "//evil.example", "/\\evil.example"])
async def test_signing_in_leads_nowhere_else(browser: Browser, address: str) -> None:
    answer = await browser.get(str(browser.desk.build_request("GET", "/sign-in", params={"return_to": address}).url))
    answer = await browser.get(await browser.at_provider(answer.headers["location"], "anna", STRONG))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", ["/nothing", "/cases/c-1/nothing", "/sign-in/nobody", "/openapi.json", "/docs"])
async def test_an_address_that_no_page_has_is_missing(browser: Browser, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.text.split()[0]) == (404, "missing")


def test_every_route_says_what_it_does() -> None:
    assert actions(router)["POST", "/cases/{case_id}/decline"] is Action.DECLINE
    assert set(actions(signing_in).values()) == {
        Action.SIGN_IN,
        Action.SIGN_OUT,
        Action.HAVE_SESSIONS_ENDED,
        Action.MANAGE_OWN_SESSIONS,
    }


async def _page() -> None: ...


@pytest.mark.parametrize("guards", [[], [may(Action.ACCEPT), may(Action.DECLINE)]])
def test_a_desk_with_a_route_that_nobody_guards_does_not_start(make_desk: Callable[..., ASGIApp], guards: list[Any]) -> None:
    careless = APIRouter()
    careless.add_api_route("/careless", _page, dependencies=guards)
    with pytest.raises(UnguardedRouteError, match="/careless has"):
        actions(careless)


def test_what_is_mounted_past_the_guard_is_seen() -> None:
    careless = APIRouter(routes=[Route("/mounted", lambda _: None)])
    with pytest.raises(UnguardedRouteError, match="/mounted"):
        actions(careless)
    outer = APIRouter()
    outer.include_router(router)
    with pytest.raises(UnguardedRouteError):
        actions(outer)


def test_what_needs_a_sign_in_cannot_be_opened_to_all() -> None:
    with pytest.raises(ValueError, match="must sign in"):
        anybody_may(Action.VIEW_CASE)
    assert OpenToAll(Action.SIGN_IN).action is Action.SIGN_IN


GOOD = {"name": "hub", "label": "The hub", "issuer": "https://id.hub.example", "client_id": "console"}


@pytest.mark.parametrize(
    ("url", "providers"),
    [
        ("http://desk.hub.example", [GOOD]),
        ("https://desk.hub.example/console", [GOOD]),
        (URL, []),
        (URL, [GOOD | {"issuer": "http://id.hub.example"}]),
        (URL, [GOOD | {"name": "../x"}]),
        (URL, [GOOD, GOOD | {"name": "again"}]),
        (URL, [GOOD, GOOD | {"issuer": "https://id.other.example"}]),
    ],
)
def test_settings_that_would_be_a_hole_are_refused(url: str, providers: list[dict[str, str]]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        DeskSettings.model_validate({"public_url": url, "identity_providers": providers})
