"""A partner's and a force's topics on the run's Kafka, written to and read from the hub's side."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, Message, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.kits import KafkaSettings
from conduit_contracts.routing import CaseDisseminated
from conduit_operate.topics import create_topics
from contracts.tests.support import examples

CASE = examples()[CaseDisseminated.type]


class Record(NamedTuple):
    """As it lies on the topic."""

    key: str
    headers: dict[str, str]
    value: dict[str, Any]

    @property
    def event_id(self) -> str:
        return self.headers["ce_id"]

    @property
    def type(self) -> str:
        return self.headers["ce_type"]


class Raw(NamedTuple):
    """As it is written."""

    key: bytes
    headers: Sequence[tuple[str, bytes]]
    value: bytes


@dataclass(frozen=True)
class Hub:
    """The hub's side of one partner's and one force's topics."""

    bootstrap_servers: str
    partner_id: str
    force_id: str

    @property
    def settings(self) -> KafkaSettings:
        return KafkaSettings(self.bootstrap_servers)

    def put(self, topic: str, headers: Sequence[tuple[str, bytes]], value: bytes, key: str = "key") -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap_servers, "acks": "all", "log_level": 0})
        producer.produce(topic, value, key=key, headers=list(headers))
        assert producer.flush(20) == 0

    def tell(self, topic: topics.Topic, message: Message, event_id: str | None = None) -> str:
        """Say it on the partner's or force's own topic; returns the event id."""
        name = topic.name(self.force_id if topic.parameter == "force_id" else self.partner_id)
        attributes = Attributes(event_id or str(uuid7()), "/conduit/test", message.type, datetime.now(UTC))
        self.put(name, *encode(message, attributes))
        return attributes.id

    def record(self, message: Message) -> Raw:
        """As `tell` writes it, for a test that writes it in its own way."""
        attributes = Attributes(str(uuid7()), "/conduit/test", message.type, datetime.now(UTC))
        headers, value = encode(message, attributes)
        return Raw(b"key", headers, value)

    def case(self, **changes: Any) -> CaseDisseminated:
        body = {**CASE.value, "force_id": self.force_id, "referral_id": str(uuid7()), **changes}
        return CaseDisseminated.model_validate_json(json.dumps(body))

    def responses(self) -> list[Record]:
        return self.records(topics.FORCE_RESPONSES.name(self.force_id), 1)

    def referrals(self) -> list[Record]:
        return self.records(topics.PARTNER_REFERRALS.name(self.partner_id), topics.PARTNER_REFERRALS.partitions)

    def records(self, topic: str, partitions: int) -> list[Record]:
        """All that lies there now, in order."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": str(uuid.uuid4()), "log_level": 0})
        found: list[Record] = []
        for partition in range(partitions):
            end = _end(consumer, TopicPartition(topic, partition))
            consumer.assign([TopicPartition(topic, partition, 0)])
            while end:
                raw = consumer.poll(10)
                assert raw is not None
                assert raw.error() is None
                given: Any = raw.headers() or ()  # its stubs also allow for what is only ever sent
                headers = {name: value.decode() for name, value in given}
                found.append(Record((raw.key() or b"").decode(), headers, json.loads(raw.value() or b"null")))
                if (raw.offset() or 0) + 1 >= end:
                    break
        consumer.close()
        return found


def _end(consumer: Consumer, partition: TopicPartition) -> int:
    """A topic that was just made may answer once that it has no leader."""
    for _ in range(20):
        with suppress(KafkaException):
            _, end = consumer.get_watermark_offsets(partition, timeout=10)
            return end
        time.sleep(0.1)
    raise TimeoutError(f"{partition.topic} has no leader")


def new_hub(bootstrap_servers: str) -> Hub:
    """With a partner and a force of its own, so that tests do not see each other."""
    suffix = f"k{uuid.uuid4().hex[:10]}"
    hub = Hub(bootstrap_servers, f"partner-{suffix}", f"force-{suffix}")
    specs = topics.specs((hub.partner_id,), (hub.force_id,))
    create_topics(bootstrap_servers, [spec for spec in specs if suffix in spec.name])
    return hub
