"""Whoever asked, and whoever is to answer, sees above everything what waits for them, since when and until when."""

from __future__ import annotations

from datetime import timedelta

from conduit_chassis.testing import ManualClock
from conduit_programme.practice.rules import PRACTICE_ANSWER_DAYS, PRACTICE_FORCE_DAYS
from conduit_programme.rules import day_of
from conduit_programme.wording import day
from conduit_web.html import LONDON, date_and_time
from services.programme.tests.pages import Enter, text_of
from services.programme.tests.practice import (
    ANSWER,
    AT_FORCE,
    AT_HUB,
    JOINED,
    LATER,
    NOT_YET,
    OURS,
    asked,
    brought_in,
    done,
    taken,
)
from services.programme.tests.test_insight import read

HEADING = "Practice questions that wait"


async def first_page(enter: Enter, who: str) -> str:
    """What somebody reads first, from what waits on."""
    browser = await enter(who)
    address = (await browser.get("/")).headers["location"]
    page = text_of((await browser.get(address)).text.partition('id="main-content"')[2])
    return page.partition(HEADING)[2] and page


async def test_each_side_reads_above_everything_what_waits_for_it_since_when_and_until_when(
    enter: Enter, clock: ManualClock
) -> None:
    for who in ("cara", "mara", "anna", "kim", "tom"):
        assert await first_page(enter, who) == "", f"nothing waits for {who}"
    cara, anna, since = await enter("cara"), await enter("anna"), date_and_time(clock.now())
    question = await asked(cara)
    due = day(day_of(clock.now(), LONDON) + timedelta(days=PRACTICE_ANSWER_DAYS))
    pressing = f"The most pressing is to be answered by the end of {due}: due in {PRACTICE_ANSWER_DAYS} days"
    for who, line in (
        ("anna", "Practice questions that nobody has: 1"),
        ("cara", "Questions that wait for the hub: 1"),
        ("mara", "Questions that wait for the hub: 1"),
    ):
        seen = await first_page(enter, who)
        assert f"{line} The first has waited since {since}. {pressing}" in seen, who
    assert "call 999 and send a referral" in (await first_page(enter, "cara")).partition(HEADING)[0], "danger first"
    await taken(anna, question)
    assert "Practice questions that you have: 1" in await first_page(enter, "anna")
    assert "Practice questions that other officers have: 1" in await first_page(enter, "nick")
    clock.advance(timedelta(minutes=5))
    brought = date_and_time(clock.now())
    await brought_in(anna, question)
    by = day(day_of(clock.now(), LONDON) + timedelta(days=PRACTICE_FORCE_DAYS))
    for who in ("kim", "tom"):
        seen = await first_page(enter, who)
        assert f"Practice questions that wait for your force: 1 The first has waited since {brought}." in seen
        assert f"by the end of {by}: due in {PRACTICE_FORCE_DAYS} days" in seen
        assert f"Write by the end of {by}" in await read(await enter(who), f"{AT_FORCE}/{question}")
    assert f"Kent Police is to write by the end of {by}" in await read(anna, f"{AT_HUB}/{question}")
    assert f"to read: 1 The first has waited since {brought}." in await first_page(enter, "cara")


async def test_it_waits_no_more_for_who_did_what_was_asked(enter: Enter, clock: ManualClock) -> None:
    cara, anna, tom = [await enter(each) for each in ("cara", "anna", "tom")]
    question = await asked(cara)
    here = await taken(anna, question)
    await brought_in(anna, question)
    await done(tom, f"{AT_FORCE}/{question}/write", {"words": JOINED})
    assert await first_page(enter, "tom") == ""
    assert "nothing is due" in await read(tom, AT_FORCE)
    clock.advance(timedelta(minutes=5))
    await done(anna, f"{here}/write", ANSWER | {"seen": "3"})
    assert await first_page(enter, "anna") == ""
    assert "for you to read" in await read(cara, OURS)
    clock.advance(timedelta(minutes=5))
    later = date_and_time(clock.now())
    await done(cara, f"{OURS}/{question}/write", {"words": LATER})
    assert f"since {later}" in await read(anna, AT_HUB), "since what was asked further"
    assert "for you to read" not in await read(cara, OURS)
    await done(anna, f"{here}/write", ANSWER | {"seen": "5"})
    await done(cara, f"{OURS}/{question}/end", {"how": "answered"})
    for who in ("cara", "anna", "tom"):
        assert await first_page(enter, who) == ""


async def test_a_question_back_waits_for_the_partner_and_still_for_the_hub(enter: Enter) -> None:
    cara, anna = await enter("cara"), await enter("anna")
    here = await taken(anna, await asked(cara))
    await done(anna, f"{here}/write", NOT_YET)
    seen = await first_page(enter, "cara")
    assert "for you to read: 1" in seen
    assert "wait for the hub: 1" in seen


async def test_what_is_late_is_counted_as_late(enter: Enter, clock: ManualClock) -> None:
    cara, anna = await enter("cara"), await enter("anna")
    question = await asked(cara)
    await taken(anna, question)
    await brought_in(anna, question)
    clock.advance(timedelta(days=PRACTICE_ANSWER_DAYS + 1))
    for who in ("anna", "cara", "tom"):
        seen = await first_page(enter, who)
        assert "late: 1" in seen, who
        assert "overdue by" in seen, who
    assert await first_page(enter, "essa") == ""
    assert await first_page(enter, "hanna") == ""


async def test_a_force_writes_within_as_many_days_as_the_setting_says(enter: Enter) -> None:
    cara, anna = await enter("cara"), await enter("anna", force_days=7)
    question = await asked(cara)
    await taken(anna, question)
    await brought_in(anna, question)
    assert "due in 7 days" in await first_page(enter, "tom")
