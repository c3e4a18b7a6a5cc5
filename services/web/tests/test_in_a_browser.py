"""The small desk in a real browser, with a real provider: by keyboard, without scripts, small, enlarged, in forced colours.

Pictures of every page go to .conduit/pictures, to be looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page, async_playwright
from starlette.types import ASGIApp

from conduit_chassis.testing import ManualClock
from conduit_local.identity_provider import EmbeddedProvider
from conduit_local.ports import LOOPBACK, free_port
from conduit_web import providers
from conduit_web.people import Identity
from services.web.tests.crafted import CraftedProvider
from services.web.tests.html_desk import asked, html_pages, router
from services.web.tests.sample import OFFICER, People
from tests.documents.tools import browser as chromium_path
from tests.support.html import SEEN_PAGES

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).parents[3] / ".conduit" / "pictures"
PAGES = {
    "list": "/html/cases",
    "empty": "/html/cases?none=true",
    "behind": "/html/cases?behind=60",
    "case": "/html/cases/1",
    "long": "/html/cases/2",
    "sessions": "/sessions",
    "missing": "/html/cases/999",
    "fault": "/html/broken",
    "signed-out": "/signed-out",
    "session-ended": "/html/cases",
}
LOOKS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 900}},
    "small": {"viewport": {"width": 320, "height": 640}},
    # At 200 % zoom a screen of 1280 pixels has room for 640.
    "zoomed": {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2},
    "forced-colours": {"viewport": {"width": 1280, "height": 900}, "forced_colors": "active"},
}
EXPECTED = {"missing": 404, "fault": 500, "session-ended": 401}
SEEN = "e => { const s = getComputedStyle(e); return s.outlineStyle !== 'none' || s.boxShadow !== 'none' }"


@dataclass
class Noise:
    """What a browser complains of, and whom else it asks."""

    said: list[str] = field(default_factory=list)

    def listen(self, page: Page, url: str) -> None:
        page.on("console", lambda message: self._console(message.type, message.text, page.url, url))
        page.on("pageerror", lambda error: self.said.append(f"error {error}"))
        page.on("request", lambda request: self._request(request.url, page.url, url))

    def _console(self, kind: str, text: str, at: str, url: str) -> None:
        # That an answer was 404 or 500 is what such a page is looked at for.
        if at.startswith(url) and kind in {"error", "warning"} and "server responded with a status" not in text:
            self.said.append(f"{kind} {text}")

    def _request(self, asked_for: str, at: str, url: str) -> None:
        if at.startswith(url) and not asked_for.startswith((url, "http://127.0.0.1:", "data:")):
            self.said.append(f"asks {asked_for}")


@dataclass
class Site:
    """The desk as a browser finds it."""

    url: str
    chromium: Chromium
    noise: Noise

    async def page(self, **look: Any) -> Page:
        page = await (await self.chromium.new_context(**look)).new_page()
        self.noise.listen(page, self.url)
        return page

    async def signed_in(self, **look: Any) -> Page:
        page = await self.page(**look)
        await page.goto(f"{self.url}/html/cases")
        await page.get_by_label("Who you are").fill("anna")
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(f"{self.url}/**")
        return page


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Chromium]:
    async with async_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking"]
        yield await playwright.chromium.launch(executable_path=chromium_path(), args=options)


def about(provider: EmbeddedProvider) -> dict[str, str]:
    return {"name": "hub", "label": "The hub", "issuer": provider.issuer("hub"), "client_id": "console"}


@asynccontextmanager
async def served(chromium: Chromium, app: ASGIApp, url: str) -> AsyncIterator[Site]:
    """A desk over HTTP, at an address of this machine, of which a browser may not complain."""
    site = Site(url, chromium, Noise())
    async with answering(SEEN_PAGES.at(app), url):
        try:
            yield site
        finally:
            for context in chromium.contexts:
                await context.close()
    assert site.noise.said == []


@asynccontextmanager
async def answering(app: ASGIApp, url: str) -> AsyncIterator[None]:
    """The application answers there, until this is left."""
    server = uvicorn.Server(
        uvicorn.Config(app, host=LOOPBACK, port=urlsplit(url).port or 0, log_config=None, lifespan="off")
    )
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done()
        await asyncio.sleep(0.05)
    try:
        yield
    finally:
        server.should_exit = True
        await running


def free_url() -> str:
    return f"http://{LOOPBACK}:{free_port()}"


@asynccontextmanager
async def serving(chromium: Chromium, make_desk: Callable[..., ASGIApp], *providers: dict[str, str]) -> AsyncIterator[Site]:
    url = free_url()
    app = make_desk(*providers, url=url, pages=html_pages(), routes=router)
    async with served(chromium, app, url) as site:
        yield site


@pytest.fixture
async def site(
    make_desk: Callable[..., ASGIApp], provider: EmbeddedProvider, people: People, chromium: Chromium
) -> AsyncIterator[Site]:
    people.known[Identity(provider.issuer("hub"), "anna")] = OFFICER
    asked.clear()
    async with serving(chromium, make_desk, about(provider)) as made:
        yield made


async def is_good(page: Page, name: str) -> None:
    """Takes a picture, and fails for what somebody could not read or reach."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"web-{name}.png", full_page=True)
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    inside = await page.evaluate(
        "[...document.querySelectorAll('main *:not(input)')].filter("
        "e => e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible').length"
    )
    assert (wide, inside) == (0, 0), f"{name} has to be scrolled sideways"
    found = (await Axe().run(page)).response["violations"]
    assert [(name, each["id"], each["nodes"][0]["html"]) for each in found] == []


