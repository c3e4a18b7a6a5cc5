"""Pages are HTML as the standard has it: of every desk's, each test run checks whatever was asked for."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from conduit_local.identity_provider import LOGIN_PAGE
from conduit_web.troubles import Trouble
from services.web.tests import browser as browsers
from services.web.tests.browser import Browser
from services.web.tests.html_desk import html_pages
from tests.support import html
from tests.support.html import SeenPages, faults_of

PAGE = '<!DOCTYPE html><html lang="en-GB"><head><title>Synthetic</title></head><body>{}</body></html>'
BROKEN = {
    '<p id="a">One</p><p id="a">Two</p>': "Duplicate ID",
    "<p>One<div>Two</div></p>": "No “p” element in scope",
    "<ul><p>One</p></ul>": "not allowed as child of element “ul”",
    '<label for="nothing">One</label>': "must be the ID of a non-hidden form control",
    '<a href="/x?q=a b">One</a>': "Illegal character",
    "<table><tr><td>One<tr><td>Two<td>Three</table>": "columns",
    "<section><p>One</p></section>": "Section lacks heading",
}
"""What a browser mends without a word; the last two are warnings."""


async def test_a_page_that_is_no_good_html_fails_the_run_by_the_address_at_which_it_was_asked_for() -> None:
    bodies = [*BROKEN, "<p>Good</p>"]

    async def page(request: Request) -> Response:
        return HTMLResponse(PAGE.format(bodies[int(request.path_params["number"])]))

    async def on_fault(_request: Request, _error: Exception) -> Response:
        return HTMLResponse(PAGE.format("<p>Fault</div>"), status_code=500)

    async def plain(_request: Request) -> Response:
        return PlainTextResponse("<p>no page")

    seen = SeenPages()
    app = seen.at(
        Starlette(routes=[Route("/{number}", page), Route("/plain/", plain)], exception_handlers={Exception: on_fault})
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://desk.hub.example") as client:
        for path in ("plain/", "fault", *range(len(bodies)), 0):
            await client.get(f"/{path}")
    assert len(list(seen)) == len(bodies) + 1
    with pytest.raises(AssertionError) as failed:
        seen.check()
    lines = str(failed.value).splitlines()[1:]
    for path, said in [*enumerate(BROKEN.values()), ("fault", "Stray end tag")]:
        assert [line for line in lines if f" GET /{path} " in line and said in line], said
    assert not [line for line in lines if f" GET /{len(BROKEN)} " in line]


async def test_pages_that_tests_ask_for_are_seen(abroad: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "SEEN_PAGES", own := SeenPages())
    app = Starlette(routes=[Route("/here", lambda _request: HTMLResponse(PAGE.format("")))])
    await Browser(app, abroad).get("/here")
    assert [name for name in own if " GET /here " in name]


def test_a_checker_that_is_missing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "checker", lambda: Path("/nowhere/vnu.jar"))
    with pytest.raises(AssertionError, match="Unable to access jarfile"):
        faults_of({"good": PAGE.format("").encode()})


def test_what_differs_in_words_alone_is_one_shape_and_what_repeats_a_name_is_another() -> None:
    row = '<p id="a-{}">{}</p><p id="a-{}">x</p>'
    one, alike, twice = (html._shape(row.format(*each).encode()) for each in ((1, "A", 2), (3, "B", 4), (1, "A", 1)))
    assert one == alike
    assert one != twice


async def test_the_page_of_each_trouble_and_of_the_provider_for_tests_is_html() -> None:
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "state": {"nonce": "n"}})
    pages = {each.value: bytes(html_pages().trouble(request, each, "/sign-in?return_to=%2F").body) for each in Trouble}
    pages[LOGIN_PAGE.name] = LOGIN_PAGE.read_bytes()
    assert faults_of(pages) == []
