"""Finds a record by the ce_id that its writer gave it. No service keeps that, only the topic while it holds the record.

Headers alone are looked at, on the topics of the one partner or force that somebody names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import RFC_4122

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from conduit_chassis.trail import uuid_in
from conduit_contracts.topics import FORCE, FORCE_CASES, FORCE_RESPONSES, PARTNER, PARTNER_REFERRALS, PARTNER_UPDATES
from conduit_operate import offsets
from conduit_operate.broker import Broker
from conduit_operate.health import answering
from conduit_operate.onboarding import OnboardingError, UnknownError
from conduit_operate.secured import ADMIN

WRITTEN_BY = {PARTNER: PARTNER_REFERRALS, FORCE: FORCE_RESPONSES}
"""What the partner or force itself writes to: services know such a record by its place."""
WRITTEN_TO = {PARTNER: PARTNER_UPDATES, FORCE: FORCE_CASES}
"""What the hub writes to it: such a record names its referral."""
READ_SECONDS = 60.0
EARLIER = timedelta(hours=1)
"""How far the clock may be ahead that made an id with a time in it."""


def look_up(broker: Broker, kind: str, identity: str, ce_id: str, since: datetime) -> str | None:
    """What services know the record by which this partner or force gave this id, or was given it; None where there is none.

    Looked at is what was written since then, or since the id was made if it tells.

    Raises:
        UnknownError: there is no such partner or force here.
        OnboardingError: there is too much to look at.
        TimeoutError: Kafka does not answer.
    """
    admin = answering(broker)
    places = offsets.places_of(admin, [WRITTEN_BY[kind], WRITTEN_TO[kind]])
    names = {WRITTEN_BY[kind].name(identity), WRITTEN_TO[kind].name(identity)}
    if not (wanted := {place for place in places if place[0] in names}):
        raise UnknownError(f"there are no topics of {kind}.{identity}")
    begins = offsets.written_since(admin, wanted, max(since, made_at(ce_id) or since))
    consumer = Consumer({**broker.librdkafka(ADMIN), **_ALONE})
    try:
        consumer.assign([TopicPartition(*place, offset) for place, offset in begins.items()])
        found = _first(consumer, len(begins), lambda headers: headers.get("ce_id") == ce_id.encode())
    finally:
        consumer.close()
    if found is None:
        return None
    if found.topic() == WRITTEN_BY[kind].name(identity):
        return f"{found.topic()}/{found.partition()}/{found.offset()}"
    return _headers(found).get("ce_subject", b"").decode("utf-8", "replace") or None


def made_at(ce_id: str) -> datetime | None:
    """When an id was made, less what clocks may differ by. Of those with no time in them, None."""
    found = uuid_in(ce_id)
    if found is None or found.variant != RFC_4122 or found.version != 7:
        return None
    return datetime.fromtimestamp((found.int >> 80) / 1000, UTC) - EARLIER


_ALONE = {
    "group.id": "conduit.trace",  # never joined, but a consumer is not made without one
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "log_level": 0,
}


def _first(consumer: Consumer, partitions: int, wanted: Callable[[Mapping[str, bytes]], bool]) -> Message | None:
    # A partition that grows meanwhile ends again and again.
    until, ended = monotonic() + READ_SECONDS, set[tuple[str | None, int | None]]()
    while len(ended) < partitions:
        if monotonic() > until:
            raise OnboardingError(f"there is more than can be looked at in {READ_SECONDS:.0f} s; give fewer --days")
        message = consumer.poll(0.2)
        if message is None:
            continue
        error = message.error()
        if error is None:
            if wanted(_headers(message)):
                return message
        elif error.code() == KafkaError._PARTITION_EOF:
            ended.add((message.topic(), message.partition()))
        else:
            raise KafkaException(error)
    return None


def _headers(message: Message) -> dict[str, bytes]:
    found: Any = message.headers() or []
    return {name: value for name, value in found if isinstance(value, bytes)}
