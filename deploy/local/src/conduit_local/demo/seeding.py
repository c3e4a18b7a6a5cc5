"""Writes entries on the registers of partners and forces as the programme's service would, before it runs.

For samples on a machine of one's own: what refers at once needs partners that are known at once. The service takes over what
it finds there, as it does what an earlier release wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from confluent_kafka import KafkaError, Producer

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import ACTOR_HEADER
from conduit_contracts.registering import RegisterEntry, subject_of
from conduit_operate.access import service_principal
from conduit_operate.broker import Broker
from conduit_operate.register import SECONDS, RegisterError


def seed(broker: Broker, entries: Iterable[RegisterEntry], *, actor: str) -> None:
    """Returns once all of them are on their topics. Raises RegisterError where one is not."""
    producer = Producer({**broker.librdkafka(service_principal(topics.PROGRAMME)), "acks": "all", "log_level": 0})
    failures: list[KafkaError] = []
    for entry in entries:
        subject = subject_of(entry)
        headers, value = encode(entry, Attributes(str(uuid7()), "/programme", entry.type, datetime.now(UTC)))
        producer.produce(
            topics.REGISTER_OF[subject.kind].name(),
            value,
            subject.identity,
            headers=[*headers, (ACTOR_HEADER, actor.encode())],
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
    if producer.flush(SECONDS) or failures:
        raise RegisterError(f"the register was not written: {failures[0].str() if failures else 'the broker is silent'}")
