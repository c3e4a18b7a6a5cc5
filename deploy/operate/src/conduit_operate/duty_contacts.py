"""Changes of the hub's duty contacts, as they are written: proposed by one Kafka user, approved by another.

Neither user may write on the other's topic, so no single credential changes whom the alarms call.
"""

from __future__ import annotations

from datetime import UTC, datetime

from confluent_kafka import Consumer

from conduit_contracts import topics
from conduit_contracts.entry import entry_problems
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import HubContactsApproved, HubContactsProposed
from conduit_operate.access import REGISTRAR
from conduit_operate.broker import Broker
from conduit_operate.health import must_answer
from conduit_operate.leaders import watermarks
from conduit_operate.register import SECONDS, RegisterError, ToWrite, write_records


def propose(broker: Broker, proposal: HubContactsProposed) -> None:
    """As the registrar. Raises RegisterError where the broker does not take it."""
    write(broker, REGISTRAR, topics.HUB_CONTACTS, proposal)


def approve(broker: Broker, approval: HubContactsApproved) -> None:
    """As the duty user. Raises RegisterError where the broker does not take it."""
    write(broker, topics.DUTY, topics.HUB_APPROVALS, approval)


def write(broker: Broker, user: str, topic: topics.Topic, message: HubContactsProposed | HubContactsApproved) -> None:
    """Returns once the topic has it. Raises RegisterError where the broker does not take it from this user."""
    wrong = [f"{found.field}: {found.message}" for found in entry_problems(message)]
    if wrong:
        raise RegisterError(f"it was not written: {' '.join(wrong)}")
    headers, value = encode(message, Attributes(str(uuid7()), "/programme", message.type, datetime.now(UTC)))
    write_records(broker, user, [ToWrite(topic, str(message.proposal_id), value, headers)], "it was not written")


def ever_proposed(broker: Broker) -> bool:
    """Whether anything was ever proposed on this broker."""
    consumer = Consumer({**broker.librdkafka(REGISTRAR), "group.id": f"{REGISTRAR}.hub", "log_level": 0})
    try:
        must_answer(consumer, broker)
        name = topics.HUB_CONTACTS.name()
        partitions = consumer.list_topics(name, timeout=SECONDS).topics[name].partitions
        return any(watermarks(consumer, name, each)[1] > 0 for each in partitions)
    finally:
        consumer.close()
