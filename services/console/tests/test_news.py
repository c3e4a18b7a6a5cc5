"""What is new to whom, by one look for all; and the event stream that says so."""

from __future__ import annotations

import asyncio
import contextlib
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import desk, opinions
from conduit_console.opinions import AskedOpinion, GivenOpinion, OpinionAnswer
from conduit_console.pages.at_desk import GLASS_LASTS
from conduit_console.queries.news import newest, number_since
from conduit_contracts.ids import uuid7
from services.console.tests import builders as b
from services.console.tests.builders import REFERRAL
from services.console.tests.pages import ANNA, BEN, SUE, Enter, Register, console_app, streams_of
from services.web.tests.browser import URL
from services.web.tests.crafted import ISSUER
from services.web.tests.serving import serving


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness) -> Harness:
    await console.deliver(*b.records(b.received(), b.review_opened()))
    return console


async def test_every_supervisor_sees_who_broke_the_glass_however_much_is_looked_at_since(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    shown = "Somebody opened a restricted case"
    sue = await enter("sue")
    assert shown not in (await sue.get("/asked")).text
    transactions = held.runtime.transaction
    assert await desk.break_glass(transactions, REFERRAL, BEN, "child_at_risk", clock.now(), GLASS_LASTS)
    for number in range(60):
        await desk.consult(held.pool, REFERRAL, ANNA, clock.now() + timedelta(seconds=number))
    text = (await sue.get("/asked")).text
    assert (shown in text, text.count("A child may be at risk and no named officer")) == (True, 1)
    assert shown not in (await (await enter("anna")).get("/asked")).text
    clock.advance(timedelta(days=3, hours=23))
    assert shown in (await (await enter("sue")).get("/asked")).text, "after a long weekend, too"
    clock.advance(timedelta(hours=2))
    assert shown not in (await (await enter("sue")).get("/asked")).text


async def new_to(console: Harness, who: str, since: datetime, *, supervises: bool = False) -> int:
    async with console.pool.acquire() as connection:
        return number_since(await newest(connection), since, who, supervises=supervises)


async def test_what_is_new_is_what_ones_first_page_has(held: Harness, clock: ManualClock) -> None:
    since, now = clock.now(), clock.now() + timedelta(minutes=1)
    assert await new_to(held, ANNA, since) == 0
    await held.deliver(*b.records(b.received(one := uuid7()), b.review_opened(one), start=now))
    assert (await new_to(held, ANNA, since), await new_to(held, BEN, since)) == (1, 1)
    await desk.claim(held.pool, one, ANNA, now)
    assert (await new_to(held, ANNA, since), await new_to(held, BEN, since)) == (1, 0), "somebody else has it by now"
    duty = b.duty(1).model_copy(update={"opened_at": now})
    await held.deliver(b.record_of(duty, now))
    assert await new_to(held, BEN, since) == 1
    asked = AskedOpinion(uuid7(), REFERRAL, "decline", ANNA, BEN, "Synthetic.")
    await opinions.ask(held.pool, asked, now)
    assert (await new_to(held, ANNA, since), await new_to(held, BEN, since), await new_to(held, SUE, since)) == (2, 2, 1)
    given = GivenOpinion(asked.opinion_id, REFERRAL, BEN, OpinionAnswer.AGREES, "Synthetic.")
    await opinions.answer(held.pool, given, now)
    assert (await new_to(held, ANNA, since), await new_to(held, BEN, since)) == (3, 1)
    await desk.break_glass(held.runtime.transaction, REFERRAL, BEN, "child_at_risk", now, GLASS_LASTS)
    assert await new_to(held, SUE, since, supervises=True) == 2
    assert await new_to(held, SUE, since) == 1, "only supervisors hear of the glass"
    assert await new_to(held, ANNA, now + timedelta(minutes=1)) == 0


async def test_the_stream_says_how_much_is_new_since_the_page_was_made_and_nothing_twice(
    enter: Enter, held: Harness, clock: ManualClock, abroad: httpx.AsyncClient
) -> None:
    streams = streams_of(held, clock, register := Register.of(ISSUER))
    anna = await enter("anna", streams=streams)
    (address,) = re.findall(r'data-from="([^"]+)"', (await anna.get("/asked")).text)
    worker = asyncio.create_task(streams.run())
    app = console_app(held, clock, register, abroad, ISSUER, URL, streams=streams)
    headers = {"Cookie": anna.cookies, "Accept": "text/event-stream"}
    later = clock.now() + timedelta(minutes=1)
    async with serving(app) as running, httpx.AsyncClient(trust_env=False, timeout=30) as client:
        async with client.stream("GET", running.url + address.replace("&amp;", "&"), headers=headers) as answer:
            lines = answer.aiter_lines()
            assert [await anext(lines) for _ in range(3)] == [": listening", "retry: 5000", ""]
            await held.deliver(*b.records(b.received(one := uuid7()), b.review_opened(one), start=later))
            assert [await anext(lines) for _ in range(2)] == ["data: 1 new: load the page again", ""]
            await held.deliver(*b.records(b.received(two := uuid7()), b.review_opened(two), start=later))
            assert [await anext(lines) for _ in range(2)] == ["data: 2 new: load the page again", ""]
            clock.advance(timedelta(minutes=16))
            assert [line async for line in lines] == ["event: end", "data: ", ""], "nobody is kept signed in by it"
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker
