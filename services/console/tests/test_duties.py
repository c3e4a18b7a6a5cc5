"""Duty tasks on the pages: what they say, taking one, whom to call then, and who is told what came of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.responses import PlainTextResponse

from conduit_chassis.headers import unpack_headers
from conduit_chassis.testing import KEY, Harness, ManualClock
from conduit_console import content
from conduit_console.duties import note_sent
from conduit_console.queries import audit, duties
from conduit_contracts import notification, routing, topics
from conduit_contracts.envelope import decode
from conduit_contracts.ids import uuid7
from conduit_contracts.intake import Callback
from conduit_contracts.problems import sender_problem
from conduit_contracts.signature import Signable, signature_of, verify
from conduit_contracts.signing_keys import TrustedKeys
from conduit_web.html import date_and_time
from services.console.tests import builders as b
from services.console.tests.builders import REFERRAL
from services.console.tests.pages import ANNA, BEN, Enter, all_read
from services.web.tests.browser import Browser

TASK, OTHER_TASK = UUID(int=1), UUID(int=2)
NUMBER, NAME = "+44 1632 960147", "Synthetic canary name"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    await console.deliver(*b.records(b.received(), b.review_opened(), b.duty(1, danger=True), b.duty(2)))
    await all_read(console, clock)
    return console


async def taken(console: Harness, clock: ManualClock, by: str = ANNA) -> None:
    """Somebody takes the task, and notification says whose it is, and to them whom to call."""
    command_id = uuid7()
    async with console.pool.acquire() as connection:
        await note_sent(connection, command_id, TASK, by, clock.now())
    clock.advance(timedelta(seconds=1))
    told = notification.DutyTaskTaken(
        task_id=TASK,
        command_id=str(command_id),
        officer_id=by,
        callback=Callback(name=NAME, telephone=NUMBER),
        numbers=(notification.NumberToCall(who="force:kent", telephone="+44 1622 690690", control_room=True),),
    )
    await console.deliver(*b.records(told, start=clock.now()))
    await ended(console, clock, f"officer:{by}")


async def ended(console: Harness, clock: ManualClock, by: str) -> None:
    """Notification says that it has ended: somebody took it, or did what it asks for."""
    stands = b.duty(1, danger=True, taken_by=by).model_copy(update={"taken_at": clock.now()})
    await console.deliver(b.record_of(stands, clock.now()))
    await all_read(console, clock)


async def take(browser: Browser, task_id: UUID = TASK) -> Any:
    page = await browser.get(f"/duties/{task_id}")
    form = dict(re.findall(r'<input type="hidden" name="(key|form_token)" value="([^"]*)">', page.text))
    return await browser.post(f"/duties/{task_id}/take", form)


async def outbox(console: Harness) -> list[Any]:
    return list(await console.pool.fetch("SELECT topic, key, headers, value FROM outbox ORDER BY id"))


async def test_the_first_page_begins_with_danger_that_nobody_has_and_the_list_says_what_it_is(enter: Enter) -> None:
    anna = await enter("anna")
    first = (await anna.get("/asked")).text
    assert re.search(
        rf'id="first">A child is in danger now</h2>\s*<p class="govuk-body"><a class="govuk-link" href="/duties/{TASK}"',
        first,
    )
    listed = (await anna.get("/duties")).text
    assert listed.index(f"/duties/{TASK}") < listed.index(f"/duties/{OTHER_TASK}"), "danger first"
    page = (await anna.get(f"/duties/{TASK}")).text
    assert "A child is in danger now." in page
    assert "Take this task" in page


async def test_why_is_said_in_words(enter: Enter, held: Harness) -> None:
    await held.deliver(*b.records(b.duty(9).model_copy(update={"codes": ("escalation_exhausted",)})))
    text = (await (await enter("anna")).get(f"/duties/{UUID(int=9)}")).text
    assert "A force has not answered at any level" in text
    assert "escalation exhausted" not in text


async def test_by_when_the_next_is_called_is_said_and_when_everybody_was(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    soon = clock.now() + timedelta(minutes=7)
    await held.deliver(
        b.record_of(b.duty(1).model_copy(update={"next_call_at": soon}), clock.now()),
        b.record_of(b.duty(2).model_copy(update={"unanswered_at": clock.now()}), clock.now()),
    )
    anna = await enter("anna")
    assert "in 7 minutes" in (await anna.get(f"/duties/{TASK}")).text
    assert "everybody was called" in (await anna.get(f"/duties/{OTHER_TASK}")).text


async def test_taking_is_signed_to_the_byte_and_a_form_that_is_sent_twice_takes_once(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna = await enter("anna", claims={"acr": "urn:hub:two-factors"})
    page = await anna.get(f"/duties/{TASK}")
    form = dict(re.findall(r'<input type="hidden" name="(key|form_token)" value="([^"]*)">', page.text))
    answers = [await anna.post(f"/duties/{TASK}/take", form) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    (row,) = await outbox(held)
    headers = unpack_headers(row["headers"])
    models = {each.type: each for each in topics.NOTIFICATION_REVIEWS.messages}
    attributes, command = decode(headers, row["value"], models, closed=True)
    assert isinstance(command, notification.TakeDutyTask)
    assert (row["topic"], row["key"].decode()) == ("notification.reviews.v1", str(TASK))
    assert (command.officer_id, command.task_id, command.seen_until) == (ANNA, TASK, clock.now())
    record = Signable.of(command, attributes, row["topic"], row["value"])
    claims = verify(signature_of(headers), record, TrustedKeys([KEY.public()]), clock.now())
    assert (claims.sub, claims.officer_id, claims.task_id) == ("anna", ANNA, TASK)
    assert claims.acr == "urn:hub:two-factors", "as the provider calls how the officer signed in"
    async with held.pool.acquire() as connection:
        (act,) = (await audit.acts(connection, audit.ActFilter(kind="alteration"))).rows
    assert (act.officer_id, act.what, act.about) == (ANNA, "took_duty_task", str(TASK))
    assert "Who has it is said in a moment." in (await anna.get(f"/duties/{TASK}")).text


async def test_whoever_has_it_sees_whom_to_call_and_each_look_is_noted_and_nobody_else_sees_it(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna = await enter("anna")
    await taken(held, clock)
    page = (await anna.get(f"/duties/{TASK}")).text
    assert f"You took this task at {date_and_time(clock.now())}" in page
    assert NAME in page
    assert 'href="tel:+441632960147"' in page
    assert "control room" in page
    async with held.pool.acquire() as connection:
        looks = (await audit.acts(connection, audit.ActFilter(kind="consultation"))).rows
    assert [(each.officer_id, each.what, each.about) for each in looks] == [(ANNA, "viewed_whom_to_call", str(TASK))]
    assert f"/duties/{TASK}" in (await anna.get("/asked")).text, "on the first page of whoever has it"
    ben = (await (await enter("ben")).get(f"/duties/{TASK}")).text
    assert "Triage officer, days took it at" in ben
    assert NAME not in ben
    assert "Take this task" not in ben


@pytest.mark.parametrize("by", [f"officer:{ANNA}", "force:kent"])
async def test_what_ended_by_doing_was_taken_by_nobody_and_asks_for_no_call(
    enter: Enter, held: Harness, clock: ManualClock, by: str
) -> None:
    await ended(held, clock, by)
    anna, ben = await enter("anna"), await enter("ben")
    mine, others = [(await each.get(f"/duties/{TASK}")).text for each in (anna, ben)]
    who = "Triage officer, days" if by.startswith("officer:") else "Kent Police"
    assert ("You did what it asks for" if by.startswith("officer:") else f"{who} did what it asks for") in mine
    assert f"{who} did what it asks for, at {date_and_time(clock.now())}" in others
    for page in (mine, others):
        assert not re.search("took (it|this task)|Whom to call|Call the partner|Take this task", page)
    async with held.pool.acquire() as connection:
        assert (await audit.acts(connection)).rows == [], "nothing of a person was shown"
    assert "Duty tasks that you took" not in (await anna.get("/asked")).text


async def test_whoever_asked_for_it_is_told_nothing_of_doing_before_the_answer_is_read(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna = await enter("anna")
    await take(anna)
    await ended(held, clock, f"officer:{ANNA}")
    assert "Who has it is said in a moment." in (await anna.get(f"/duties/{TASK}")).text


async def test_where_a_look_cannot_be_noted_nobodys_number_is_shown(
    enter: Enter, held: Harness, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await taken(held, clock)
    anna = await enter("anna")

    async def fails(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("conduit_console.desk.note", fails)
    answer = await anna.get(f"/duties/{TASK}")
    assert (answer.status_code, NAME in answer.text) == (503, False)


async def test_who_was_too_late_is_told_so(enter: Enter, held: Harness, clock: ManualClock) -> None:
    ben = await enter("ben")
    await take(ben)
    command_id = await held.pool.fetchval("SELECT command_id FROM sent_takings")
    clock.advance(timedelta(seconds=1))
    problem = sender_problem("taken_already", "task_id", "Synthetic.")
    refused = notification.DutyTaskNotTaken(command_id=str(command_id), task_id=TASK, officer_id=BEN, problems=(problem,))
    await held.deliver(*b.records(refused, start=clock.now()))
    async with held.pool.acquire() as connection:
        sent = await duties.sent_taking(connection, TASK, BEN)
    assert sent is not None
    assert (sent.taken, sent.why) == (False, ("taken_already",))
    page = (await ben.get(f"/duties/{TASK}")).text
    assert "You did not get it." in page
    assert "Somebody else has it, or did what it asks for" in page


async def test_where_the_signer_does_not_answer_nothing_is_sent_and_it_can_be_tried_again(
    enter: Enter, held: Harness
) -> None:
    anna = await enter("anna", signer=PlainTextResponse("broken", 502))
    answer = await take(anna)
    assert answer.status_code == 503
    assert "signer does not answer" in answer.text
    assert "Take this task" in answer.text
    assert await outbox(held) == []


@pytest.mark.parametrize(("who", "status"), [("audrey", 403), ("lena", 403)])
async def test_who_decides_nothing_takes_nothing(enter: Enter, who: str, status: int) -> None:
    browser = await enter(who)
    assert (await browser.get("/duties")).status_code == status
    token = re.findall(r'name="form_token" value="([^"]+)"', (await browser.get("/sessions")).text)[0]
    answer = await browser.post(f"/duties/{TASK}/take", {"form_token": token, "key": str(UUID(int=9))})
    assert answer.status_code == status


async def test_a_task_that_does_not_exist_is_missing(enter: Enter) -> None:
    anna = await enter("anna")
    for task_id in (UUID(int=77), "x", "1"):
        assert (await anna.get(f"/duties/{task_id}")).status_code == 404


@pytest.mark.parametrize("kept_from", [["btp"], []])
async def test_a_task_about_a_force_that_the_case_is_kept_from_never_says_to_call_it(
    enter: Enter, held: Harness, clock: ManualClock, kept_from: list[str]
) -> None:
    anna = await enter("anna")
    silent = b.duty(3).model_copy(update={"kind": "force_silent", "force_id": "btp"})
    await held.deliver(b.record_of(silent, clock.now()))
    assert "Call the force." in (await anna.get(f"/duties/{UUID(int=3)}")).text
    restricted = b.fact(routing.CaseRestricted, REFERRAL, kept_from=kept_from)
    await held.deliver(b.record_of(restricted, clock.now() + timedelta(seconds=1)))
    page = (await anna.get(f"/duties/{UUID(int=3)}")).text
    assert "Call the force." not in page
    assert "Do not speak to that force" in page


async def test_whom_to_call_is_forgotten_when_the_topic_has_forgotten_it(held: Harness, clock: ManualClock) -> None:
    await taken(held, clock)
    await held.tick("forget_calls")
    async with held.pool.acquire() as connection:
        assert await content.whom_to_call(connection, TASK, ANNA)
        assert await content.whom_to_call(connection, TASK, BEN) is None
    clock.advance(topics.DUTIES.retention + timedelta(minutes=1))
    await held.tick("forget_calls")
    async with held.pool.acquire() as connection:
        assert await content.whom_to_call(connection, TASK, ANNA) is None
