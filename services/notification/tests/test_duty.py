"""Duty tasks on a real database: opened at once, called one after another, taken by one, and never ended by silence."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conduit_chassis.periodic import run_tick
from conduit_chassis.testing import Harness, ManualClock, raw_record
from conduit_contracts import topics
from conduit_contracts.envelope import Message
from conduit_contracts.programme import Contact
from conduit_contracts.routing import RoutingReviewReason
from conduit_notification import duty_store, hub
from conduit_notification.app import read_policy
from conduit_notification.duty import WORDING, Duty, Kind
from conduit_notification.pages import create_pages
from services.notification.tests import builders as b
from services.notification.tests.builders import DUTY_CONTACTS, HOME, PARTNER, REFERENCE, record_of
from services.notification.tests.conftest import HUB_EMAIL
from services.notification.tests.drive import deliver_email, deliver_webhooks, settings_of
from services.notification.tests.receivers import Endpoint, MailServer
from tests.support.html import SEEN_PAGES

EXHAUSTED = RoutingReviewReason.ESCALATION_EXHAUSTED
FIRST, SECOND = (contact.email for contact in DUTY_CONTACTS)
TEAM = Contact(email="team@example-haven.example", telephone="+441004960147")


async def deliver(notification: Harness, *facts: Message) -> None:
    await notification.deliver(*(record_of(fact) for fact in facts))


async def tasks(notification: Harness) -> list[Any]:
    return list(await notification.pool.fetch("SELECT * FROM duty_tasks ORDER BY opened_at"))


async def let_pass(notification: Harness, minutes: float) -> None:
    """As if so much time had passed on the database's clock: the next call is due so much sooner."""
    await notification.pool.execute(
        "UPDATE duty_tasks SET next_call_at = next_call_at - $1::interval", timedelta(minutes=minutes)
    )
    await tick(notification)


async def tick(notification: Harness) -> None:
    (found,) = [each for each in notification.runtime.service.ticks if each.name == "keep_duty_time"]
    await run_tick(notification.runtime, found)


async def mailed(notification: Harness, mail: MailServer) -> list[str]:
    """Who was written to, in order, since the last time."""
    before = len(mail.recipients)
    await deliver_email(notification)
    return mail.recipients[before:]


@pytest.fixture
async def staffed(notification: Harness, mail: MailServer) -> Harness:
    """The hub with two duty contacts in the register."""
    proposal = b.proposed()
    await deliver(notification, proposal, b.approved(proposal))
    await deliver_email(notification)
    mail.recipients.clear()
    mail.messages.clear()
    return notification


@pytest.fixture
async def browser(staffed: Harness) -> AsyncIterator[httpx.AsyncClient]:
    app = create_pages(staffed.runtime, read_policy(settings_of(staffed)))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=SEEN_PAGES.at(app)), base_url="http://duty.example"
    ) as made:
        yield made


async def link(notification: Harness, level: int = 0) -> str:
    token = await notification.pool.fetchval("SELECT token FROM duty_calls WHERE level = $1", level)
    return f"/duty/{token}"


class TestOpening:
    """What becomes a task."""

    @pytest.mark.parametrize(
        ("facts", "kind", "danger"),
        [
            ((b.danger_reported(),), Kind.DANGER_REFUSED, True),
            ((b.received(danger=True), b.review_opened(danger=True)), Kind.DANGER_REVIEW, True),
            ((b.received(), b.review_opened(), b.danger_raised()), Kind.DANGER_REVIEW, True),
            ((b.accepted(), b.routing_review()), Kind.NO_FORCE, False),
            ((b.accepted(), b.routing_review(reason=RoutingReviewReason.UNKNOWN_PLACE)), Kind.NO_FORCE, False),
            ((b.routed(), b.force_declined(), b.routing_review(reason=RoutingReviewReason.TIE)), Kind.NO_FORCE, False),
            (
                (b.routed(), b.routing_review(reason=EXHAUSTED)),
                Kind.FORCE_SILENT,
                False,
            ),
            (
                (b.routed(danger=True), b.routing_review(danger=True, reason=RoutingReviewReason.TIE)),
                Kind.DANGER_ROUTING,
                True,
            ),
            ((b.routed(), b.restricted(danger=True)), Kind.DANGER_RESTRICTED, True),
        ],
        ids=lambda value: value.value if isinstance(value, Kind) else "",
    )
    async def test_what_a_person_must_take_is_a_task_and_the_first_on_duty_hears_at_once(
        self, staffed: Harness, mail: MailServer, facts: tuple[Message, ...], kind: Kind, danger: bool
    ) -> None:
        await deliver(staffed, *facts)
        (task,) = await tasks(staffed)
        assert (task["kind"], task["danger"], task["partner_id"], task["partner_reference"]) == (
            kind,
            danger,
            PARTNER,
            REFERENCE,
        )
        assert await mailed(staffed, mail) == [FIRST]
        subject = mail.messages[-1]["Subject"]
        assert ("IMMEDIATE DANGER" in subject) == danger
        text = " ".join(mail.messages[-1].get_content().split())
        assert WORDING[kind].what in text
        assert WORDING[kind].do in text
        assert f"conduit duty take {task['task_id']}" in text

    @pytest.mark.parametrize(
        "facts",
        [
            (b.received(), b.review_opened()),
            (b.received(danger=True), b.accepted(), b.routed(danger=True)),
            (b.received(), b.routed(), b.routing_review(reason=RoutingReviewReason.TIE)),
            (b.rejected(),),
        ],
    )
    async def test_everything_else_is_none(self, staffed: Harness, facts: tuple[Message, ...]) -> None:
        await deliver(staffed, *facts)
        assert not await tasks(staffed)

    async def test_a_notice_of_danger_that_cannot_be_delivered_is_one(self, staffed: Harness, mail: MailServer) -> None:
        mail.on_rcpt = lambda _number: "550 no such mailbox"
        await deliver(staffed, b.partner_registered(TEAM), b.received(danger=True))
        await deliver_email(staffed)
        (task,) = await tasks(staffed)
        assert (task["kind"], task["partner_reference"]) == ("danger_notice_failed", REFERENCE)

    async def test_a_notice_of_danger_that_does_not_leave_is_one_while_it_is_tried_on(
        self, staffed: Harness, mail: MailServer
    ) -> None:
        mail.on_data = lambda _number: "452 full"
        await deliver(staffed, b.partner_registered(TEAM), b.received(danger=True), b.routed(danger=True))
        await deliver_email(staffed)
        await staffed.pool.execute("UPDATE notices SET queued_at = clock_timestamp() - interval '4 minutes'")
        await tick(staffed)
        assert not await tasks(staffed)
        await staffed.pool.execute("UPDATE notices SET queued_at = clock_timestamp() - interval '6 minutes'")
        for _ in range(3):
            await tick(staffed)
        found = await tasks(staffed)
        assert sorted((each["codes"][0], each["force_id"], each["said"]) for each in found) == [
            ("force_not_told", HOME, 2),
            ("partner_not_told", None, 1),
        ]


