"""Every route by role, and words from the catalogues alone."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_programme import wording
from conduit_programme.pages.at_desk import ProgrammePages
from conduit_programme.pages.front import FOLDER, NAVIGATION, ROUTERS
from conduit_web.access import RULES
from conduit_web.desk import actions
from conduit_web.people import Role
from services.programme.tests.pages import Enter, Register, programme_app
from services.web.tests.browser import URL, Browser
from services.web.tests.crafted import ISSUER
from services.web.tests.test_pages import Pseudo, Words

TABLE = Path(__file__).with_name("routes.md")
EXPERIENCE = ("/contributors", "/contributors/new", "/contributors/due", "/lived-experience", "/releases/new")
SHOWN = {
    "emma": ("/due", "/activities", "/organisations", "/organisations/new", "/directory", "/calendar"),
    "lena": (
        "/insights",
        "/insights/new",
        "/four-ps",
        "/four-ps/pursue",
        "/quarterly-report",
        *EXPERIENCE,
    ),
    "mara": ("/ours", "/ours/propose", "/ours/calendar", "/our-insights", "/our-insights/new"),
    "anna": ("/advice", "/advice/new", "/practice-questions", "/practice-questions?which=ended"),
    "cara": (
        "/after-hand-over",
        "/our-questions",
        "/our-questions/danger",
        "/our-questions/in-danger",
        "/our-questions/new?danger=no",
    ),
    "kim": ("/ours", "/national-advice", "/questions-to-us"),
    "fred": ("/payments",),
    "audrey": ("/trail", "/practice-figures"),
}


def unmarked(text: str) -> str:
    """What of a text is in no marked word, without the signs between words."""
    depth, left = 0, ""
    for letter in text:
        depth += {"⟦": 1, "⟧": -1}.get(letter, 0)
        left += letter if depth == 0 and letter not in "⟧:;,.\u2013" else ""
    return left.strip()


def table() -> str:
    """Every route, what it does, and who may."""
    lines = [
        "# The programme's routes, and who may use them",
        "",
        "Reviewed as text; a test holds it equal to the code. A role that is not named may not. `org`: of",
        "one's own partner; `force`: of one's own force.",
        "",
        "| method | path | does | who |",
        "|---|---|---|---|",
    ]
    reaches = {"organisation": " (org)", "force": " (force)"}
    for (method, path), action in sorted(actions(*ROUTERS).items(), key=lambda each: (each[0][1], each[0][0])):
        rule = RULES[action]
        who = [f"{role.value}{reaches.get(rule.reach[role].value, '')}" for role in Role if role in rule.reach]
        shown = ["everybody"] if rule.anonymous else ["all who sign in"] if len(who) == len(Role) else who
        lines.append(f"| {method} | {path} | {action.value} | {', '.join(shown)}{'; fresh sign-in' if rule.fresh else ''} |")
    return "\n".join(lines) + "\n"


def test_every_route_has_a_reviewed_row() -> None:
    assert TABLE.read_text(encoding="utf-8") == table()


def filled_in(path: str) -> str:
    return re.sub(r"\{[a-z_]+\}", str(uuid7()), path)


async def test_nobody_comes_to_any_route_without_signing_in(
    held: Harness, clock: ManualClock, abroad: httpx.AsyncClient
) -> None:
    browser = Browser(programme_app(held, clock, Register.of(ISSUER), abroad, ISSUER, URL), abroad)
    for (method, path), action in actions(*ROUTERS).items():
        if RULES[action].anonymous:
            continue
        answer = await (browser.get(filled_in(path)) if method == "GET" else browser.post(filled_in(path), {}))
        assert answer.status_code == (303 if method == "GET" else 401), path


@pytest.mark.parametrize(
    ("who", "first", "refused"),
    [
        ("emma", "/due", ["/trail", "/ours", "/our-insights"]),
        ("lena", "/due", ["/trail", "/ours"]),
        (
            "anna",
            "/practice-questions",
            ["/organisations", "/due", "/ours", "/trail", "/national-advice", "/after-hand-over", "/our-questions"],
        ),
        ("kim", "/ours", ["/organisations", "/due", "/trail", "/our-insights", "/advice", "/practice-questions"]),
        ("tom", "/questions-to-us", ["/organisations", "/ours", "/trail"]),
        ("audrey", "/trail", ["/organisations", "/directory", "/activities", "/ours"]),
        ("cara", "/our-questions", ["/organisations", "/directory", "/ours", "/trail", "/contributors", "/payments"]),
        (
            "mara",
            "/ours",
            ["/organisations", "/directory", "/trail", "/insights", "/four-ps", "/national-advice"],
        ),
        ("fred", "/payments", ["/organisations", "/directory", "/due", "/ours", "/contributors", "/lived-experience"]),
        ("adam", "", ["/organisations", "/directory", "/due", "/ours", "/trail", "/contributors", "/payments"]),
    ],
)
async def test_each_role_comes_to_its_own_first_page_and_to_no_other_roles(
    enter: Enter, who: str, first: str, refused: list[str]
) -> None:
    browser = await enter(who)
    answer = await browser.get("/")
    assert answer.headers.get("location", "") == first
    assert first or "Nothing here is for your role" in answer.text
    for path in refused:
        assert (await browser.get(path)).status_code == 403, path


async def test_what_does_not_exist_is_missing_whatever_is_asked_of_it(enter: Enter) -> None:
    emma = await enter("emma")
    for method, path in actions(*ROUTERS):
        if method == "GET" and "{" in path:
            assert (await emma.get(filled_in(path))).status_code in {403, 404}, path
            assert (await emma.get(re.sub(r"\{[a-z_]+\}", "1", path))).status_code in {403, 404}, path


async def test_what_somebody_meets_in_place_of_a_page_says_what_to_do(enter: Enter) -> None:
    emma = await enter("emma")
    assert "There is no such page, or it is not yours." in (await emma.get("/nothing")).text
    assert "Your role does not allow it." in (await emma.get("/ours")).text


async def test_words_stand_in_the_catalogues_and_nowhere_else(enter: Enter) -> None:
    pages = ProgrammePages("Programme", navigation=NAVIGATION, templates=FOLDER / "templates", languages={"en-GB": Pseudo()})
    names = re.compile(
        r"[\d/:., ()!-]+|[0-9a-f-]{36}|p-\d+|Northlight|Harbour Trust|MOU-[A-Z]+|Kent Police|.* \(p-\d+\)|"
        "Referrals of child sexual abuse"
    )
    held_by_data = re.compile(r"<(select|dd).*?</(select|dd)>", re.DOTALL)
    shown = re.compile(
        "Engagement officer|Programme lead|Triage officer|Finance|Auditor|Single point of contact|"
        "(Caseworker|Manager) at Northlight|"
        "(partner|force)[a-z-]+"
    )
    for who, paths in SHOWN.items():
        browser = await enter(who, pages=pages)
        for path in paths:
            text = held_by_data.sub("", (await browser.get(path)).text)
            found = [each for each in map(unmarked, Words(text).found) if each]
            assert [each for each in found if not names.fullmatch(each) and not shown.fullmatch(each)] == [], path


def test_every_table_of_words_has_words() -> None:
    assert all(words.strip() for words in wording.every_word())