async def sign_in_by_keyboard(page: Page, who: str) -> None:
    """At the provider's page, whose field has the focus at first; a browser may give it after the page is loaded."""
    await page.locator("#username:focus").wait_for()
    await page.keyboard.type(who)
    await page.keyboard.press("Enter")


async def tab_to(page: Page, text: str) -> None:
    """Presses Tab until that has the focus, and sees each time where the focus is."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        focused = await page.evaluate_handle("document.activeElement")
        element = focused.as_element()
        assert element is not None
        if await element.evaluate("e => e !== document.body"):
            assert await element.evaluate(SEEN), f"{await element.inner_text()} shows no focus"
        if text in await element.evaluate("e => e.innerText || e.labels?.[0]?.innerText || ''"):
            return
    pytest.fail(f"the keyboard does not reach {text}")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_person_signs_in_asks_and_signs_out_by_keyboard_alone(site: Site, *, scripts: bool) -> None:
    page = await site.page(java_script_enabled=scripts)
    await page.goto(f"{site.url}/html/cases/7")
    assert await page.title() == "Sign in (test provider)"
    await sign_in_by_keyboard(page, "anna")
    await page.wait_for_url(f"{site.url}/html/cases/7")
    await tab_to(page, "Skip to the content")
    await page.keyboard.press("Enter")
    await tab_to(page, "What to ask the partner")
    await page.keyboard.type("Which school?")
    await tab_to(page, "Ask the partner")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{site.url}/html/cases")
    assert asked == [(7, "o-1", "Which school?")]
    await tab_to(page, "Next cases")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/html/cases?after=*")
    await tab_to(page, "Sign out")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{site.url}/signed-out")  # by way of the provider
    await page.goto(f"{site.url}/html/cases/7")
    assert await page.title() == "Sign in (test provider)", "it is over"


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_can_be_read_by_everybody(site: Site, look: str, clock: ManualClock) -> None:
    await site.signed_in()  # elsewhere, so that there are two sessions
    page = await site.signed_in(**LOOKS[look])
    for name, path in PAGES.items():
        clock.advance(timedelta(hours=1 if name == "session-ended" else 0))
        answer = await page.goto(f"{site.url}{path}")
        assert answer is not None
        assert answer.status == EXPECTED.get(name, 200)
        await is_good(page, f"{name}-{look}")


@pytest.mark.parametrize("look", LOOKS)
async def test_a_person_chooses_a_provider_and_is_told_that_it_is_down(
    make_desk: Callable[..., ASGIApp], provider: EmbeddedProvider, chromium: Chromium, look: str
) -> None:
    down = {**about(provider), "name": "down", "label": "Another force", "issuer": f"http://{LOOPBACK}:{free_port()}/down"}
    async with serving(chromium, make_desk, about(provider), down) as site:
        page = await site.page(**LOOKS[look])
        await page.goto(f"{site.url}/html/cases")
        await is_good(page, f"choice-{look}")
        await tab_to(page, "Another force")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/sign-in/down*")
        assert "You cannot sign in at the moment" in await page.title()
        await is_good(page, f"provider-down-{look}")


async def test_a_provider_that_went_away_after_it_was_known_gives_a_page_and_not_the_browsers_own_error(
    make_desk: Callable[..., ASGIApp],
    crafted: CraftedProvider,
    chromium: Chromium,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(providers, "HEARD_SECONDS", 0)
    issuer = free_url()
    places = {name: f"{issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    crafted.metadata |= {"issuer": issuer, **places}
    about = {"name": "crafted", "label": "Crafted", "issuer": issuer, "client_id": "console"}
    async with serving(chromium, make_desk, about) as site:
        page = await site.page()
        async with answering(crafted.app, issuer):
            await page.goto(f"{site.url}/html/cases")
            assert page.url.startswith(f"{issuer}/authorization_endpoint?")
        await page.goto(f"{site.url}/html/cases")
        assert "You cannot sign in at the moment" in await page.title()
        await is_good(page, "provider-went-away")
        async with answering(crafted.app, issuer):
            await page.get_by_role("link", name="Try again").click()
            await page.wait_for_url(f"{issuer}/**")


async def test_what_a_person_wrote_does_not_run(site: Site) -> None:
    page = await site.signed_in()
    for path in ("/html/cases", "/html/cases/1"):
        await page.goto(f"{site.url}{path}")
        assert "stolen" not in await page.title()


async def test_a_script_without_the_nonce_does_not_run_and_the_check_hears_of_it(site: Site) -> None:
    page = await site.signed_in()
    await page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s) }"
    )
    assert await page.evaluate("window.ran") is None
    assert [each for each in site.noise.said if "Content Security Policy" in each]
    site.noise.said.clear()