class TestNoAddress:
    """A force that the register has no address of hears of danger from a person, once."""

    DANGER = (b.received(danger=True), b.routed(danger=True))

    @pytest.mark.parametrize(
        "contacts",
        [(Contact(),), (Contact(telephone="+441004960147"),), (Contact(), Contact(email="inspector@force.example"))],
        ids=["none", "a telephone", "a higher level's alone"],
    )
    async def test_danger_for_it_is_a_task_at_once(
        self, staffed: Harness, mail: MailServer, contacts: tuple[Contact, ...]
    ) -> None:
        await deliver(staffed, b.partner_registered(TEAM), b.force_registered(*contacts), *self.DANGER)
        (task,) = await tasks(staffed)
        assert (task["kind"], task["force_id"], task["codes"]) == ("danger_notice_failed", HOME, ["force_not_told"])
        assert (task["danger"], task["said"], task["partner_reference"]) == (True, 1, REFERENCE)
        assert FIRST in await mailed(staffed, mail)
        text = " ".join(next(each for each in mail.messages if each["To"] == FIRST).get_content().split())
        assert WORDING[Kind.DANGER_NOTICE_FAILED].do in text

    async def test_what_follows_is_the_same_task_until_somebody_has_it(self, staffed: Harness) -> None:
        await deliver(staffed, b.force_registered(Contact()), *self.DANGER, b.overdue())
        (task,) = await tasks(staffed)
        assert task["said"] == 2

    async def test_without_danger_nobody_is_called(self, staffed: Harness) -> None:
        await deliver(staffed, b.force_registered(Contact()), b.received(), b.routed(), b.overdue())
        assert not await tasks(staffed)

    async def test_nor_about_a_partner_that_reads_its_updates(self, staffed: Harness) -> None:
        await deliver(staffed, b.partner_registered(Contact()), b.received(danger=True), b.accepted())
        assert not await tasks(staffed)

    async def test_one_that_turns_out_to_have_none_is_a_task_once(self, staffed: Harness) -> None:
        await deliver(staffed, b.partner_registered(Contact()), *self.DANGER)
        assert not await tasks(staffed)
        await deliver(staffed, b.force_registered(Contact()))
        await deliver_email(staffed)
        (task,) = await tasks(staffed)
        assert (task["kind"], task["force_id"], task["said"]) == ("danger_notice_failed", HOME, 1)
        async with staffed.runtime.transaction() as (connection, _):
            assert await duty_store.take(connection, task["task_id"], "Example Officer", "p")
        await deliver_webhooks(staffed)
        assert len(await tasks(staffed)) == 1

    async def test_who_was_called_because_it_was_late_is_not_called_again(self, staffed: Harness) -> None:
        await deliver(staffed, b.partner_registered(Contact()), *self.DANGER)
        await staffed.pool.execute("UPDATE notices SET queued_at = clock_timestamp() - interval '6 minutes'")
        await tick(staffed)
        (task,) = await tasks(staffed)
        async with staffed.runtime.transaction() as (connection, _):
            assert await duty_store.take(connection, task["task_id"], "Example Officer", "p")
        await deliver(staffed, b.force_registered(Contact()))
        await deliver_email(staffed)
        await deliver_webhooks(staffed)
        assert len(await tasks(staffed)) == 1

    async def test_what_came_by_e_mail_is_no_task_when_the_webhook_leaves_the_register(self, staffed: Harness) -> None:
        both = Contact(email="team@force.example", webhook_url="http://127.0.0.1:1/hook", webhook_secret="force")
        await deliver(staffed, b.force_registered(both), *self.DANGER)
        await deliver_email(staffed)
        await deliver(staffed, b.force_registered(Contact()))
        await deliver_webhooks(staffed)
        assert "dropped" in {row["state"] for row in await staffed.pool.fetch("SELECT state FROM notices")}
        assert not await tasks(staffed)


