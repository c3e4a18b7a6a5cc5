"""What was heard is considered, answered within its time, and shown back to who said it, and to nobody else."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from conduit_chassis.people_follower import PeopleFollower
from conduit_chassis.testing import Harness, ManualClock, harness
from conduit_contracts.ids import uuid7
from conduit_programme.app import create_service
from conduit_programme.insight import rules, store
from conduit_programme.insight.rules import INSIGHT_ANSWER_DAYS, InsightSource, SpeakerRole
from conduit_programme.insight.store import HeardInsight
from conduit_programme.organisations import store as organisations
from conduit_programme.organisations.rules import OrganisationKind
from conduit_programme.pages.front import create_desk
from conduit_programme.rules import day_of
from conduit_programme.wording import day
from conduit_web.html import LONDON
from conduit_web.settings import DeskSettings
from services.programme.tests.builders import CANARY, PARTNER
from services.programme.tests.pages import Enter, change, send, text_of
from services.web.tests.browser import URL, Browser
from services.web.tests.crafted import ISSUER


async def read(browser: Browser, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


async def offered(browser: Browser, clock: ManualClock, words: str = CANARY) -> str:
    """An insight that a partner offers on its page; the address of its own page."""
    form = {"words": words, "speaker": "practitioner", "heard_on": day(clock.now())}
    answer = await send(browser, "/our-insights/new", form)
    assert answer.status_code == 303, text_of(answer.text)
    return answer.headers["location"]


def at_hub(path: str) -> str:
    return path.replace("/our-insights", "/insights")


def changed(clock: ManualClock) -> dict[str, str]:
    return {
        "outcome": "changed",
        "words": "The form asks once now.",
        "changed_on": day(clock.now()),
        "evidence": "The form of December",
    }


async def considered(browser: Browser, path: str, four_p: str = "protect") -> None:
    assert (await send(browser, f"{path}/consider", {"four_p": four_p})).status_code == 303


async def test_a_partner_manager_sees_what_came_of_what_they_said(enter: Enter, clock: ManualClock) -> None:
    mara, emma = await enter("mara"), await enter("emma")
    own = await offered(mara, clock)
    due = day(day_of(clock.now(), LONDON) + timedelta(days=INSIGHT_ANSWER_DAYS))
    waiting = await read(mara, own)
    assert CANARY in waiting
    assert "nobody has considered it yet" in waiting
    assert f"An answer is due by the end of {due}: due in {INSIGHT_ANSWER_DAYS} days" in waiting
    assert CANARY in await read(emma, "/insights")
    await considered(emma, at_hub(own))
    assert "being considered" in await read(mara, own)
    assert (await send(emma, f"{at_hub(own)}/answer", changed(clock))).status_code == 303
    told = await read(mara, own)
    assert f"We did The form asks once now. Changed on {day(clock.now())}. To be seen at: The form of December" in told
    assert "Engagement officer" not in told, "who at the hub did it is the hub's"
    assert "The form asks once now." in await read(mara, "/our-insights")
    assert "Nothing waits for an answer." in await read(emma, "/insights")
    assert "something changed" in await read(emma, "/insights?which=answered")


async def test_what_could_not_be_done_says_why_and_a_later_answer_takes_its_place(enter: Enter, clock: ManualClock) -> None:
    mara, emma = await enter("mara"), await enter("emma")
    own = await offered(mara, clock)
    await considered(emma, at_hub(own))
    refused = {"outcome": "not_changed", "words": "The law asks for it twice.", "evidence": "nowhere"}
    assert (await send(emma, f"{at_hub(own)}/answer", refused)).status_code == 303
    told = await read(mara, own)
    assert "We could not, because The law asks for it twice." in told
    assert "nowhere" not in told, "what did not change cannot be seen anywhere"
    clock.advance(timedelta(minutes=5))
    assert (await change(emma, f"{at_hub(own)}/answer", changed(clock))).status_code == 303
    told = await read(mara, own)
    assert told.index("The form asks once now.") < told.index("What was answered earlier")
    assert "The law asks for it twice." in told


async def test_anothers_insight_is_answered_exactly_as_a_missing_one(enter: Enter, clock: ManualClock) -> None:
    own = await offered(await enter("mara"), clock)
    hanna = await enter("hanna")
    assert CANARY not in await read(hanna, "/our-insights")
    theirs, missing = await hanna.get(own), await hanna.get(f"/our-insights/{uuid7()}")
    assert theirs.status_code == missing.status_code == 404
    assert text_of(theirs.text) == text_of(missing.text)
    for who in ("cara", "kim", "tom", "anna", "emma"):
        assert (await (await enter(who)).get(own)).status_code == 403, who


async def test_an_organisation_that_became_part_of_another_is_answered_there(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    mara, hanna, emma = await enter("mara"), await enter("hanna"), await enter("emma")
    own = await offered(mara, clock)
    async with held.pool.acquire() as connection:
        northlight = await organisations.of_partner(connection, PARTNER)
        harbour = await organisations.of_partner(connection, "harbour-trust")
        assert northlight is not None
        assert harbour is not None
        assert await organisations.merge(connection, northlight.organisation_id, harbour.organisation_id)
    assert CANARY in await read(mara, own)
    assert CANARY in await read(hanna, own)
    assert "Harbour Trust" in await read(emma, at_hub(own))


async def test_what_was_heard_elsewhere_is_shown_to_the_organisation_that_said_it(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, mara, hanna = await enter("emma"), await enter("mara"), await enter("hanna")
    async with held.pool.acquire() as connection:
        found = await organisations.of_partner(connection, PARTNER)
    assert found is not None
    visit = {"kind": "visit", "held_on": day(clock.now()), "with-o-" + str(found.organisation_id): "yes", "outcome": "heard"}
    logged = (await send(emma, "/activities/new", visit)).headers["location"].split("?")[0]
    at = f"/insights/new?activity={logged.rsplit('/', 1)[-1]}"
    assert at in (await emma.get(logged)).text
    assert f'value="{found.organisation_id}" selected' in (await emma.get(at)).text, "with whom it was is who said it"
    assert (await emma.get(f"/insights/new?activity={uuid7()}")).status_code == 404
    form = {"organisation": str(found.organisation_id), "words": CANARY, "speaker": "young_person"}
    answer = await send(emma, at, form | {"heard_on": day(clock.now() - timedelta(days=40))})
    assert answer.status_code == 303
    noted = await read(emma, answer.headers["location"])
    assert f"due in {INSIGHT_ANSWER_DAYS} days" in noted, "the hub has its whole time from the day on which it was told"
    assert "Young person" in noted
    assert f'href="{logged}"' in (await emma.get(answer.headers["location"])).text
    assert CANARY in await read(mara, "/our-insights")
    assert CANARY not in await read(hanna, "/our-insights")


async def test_what_is_late_says_so_and_stands_first(enter: Enter, clock: ManualClock) -> None:
    mara, emma = await enter("mara"), await enter("emma")
    await offered(mara, clock, "Synthetic: the first")
    clock.advance(timedelta(days=3))
    mara = await enter("mara")
    second = await offered(mara, clock, "Synthetic: the second")
    clock.advance(timedelta(days=INSIGHT_ANSWER_DAYS))
    emma = await enter("emma")
    listed = await read(emma, "/insights")
    assert listed.index("Synthetic: the first") < listed.index("Synthetic: the second")
    assert "overdue by 2 days" in listed
    clock.advance(timedelta(days=2))
    emma = await enter("emma")
    await considered(emma, at_hub(second))
    assert (await send(emma, f"{at_hub(second)}/answer", changed(clock))).status_code == 303
    assert "(late)" in await read(emma, "/insights?which=answered")


def test_an_answer_on_the_last_day_is_in_time() -> None:
    last = rules.due_on(day_of(ManualClock().now(), LONDON), INSIGHT_ANSWER_DAYS)
    ends = rules.end_of(last, LONDON)
    assert day_of(ends - timedelta(seconds=1), LONDON) == last
    assert day_of(ends, LONDON) == last + timedelta(days=1)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"outcome": ""}, "Choose one of these."),
        ({"words": " "}, "Write something here."),
        ({"changed_on": ""}, "Say when it changed."),
        ({"changed_on": "31/12/2099"}, "This day is yet to come."),
        ({"changed_on": "soon"}, "Write a day"),
        ({"evidence": ""}, "Say where one can see it."),
    ],
)
async def test_an_answer_that_is_not_in_order_is_not_kept(
    enter: Enter, clock: ManualClock, changes: dict[str, str], problem: str
) -> None:
    mara, emma = await enter("mara"), await enter("emma")
    own = await offered(mara, clock)
    await considered(emma, at_hub(own))
    answer = await send(emma, f"{at_hub(own)}/answer", changed(clock) | changes)
    assert answer.status_code == 400
    assert problem in answer.text
    assert "being considered" in await read(mara, own)


async def test_nobody_answers_what_nobody_has_considered(enter: Enter, clock: ManualClock) -> None:
    own = await offered(await enter("mara"), clock)
    emma = await enter("emma")
    assert (await emma.get(f"{at_hub(own)}/answer")).headers["location"] == at_hub(own)
    assert (await send(emma, f"{at_hub(own)}/answer", changed(clock))).status_code == 403
    unsaid = await send(emma, f"{at_hub(own)}/consider", {})
    assert unsaid.status_code == 400
    assert "Choose one of these." in unsaid.text


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"words": ""}, "Write something here."),
        ({"speaker": "suspect"}, "Choose one of these."),
        ({"heard_on": "31/12/2099"}, "This day is yet to come."),
        ({"words": "x" * 4_001}, "This is too long."),
    ],
)
async def test_what_is_offered_and_not_in_order_is_not_kept(
    enter: Enter, held: Harness, clock: ManualClock, changes: dict[str, str], problem: str
) -> None:
    form = {"words": CANARY, "speaker": "manager", "heard_on": day(clock.now())}
    answer = await send(await enter("mara"), "/our-insights/new", form | changes)
    assert answer.status_code == 400
    assert problem in answer.text
    async with held.pool.acquire() as connection:
        assert await connection.fetchval("SELECT (SELECT count(*) FROM insights) + (SELECT count(*) FROM contents)") == 0


async def test_words_that_could_name_somebody_are_gone_everywhere_on_the_next_read(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    mara, emma = await enter("mara"), await enter("emma")
    own = await offered(mara, clock)
    assert (await send(emma, f"{at_hub(own)}/erase")).status_code == 303
    for browser, path in ((mara, own), (mara, "/our-insights"), (emma, at_hub(own)), (emma, "/insights")):
        assert CANARY not in await read(browser, path), path
    assert "What was said has been deleted" in await read(mara, own)
    async with held.pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM contents") == 0


async def test_every_look_and_change_has_a_line_without_words(enter: Enter, clock: ManualClock) -> None:
    mara, emma = await enter("mara"), await enter("emma")
    own = await offered(mara, clock)
    await read(mara, own)
    await considered(emma, at_hub(own))
    await send(emma, f"{at_hub(own)}/answer", changed(clock))
    trail = await read(await enter("audrey"), "/trail")
    for act in ("offered an insight", "looked at an insight", "considered an insight", "answered an insight"):
        assert act in trail
    assert "partner.northlight" in trail
    assert CANARY not in trail


async def test_a_list_goes_on_where_it_ended(held: Harness, clock: ManualClock) -> None:
    today = clock.now().date()
    async with held.pool.acquire() as connection:
        one = await organisations.add(connection, OrganisationKind.HEALTH, "Synthetic clinic", clock.now())
        for number in range(53):
            due = today + timedelta(days=number % 7)
            heard = HeardInsight(one, InsightSource.NOTED, SpeakerRole.POLICE, today, due, f"Synthetic {number}")
            await store.hear(connection, heard, "p-1", clock.now())
        for read_page in (store.waiting, lambda connection, after=None: store.of_organisation(connection, one, after)):
            first = await read_page(connection)
            rest = await read_page(connection, first.after)
            assert (len(first.rows), len(rest.rows), rest.after) == (50, 3, None)
            assert len({each.insight_id for each in (*first.rows, *rest.rows)}) == 53
        known = (await store.waiting(connection)).rows
        assert [each.due_on for each in known] == sorted(each.due_on for each in known)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE insights SET considered_at = now()",
        "UPDATE insights SET considered_at = now(), considered_by = 'p-1'",
        "UPDATE insights SET answered_at = now()",
        "INSERT INTO insight_answers SELECT insight_id, 1, 'changed', NULL, words_id, 'p-1', now() FROM insights",
    ],
)
async def test_a_half_finished_state_cannot_be_kept(held: Harness, clock: ManualClock, statement: str) -> None:
    async with held.pool.acquire() as connection:
        found = await organisations.of_partner(connection, PARTNER)
        assert found is not None
        today = clock.now().date()
        heard = HeardInsight(
            found.organisation_id, InsightSource.FEEDBACK, SpeakerRole.MANAGER, today, today, CANARY, UUID(int=1)
        )
        await store.hear(connection, heard, "p-1", clock.now())
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(statement)


async def test_an_answer_is_due_within_as_many_days_as_the_setting_says(
    enter: Enter, database: str, clock: ManualClock
) -> None:
    about = {"name": "hub", "label": "The hub", "issuer": ISSUER, "client_id": "programme", "client_secret": "s"}
    settings = DeskSettings.model_validate({"public_url": URL, "identity_providers": [about]})
    async with harness(create_service(), database, clock, insight_answer_days=10) as made:
        people = PeopleFollower(made.runtime.settings, clock, name="programme")
        days = create_desk(made.runtime, settings, people).insight_answer_days
    assert days == 10
    mara = await enter("mara", answer_days=days)
    due = day(day_of(clock.now(), LONDON) + timedelta(days=10))
    assert f"An answer is due by the end of {due}: due in 10 days" in await read(mara, await offered(mara, clock))
    assert "An answer is due 10 days after you tell it" in await read(mara, "/our-insights")
