"""What a partner tries in the sandbox is told as of a real referral, and touches nothing that is real."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from standardwebhooks.webhooks import Webhook

from conduit_chassis.periodic import run_tick
from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.danger import call_999
from conduit_contracts.ids import uuid7
from conduit_contracts.intake import SandboxStep, SandboxStepPlayed, SandboxSubmissionRejected
from conduit_contracts.notification import Channel, SandboxStatusUpdated
from conduit_contracts.problems import sender_problem
from conduit_contracts.programme import Contact, PartnerRegistered
from conduit_notification import queue, sandbox
from conduit_notification.app import read_policy
from services.notification.tests import builders as b
from services.notification.tests.builders import HOME, PARTNER, REFERENCE, REFERRAL
from services.notification.tests.drive import deliver_email, deliver_webhooks, notices, settings_of
from services.notification.tests.receivers import Endpoint, MailServer
from services.notification.tests.test_delivery import SECRET, deliver

LIVE = Contact(email="team@example-haven.example", webhook_url="http://127.0.0.1:9/live", webhook_secret="example-haven")
UNTOUCHED = ("referrals", "history", "duty_tasks", "callbacks")
COLUMNS = """
SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position
"""


def registered(contact: Contact | None) -> PartnerRegistered:
    return b.partner_registered(LIVE).model_copy(update={"sandbox_contact": contact})


def step(step: SandboxStep, **says: Any) -> SandboxStepPlayed:
    return SandboxStepPlayed(referral_id=REFERRAL, partner_id=PARTNER, partner_reference=REFERENCE, step=step, **says)


def rejected() -> SandboxSubmissionRejected:
    problems = (call_999(), sender_problem("field_missing", "referral.urgency"))
    return SandboxSubmissionRejected(
        partner_id=PARTNER, partner_reference=REFERENCE, submission_id=f"http/{uuid7()}", problems=problems
    )


IN_DANGER = (
    step(SandboxStep.REFERRAL_RECEIVED, immediate_danger=True),
    step(SandboxStep.IMMEDIATE_DANGER_RAISED, immediate_danger=True),
    step(SandboxStep.REVIEW_OPENED, reason="immediate_danger", immediate_danger=True),
    step(SandboxStep.REFERRAL_ACCEPTED),
    step(SandboxStep.ROUTING_REVIEW_OPENED, reason="no_force", immediate_danger=True),
    step(SandboxStep.HOME_FORCE_NAMED, home_force=HOME),
    step(SandboxStep.CASE_ROUTED, home_force=HOME, forces=(HOME,), added=(HOME,), immediate_danger=True),
    step(SandboxStep.HANDOFF_RECEIVED, force_id=HOME),
    step(SandboxStep.HANDOFF_ACKNOWLEDGED, force_id=HOME),
    step(SandboxStep.CASE_HANDED_OVER, home_force=HOME),
)
"""All that calls somebody, of a real referral."""


def figures() -> dict[str, float]:
    """Every number that notification counts and somebody may read."""
    found = {}
    for metric in REGISTRY.collect():
        if metric.name.startswith("conduit_notification_"):
            for sample in metric.samples:
                if not sample.name.endswith("_created") and "attempt" not in sample.name:
                    found[f"{sample.name}{sample.labels}"] = sample.value
    return found


@pytest.fixture
def real_time(clock: ManualClock) -> None:
    """Receivers refuse a signature that is older than five minutes by the machine's clock."""
    clock.advance(datetime.now(UTC) - clock.now())


@pytest.fixture
def secret(tmp_path: Path) -> str:
    (tmp_path / "example-haven-sandbox").write_text(SECRET + "\n", encoding="ascii")
    return SECRET


def hook(endpoint: Endpoint, **more: Any) -> Contact:
    return Contact(webhook_url=endpoint.url, webhook_secret="example-haven-sandbox", **more)


async def test_nobody_is_called_nothing_is_counted_and_no_case_is_known(notification: Harness, mail: MailServer) -> None:
    force = Contact(email="team@force.example")
    await deliver(notification, registered(None), b.force_registered(force, force))
    before = figures()
    await deliver(notification, *IN_DANGER, rejected())
    await deliver_email(notification)
    assert {each.topic for each in await notification.published()} == {"notification.sandbox.v1"}
    for table in UNTOUCHED:
        assert await notification.pool.fetchval(f"SELECT count(*) FROM {table}") == 0, table  # noqa: S608 - constants
    assert (await notices(notification), mail.recipients, figures()) == ([], [], before)


async def test_an_update_of_the_sandbox_is_the_one_that_a_real_referral_has(notification: Harness) -> None:
    await deliver(notification, *IN_DANGER)
    tried = [each.message for each in await notification.published()]
    assert all(isinstance(each, SandboxStatusUpdated) for each in tried)
    assert [each.update.revision for each in tried] == list(range(1, len(IN_DANGER) + 1))
    assert (tried[0].update.next_step, tried[-1].update.state) == (
        read_policy(settings_of(notification)).danger_next_step,
        "handed_over",
    )
    assert await notification.pool.fetchval("SELECT state FROM sandbox_referrals") == "handed_over"