class TestBehindNothing:
    """What says danger is heard whatever lies about, and whoever left it there."""

    @pytest.mark.parametrize("topic", [topics.PARTNERS, topics.FORCES, topics.HUB_CONTACTS, topics.HUB_APPROVALS])
    async def test_a_register_that_cannot_be_read_silences_no_danger(
        self, staffed: Harness, mail: MailServer, topic: topics.Topic
    ) -> None:
        await staffed.deliver(raw_record(topic.name(), b.PARTNER, [], b"garbage"))
        await deliver(staffed, b.danger_reported())
        assert len(await tasks(staffed)) == 1
        assert await mailed(staffed, mail) == [FIRST]
        await deliver(staffed, b.partner_registered(TEAM))
        waiting = await staffed.pool.fetch("SELECT topic FROM dead_letters WHERE resolved_at IS NULL")
        assert [row["topic"] for row in waiting] == ([] if topic is topics.PARTNERS else [topic.name()])

    @pytest.mark.parametrize("topic", [topics.PARTNERS, topics.HUB_APPROVALS])
    async def test_nor_does_it_hold_up_a_case_whose_key_it_has(self, staffed: Harness, topic: topics.Topic) -> None:
        await deliver(staffed, b.received())
        await staffed.deliver(raw_record(topic.name(), str(b.REFERRAL), [], b"garbage"))
        await deliver(staffed, b.accepted())
        assert await staffed.pool.fetchval("SELECT state FROM referrals") == "accepted"


class TestTelling:
    """How tasks stand is published for whoever shows them, whoever changed them."""

    async def test_a_task_is_told_of_when_it_opens_is_said_again_and_is_taken_and_never_who_to_call(
        self, staffed: Harness
    ) -> None:
        await deliver(staffed, b.danger_reported())
        (opened,) = await staffed.tick("tell_duty_tasks")
        assert (opened.topic, opened.message.kind, opened.message.taken_at) == (
            "notification.duties.v1",
            "danger_refused",
            None,
        )
        assert "Example Caseworker" not in opened.message.model_dump_json()
        assert await staffed.tick("tell_duty_tasks") == []
        await deliver(staffed, b.danger_reported(number=8))
        (again,) = await staffed.tick("tell_duty_tasks")
        assert (again.key, again.message.said) == (opened.key, 2)
        async with staffed.runtime.transaction() as (connection, _):
            await duty_store.take(connection, opened.message.task_id, "Example Officer", "p")
        (taken,) = await staffed.tick("tell_duty_tasks")
        assert (taken.key, taken.message.taken_by) == (opened.key, "Example Officer")
        assert taken.message.taken_at


class TestCoalescing:
    """The same again is one task; another's never is."""

    async def test_the_same_again_is_the_same_task_until_somebody_has_it(self, staffed: Harness, mail: MailServer) -> None:
        await deliver(staffed, *(b.danger_reported(number=number) for number in range(5)))
        (task,) = await tasks(staffed)
        assert task["said"] == 5
        assert await mailed(staffed, mail) == [FIRST]
        async with staffed.runtime.transaction() as (connection, _):
            assert await duty_store.take(connection, task["task_id"], "Example Officer", "p")
        await deliver(staffed, b.danger_reported(number=9))
        assert len(await tasks(staffed)) == 2, "who took the first one does not know of this"
        assert await mailed(staffed, mail) == [FIRST]

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        said=st.lists(
            st.tuples(st.sampled_from(["north", "south"]), st.sampled_from(["A-1", "A-2", None]), st.integers(0, 3)),
            min_size=1,
            max_size=12,
        )
    )
    async def test_one_task_per_partner_and_reference_and_one_for_each_without_a_reference(
        self, staffed: Harness, said: list[tuple[str, str | None, int]]
    ) -> None:
        await staffed.pool.execute("DELETE FROM duty_calls; DELETE FROM duty_tasks")
        await deliver(staffed, *(b.danger_reported(reference, who, number=number) for who, reference, number in said))
        found = await tasks(staffed)
        expected = {(who, reference or f"{number}") for who, reference, number in said}
        assert len(found) == len(expected)
        assert sum(each["said"] for each in found) == len(said)

    async def test_what_was_routine_and_is_danger_now_is_called_anew(self, staffed: Harness, mail: MailServer) -> None:
        await deliver(staffed, b.accepted(), b.routing_review())
        await let_pass(staffed, 100_000)
        assert await mailed(staffed, mail) == [FIRST, SECOND]
        await deliver(staffed, b.routing_review(danger=True))
        assert await mailed(staffed, mail) == [FIRST]
        assert "IMMEDIATE DANGER" in mail.messages[-1]["Subject"]


