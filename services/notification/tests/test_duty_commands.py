"""Officers take duty tasks by signed commands: the first has it and is told whom to call, and nobody else is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from conduit_chassis.testing import KEY, Harness, raw_record, record
from conduit_contracts import notification as contract
from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.programme import Contact
from conduit_contracts.signature import HEADER, Signable, verify
from conduit_contracts.signing_keys import TrustedKeys
from conduit_notification import duty_store
from conduit_notification.app import read_policy
from conduit_notification.duty import Duty, Kind
from conduit_notification.pages import create_pages
from services.notification.tests import builders as b
from services.notification.tests.builders import HOME, NOW, PARTNER, record_of
from services.notification.tests.drive import settings_of
from tests.support.html import SEEN_PAGES

ANNA, BEN = "a.okafor", "b.lindqvist"


async def opened(notification: Harness) -> UUID:
    await notification.deliver(record_of(b.danger_reported()))
    found: UUID = await notification.pool.fetchval("SELECT task_id FROM duty_tasks")
    return found


def take(task_id: UUID, officer_id: str = ANNA) -> Any:
    command = contract.TakeDutyTask(task_id=task_id, officer_id=officer_id, seen_until=NOW)
    return record(topics.NOTIFICATION_REVIEWS.name(), str(task_id), command, time=NOW)


async def row(notification: Harness) -> Any:
    return await notification.pool.fetchrow("SELECT taken_by, taken_at, next_call_at FROM duty_tasks")


async def test_an_officer_has_the_task_is_told_whom_to_call_and_nobody_else_is_called(notification: Harness) -> None:
    task_id = await opened(notification)
    (answer,) = await notification.deliver(take(task_id))
    taken = answer.message
    assert isinstance(taken, contract.DutyTaskTaken)
    assert (answer.topic, answer.key, taken.officer_id, taken.task_id) == (topics.DUTIES.name(), str(task_id), ANNA, task_id)
    assert taken.callback == b.danger_reported().callback
    stands = await row(notification)
    assert (stands["taken_by"], stands["next_call_at"]) == (f"officer:{ANNA}", None)
    history = await notification.pool.fetch("SELECT actor, what FROM duty_history ORDER BY at")
    assert tuple(history[-1]) == (f"officer:{ANNA}", "taken")
    (told,) = await notification.tick("tell_duty_tasks")
    assert told.message.taken_by == f"officer:{ANNA}"


async def test_the_signature_that_stood_for_it_is_kept_and_proves_it_with_the_public_key(notification: Harness) -> None:
    task_id = await opened(notification)
    sent = take(task_id)
    await notification.deliver(sent)
    (kept,) = await notification.pool.fetch("SELECT * FROM command_signatures")
    assert (kept["task_id"], kept["officer_id"]) == (task_id, ANNA)
    delivery = notification.delivery(sent)
    signable = Signable.of(delivery.message, delivery.attributes, sent.topic, sent.value)
    claims = verify(kept["signature"], signable, TrustedKeys([KEY.public()]), sent.timestamp)
    assert (claims.task_id, claims.referral_id) == (task_id, None)


async def test_whoever_is_second_is_told_so_and_not_whom_to_call(notification: Harness) -> None:
    task_id = await opened(notification)
    first, second, again = await notification.deliver(take(task_id), take(task_id, BEN), take(task_id))
    assert isinstance(first.message, contract.DutyTaskTaken)
    assert isinstance(second.message, contract.DutyTaskNotTaken)
    assert (second.message.officer_id, second.message.problems[0].code) == (BEN, "taken_already")
    assert isinstance(again.message, contract.DutyTaskTaken), "whoever has it may ask again whom to call"
    assert (await row(notification))["taken_by"] == f"officer:{ANNA}"
    (late,) = await notification.deliver(take(task_id, BEN))
    assert isinstance(late.message, contract.DutyTaskNotTaken)


async def test_what_somebody_took_by_the_link_is_not_an_officers(notification: Harness) -> None:
    task_id = await opened(notification)
    async with notification.pool.acquire() as connection:
        assert await duty_store.take(connection, task_id, "Jo on duty", "v")
    (answer,) = await notification.deliver(take(task_id))
    assert answer.message.problems[0].code == "taken_already"


async def test_a_task_that_is_not_there_is_answered(notification: Harness) -> None:
    (answer,) = await notification.deliver(take(uuid4()))
    assert answer.message.problems[0].code == "task_unknown"


async def test_a_command_that_nobody_signed_changes_nothing_and_is_answered_under_its_task(notification: Harness) -> None:
    task_id = await opened(notification)
    command = contract.TakeDutyTask(task_id=task_id, officer_id=ANNA, seen_until=NOW)
    headers, value = encode(command, Attributes("an-id", "/conduit/test", command.type, NOW))
    unsigned = raw_record(topics.NOTIFICATION_REVIEWS.name(), str(task_id), headers, value)
    (answer,) = await notification.deliver(unsigned)
    assert isinstance(answer.message, contract.DutyTaskNotTaken)
    assert (answer.message.problems[0].code, answer.message.task_id) == ("signature_missing", task_id)
    assert (await row(notification))["taken_by"] is None


async def test_a_signature_for_one_task_is_none_for_another(notification: Harness) -> None:
    task_id = await opened(notification)
    other = take(uuid4())
    command = contract.TakeDutyTask(task_id=task_id, officer_id=ANNA, seen_until=NOW)
    headers, value = encode(command, Attributes("an-id", "/conduit/test", command.type, NOW))
    stolen = next(each for each in other.headers if each[0] == HEADER)
    planted = raw_record(topics.NOTIFICATION_REVIEWS.name(), str(task_id), [*headers, stolen], value)
    (answer,) = await notification.deliver(planted)
    assert answer.message.problems[0].code in {"signature_claim_differs", "signature_expired"}
    assert (await row(notification))["taken_by"] is None


async def test_numbers_of_the_register_come_with_it_and_none_of_a_force_that_the_case_is_kept_from(
    notification: Harness,
) -> None:
    contact, room = Contact(email="team@force.example", telephone="+441632960101"), "+441632960100"
    await notification.deliver(record_of(b.force_registered(contact).model_copy(update={"control_room": room})))
    policy = read_policy(settings_of(notification))
    task = Duty(Kind.FORCE_SILENT, danger=False, partner_id=PARTNER, referral_id=b.REFERRAL, force_id=HOME)
    async with notification.pool.acquire() as connection, connection.transaction():
        await duty_store.open_tasks(connection, [task], policy, ())
    task_id = await notification.pool.fetchval("SELECT task_id FROM duty_tasks")
    (answer,) = await notification.deliver(take(task_id))
    numbers = {(each.who, each.telephone, each.control_room) for each in answer.message.numbers}
    assert numbers == {(f"force:{HOME}", room, True), (f"force:{HOME}", contact.telephone, False)}
    await notification.pool.execute("INSERT INTO kept_from (referral_id, force_id) VALUES ($1, $2)", b.REFERRAL, HOME)
    (answer,) = await notification.deliver(take(task_id))
    assert answer.message.numbers == ()


async def test_pages_hear_when_the_next_on_duty_is_called(notification: Harness) -> None:
    await opened(notification)
    (told,) = await notification.tick("tell_duty_tasks")
    first = told.message.next_call_at
    assert first is not None
    await notification.pool.execute("UPDATE duty_tasks SET next_call_at = next_call_at + interval '10 minutes'")
    (told,) = await notification.tick("tell_duty_tasks")
    assert told.message.next_call_at == first + timedelta(minutes=10)


@pytest.mark.parametrize("name", [f"officer:{ANNA}", "force:kent"])
async def test_nobody_types_themselves_into_the_register_on_the_page_of_the_link(notification: Harness, name: str) -> None:
    task_id = await opened(notification)
    token = "t" * 40
    await notification.pool.execute("INSERT INTO duty_calls (token, task_id, level) VALUES ($1, $2, 0)", token, task_id)
    app = create_pages(notification.runtime, read_policy(settings_of(notification)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(SEEN_PAGES.at(app)), base_url="http://hub") as browser:
        answer = await browser.post(f"/duty/{token}", data={"name": name})
    assert answer.status_code == 422
    assert (await row(notification))["taken_by"] is None
