"""Pages without a browser: headers, words, rows by key, and the files that browsers are given."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from pydantic import ValidationError
from starlette.types import ASGIApp

from conduit_generate.frontend import STATIC, SUMS, sums
from conduit_generate.words import METHODS, OPTIONS, WORDED, pot, sources, template
from conduit_web.lists import FETCH, Currency, list_page, read_key, write_key
from conduit_web.people import Identity
from conduit_web.settings import Provider
from conduit_web.troubles import Trouble
from conduit_web.words import catalogues, language_for
from services.web.tests.browser import Browser
from services.web.tests.crafted import ISSUER, CraftedProvider
from services.web.tests.html_desk import html_pages, router
from services.web.tests.sample import OFFICER, People

ABOUT = {"name": "crafted", "label": "Crafted", "issuer": ISSUER, "client_id": "console"}
ANOTHER = {**ABOUT, "name": "another", "label": "Another", "issuer": "https://id.another.example"}


class Pseudo(NullTranslations):
    """A language in which every word is marked."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"


class Words(HTMLParser):
    """What people and screen readers read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag in {"script", "style"}
        self.found += [value or "" for name, value in attrs if name in {"aria-label", "alt", "title", "placeholder"}]

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser gives it
        self._silent = False

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._silent:
            self.found.append(data.strip())


@pytest.fixture
def signed_in(make_desk: Callable[..., ASGIApp], people: People, crafted: CraftedProvider, abroad: httpx.AsyncClient) -> Any:
    people.known[Identity(ISSUER, "anna")] = OFFICER

    async def make(**more: Any) -> Browser:
        browser = Browser(make_desk(ABOUT, pages=html_pages(**more), routes=router), abroad)
        assert (await browser.get(crafted.back(await browser.set_out("/sign-in")))).status_code == 303
        return browser

    return make


@pytest.fixture
async def browser(signed_in: Any) -> Browser:
    return await signed_in()


async def test_every_answer_says_what_a_browser_may_do_with_it(browser: Browser) -> None:
    nonces = set()
    for path in ("/html/cases", "/html/broken", "/nothing", "/signed-out", "/static/desk.css"):
        headers = (await browser.get(path)).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'nonce-")
        assert f"form-action 'self' {ISSUER};" in policy
        assert "unsafe" not in policy
        nonces.add(re.findall(r"'nonce-([^']+)'", policy)[0])
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == ("public, max-age=3600" if path.startswith("/static") else "no-store")
        assert headers["strict-transport-security"]
    assert len(nonces) == 5


async def test_a_form_may_lead_to_where_a_provider_has_its_pages_if_that_is_elsewhere(
    make_desk: Callable[..., ASGIApp], abroad: httpx.AsyncClient
) -> None:
    browser = Browser(make_desk(ABOUT | {"page_origins": ["https://sign-out.crafted.example/"]}), abroad)
    policy = (await browser.get("/signed-out")).headers["content-security-policy"]
    assert f"form-action 'self' {ISSUER} https://sign-out.crafted.example;" in policy


@pytest.mark.parametrize("origin", ["http://sign-out.example", "https://sign-out.example/out", "*"])
def test_where_a_provider_has_its_pages_is_an_origin_that_nobody_reads_along(origin: str) -> None:
    with pytest.raises(ValidationError, match="page_origins"):
        Provider.model_validate(ABOUT | {"page_origins": [origin]})


async def test_a_page_runs_only_scripts_with_the_answers_nonce(browser: Browser) -> None:
    answer = await browser.get("/html/cases/1")
    nonce = re.findall(r"'nonce-([^']+)'", answer.headers["content-security-policy"])[0]
    assert re.findall(r"<script[^>]*nonce=\"([^\"]*)\"", answer.text) == [nonce, nonce]
    assert len(re.findall(r"<script", answer.text)) == 2
    assert not re.search(r"\sstyle=|\son[a-z]+=\"", answer.text)


async def test_what_a_person_wrote_stays_text(browser: Browser) -> None:
    for path in ("/html/cases", "/html/cases/1"):
        text = (await browser.get(path)).text
        assert "&lt;script&gt;document.title" in text
        assert "<img" not in text


async def test_no_page_shows_the_crown_or_asks_for_a_typeface(browser: Browser) -> None:
    text = (await browser.get("/html/cases")).text
    assert not re.search(r"crown|crest|GOV\.UK|©", text, re.IGNORECASE)
    assert not re.search(r"GDS Transport|url\(|@import", (await browser.get("/static/govuk-frontend.min.css")).text)


def test_the_files_that_browsers_are_given_are_those_whose_checksums_were_written_down() -> None:
    assert (STATIC / SUMS).read_text() == sums()


@pytest.mark.parametrize("trouble", Trouble)
async def test_every_trouble_has_a_page(
    make_desk: Callable[..., ASGIApp], abroad: httpx.AsyncClient, trouble: Trouble
) -> None:
    from starlette.requests import Request

    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "state": {"nonce": "n"}})
    answer = html_pages().trouble(request, trouble, "/sign-in?return_to=%2F")
    text = bytes(answer.body).decode()
    assert answer.status_code == trouble.status
    assert text.count("<h1") == 1
    assert "999" in text


async def test_words_stand_in_the_catalogues_and_nowhere_else(
    signed_in: Any, make_desk: Callable[..., ASGIApp], abroad: httpx.AsyncClient
) -> None:
    marked = {"languages": {"en-GB": Pseudo()}}
    browser = await signed_in(**marked)
    pages = ["/html/cases?behind=9", "/html/cases?none=true", "/html/cases/3", "/html/broken", "/nothing", "/sessions"]
    texts = {path: (await browser.get(path)).text for path in [*pages, "/html/cases", "/signed-out"]}
    texts["choice"] = (await Browser(make_desk(ABOUT, ANOTHER, pages=html_pages(**marked)), abroad).get("/sign-in")).text
    data = re.compile(r"\d+|said \d+|[\d/: ]+|Ä+|<script>.*|Crafted|Another|\u2013")
    for path, text in texts.items():
        words = Words(text).found
        assert len(words) > 4, path
        # A title has two texts with a dash between them; a time may stand inside of a sentence.
        outside = [each for each in words if not re.fullmatch(r"(⟦[^⟧]*⟧( \u2013 )?)+", each) and not data.fullmatch(each)]
        assert outside == [], path


def test_a_word_outside_of_the_catalogues_is_seen() -> None:
    assert Words('<p aria-label="Menu">⟦Sign in⟧ now</p><script>no()</script>').found == ["Menu", "⟦Sign in⟧ now"]


@pytest.mark.parametrize("desk", WORDED)
def test_the_template_of_catalogues_has_every_word(desk: str) -> None:
    assert pot(desk).read_text(encoding="utf-8") == template(desk)
    found = {words for _, _, words, _, _ in extract_from_dir(str(sources(desk)), METHODS, OPTIONS)}
    with pot(desk).open("rb") as file:
        assert {message.id for message in read_po(file) if message.id} == found
    assert len(found) > 40


def test_another_language_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "qps.po").write_text('msgid ""\nmsgstr ""\n\nmsgid "Sign in"\nmsgstr "[Sign in]"\n')
    known = catalogues(tmp_path)
    assert known["qps"].gettext("Sign in") == "[Sign in]"
    assert known["qps"].gettext("Sign out") == "Sign out"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("cy,en;q=0.5", "cy"), ("en-US,en", "en-GB"), ("de", "en-GB"), ("", "en-GB"), ("de;q=1, CY", "cy")],
)
def test_a_browser_chooses_among_the_languages_that_there_are(accepted: str, language: str) -> None:
    assert language_for(accepted, ["en-GB", "cy"]) == language


async def test_a_list_goes_by_key_fifty_rows_at_a_time(browser: Browser) -> None:
    path, seen = "/html/cases", []
    while path:
        text = (await browser.get(path)).text
        seen.append([int(number) for number in re.findall(r"/html/cases/(\d+)\"", text)])
        following = re.search(r'href="(\?after=[^"]+)"', text)
        path = "/html/cases" + following[1] if following else ""
    assert [len(rows) for rows in seen] == [50, 50, 20]
    assert [number for rows in seen for number in rows] == list(range(1, 121))


def test_exactly_fifty_rows_are_one_page() -> None:
    assert list_page(list(range(50)), lambda row: (row,)).after is None
    assert list_page(list(range(FETCH)), lambda row: (row,)).after == write_key((49,))


@pytest.mark.parametrize("key", [(7,), ("2026-11-29T14:03:12Z", "c-1"), ("ü", -1)])
def test_a_key_comes_back_as_it_was(key: tuple[str | int, ...]) -> None:
    assert read_key(write_key(key), *map(type, key)) == key


@pytest.mark.parametrize(
    "text", [None, "", "%", "ü", "e30", write_key(("a",)), write_key((1, 2)), write_key((2**63,)), "W3RydWVd", "[" * 501]
)
def test_a_key_that_nobody_gave_leads_to_the_beginning(text: str | None) -> None:
    assert read_key(text, int) is None


@pytest.mark.parametrize(("seconds", "behind"), [(0, False), (2, False), (3, True)])
async def test_a_list_says_how_current_it_is(browser: Browser, seconds: int, *, behind: bool) -> None:
    now = datetime.now(UTC)
    assert Currency(now, now - timedelta(seconds=seconds)).is_behind is behind
    text = (await browser.get(f"/html/cases?behind={seconds}")).text
    assert re.search(r"As of \d\d:\d\d:\d\d, " + ("but complete only up to" if behind else "complete up to"), text)