class TestClock:
    """Who is called when."""

    async def test_the_next_is_called_after_ten_minutes_then_it_pages_and_it_never_ends_by_itself(
        self, staffed: Harness, mail: MailServer
    ) -> None:
        await deliver(staffed, b.danger_reported())
        assert await mailed(staffed, mail) == [FIRST]
        await let_pass(staffed, 9)
        assert await mailed(staffed, mail) == []
        await let_pass(staffed, 1.1)
        assert await mailed(staffed, mail) == [SECOND]
        assert await duty_store.measure(staffed.pool) == (1, 0, pytest.approx(0, abs=60))
        await let_pass(staffed, 10.1)
        assert (await duty_store.measure(staffed.pool))[:2] == (1, 1)
        for _ in range(3):
            await let_pass(staffed, 100_000)
        assert await mailed(staffed, mail) == []
        (task,) = await tasks(staffed)
        assert task["taken_at"] is None
        what = await staffed.pool.fetch("SELECT what FROM duty_history ORDER BY at")
        assert [row["what"] for row in what] == ["opened", "called", "called", "unanswered"]

    async def test_nobody_is_called_once_somebody_has_it(self, staffed: Harness, mail: MailServer) -> None:
        await deliver(staffed, b.danger_reported())
        (task,) = await tasks(staffed)
        async with staffed.runtime.transaction() as (connection, _):
            await duty_store.take(connection, task["task_id"], "Example Officer", "p")
        await let_pass(staffed, 100_000)
        assert await mailed(staffed, mail) == [FIRST]
        assert await duty_store.measure(staffed.pool) == (0, 0, 0.0)

    async def test_without_contacts_it_goes_where_the_hub_is_told_and_then_pages(
        self, notification: Harness, mail: MailServer
    ) -> None:
        await deliver(notification, b.danger_reported())
        assert await mailed(notification, mail) == [HUB_EMAIL]
        await let_pass(notification, 10.1)
        assert (await duty_store.measure(notification.pool))[:2] == (1, 1)

    async def test_no_processs_clock_counts(self, staffed: Harness, clock: ManualClock) -> None:
        clock.advance(timedelta(days=-400))
        await deliver(staffed, b.danger_reported())
        await let_pass(staffed, 10.1)
        clock.advance(timedelta(days=800))
        await tick(staffed)
        assert await staffed.pool.fetchval("SELECT max(level) FROM duty_calls") == 1

    def test_what_is_no_danger_waits_for_the_hub_to_open(self) -> None:
        night = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)
        made = duty_store.Task(UUID(int=1), Kind.NO_FORCE, False, *[None] * 4, (), 1, night, 0, None, None, None)  # type: ignore[arg-type]
        assert duty_store.next_call(made, b.POLICY, night) == datetime(2026, 11, 30, 8, 10, tzinfo=UTC)
        in_danger = duty_store.Task(UUID(int=1), Kind.NO_FORCE, True, *[None] * 4, (), 1, night, 0, None, None, None)  # type: ignore[arg-type]
        assert duty_store.next_call(in_danger, b.POLICY, night) == night + timedelta(minutes=10)