@pytest.mark.parametrize("reason", ["not_complex", "outside_mou"])
async def test_what_can_be_done_after_a_decline_is_said_in_triages_own_words(notification: Harness, reason: str) -> None:
    await deliver(notification, step(SandboxStep.REFERRAL_DECLINED, reason=reason, reconsideration_open=True))
    (told,) = [each.message.update for each in await notification.published()]
    words = read_policy(settings_of(notification)).decline_steps[reason]  # type: ignore[index]  # a term is its text
    assert told.next_step.startswith(words)
    assert told.next_step != words


async def test_a_webhook_of_the_sandbox_is_signed_and_says_what_it_is(
    notification: Harness, endpoint: Endpoint, secret: str, real_time: None
) -> None:
    await deliver(notification, registered(hook(endpoint)), *IN_DANGER, rejected())
    await deliver_webhooks(notification)
    bodies = [Webhook(secret).verify(each.body, each.headers) for each in endpoint.requests]
    assert {each["type"] for each in bodies} == {
        *("partner.immediate_danger", "partner.referral_accepted", "partner.no_force_yet", "partner.case_handed_over"),
        "partner.danger_rejected",
    }
    assert all(each["data"]["sandbox"] is True for each in bodies)
    assert not any(row["urgent"] for row in await notices(notification))


async def test_a_mail_of_the_sandbox_cannot_be_taken_for_a_real_one(notification: Harness, mail: MailServer) -> None:
    await deliver(notification, registered(Contact(email="developers@example-haven.example")), *IN_DANGER)
    await deliver_email(notification)
    assert set(mail.recipients) == {"developers@example-haven.example"}
    for message in mail.messages:
        assert message["Subject"].startswith("SANDBOX, not a real case: ")
        assert message.get_content().startswith(
            "THIS IS THE SANDBOX. This message is not about a real case or a real child:"
        )
    assert any("999" in message.get_content() for message in mail.messages)


async def test_who_has_no_sandbox_contact_gets_nothing_not_even_at_the_live_one(notification: Harness) -> None:
    await deliver(notification, step(SandboxStep.REFERRAL_RECEIVED))  # before the register is read
    await deliver(notification, registered(None))
    await deliver(notification, step(SandboxStep.REFERRAL_ACCEPTED))
    assert await notices(notification) == []


async def test_a_sandbox_contact_that_left_the_register_is_written_to_no_more(
    notification: Harness, mail: MailServer
) -> None:
    await deliver(notification, registered(Contact(email="developers@example-haven.example")))
    await deliver(notification, registered(None))
    await deliver(notification, step(SandboxStep.REFERRAL_RECEIVED))
    assert await notices(notification) == []


async def test_a_sandbox_endpoint_that_is_gone_or_away_is_no_business_of_the_hubs(
    notification: Harness, endpoint: Endpoint, secret: str
) -> None:
    endpoint.on_request = lambda number: (410 if number == 1 else 500, [], b"")
    before = figures()
    await deliver(notification, registered(hook(endpoint)), *IN_DANGER)
    await deliver_webhooks(notification)
    states = [(row["audience"], row["state"]) for row in await notices(notification)]
    assert {audience for audience, _ in states} == {f"partner:{PARTNER}--sandbox"}
    assert {state for _, state in states} == {"failed", "queued"}
    assert (await queue.measure(notification.pool))[Channel.WEBHOOK] == (0, 0.0)
    assert {each.topic for each in await notification.published()} == {"notification.sandbox.v1"}
    assert figures() == before


async def test_the_same_referral_id_live_and_in_the_sandbox_would_be_two_referrals(notification: Harness) -> None:
    """Ids are never the same; if one were, the real referral would not move."""
    await deliver(notification, b.received(), step(SandboxStep.REFERRAL_RECEIVED), step(SandboxStep.REFERRAL_ACCEPTED))
    real = await notification.pool.fetchrow("SELECT state, revision FROM referrals")
    tried = await notification.pool.fetchrow("SELECT state, revision FROM sandbox_referrals")
    assert (tuple(real), tuple(tried)) == (("received", 1), ("accepted", 2))


async def test_the_sandboxs_table_is_as_its_twin(notification: Harness) -> None:
    found = [
        [tuple(row) for row in await notification.pool.fetch(COLUMNS, table)] for table in ("referrals", "sandbox_referrals")
    ]
    assert found[0] == found[1] != []


async def test_what_was_tried_is_forgotten_when_the_sandbox_forgets_it(notification: Harness, clock: ManualClock) -> None:
    old, young = uuid7(clock.now()), uuid7(clock.now() + timedelta(days=29))
    real = b.received()
    received = [step(SandboxStep.REFERRAL_RECEIVED).model_copy(update={"referral_id": each}) for each in (old, young)]
    await deliver(notification, real, *received)
    tick = next(each for each in notification.runtime.service.ticks if each.name == "forget_sandbox")
    left = "SELECT count(*) FROM sandbox_referrals"
    for days, expected in ((30, 2), (1, 1), (28, 1), (1, 0)):
        clock.advance(timedelta(days=days))
        await run_tick(notification.runtime, tick)
        assert await notification.pool.fetchval(left) == expected
    assert await notification.pool.fetchval("SELECT count(*) FROM referrals") == 1


def test_every_step_is_a_fact_of_real_referrals() -> None:
    assert set(sandbox._TYPES) == set(sandbox._MADE) == set(SandboxStep)
