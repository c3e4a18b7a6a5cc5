"""Single referrals of one partner on a running stack, and what has become of them."""

from __future__ import annotations

import psycopg
from confluent_kafka import Message, Producer
from psycopg import sql

from conduit_contracts.topics import PARTNER_REFERRALS
from conduit_local.demo.records import Wire, partner_record
from conduit_local.demo.samples import load_samples
from conduit_local.observability.api import until
from tests.monitoring.watched import Watched

PARTNER = "northlight"
SEEN_SECONDS = 60.0


def referral(reference: str, number: str = "001") -> Wire:
    """A valid one of the partner's, as the sample of this number has it."""
    (sample,) = [each for each in load_samples() if each.number == number]
    made = partner_record(sample, 0, "RUN")
    assert made.value is not None
    own = made.value.replace(sample.reference("RUN").encode(), reference.encode())
    return Wire(PARTNER_REFERRALS.name(PARTNER), reference.encode(), made.headers, own)


def send(watched: Watched, wire: Wire, *, compression: str = "none") -> None:
    """As the partner, at once and confirmed."""
    options = {"compression.type": compression, "log_level": 0}
    produce(Producer({**watched.stack.broker.librdkafka(f"partner.{PARTNER}"), **options}), wire)


def produce(producer: Producer, wire: Wire) -> Message:
    """As whoever the producer is; returns what the broker says of it."""
    sent: list[Message] = []

    def note(error: object, message: Message) -> None:
        assert error is None, error
        sent.append(message)

    producer.produce(wire.topic, wire.value, key=wire.key, headers=list(wire.headers), on_delivery=note)
    assert producer.flush(SEEN_SECONDS) == 0
    return sent[0]


def referral_id(watched: Watched, reference: str) -> str:
    """What intake calls it, once it has it."""
    found: list[str] = []

    def known() -> bool:
        found[:] = _ids(watched, "intake", "referrals", reference)
        return bool(found)

    until(known, f"intake does not take {reference}", SEEN_SECONDS)
    return found[0]


def assessed(watched: Watched, reference: str) -> bool:
    """Whether triage has it."""
    return bool(_ids(watched, "triage", "assessments", reference))


def _ids(watched: Watched, service: str, table: str, reference: str) -> list[str]:
    query = sql.SQL("SELECT referral_id::text FROM {} WHERE partner_reference = %s").format(sql.Identifier(table))
    with psycopg.connect(watched.stack.dsns[service]) as connection:
        return [row[0] for row in connection.execute(query, [reference])]