class TestActs:
    """What a person does about a case ends the task that asks for it; what a machine does ends none."""

    @pytest.mark.parametrize(
        ("before", "act", "ended"),
        [
            ((b.received(danger=True), b.review_opened(danger=True)), b.accepted(officer="a.okafor"), True),
            ((b.received(danger=True), b.review_opened(danger=True)), b.declined(), True),
            ((b.received(danger=True), b.review_opened(danger=True)), b.asked(), True),
            ((b.received(danger=True), b.review_opened(danger=True)), b.accepted(), False),
            ((b.received(danger=True), b.review_opened(danger=True)), b.force_acknowledged(), False),
            ((b.accepted(), b.routing_review()), b.home_force_named(), True),
            ((b.accepted(), b.routing_review()), b.withdrawn(), False),
            ((b.routed(), b.routing_review(reason=EXHAUSTED)), b.force_acknowledged(), True),
            ((b.routed(), b.routing_review(reason=EXHAUSTED)), b.force_declined(), True),
            ((b.routed(), b.routing_review(reason=EXHAUSTED)), b.force_received(), False),
        ],
    )
    async def test_an_act_ends_it_and_silence_does_not(
        self, staffed: Harness, before: tuple[Message, ...], act: Message, ended: bool
    ) -> None:
        await deliver(staffed, *before)
        await deliver(staffed, act)
        (task,) = await tasks(staffed)
        assert (task["taken_at"] is not None) is ended
        assert (task["next_call_at"] is None) is ended

    async def test_the_answer_of_one_silent_force_ends_no_other_ones_task(self, staffed: Harness) -> None:
        await deliver(staffed, b.routed(HOME, b.OTHER), b.routing_review(reason=EXHAUSTED, silent=(HOME,)))
        await deliver(staffed, b.routing_review(reason=EXHAUSTED, silent=(b.OTHER,)), b.force_acknowledged())
        found = await tasks(staffed)
        assert [(each["force_id"], each["taken_by"]) for each in found] == [(HOME, f"force:{HOME}"), (b.OTHER, None)]

    @pytest.mark.parametrize(
        ("act", "ended"),
        [
            (b.force_acknowledged(), True),
            (b.by_telephone(), True),
            (b.stood_down(HOME), True),
            (b.force_received(), False),  # a machine has it
            (b.force_declined(), False),  # perhaps written before there was danger
            (b.force_acknowledged(b.OTHER), False),
        ],
        ids=["acknowledged", "by telephone", "stood down", "received", "declined", "another force's"],
    )
    async def test_a_force_that_has_heard_need_not_be_told_by_telephone(
        self, staffed: Harness, act: Message, *, ended: bool
    ) -> None:
        await deliver(staffed, b.force_registered(Contact()), b.received(danger=True), b.routed(HOME, b.OTHER, danger=True))
        await deliver(staffed, act)
        about_home = [each for each in await tasks(staffed) if each["force_id"] == HOME]
        assert [(each["kind"], each["taken_at"] is not None) for each in about_home] == [("danger_notice_failed", ended)]

    async def test_a_forces_answer_says_nothing_of_the_partner_that_was_not_told(
        self, staffed: Harness, mail: MailServer
    ) -> None:
        mail.on_data = lambda _number: "452 full"
        await deliver(staffed, b.partner_registered(TEAM), b.received(danger=True), b.routed(danger=True))
        await staffed.pool.execute("UPDATE notices SET queued_at = clock_timestamp() - interval '6 minutes'")
        await tick(staffed)
        await deliver(staffed, b.force_acknowledged())
        waiting = [each["codes"] for each in await tasks(staffed) if each["taken_at"] is None]
        assert waiting == [["partner_not_told"]]

    async def test_nobody_is_called_about_a_notice_whose_force_has_acknowledged_by_then(
        self, staffed: Harness, mail: MailServer
    ) -> None:
        mail.on_rcpt = lambda _number: "550 no such mailbox"
        danger = (b.received(danger=True), b.routed(HOME, b.OTHER, danger=True))
        for force_id in (HOME, b.OTHER):
            await deliver(staffed, b.force_registered(Contact(email="team@force.example"), force_id=force_id))
        await deliver(staffed, *danger, b.force_acknowledged())
        await deliver_email(staffed)
        assert [each["force_id"] for each in await tasks(staffed)] == [b.OTHER]
        await deliver(staffed, b.routed(HOME, b.OTHER, added=(HOME,), again=(HOME,), danger=True))
        await deliver_email(staffed)
        assert {each["force_id"] for each in await tasks(staffed)} == {HOME, b.OTHER}, "what is new it has not heard"

    async def test_triages_decision_does_not_end_what_routing_asks_for(self, staffed: Harness) -> None:
        tied = b.routing_review(danger=True, reason=RoutingReviewReason.TIE)
        await deliver(staffed, b.received(danger=True), b.review_opened(danger=True), b.routed(danger=True), tied)
        await deliver(staffed, b.accepted(officer="a.okafor"))
        assert [each["kind"] for each in await tasks(staffed) if each["taken_at"] is None] == ["danger_routing"]
        await deliver(staffed, b.home_force_named())
        assert [each["kind"] for each in await tasks(staffed) if each["taken_at"] is None] == []


