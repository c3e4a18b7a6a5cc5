"""The sandbox on a running hub: every outcome is read by HTTP and webhook, and no other service knows of the referral."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql
from standardwebhooks.webhooks import Webhook

from conduit_contracts.kits.http import HttpKit, RefusedError, SandboxOutcome, Story
from conduit_contracts.notification import ReferralState
from conduit_contracts.programme import Contact
from conduit_contracts.topic import PROGRAMME
from conduit_local.demo import registers
from conduit_local.stack import Stack
from conduit_operate.carry_out import keep_webhook_secret
from conduit_operate.register import read_registers
from services.notification.tests.receivers import Endpoint
from tests.kits.samples import fields, information
from tests.kits.test_http_kit import settings

SECONDS = 60
PARTNER = "northlight"
TABLES = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = 'public' AND column_name = 'referral_id' AND table_name NOT IN ('sandbox_referrals', 'notices')
"""


async def until(kit: HttpKit, referral_id: uuid.UUID, holds: Callable[[Story], bool]) -> Story:
    """Where the referral stands, once it stands so."""
    story = await kit.standing(referral_id)
    async with asyncio.timeout(SECONDS):
        while not holds(story):
            await asyncio.sleep(0.2)
            story = await kit.standing(referral_id)
    return story


def facts(story: Story) -> list[tuple[str, str]]:
    return [(each.fact, each.state.value) for each in story.updates]


def known_elsewhere(stack: Stack, referral_id: uuid.UUID) -> list[str]:
    """Tables of live referrals and cases that hold this id."""
    found = []
    for service, dsn in stack.dsns.items():
        with psycopg.connect(dsn) as connection:
            tables = [name for (name,) in connection.execute(TABLES)]
            assert tables or service == PROGRAMME, "the programme knows of no referral"
            for table in tables:
                query = sql.SQL("SELECT count(*) FROM public.{} WHERE referral_id = %s").format(sql.Identifier(table))
                (count,) = connection.execute(query, [referral_id]).fetchone() or (0,)
                found += [f"{service}.{table}"] if count else []
    return found


@pytest.fixture(scope="module")
def contact(stack: Stack) -> Callable[[str], str]:
    """Puts an endpoint for the sandbox into the register; returns the secret that signs what it gets."""

    def register(url: str) -> str:
        made = Contact(webhook_url=url, webhook_secret=f"{PARTNER}.sandbox")
        secret = keep_webhook_secret(stack.state_dir, made)
        assert secret is not None
        entry = read_registers(stack.broker).partners[PARTNER]
        registers.order(stack.broker, [entry.model_copy(update={"sandbox_contact": made})])
        return secret.read_text()

    return register


async def test_every_outcome_is_read_as_it_would_be_live_and_nobody_else_knows(
    stack: Stack, contact: Callable[[str], str]
) -> None:
    async with Endpoint() as endpoint, HttpKit(PARTNER, settings(stack, f"{PARTNER}.sandbox")) as kit:
        secret = await asyncio.to_thread(contact, endpoint.url)
        reference, other = f"SB-{uuid.uuid4().hex[:8]}", f"SB-{uuid.uuid4().hex[:8]}"
        tried = (await kit.submit(kit.referral(reference, **fields()))).referral_id
        await until(kit, tried, lambda story: story.revision == 1)
        asked = await kit.sandbox_outcome(tried, SandboxOutcome.INFORMATION_REQUESTED)
        assert asked.facts == ("review_opened", "information_requested")
        story = await until(kit, tried, lambda story: story.state is ReferralState.INFORMATION_REQUESTED)
        assert (story.updates[-1].comment or "").startswith("This is the sandbox")
        await kit.supply(tried, kit.supplement(reference, **information()))
        await until(kit, tried, lambda story: story.state is ReferralState.UNDER_REVIEW)
        await kit.sandbox_outcome(tried, SandboxOutcome.ACCEPTED)
        await kit.sandbox_outcome(tried, SandboxOutcome.HANDED_OVER)
        story = await until(kit, tried, lambda story: story.state is ReferralState.HANDED_OVER)
        force_facts = [each for each in facts(story) if each[0].startswith("handoff_")]
        assert [each for each in facts(story) if each not in force_facts] == [
            ("referral_received", "received"),
            ("review_opened", "under_review"),
            ("information_requested", "information_requested"),
            ("information_supplied", "under_review"),
            ("referral_accepted", "accepted"),
            ("case_routed", "with_forces"),
            ("case_handed_over", "handed_over"),
        ]
        assert {fact for fact, _ in force_facts} == {"handoff_received", "handoff_acknowledged"}
        assert [each.revision for each in story.updates] == list(range(1, len(story.updates) + 1))

        declined = (await kit.submit(kit.referral(other, **fields()))).referral_id
        await kit.sandbox_outcome(declined, SandboxOutcome.DECLINED, reason="duplicate")
        await kit.sandbox_outcome(declined, SandboxOutcome.REFUSED)
        story = await until(kit, declined, lambda story: story.state is ReferralState.DECLINED)
        assert (story.updates[-1].reason, "add what is new" in (story.updates[-1].next_step or "")) == ("duplicate", True)
        with pytest.raises(RefusedError) as refused:
            await kit.sandbox_outcome(declined, SandboxOutcome.ACCEPTED)
        assert refused.value.code == "outcome_not_possible"

        expected = {
            *("partner.referral_received", "partner.information_requested", "partner.referral_accepted"),
            *("partner.case_handed_over", "partner.referral_declined", "partner.submission_rejected"),
        }
        bodies: list[dict[str, Any]] = []
        async with asyncio.timeout(SECONDS):
            while {each["type"] for each in bodies} != expected:
                await asyncio.sleep(0.2)
                bodies = [Webhook(secret).verify(each.body, each.headers) for each in endpoint.requests]
        assert all(each["data"]["sandbox"] is True for each in bodies)
        assert {known for each in (tried, declined) for known in known_elsewhere(stack, each)} == set()


async def test_a_live_client_may_not_ask_for_an_outcome(stack: Stack) -> None:
    async with HttpKit(PARTNER, settings(stack, PARTNER)) as kit:
        live = await kit.submit(kit.referral(f"SB-{uuid.uuid4().hex[:8]}", **fields()))
        with pytest.raises(RefusedError) as refused:
            await kit.sandbox_outcome(live.referral_id, SandboxOutcome.ACCEPTED)
    assert (refused.value.status, refused.value.code) == (403, "sandbox_only")
