"""Simulated connectors of all forces: what a force's own software does with its topics.

Each answers before it commits, so that a crash repeats an answer and never loses one, and knows an event by its id, so that
a case delivered twice is answered once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError
from pydantic import BaseModel

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, Event, decode_attributes, encode
from conduit_contracts.force import CaseAcknowledged, CaseDeclined, ReceiptConfirmed
from conduit_contracts.geography import forces
from conduit_contracts.ids import uuid7
from conduit_contracts.routing import CaseDisseminated, HandoffChased
from conduit_local.demo.cases import Behaviour
from conduit_local.demo.post import Post, Sent
from conduit_local.demo.records import Wire
from conduit_operate.access import user_of
from conduit_operate.broker import Broker

ANSWER_DELAY_SECONDS = 1.0
"""How long the team of a force that answers late takes."""
IDLE_MS = 5_000
"""How long a fetch waits for a first record. Most forces have none; all asking twice a second would keep a core busy."""
BehaviourOf = Callable[[str, str], Behaviour]
"""What a force does with a case, by the force and the partner's reference."""

_READS: Mapping[str, type[BaseModel]] = {model.type: model for model in (CaseDisseminated, HandoffChased)}


def answers(behaviour: Behaviour, message: BaseModel, force_id: str, silent: set[str]) -> Iterator[Event]:
    """What the force answers at once. `silent` holds the referrals that it has not answered yet."""
    if isinstance(message, CaseDisseminated):
        yield from _first_answers(behaviour, message, force_id, silent)
    elif isinstance(message, HandoffChased) and message.escalation_level and str(message.referral_id) in silent:
        silent.discard(str(message.referral_id))
        yield ReceiptConfirmed(force_id=force_id, referral_id=message.referral_id)
        yield acknowledgement(force_id, message.referral_id)


def _first_answers(behaviour: Behaviour, case: CaseDisseminated, force_id: str, silent: set[str]) -> Iterator[Event]:
    does, referral_id = behaviour.does, case.referral_id
    if does == "waits_for_escalation":
        silent.add(str(referral_id))
    if does in ("waits_for_escalation", "nothing"):
        return
    if does == "answers_for_another_first":
        another = next(other for other in forces() if other != force_id)
        yield ReceiptConfirmed(force_id=another, referral_id=referral_id, part=case.part)
    yield ReceiptConfirmed(force_id=force_id, referral_id=referral_id, part=case.part)
    if does == "declines":
        yield CaseDeclined(
            force_id=force_id,
            referral_id=referral_id,
            reason=behaviour.reason,
            comment="Synthetic: not in our area.",
            suggested_force=behaviour.suggests,
        )
    elif does in ("acknowledges", "answers_for_another_first"):
        yield acknowledgement(force_id, referral_id, case.part)


def acknowledgement(force_id: str, referral_id: Any, part: int | None = None) -> CaseAcknowledged:
    """A person in the safeguarding team takes the case, under a synthetic reference of the force's own."""
    reference = f"{force_id.upper()}/{str(referral_id)[-6:]}"
    return CaseAcknowledged(
        force_id=force_id,
        referral_id=referral_id,
        team="Safeguarding team (synthetic)",
        force_reference=reference,
        part=part,
    )


class Connectors:
    """`async with Connectors(...)`: answers until the block is left. Each force comes as itself, and sees its own topic."""

    def __init__(self, broker: Broker, post: Post, behaviour_of: BehaviourOf) -> None:
        self._post, self._behaviour_of = post, behaviour_of
        self._consumers = [_consumer(broker, force_id) for force_id in forces()]
        self._tasks: list[asyncio.Task[None]] = []
        self._answered: set[str] = set()
        self._silent: dict[str, set[str]] = {force_id: set() for force_id in forces()}
        self._later: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Connectors:
        await asyncio.gather(*(consumer.start() for consumer in self._consumers))
        self._tasks = [asyncio.create_task(self._run(consumer)) for consumer in self._consumers]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (*self._tasks, *self._later):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._later, return_exceptions=True)
        await asyncio.gather(*(consumer.stop() for consumer in self._consumers))

    def raise_if_failed(self) -> None:
        """Raise what ended the connectors, if anything did."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _run(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            batches = await consumer.getmany(timeout_ms=IDLE_MS, max_records=200)
            sent = [answer for records in batches.values() for record in records for answer in await self._answer(record)]
            await asyncio.gather(*sent)
            if batches:
                # Lost with the group or the broker, it is repeated by the next one; answers are known by their ids.
                with suppress(KafkaError):
                    await consumer.commit()

    async def _answer(self, record: ConsumerRecord[bytes, bytes]) -> list[Sent]:
        attributes = decode_attributes(record.headers)
        model = _READS.get(attributes.type)
        if model is None or attributes.id in self._answered:
            return []
        force_id = topics.FORCE_CASES.match(record.topic) or ""
        message = model.model_validate_json(record.value or b"", extra="ignore")
        behaviour = self._behaviour(force_id, message)
        sent = [await self._send(force_id, event) for event in answers(behaviour, message, force_id, self._silent[force_id])]
        if behaviour.does == "answers_late" and isinstance(message, CaseDisseminated):
            self._later.add(asyncio.create_task(self._acknowledge_late(force_id, message)))
        self._answered.add(attributes.id)
        return sent

    def _behaviour(self, force_id: str, message: BaseModel) -> Behaviour:
        if not isinstance(message, CaseDisseminated):
            return Behaviour()
        return self._behaviour_of(force_id, message.partner_reference)

    async def _acknowledge_late(self, force_id: str, case: CaseDisseminated) -> None:
        await asyncio.sleep(ANSWER_DELAY_SECONDS)
        await (await self._send(force_id, acknowledgement(force_id, case.referral_id, case.part)))

    async def _send(self, force_id: str, event: Event) -> Sent:
        """Sent in order; what it returns is to be awaited for the broker's word."""
        referral_id = str(event.model_dump()["referral_id"])
        attributes = Attributes(str(uuid7()), f"/forces/{force_id}", event.type, datetime.now(UTC), referral_id)
        headers, value = encode(event, attributes)
        topic = topics.FORCE_RESPONSES.name(force_id)
        return await self._post.send(Wire(topic, referral_id.encode(), headers, value))


def _consumer(broker: Broker, force_id: str) -> AIOKafkaConsumer:
    user = user_of(topics.FORCE, force_id)
    return AIOKafkaConsumer(
        topics.FORCE_CASES.name(force_id),
        **broker.aiokafka(user),
        group_id=f"{user}.connector",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=IDLE_MS,
        session_timeout_ms=10_000,
    )