class TestPages:
    """`/duty/<token>`."""

    async def test_looking_changes_nothing_and_shows_nobodys_name(
        self, staffed: Harness, browser: httpx.AsyncClient
    ) -> None:
        await deliver(staffed, b.danger_reported())
        address = await link(staffed)
        assert address.removeprefix("/duty/").isalnum()  # a mail program ends a link before a last hyphen
        for method in ("GET", "HEAD", "GET"):
            answer = await browser.request(method, address)
            assert answer.status_code == 200
            assert "Example Caseworker" not in answer.text
        (task,) = await tasks(staffed)
        assert task["taken_at"] is None
        assert REFERENCE in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"

    async def test_whoever_takes_it_is_shown_whom_to_ring(self, staffed: Harness, browser: httpx.AsyncClient) -> None:
        await deliver(staffed, b.partner_registered(TEAM), b.danger_reported())
        answer = await browser.post(await link(staffed), data={"name": "  Ada   Example "})
        assert "The task is yours" in answer.text
        for shown in ("Example Caseworker", "0100 496 0147", TEAM.telephone, TEAM.email):
            assert shown is not None
            assert shown in answer.text
        (task,) = await tasks(staffed)
        assert task["taken_by"] == "Ada Example"
        again = await browser.post(await link(staffed), data={"name": "Ada Example"})
        assert "Example Caseworker" in again.text, "who has it may look again"
        other = await browser.post(await link(staffed), data={"name": "Grace Example"})
        assert "Taken by Ada Example" in other.text
        assert "Example Caseworker" not in other.text
        assert "Example Caseworker" not in (await browser.get(await link(staffed))).text

    async def test_a_case_that_was_taken_in_has_its_caseworker_too(
        self, staffed: Harness, browser: httpx.AsyncClient
    ) -> None:
        force = b.force_registered(Contact(email="team@force.example")).model_copy(update={"control_room": "+441004960001"})
        await deliver(staffed, force, b.received(danger=True), b.routed(danger=True, provisional=True))
        await deliver(staffed, b.review_opened(danger=True))
        answer = await browser.post(await link(staffed), data={"name": "Ada Example"})
        assert b.received().referral.caseworker.name in answer.text
        assert f'{HOME} <a href="tel:+441004960001">+441004960001</a>' in answer.text

    @pytest.mark.parametrize(
        ("kept_from", "shown"), [((), ()), ((HOME,), (b.OTHER,)), ((b.OTHER,), (HOME,)), ((HOME, b.OTHER), ())], ids=str
    )
    async def test_neither_page_nor_message_shows_how_to_reach_the_force_of_a_police_suspect(
        self,
        staffed: Harness,
        browser: httpx.AsyncClient,
        mail: MailServer,
        kept_from: tuple[str, ...],
        shown: tuple[str, ...],
    ) -> None:
        """With nobody named any force might be the one."""
        rooms = {HOME: "+441004960001", b.OTHER: "+441004960002"}
        for force_id, room in rooms.items():
            force = b.force_registered(Contact(email=f"team@{force_id}.example"), force_id=force_id)
            await deliver(staffed, force.model_copy(update={"control_room": room}))
        await deliver(
            staffed, b.received(danger=True), b.routed(HOME, b.OTHER, danger=True), b.restricted(*kept_from, danger=True)
        )
        await deliver(staffed, b.routing_review(danger=True, reason=EXHAUSTED, silent=(HOME,)))
        await deliver(staffed, b.review_opened(danger=True))
        await deliver_email(staffed)
        addresses = [row["token"] for row in await staffed.pool.fetch("SELECT token FROM duty_calls")]
        pages = [await browser.post(f"/duty/{token}", data={"name": "Ada Example"}) for token in addresses]
        of_the_hub = [text for text in map(str, mail.messages) if "@hub.example\nSubject" in text]
        texts = [*(page.text for page in pages), *of_the_hub]
        assert of_the_hub
        assert len(pages) >= 3
        for force_id, room in rooms.items():
            found = [text for text in texts if room in text or f"team@{force_id}.example" in text]
            assert bool(found) == (force_id in shown)
        about_the_silent = [text for text in texts if "has not answered" in text or "kept from that force" in text]
        assert about_the_silent
        assert any("Call the force" in text for text in about_the_silent) == (HOME in shown)

    async def test_what_waits_to_be_sent_to_the_force_of_a_police_suspect_is_not_sent(
        self, staffed: Harness, mail: MailServer
    ) -> None:
        for force_id in (HOME, b.OTHER):
            await deliver(staffed, b.force_registered(Contact(email=f"team@{force_id}.example"), force_id=force_id))
        await deliver(staffed, b.routed(HOME, b.OTHER), b.restricted(HOME))
        assert f"team@{b.OTHER}.example" in (sent := await mailed(staffed, mail))
        assert f"team@{HOME}.example" not in sent
        await deliver(staffed, b.overdue(), b.overdue(b.OTHER, 2))
        assert f"team@{HOME}.example" not in await mailed(staffed, mail)

    @pytest.mark.parametrize("name", ["", "   ", "\u200b", "x" * 101, "a\x00b"])
    async def test_nobody_takes_it_without_a_name(self, staffed: Harness, browser: httpx.AsyncClient, name: str) -> None:
        await deliver(staffed, b.danger_reported())
        answer = await browser.post(await link(staffed), data={"name": name})
        assert answer.status_code == 422
        assert "Enter your name" in answer.text
        assert (await tasks(staffed))[0]["taken_at"] is None

    @pytest.mark.parametrize("path", ["/duty/", "/duty/x", "/duty/" + "a" * 43, "/duty/%00", "/duty/a/b"])
    async def test_a_guess_opens_nothing(self, browser: httpx.AsyncClient, path: str) -> None:
        for method in ("GET", "POST"):
            answer = await browser.request(method, path)
            assert answer.status_code == 404

    async def test_a_body_without_end_and_another_method_are_refused(
        self, staffed: Harness, browser: httpx.AsyncClient
    ) -> None:
        await deliver(staffed, b.danger_reported())
        answer = await browser.post(await link(staffed), content=b"name=" + b"x" * 100_000)
        assert answer.status_code == 422
        assert (await browser.delete(await link(staffed))).status_code == 405

    async def test_two_who_take_it_at_once_are_one_who_has_it(self, staffed: Harness, browser: httpx.AsyncClient) -> None:
        await deliver(staffed, b.danger_reported())
        address = await link(staffed)
        answers = await asyncio.gather(*(browser.post(address, data={"name": f"Officer {n}"}) for n in range(4)))
        assert sum("The task is yours" in answer.text for answer in answers) == 1

    async def test_what_a_sender_wrote_is_text_and_no_page(self, staffed: Harness, browser: httpx.AsyncClient) -> None:
        reported = b.danger_reported()
        assert reported.callback is not None
        callback = reported.callback.model_copy(update={"name": "<script>alert(1)</script>"})
        await deliver(staffed, reported.model_copy(update={"callback": callback}))
        answer = await browser.post(await link(staffed), data={"name": "<b>Ada</b>"})
        assert "<script>" not in answer.text
        assert "<b>" not in answer.text

    async def test_every_page_can_be_read_by_eye_and_by_screen_reader(
        self, staffed: Harness, browser: httpx.AsyncClient
    ) -> None:
        await deliver(staffed, b.partner_registered(TEAM), b.danger_reported())
        address = await link(staffed)
        pages = {
            "open": await browser.get(address),
            "without a name": await browser.post(address, data={"name": " "}),
            "yours": await browser.post(address, data={"name": "Ada Example"}),
            "taken": await browser.get(address),
            "unknown": await browser.get("/duty/none"),
        }
        for name, answer in pages.items():
            found = Reader.of(answer.text)
            assert found.languages == ["en-GB"], name
            assert found.headings[0] == "h1", name
            assert found.headings.count("h1") == 1, name
            assert found.titles == 1, name
            assert found.inputs == found.labels, name
            assert "<dl></dl>" not in answer.text, name
            assert "T0" not in answer.text, "times are for people"
        assert pages["open"].text.index("<form") < pages["open"].text.index("About"), "nobody scrolls to take it"
        assert "<title>Error: " in pages["without a name"].text
        assert "child is in danger now" not in pages["taken"].text, "whoever has it sees to it"
        assert 'href="mailto:' in pages["yours"].text
        assert 'href="tel:+441004960147"' in pages["yours"].text

    async def test_whoever_looks_again_whom_to_ring_stands_in_the_history(
        self, staffed: Harness, browser: httpx.AsyncClient
    ) -> None:
        await deliver(staffed, b.danger_reported())
        for name in ("Ada Example", "Ada Example", "Grace Example"):
            await browser.post(await link(staffed), data={"name": name})
        rows = await staffed.pool.fetch("SELECT actor, what FROM duty_history WHERE actor LIKE 'person:%' ORDER BY at")
        assert [tuple(row) for row in rows] == [("person:Ada Example", "taken"), ("person:Ada Example", "shown_again")]


