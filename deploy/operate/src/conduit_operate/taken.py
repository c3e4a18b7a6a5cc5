"""What is read of Kafka to take in again what intake's database has lost: its own record of what it took, on
`intake.referrals.v1`, and what partners sent that intake will read once more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from conduit_chassis.records import Record
from conduit_contracts.envelope import Event, decode
from conduit_contracts.intake import SubmissionRejected
from conduit_contracts.topics import INTAKE_REFERRALS, PARTNER_REFERRALS
from conduit_intake.readmission import TAKEN, SentAgain, TakenEvent
from conduit_operate import groups, offsets
from conduit_operate.broker import Broker
from conduit_operate.health import answering, must_answer
from conduit_operate.leaders import offsets_at
from conduit_operate.onboarding import OnboardingError
from conduit_operate.secured import ADMIN

SECONDS = 30.0
INTAKE = "intake"
_ID, _TYPE = "ce_id", "ce_type"
_ANSWERS: Mapping[str, type[Event]] = {**TAKEN, SubmissionRejected.type: SubmissionRejected}


class Lost(NamedTuple):
    """What intake published and its history does not know, in each referral's order."""

    taken: list[TakenEvent]
    refused: list[SubmissionRejected]
    """Nothing was kept of these but that they were answered."""

    def without(self, known: Collection[str]) -> Lost:
        """The rest, once the events with these ids are found to be known."""
        return self._replace(taken=[each for each in self.taken if each.event_id not in known])


def lacking(broker: Broker, since: datetime, known: Collection[str]) -> Lost:
    """All that intake answered since then and that is not among the known ids.

    Raises:
        OnboardingError: the topic cannot be read to where it ends now.
    """
    lost, met = Lost([], []), set(known)
    with _consumer(broker) as consumer:
        name, moment = INTAKE_REFERRALS.name(), int(since.timestamp() * 1000)
        found = consumer.list_topics(name, timeout=SECONDS).topics[name].partitions
        begins = offsets_at(consumer, [TopicPartition(name, number, moment) for number in found])
        for message in _read(consumer, begins):  # where nothing is so young, it begins at the end
            _sort(message, met, lost)
    return lost


def sent_again(broker: Broker) -> SentAgain:
    """What partners sent and intake reads next: all that stands behind its group's offsets."""
    admin, found = answering(broker), SentAgain()
    places = offsets.places_of(admin, [PARTNER_REFERRALS])
    read, begins = groups.committed(broker, INTAKE)[INTAKE], offsets.begins(admin, places)
    with _consumer(broker) as consumer:
        wanted = [TopicPartition(*place, max(read.get(place, 0), begins[place])) for place in sorted(places)]
        for message in _read(consumer, wanted):
            found.add(_record(message))
    return found


@contextmanager
def _consumer(broker: Broker) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            **broker.librdkafka(ADMIN),
            "group.id": "operator.taken",  # never joined, but a consumer is not made without one
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    try:
        must_answer(consumer, broker)
        yield consumer
    finally:
        consumer.close()


def _read(consumer: Consumer, begins: Sequence[TopicPartition]) -> Iterator[Message]:
    """All from there to where each of them ends."""
    consumer.assign(list(begins))
    unread, until = {(each.topic, each.partition) for each in begins}, monotonic() + SECONDS
    while unread:
        message = consumer.poll(1.0)
        error = None if message is None else message.error()
        if message is not None and error is None:
            yield message
        elif message is not None and error is not None and error.code() == KafkaError._PARTITION_EOF:
            unread.discard((message.topic() or "", message.partition() or 0))
        elif monotonic() > until:
            raise OnboardingError(f"{begins[0].topic} cannot be read: {error.str() if error else 'the broker is silent'}")
        else:
            continue
        until = monotonic() + SECONDS


def _sort(message: Message, met: set[str], lost: Lost) -> None:
    headers: Any = message.headers() or []
    said = {name: value.decode("ascii", "replace") for name, value in headers if isinstance(value, bytes)}
    if said.get(_TYPE) not in _ANSWERS or said.get(_ID) in met:
        return
    attributes, event = decode(headers, message.value(), _ANSWERS)
    met.add(attributes.id)  # a relay may have sent it twice
    if isinstance(event, SubmissionRejected):
        lost.refused.append(event)
    else:
        lost.taken.append(TakenEvent(attributes.id, attributes.time, event))  # type: ignore[arg-type]  # one of TAKEN


def _record(message: Message) -> Record:
    headers: Any = message.headers() or []
    key: Any = message.key()
    return Record(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        key=key.encode() if isinstance(key, str) else key,
        headers=headers,
        value=message.value(),
        timestamp_ms=message.timestamp()[1],
    )
