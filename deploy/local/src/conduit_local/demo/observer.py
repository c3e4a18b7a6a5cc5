"""Reads every topic of the conduit from now on, as values that the fold can take."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from conduit_contracts import topics
from conduit_contracts.envelope import short_name
from conduit_local.demo.observations import Seen
from conduit_operate.broker import Broker
from conduit_operate.secured import ADMIN

_AGAIN = [topics.snapshot_topic(service) for service in topics.keepers()]
"""What services publish once more is nothing new."""
ALL_TOPICS = "|".join(topic.pattern for topic in (*topics.REGISTRY, *topics.standing_apart()) if topic not in _AGAIN)

ENOUGH_BYTES = 512 * 1024
"""For a fetch to be answered before its time. A fetch names every partition, of which there are hundreds: one for each
record that comes would take more of the machine than the services that are watched."""


class Observer:
    """`async with Observer(...)`; `poll` gives what came since. It reads topics that exist when it starts."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._consumer = AIOKafkaConsumer(
            **broker.aiokafka(ADMIN),
            group_id=None,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_min_bytes=ENOUGH_BYTES,
            fetch_max_wait_ms=200,
        )

    async def __aenter__(self) -> Observer:
        """Returns once nothing that is written from now on can be missed."""
        found = await asyncio.to_thread(self._broker.admin().list_topics, timeout=30)
        # Not by a pattern: a broker that has just restarted names fewer topics, which would change what is assigned.
        self._consumer.assign(
            [
                TopicPartition(name, number)
                for name, topic in found.topics.items()
                if re.match(ALL_TOPICS, name)
                for number in topic.partitions
            ]
        )
        await self._consumer.start()
        await self._consumer.seek_to_end()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def poll(self) -> list[Seen]:
        """What came within the next moment, in order within each topic's partitions."""
        batches = await self._consumer.getmany(timeout_ms=100)
        return [seen_of(record) for records in batches.values() for record in records]


def position(topic: str, partition: int, offset: int) -> str:
    """Where a record lies, as intake calls a submission that has no other name."""
    return f"{topic}/{partition}/{offset}"


def seen_of(record: ConsumerRecord[bytes, bytes]) -> Seen:
    """A record as the fold takes it, whatever it holds."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
    place = position(record.topic, record.partition, record.offset)
    return Seen(
        topic=record.topic,
        principal=next((found for topic in topics.REGISTRY if (found := topic.match(record.topic))), ""),
        name=short_name(headers.get("ce_type", "")),
        event_id=headers.get("ce_id") or place,
        at=record.timestamp / 1000,
        value=_value(record, headers, place),
        text=(record.value or b"").decode(errors="replace"),
        headers=headers,
    )


def _value(record: ConsumerRecord[bytes, bytes], headers: Mapping[str, str], place: str) -> Mapping[str, Any]:
    if "conduit-topic" in headers:
        return _whose(headers["conduit-topic"], (record.key or b"").decode(errors="replace"))
    try:
        value = json.loads(record.value or b"{}")
    except ValueError:
        value = {}
    content = value if isinstance(value, dict) else {}
    return {"submission_id": place, **content} if topics.PARTNER_REFERRALS.match(record.topic) else content


def _whose(topic: str, key: str) -> Mapping[str, Any]:
    """A dead letter's value is packed; its key says whose it is."""
    partner_id = topics.PARTNER_REFERRALS.match(topic)
    return {"partner_id": partner_id, "partner_reference": key} if partner_id else {"referral_id": key}