class Reader(HTMLParser):
    """What a screen reader goes by."""

    @classmethod
    def of(cls, text: str) -> "Reader":
        made = cls()
        made.languages, made.headings, made.inputs, made.labels, made.titles = [], [], [], [], 0
        made.feed(text)
        return made

    languages: list[str | None]
    headings: list[str]
    inputs: list[str | None]
    labels: list[str | None]
    titles: int

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.languages.append(given.get("lang"))
        elif re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)
        elif tag == "input":
            self.inputs.append(given.get("id"))
        elif tag == "label":
            self.labels.append(given.get("for"))
        self.titles += tag == "title"


class TestContacts:
    """The register of duty contacts."""

    async def test_a_change_takes_effect_once_another_approves_it_and_the_old_ones_are_told(
        self, staffed: Harness, mail: MailServer
    ) -> None:
        others = (Contact(email="third@hub.example"), Contact(email="fourth@hub.example"))
        proposal = b.proposed(others, number=2)
        await deliver(staffed, proposal, b.danger_reported())
        assert sorted(await mailed(staffed, mail)) == sorted([FIRST, FIRST, SECOND]), "both hear of the proposal"
        await staffed.deliver(record_of(b.approved(proposal)))
        assert sorted(await mailed(staffed, mail)) == sorted([str(FIRST), str(SECOND)])
        assert "have been changed" in mail.messages[-1]["Subject"]
        await deliver(staffed, b.danger_reported("NL-9"))
        assert await mailed(staffed, mail) == ["third@hub.example"]

    async def test_however_fast_changes_follow_each_is_told_to_those_it_replaces(
        self, staffed: Harness, mail: MailServer
    ) -> None:
        ladders = [tuple(Contact(email=f"{name}{n}@hub.example") for n in (1, 2)) for name in ("third", "fourth")]
        for number, contacts in enumerate(ladders, 2):
            proposal = b.proposed(contacts, number=number)
            await staffed.deliver(record_of(proposal), record_of(b.approved(proposal)))
        told = sorted(await mailed(staffed, mail))
        assert told == sorted([str(FIRST), str(SECOND), "third1@hub.example", "third2@hub.example"] * 2)

    async def test_an_approval_that_comes_first_waits_for_its_proposal(
        self, notification: Harness, mail: MailServer
    ) -> None:
        proposal = b.proposed()
        await deliver(notification, b.approved(proposal))
        await deliver(notification, b.danger_reported())
        assert await mailed(notification, mail) == [HUB_EMAIL]
        await deliver(notification, proposal, b.danger_reported("NL-9"))
        assert FIRST in await mailed(notification, mail)

    async def test_nothing_changes_without_an_approval_of_these_very_contacts(
        self, notification: Harness, mail: MailServer
    ) -> None:
        proposal = b.proposed()
        await deliver(notification, proposal, b.approved(proposal, "0" * 64))
        await deliver(notification, b.approved(b.proposed(number=7)))
        swapped = b.proposed(tuple(reversed(DUTY_CONTACTS)), number=1)
        await deliver(notification, swapped, b.approved(swapped), b.danger_reported())
        assert set(await mailed(notification, mail)) == {HUB_EMAIL}

    @pytest.mark.parametrize("name", ["Example Operator", " example  operator"])
    async def test_nobody_approves_what_they_proposed_and_another_may_still(self, notification: Harness, name: str) -> None:
        proposal = b.proposed()
        approval = b.approved(proposal)
        await deliver(notification, proposal, approval.model_copy(update={"approved_by": name}))
        assert await notification.pool.fetchval("SELECT count(*) FROM contacts WHERE audience = 'hub:'") == 0
        await notification.deliver(record_of(approval))
        assert await notification.pool.fetchval("SELECT count(*) FROM contacts WHERE audience = 'hub:'") == 1

    async def test_an_old_change_that_comes_again_does_not_come_back(self, staffed: Harness) -> None:
        newer = b.proposed(tuple(reversed(DUTY_CONTACTS)), number=2)
        await staffed.deliver(record_of(newer), record_of(b.approved(newer)))
        older = b.proposed()
        await deliver(staffed, older, b.approved(older), b.danger_reported())
        assert await staffed.pool.fetchval("SELECT count(*) FROM contacts WHERE audience = 'hub:'") == 1
        level = await staffed.pool.fetchval("SELECT ladder->0->>'email' FROM contacts WHERE audience = 'hub:'")
        assert level == SECOND


