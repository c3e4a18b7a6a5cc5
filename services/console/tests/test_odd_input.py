"""Whatever an address or a form says, no page fails: every route, every name that one reads, and odd values for each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pytest
from fastapi.routing import APIRoute

import conduit_console
from conduit_chassis.testing import Harness, ManualClock
from conduit_console import desk, opinions
from conduit_console.deciding import DECISIONS
from conduit_console.opinions import AskedOpinion
from conduit_console.pages.front import ROUTERS
from conduit_contracts.ids import uuid7
from conduit_web.desk import actions
from conduit_web.keys import microseconds
from conduit_web.lists import KeyPart, write_key
from services.console.tests import builders as b
from services.console.tests.builders import NOW, REFERRAL
from services.console.tests.pages import ANNA, SUE, Enter, all_read

SOURCES = sorted(Path(str(conduit_console.__file__)).parent.rglob("*.py"))
READ = re.compile(r'(?:query|query_params|form|visit\.form)\.get\("(\w+)"|typed\(form, "(\w+)"\)')
SEVERAL = re.compile(r"(?:for name in|_NARROWS =) (\([^)]+\))")
SHAPE = re.compile(r"read_key\(after, ([^)]+)\)")
ROUTES = actions(*ROUTERS)
STREAM = "/asked/news"
ODD = ("%00", "a%00b", "%ED%A0%80", "x" * 2_100, "%5C%22" * 700, "9" * 40, "-1", "9999-12-31T23:59:59%2B00:00")
"""A NUL, half of a character, more than anything has, and ends of numbers and of time; as an address has them."""
TASK, OPINION = UUID(int=1), uuid7(NOW)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    await console.deliver(*b.records(b.received(), b.review_opened(), b.duty(1), b.registered(), b.notice_failed(1)))
    asked = AskedOpinion(OPINION, REFERRAL, "decline", ANNA, None, "Synthetic question.", "{}")
    await opinions.ask(console.pool, asked, NOW)
    await desk.claim(console.pool, REFERRAL, SUE, NOW)
    await all_read(console, clock)
    return console


def addresses(method: str) -> Iterator[str]:
    places = {"case_id": REFERRAL, "whose": "mine", "command_id": REFERRAL, "task_id": TASK, "opinion_id": OPINION}
    for asked, path in ROUTES:
        if asked == method and path != STREAM:
            yield path.format(**places, attachment_id=REFERRAL)


def routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def declared_by(route: APIRoute) -> set[str]:
    return {each.name for each in route.dependant.query_params}


def names() -> set[str]:
    """What routes read by name: as they declare it, as they ask for it, and what decisions' forms have."""
    declared = {name for route in routes() for name in declared_by(route)}
    texts = [source.read_text(encoding="utf-8") for source in SOURCES]
    asked = {name for text in texts for found in READ.findall(text) for name in found}
    several = {name for text in texts for found in SEVERAL.findall(text) for name in re.findall(r'"(\w+)"', found)}
    written = {question.name for decision in DECISIONS for question in decision.questions}
    return (declared | asked | several | written | {"narrow", "grounds-number_of_victims"}) - {""}


def keys() -> Iterator[str]:
    """Places in lists of every shape that one has, with what no row has."""
    shapes = {shape for source in SOURCES for shape in SHAPE.findall(source.read_text(encoding="utf-8"))}
    assert len(shapes) > 5, "how a list reads its place has changed, and this no longer finds it"
    parts = [(40_000, "x"), (2**80, "x"), (1, "\ud800"), (1, "a\0b")]
    for shape, (number, text) in product(sorted(shapes), parts):
        key: list[KeyPart] = [text if each == "str" else number for each in shape.split(", ")]
        yield write_key(tuple(key))


def test_the_names_that_routes_read_are_found() -> None:
    assert names() >= {"after", "q", "since", "seen", "key", "mark", "passkey", "officer", "why", "about", "answer", "state"}


async def test_no_address_is_too_odd_for_a_page(enter: Enter, held: Harness) -> None:
    sue, failed = await enter("sue"), []
    for odd in ODD:
        query = "&".join(f"{name}={odd[:1_200]}" for name in sorted(names()))
        alone = [f"/cases?narrow=1&{name}={odd}" for name in ("state", "partner", "force", "danger")]
        alone += [f"/trail?{name}={odd}" for name in ("officer", "kind", "case")]
        for asked in (*(f"{path}?{query}" for path in addresses("GET")), *alone):
            answer = await sue.get(asked)
            failed += [(asked[:60], odd[:20])] if answer.status_code >= 500 else []
    assert failed == []


async def test_no_place_in_a_list_is_too_odd_for_it(enter: Enter, held: Harness) -> None:
    sue, failed = await enter("sue"), []
    declaring = {route.path for route in routes() if "after" in declared_by(route)} | {"/cases", "/trail"}
    lists = [path.format(case_id=REFERRAL, whose="mine") for path in sorted(declaring)]
    assert len(lists) > 8
    for path, key in product(lists, keys()):
        answer = await sue.get(f"{path}?after={quote(key)}")
        failed += [(path, key)] if answer.status_code >= 500 else []
    assert failed == []


async def test_no_form_is_too_odd_for_what_it_is_sent_to(enter: Enter, held: Harness, clock: ManualClock) -> None:
    sue, failed = await enter("sue"), []
    token = re.findall(r'name="form_token" value="([^"]+)"', (await sue.get("/asked")).text)[0]
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
    for path, odd in product(addresses("POST"), (ODD[1], ODD[-2], ODD[-1])):
        read: dict[str, object] = {"seen": microseconds(clock.now()), "key": uuid7(), "answer": "agrees"}
        for more in (read, {}):
            fields = {**dict.fromkeys(names(), odd), **more, "form_token": token}
            body = "&".join(f"{name}={value}" for name, value in fields.items())
            answer = await sue.desk.post(path, content=body, headers=headers)
            failed += [(path, odd[:20])] if answer.status_code >= 500 else []
    assert failed == []


async def test_what_is_longer_than_any_filter_is_not_remembered(enter: Enter, held: Harness) -> None:
    anna = await enter("anna")
    assert "EH-2026-0147" in (await anna.get("/cases?narrow=1&state=under_review")).text
    assert (await anna.get(f"/cases?narrow=1&force={'x' * 2_100}")).status_code == 200
    assert "EH-2026-0147" in (await anna.get("/cases")).text, "what was remembered before stands"
