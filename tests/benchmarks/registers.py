"""The benchmark's partners, with an MoU in force, and all forces, in the hub's register."""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime

from confluent_kafka import Producer

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, Event, encode
from conduit_contracts.geography import forces
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import Contact, ForceRegistered, Mou, PartnerRegistered
from conduit_contracts.referral import LegalGround
from conduit_local.stack import Stack
from conduit_operate.access import service_principal
from conduit_operate.broker import Broker
from tests.benchmarks.load import MOU, PARTNERS

_SETTLE_SECONDS = 3.0


def publish_registers(stack: Stack, *, contacts: bool = False) -> None:
    """Register partners and forces, and give the services a moment to read it.

    Without contacts nobody is sent notices: the comparison's other pipelines have none.
    """
    register(stack.broker, PARTNERS, contacts=contacts)
    time.sleep(_SETTLE_SECONDS)


def register(broker: Broker, partner_ids: Sequence[str], *, contacts: bool = False) -> None:
    """Have these partners and every force on the register's topics, as the programme's service would."""
    producer = Producer({**broker.librdkafka(service_principal(topics.PROGRAMME)), "enable.idempotence": True})
    for partner_id in partner_ids:
        partner = PartnerRegistered(
            partner_id=partner_id,
            name=f"Synthetic partner {partner_id}",
            mous=(_mou(),),
            contact=_contact(partner_id, contacts),
        )
        _publish(producer, topics.PARTNERS.name(), partner_id, partner)
    for force_id in forces():
        force = ForceRegistered(force_id=force_id, contact=_contact(force_id, contacts))
        _publish(producer, topics.FORCES.name(), force_id, force)
    if producer.flush(30):
        raise TimeoutError("the broker did not take the registers within 30 s")


def _contact(identity: str, wanted: bool) -> Contact:
    return Contact(email=f"safeguarding@{identity}.example") if wanted else Contact()


def _publish(producer: Producer, topic: str, key: str, message: Event) -> None:
    headers, value = encode(message, Attributes(str(uuid7()), "/programme", message.type, datetime.now(UTC)))
    producer.produce(topic, value, key, headers=[*headers])


def _mou() -> Mou:
    return Mou(
        reference=MOU,
        scope="Synthetic benchmark",
        signed_on=date(2026, 1, 1),
        valid_from=date(2026, 1, 1),
        valid_to=date(2036, 1, 1),
        review_on=date(2035, 1, 1),
        legal_ground=LegalGround.SAFEGUARDING_OF_CHILDREN,
    )