async def test_who_has_a_webhook_as_well_is_called_by_both_ways(
    staffed: Harness, mail: MailServer, endpoint: Endpoint, tmp_path: Path
) -> None:
    (tmp_path / "duty-hook").write_text("whsec_" + base64.b64encode(b"s" * 32).decode())
    both = Contact(email="both@hub.example", webhook_url=endpoint.url, webhook_secret="duty-hook")
    proposal = b.proposed((both, DUTY_CONTACTS[0]), number=3)
    await deliver(staffed, proposal)
    await staffed.deliver(record_of(b.approved(proposal)))
    await deliver(staffed, b.danger_reported())
    mail.on_rcpt = lambda _number: "550 no such mailbox"
    await deliver_email(staffed)
    await deliver_webhooks(staffed)
    (task, *_) = await tasks(staffed)
    bodies = [json.loads(request.body) for request in endpoint.requests]
    assert str(task["task_id"]) in [body["data"].get("task_id") for body in bodies]
    assert "Example Caseworker" not in json.dumps(bodies)


async def test_no_notice_of_a_task_holds_what_a_person_wrote(staffed: Harness, mail: MailServer) -> None:
    await deliver(staffed, b.received(danger=True), b.review_opened(danger=True), b.danger_reported("NL-9"))
    await let_pass(staffed, 11)
    await deliver_email(staffed)
    assert len(mail.raw) >= 4
    for raw in mail.raw:
        assert b"Example Caseworker" not in raw
        assert not re.search(rb"0100 ?496 ?0147", raw)
    rows = await staffed.pool.fetch("SELECT params FROM notices")
    assert "Caseworker" not in repr(rows)


async def test_whom_to_ring_back_is_forgotten(staffed: Harness) -> None:
    await deliver(staffed, b.received(danger=True), b.danger_reported("NL-9"))
    (task,) = await tasks(staffed)
    async with staffed.runtime.transaction() as (connection, _):
        await duty_store.take(connection, task["task_id"], "Example Officer", "p")
        await connection.execute("UPDATE callbacks SET at = at - interval '31 days'")
        await connection.execute("UPDATE duty_tasks SET taken_at = taken_at - interval '31 days'")
        await duty_store.forget_callbacks(connection, timedelta(days=30))
    assert await staffed.pool.fetchval("SELECT count(*) FROM callbacks") == 0
    assert (await tasks(staffed))[0]["callback"] is None


def test_every_kind_has_words_of_its_own_and_danger_says_now() -> None:
    assert set(WORDING) == set(Kind)
    for kind, wording in WORDING.items():
        assert ("NOW" in wording.what) == (kind.value.startswith("danger") and kind is not Kind.DANGER_NOTICE_FAILED)
    assert Duty(Kind.NO_FORCE, False).subject != Duty(Kind.NO_FORCE, False, partner_id="a").subject


async def test_of_many_tasks_those_of_danger_and_then_the_oldest_are_listed_first(notification: Harness) -> None:
    for number in range(7):
        await notification.pool.execute(
            "INSERT INTO duty_tasks (task_id, kind, subject, danger, codes, opened_at)"
            " VALUES (gen_random_uuid(), 'no_force', $1, $2, '{}', now() + $3::interval)",
            str(number),
            number % 3 == 0,
            timedelta(minutes=number),
        )
    shown = await duty_store.waiting(notification.pool, 5)
    assert [task.danger for task in shown] == [True, True, True, False, False]
    assert [task.opened_at for task in shown[3:]] == sorted(task.opened_at for task in shown[3:])
    assert (await duty_store.measure(notification.pool))[0] == 7


@given(
    unseen=st.lists(st.sampled_from("\u200b\u200d\u2060\ufeff\u00ad\u2063\ufe0f\U000e0020\u3164"), max_size=4),
    at=st.integers(0, 12),
)
@example(unseen=["\u200b"], at=2)
def test_what_does_not_show_makes_nobody_another_person(unseen: list[str], at: int) -> None:
    name = "Alice Okafor"
    written = f" {name[:at]}{''.join(unseen)}{name[at:].upper()} "
    assert hub.same_person(name, written)
    assert hub.name_of(f"{name[:at]}{''.join(unseen)}{name[at:]}") == name
    assert not hub.same_person(name, written + "s")
