"""The four Ps by quarter: what changed, what was measured and heard; and a report of them. No investigation is recorded."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_programme.engagement import store as engagement
from conduit_programme.engagement.rules import Activity, ActivityKind, ActivityState, StepOwner
from conduit_programme.engagement.said import ActivityWords
from conduit_programme.four_ps import FourPs, Quarter
from conduit_programme.insight import counted, measures, quarterly, store
from conduit_programme.insight.counted import QuarterInNumbers
from conduit_programme.insight.measures import NewMeasure
from conduit_programme.insight.quarterly import AnsweredInTime, answered_in_time
from conduit_programme.insight.rules import (
    UNDER_PURSUE,
    InsightOutcome,
    InsightSource,
    MeasureCounts,
    SpeakerRole,
    may_count,
)
from conduit_programme.insight.said import InsightAnswerWords, MeasureReadingWords, MeasureWords
from conduit_programme.insight.store import HeardInsight
from conduit_programme.organisations import store as organisations
from conduit_programme.rules import day_of
from conduit_web.html import LONDON
from services.programme.tests.builders import CANARY, PARTNER
from services.programme.tests.pages import Enter, account, change, send, text_of
from services.web.tests.browser import Browser

MEASURE = {
    "name": "Synthetic: practitioners who took the course",
    "counts": "people_trained",
    "how": "Once for each person",
    "agreed_with": "Northlight",
}


async def read(browser: Browser, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


@pytest.mark.parametrize(
    ("day", "written", "first", "last"),
    [
        (date(2026, 1, 1), "2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        (date(2026, 6, 30), "2026-Q2", date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 12, 31), "2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
    ],
)
def test_a_quarter_is_three_months_of_a_calendar_year(day: date, written: str, first: date, last: date) -> None:
    quarter = Quarter.of(day)
    assert (str(quarter), quarter.first, quarter.last) == (written, first, last)
    assert Quarter.read(written) == quarter
    assert quarter.next.before == quarter.before.next == quarter
    assert quarter.next.first - quarter.last == timedelta(days=1)


@pytest.mark.parametrize("text", ["", "2026", "2026-Q5", "1999-Q1", "2026-Q1 ", "20\u0662\u0666-Q1"])
def test_what_is_no_quarter_is_none(text: str) -> None:
    assert Quarter.read(text) is None


def noted(asked: list[str], function: Any) -> Any:
    """The function, which writes its name when it is called."""

    async def call(*given: Any) -> Any:
        asked.append(function.__name__)
        return await function(*given)

    return call


async def insight(held: Harness, heard_on: date, changed_on: date | None, four_p: FourPs, clock: ManualClock) -> None:
    async with held.pool.acquire() as connection:
        found = await organisations.of_partner(connection, PARTNER)
        assert found is not None
        due = heard_on + timedelta(days=28)
        heard = HeardInsight(found.organisation_id, InsightSource.NOTED, SpeakerRole.MANAGER, heard_on, due, CANARY)
        one = await store.hear(connection, heard, "p-1", clock.now())
        await store.consider(connection, one, four_p, "p-1", clock.now())
        if changed_on:
            said = InsightAnswerWords(words="Synthetic: it is done.", evidence="there")
            outcome = InsightOutcome.CHANGED
            assert await store.answer(connection, one, outcome, changed_on, said, by="p-1", now=clock.now())


async def test_what_was_heard_in_one_quarter_and_changed_in_the_next_stands_in_both(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    present = Quarter.of(day_of(clock.now(), LONDON))
    await insight(held, present.before.last, present.first, FourPs.PROTECT, clock)
    lena = await enter("lena")
    now, before = await read(lena, "/four-ps/protect"), await read(lena, f"/four-ps/protect?quarter={present.before}")
    assert "Synthetic: it is done." in now
    assert "Nothing was heard in this quarter." in now
    assert "Nothing changed in this quarter" in before
    assert CANARY in before
    assert CANARY not in await read(lena, "/four-ps/prevent")
    assert CANARY not in await read(lena, f"/four-ps/protect?quarter={present.before.before}")
    assert "Protect 0 0 0 1 0" in await read(lena, "/four-ps")
    assert "Protect 0 0 1 0 0" in await read(lena, f"/four-ps?quarter={present.before}")


async def test_the_overview_counts_what_each_page_shows_and_asks_little_of_the_database(
    enter: Enter, held: Harness, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    present, now = Quarter.of(day_of(clock.now(), LONDON)), clock.now()
    await insight(held, present.first, present.last, FourPs.PROTECT, clock)
    await insight(held, present.before.first, present.first, FourPs.PROTECT, clock)
    await insight(held, present.first, None, FourPs.PREVENT, clock)
    said = MeasureWords(name="Synthetic measure")
    async with held.pool.acquire() as connection:
        for number, state in enumerate((ActivityState.AGREED, ActivityState.AGREED, ActivityState.CALLED_OFF)):
            ps = (FourPs.PROTECT, FourPs.PURSUE) if number else (FourPs.PROTECT,)
            one = Activity(uuid7(), ActivityKind.VISIT, present.first, state, ps, (), (), ("kent",), None, None, "p-1")
            await engagement.put(connection, one, ActivityWords(outcome="x"), "p-1", now)
            step, owner = "Synthetic step", StepOwner(force_id="kent")
            await engagement.add_step(connection, one.activity_id, step, owner, present.last, joint=False, now=now)
        for four_p in (FourPs.PROTECT, FourPs.PREVENT):
            new = NewMeasure(four_p, MeasureCounts.OTHER, said)
            await measures.agree(connection, new, by="p-1", on=present.last, now=now)
        for published, ended in ((now, None), (present.before.begins(LONDON), present.begins(LONDON) - timedelta(days=1))):
            await connection.execute(
                """INSERT INTO advice_notes (note_id, words_id, four_p, confirm_by, state, written_by, written_at,
                published_by, published_at, ended_at) VALUES ($1, $1, 'protect', now(), $2, 'p-1', now(), 'p-1', $3, $4)""",
                *(uuid7(), "withdrawn" if ended else "published", published, ended),
            )
        counted_up = await counted.in_numbers(connection, present, LONDON)
        in_full = await quarterly.every_quarter_of(connection, present, clock.now(), LONDON)
    assert counted_up == [each.numbers for each in in_full]
    assert counted_up[1] == QuarterInNumbers(FourPs.PROTECT, 2, 3, 1, 2, 1, 1)
    lena = await enter("lena")
    asked: list[str] = []
    monkeypatch.setattr(store, "due_between", noted(asked, store.due_between))
    monkeypatch.setattr(quarterly, "quarter_of", noted(asked, quarterly.quarter_of))
    assert "Protect 2 3 1 2 1" in await read(lena, "/four-ps")
    assert asked == ["due_between"], "what only a page of one P shows is not read"


async def test_a_measure_is_agreed_noted_corrected_and_ended(enter: Enter, held: Harness, clock: ManualClock) -> None:
    lena = await enter("lena")
    present = Quarter.of(day_of(clock.now(), LONDON))
    assert (await send(lena, "/four-ps/prepare/measures/new", MEASURE)).status_code == 303
    page = (await lena.get("/four-ps/prepare")).text
    assert "not noted" in page
    path = page.split('href="/measures/')[1].split('"')[0].split("?")[0]
    noted = {"figure": "1,250", "source": "The course's list", "shows": "More than last year."}
    for figure in ("1,249", "1 250"):
        assert (await change(lena, f"/measures/{path}", noted | {"figure": figure})).status_code == 303
    text = await read(lena, "/four-ps/prepare")
    assert "1,250" in text
    assert "1,249" not in text
    assert "More than last year." in text
    earlier = await send(lena, f"/measures/{path}", noted | {"figure": "7"}, quarter=str(present.before))
    assert earlier.headers["location"].endswith(f"quarter={present.before}")
    assert "7 1,250" in await read(lena, "/four-ps/prepare")
    async with held.pool.acquire() as connection:
        kinds = await connection.fetch("SELECT kind, count(*) AS number FROM contents GROUP BY kind ORDER BY kind")
    assert [tuple(row) for row in kinds] == [("measure_reading_words", 2), ("measure_words", 1)], (
        "a correction leaves nothing"
    )
    assert (await send(lena, f"/measures/{path.replace('/reading', '/end')}")).status_code == 303
    assert "End it" not in await read(lena, "/four-ps/prepare")


@pytest.mark.parametrize("figure", ["", "-1", "1.5", "many", "1000000001", "٣"])
async def test_what_is_no_number_is_not_noted(enter: Enter, figure: str) -> None:
    lena = await enter("lena")
    await send(lena, "/four-ps/prepare/measures/new", MEASURE)
    path = (await lena.get("/four-ps/prepare")).text.split('href="/measures/')[1].split('"')[0].split("?")[0]
    answer = await send(lena, f"/measures/{path}", {"figure": figure, "source": "x", "shows": ""})
    assert answer.status_code == 400
    assert "not noted" in await read(lena, "/four-ps/prepare")


async def test_under_pursue_stands_what_the_conduit_did_and_nothing_of_any_suspect(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    assert may_count(FourPs.PURSUE) == UNDER_PURSUE
    assert may_count(FourPs.PREVENT) == tuple(MeasureCounts)
    lena = await enter("lena")
    for counts in MeasureCounts:
        answer = await send(lena, "/four-ps/pursue/measures/new", MEASURE | {"counts": counts.value})
        assert answer.status_code == (303 if counts in UNDER_PURSUE else 400), counts
    async with held.pool.acquire() as connection:
        said = MeasureWords(name="Convictions")
        with pytest.raises(ValueError, match="under Pursue"):
            NewMeasure(FourPs.PURSUE, MeasureCounts.OTHER, said)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE measures SET counts = 'other'")
    assert "The hub records no investigation." in await read(lena, "/four-ps/pursue/measures/new")


async def test_the_report_has_all_four_with_what_was_said_and_what_came_of_it(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    today = day_of(clock.now(), LONDON)
    await insight(held, today, today, FourPs.PREVENT, clock)
    lena = await enter("lena")
    assert (await send(lena, "/four-ps/prepare/measures/new", MEASURE)).status_code == 303
    text = await read(lena, "/quarterly-report")
    for words in ("Prepare", "Protect", "Prevent", "Pursue", CANARY, "Synthetic: it is done.", MEASURE["name"]):
        assert words in text
    assert "The quarter is not over yet." in text
    for path in ("/quarterly-report?quarter=2099-Q1", "/quarterly-report?quarter=nonsense"):
        assert "The quarter is not over yet." in await read(lena, path), "there is no report of what is yet to come"
    assert "Nothing was heard in this quarter." in await read(lena, "/quarterly-report?quarter=2001-Q1")
    assert (await lena.get("/four-ps/punish")).status_code == 404
    for who in ("mara", "kim", "anna", "fred", "audrey"):
        assert (await (await enter(who)).get("/quarterly-report")).status_code == 403, who


async def test_activities_and_actions_stand_in_their_quarter_under_their_ps(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    today = day_of(clock.now(), LONDON)
    present = Quarter.of(today)
    async with held.pool.acquire() as connection:
        found = await organisations.of_partner(connection, PARTNER)
        assert found is not None
        for held_on, state, due_on, what in (
            (present.first, ActivityState.AGREED, present.last, "Synthetic: send the list"),
            (present.before.last, ActivityState.AGREED, present.first, "Synthetic: book the room"),
            (present.first, ActivityState.DECLINED, present.next.first, "Synthetic: never"),
        ):
            made = activity(clock, held_on, state, found.organisation_id)
            said = ActivityWords(outcome=f"Came of it: {what}")
            await engagement.put(connection, made, said, account("emma"), clock.now())
            owner = StepOwner(organisation_id=found.organisation_id)
            await engagement.add_step(connection, made.activity_id, what, owner, due_on, joint=False, now=clock.now())
    lena = await enter("lena")
    text = await read(lena, "/four-ps/prevent")
    assert "Came of it: Synthetic: send the list" in text
    assert "Came of it: Synthetic: book the room" not in text, "that was in the quarter before"
    assert "Synthetic: book the room Northlight" in text, "and its action is due in this one"
    assert "never" not in text
    assert "Prevent 1 2 0 0 0" in await read(lena, "/four-ps")
    assert "Came of it: Synthetic: book the room" in await read(lena, f"/quarterly-report?quarter={present.before}")
    assert "Synthetic: send the list" not in await read(lena, "/four-ps/protect")


def activity(clock: ManualClock, held_on: date, state: ActivityState, organisation_id: UUID) -> Activity:
    return Activity(
        activity_id=uuid7(clock.now()),
        kind=ActivityKind.TRAINING,
        held_on=held_on,
        state=state,
        ps=(FourPs.PREVENT,),
        themes=(),
        organisation_ids=(organisation_id,),
        force_ids=(),
        proposed_by="partner.northlight",
        words_id=None,
        logged_by=account("emma"),
    )


async def test_how_the_hub_kept_its_time_counts_what_waits_too(held: Harness, clock: ManualClock) -> None:
    today = day_of(clock.now(), LONDON)
    async with held.pool.acquire() as connection:
        found = await organisations.of_partner(connection, PARTNER)
        assert found is not None
        for due, is_answered in ((-1, True), (0, True), (-1, False), (0, False), (3, False)):
            on = today + timedelta(days=due)
            heard = HeardInsight(found.organisation_id, InsightSource.NOTED, SpeakerRole.OTHER, today, on, CANARY)
            one = await store.hear(connection, heard, "p-1", clock.now())
            if is_answered:
                await store.consider(connection, one, FourPs.PREPARE, "p-1", clock.now())
                said, outcome = InsightAnswerWords(words="no"), InsightOutcome.NOT_CHANGED
                await store.answer(connection, one, outcome, None, said, by="p-1", now=clock.now())
        all_due = await store.due_between(connection, today - timedelta(days=1), today + timedelta(days=3))
        assert await store.unconsidered(connection) == 3
    kept = answered_in_time(all_due, clock.now(), LONDON)
    assert (kept, kept.due) == (AnsweredInTime(in_time=1, late=1, overdue=1, not_yet_due=2), 5)


async def test_words_that_were_deleted_leave_no_gap_that_breaks_a_report(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    today = day_of(clock.now(), LONDON)
    await insight(held, today, today, FourPs.PREVENT, clock)
    async with held.pool.acquire() as connection:
        new = NewMeasure(FourPs.PREVENT, MeasureCounts.OTHER, MeasureWords(name=CANARY))
        one = await measures.agree(connection, new, by="p-1", on=today, now=clock.now())
        shown = MeasureReadingWords(source=CANARY)
        await measures.note(connection, one, Quarter.of(today), 3, shown, by="p-1", now=clock.now())
        await connection.execute("DELETE FROM contents")
    text = await read(await enter("lena"), "/quarterly-report")
    assert "What was said has been deleted" in text
    assert "deleted words" in text
    assert CANARY not in text
