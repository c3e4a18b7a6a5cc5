"""An officer is who they are: what the console has signed is taken, and nothing else that lies on the officers' topics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import RemovePerson, RightsRevoked
from conduit_contracts.signature import HEADER
from conduit_contracts.triage import DecideReview, DeclineReason, ReviewOutcome
from conduit_local.demo import registers
from conduit_local.demo.observations import Seen
from conduit_local.demo.observer import Observer
from conduit_local.demo.post import Post
from conduit_local.demo.records import Headers, Wire, partner_record
from conduit_local.demo.samples import force_register, load_partners, load_samples
from conduit_local.demo.seeding import seed_people
from conduit_local.local_officers import ISSUER, registered, signer_token_path
from conduit_local.stack import Stack
from conduit_operate.lag import Lag
from conduit_operate.people import place_people

pytestmark = pytest.mark.kafka

BELOW_EVERY_THRESHOLD = "008"
OFFICER = "a.okafor"
SECONDS = 60.0
TOPIC = topics.TRIAGE_REVIEWS.name()


class World:
    """A stack with one referral under review, and somebody who may write to Kafka as the officers' tool."""

    def __init__(self, stack: Stack, post: Post, observer: Observer) -> None:
        self.stack, self.post, self.observer = stack, post, observer
        self.referral_id = uuid7()

    async def until(self, found: Callable[[Seen], bool]) -> Seen:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for seen in await self.observer.poll():
                if found(seen):
                    return seen
        raise AssertionError("it was not seen")

    async def send(self, headers: Headers, value: bytes) -> None:
        await (await self.post.send(Wire(TOPIC, str(self.referral_id).encode(), headers, value)))

    async def became(self, event_id: str) -> str:
        """What triage said of this command."""
        seen = await self.until(
            lambda each: (
                each.on == "triage.decisions"
                and (each.value.get("command_id") == event_id or each.name in {"referral_declined", "information_requested"})
            )
        )
        return str(seen.value["problems"][0]["code"]) if seen.name == "command_refused" else seen.name

    def decision(self, outcome: ReviewOutcome = ReviewOutcome.DECLINE) -> tuple[DecideReview, Attributes]:
        reason = DeclineReason.NOT_COMPLEX if outcome is ReviewOutcome.DECLINE else None
        command = DecideReview(
            referral_id=self.referral_id,
            officer_id=OFFICER,
            outcome=outcome,
            decline_reason=reason,
            comment="Synthetic: one household.",
            seen_version=1,
        )
        return command, Attributes(str(uuid7()), "/console", command.type, datetime.now(UTC), str(self.referral_id))

    async def ask(self, command: DecideReview, attributes: Attributes) -> httpx.Response:
        """The console asks the signer."""
        _, value = encode(command, attributes)
        body: dict[str, Any] = {"topic": TOPIC, "ce_id": attributes.id, "ce_type": attributes.type, "value": value.decode()}
        body |= {"ce_source": attributes.source, "iss": ISSUER, "sub": OFFICER, "acr": "mfa"}
        body["auth_time"] = int(time.time()) - 30
        token = signer_token_path(self.stack.state_dir).read_text().strip()
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            url = f"{self.stack.signer_url}/v1/signatures"
            return await client.post(url, json=body, headers={"Authorization": f"Bearer {token}"})

    async def signed(self, command: DecideReview, attributes: Attributes) -> tuple[Headers, bytes]:
        answer = await self.ask(command, attributes)
        assert answer.status_code == 200, answer.text
        headers, value = encode(command, attributes)
        return [*headers, (HEADER, answer.json()["signature"].encode())], value


@pytest.fixture(scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with Post(stack.broker) as post, Observer(stack.broker) as observer:
        await registers.publish(post, [*load_partners(), *force_register()])
        await asyncio.to_thread(registers.wait_until_known, Lag(stack.broker), lambda: None)
        made = World(stack, post, observer)
        sample = next(each for each in load_samples() if each.number == BELOW_EVERY_THRESHOLD)
        await (await post.send(partner_record(sample, 0, "SIGNED")))
        opened = await made.until(lambda seen: seen.name == "review_opened")
        made.referral_id = UUID(opened.value["referral_id"])
        yield made


async def ready(world: World, *, status: int) -> None:
    """Until the signer answers so: the register is known to it within a second."""
    deadline = time.monotonic() + SECONDS
    command, attributes = world.decision()
    while (found := (await world.ask(command, attributes)).status_code) != status:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.2)


async def test_who_can_write_to_the_topic_decides_nothing(world: World) -> None:
    command, attributes = world.decision()
    headers, value = encode(command, attributes)
    await world.send(headers, value)
    assert await world.became(attributes.id) == "signature_missing"


async def test_what_was_signed_for_one_command_is_good_for_no_other(world: World) -> None:
    await ready(world, status=200)
    question, asked = world.decision(ReviewOutcome.REQUEST_INFORMATION)
    headers, _ = await world.signed(question, asked)
    _, value = encode(world.decision()[0], asked)
    await world.send(headers, value)
    assert await world.became(asked.id) == "signature_claim_differs"


async def test_an_officer_who_left_after_signing_decides_nothing_and_gets_nothing_signed(world: World) -> None:
    await ready(world, status=200)
    command, attributes = world.decision()
    headers, value = await world.signed(command, attributes)
    person = registered(OFFICER)
    gone = RemovePerson(person_id=person.person_id, ordered_by="a test", reason="a test")
    revoked = [RightsRevoked(person_id=person.person_id, removed=True)]
    place_people(world.stack.broker, [gone], actor="a test", revoked=revoked)
    await ready(world, status=403)
    await asyncio.sleep(1)  # triage follows the register by itself
    await world.send(headers, value)
    assert await world.became(attributes.id) == "officer_not_registered"
    seed_people(world.stack.broker, [person], actor="a test")


async def test_what_an_officer_decided_on_the_console_takes_effect_once(world: World) -> None:
    await ready(world, status=200)
    command, attributes = world.decision()
    headers, value = await world.signed(command, attributes)
    for _ in range(3):
        await world.send(headers, value)
    assert await world.became(attributes.id) == "referral_declined"
    again, later = world.decision()
    headers, value = await world.signed(again, later)
    await world.send(headers, value)
    seen = await world.until(lambda each: each.value.get("command_id") in {attributes.id, later.id})
    assert (seen.name, seen.value["command_id"]) == ("command_ignored", later.id)
