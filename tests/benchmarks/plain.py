"""The comparison: four services as FastStream's tutorial writes them, one record at a time.

Same contracts (read from JSON at once, because they are strict), same servers, a process and a database each, one INSERT
and one publish per record. What they leave out is what the conduit adds: no inbox, no outbox, no policy, no need-to-know
extract, no dead letters. Run as `python -m tests.benchmarks.plain <stage>` with KAFKA_BOOTSTRAP_SERVERS, POSTGRES_DSN and
PLAIN_ACK_POLICY.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta

import asyncpg
import uvloop
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.subscriber.usecase import DefaultSubscriber

from conduit_contracts.ids import uuid7
from conduit_contracts.intake import ReferralReceived
from conduit_contracts.notification import ReferralState, ReferralStatusUpdated
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.referral import Ground
from conduit_contracts.routing import CaseDisseminated, CaseRouted, CaseSummary
from conduit_contracts.triage import ByRules, ReferralAccepted

STAGES = ("intake", "triage", "routing", "notification")
TOPICS = ("plain.submitted", "plain.received", "plain.accepted", "plain.routed", "plain.cases", "plain.updates")
TABLE = "CREATE TABLE IF NOT EXISTS plain_records (referral_id uuid PRIMARY KEY, body bytea NOT NULL)"
_INSERT = "INSERT INTO plain_records (referral_id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_FORCE = "west-midlands"

broker = KafkaBroker(os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092"), logger=None)
app = FastStream(broker, logger=None)
_stage = sys.argv[1] if len(sys.argv) > 1 else "intake"
_pool: asyncpg.Pool | None = None
_policy = AckPolicy[os.environ.get("PLAIN_ACK_POLICY", "NACK_ON_ERROR")]


@app.on_startup
async def open_pool() -> None:
    """One small pool, as a tutorial would."""
    global _pool  # noqa: PLW0603 - the tutorial's way, which is what is measured
    _pool = await asyncpg.create_pool(os.environ["POSTGRES_DSN"], min_size=1, max_size=4)
    await _pool.execute(TABLE)


async def _store(referral_id: object, body: str) -> None:
    assert _pool is not None
    await _pool.execute(_INSERT, referral_id, body.encode())


async def intake(message: KafkaMessage) -> ReferralReceived:
    """Store the referral and pass it on."""
    event = ReferralSubmitted.model_validate_json(message.body)
    referral = event.referral
    received = ReferralReceived(
        referral_id=uuid7(),
        received_at=datetime.now(UTC),
        partner_id=referral.partner_id,
        partner_reference=referral.partner_reference,
        urgency=referral.urgency,
        immediate_danger=referral.immediate_danger,
        referral=referral,
    )
    await _store(received.referral_id, received.model_dump_json())
    return received


async def triage(message: KafkaMessage) -> ReferralAccepted:
    """Accept everything."""
    event = ReferralReceived.model_validate_json(message.body)
    accepted = ReferralAccepted(
        referral_id=event.referral_id,
        partner_id=event.partner_id,
        partner_reference=event.partner_reference,
        referral=event.referral,
        grounds=(Ground.NUMBER_OF_VICTIMS,),
        decided_by=ByRules(),
        policy_version="plain",
    )
    await _store(accepted.referral_id, accepted.model_dump_json())
    return accepted


async def routing(message: KafkaMessage) -> CaseRouted:
    """Send the whole case to one force."""
    event = ReferralAccepted.model_validate_json(message.body)
    now = datetime.now(UTC)
    referral = event.referral
    case = CaseDisseminated(
        force_id=_FORCE,
        referral_id=event.referral_id,
        partner_id=event.partner_id,
        partner_reference=event.partner_reference,
        caseworker=referral.caseworker,
        urgency=referral.urgency,
        immediate_danger=referral.immediate_danger,
        provisional=False,
        home_force=_FORCE,
        interim_safeguarding_owner=_FORCE,
        forces=(_FORCE,),
        summary=CaseSummary(
            concerns=referral.concerns,
            setting=referral.setting,
            offence_period=referral.offence_period,
            numbers=referral.numbers,
            narrative=referral.narrative,
            persons_elsewhere=0,
        ),
        persons=referral.persons,
        places=referral.places,
        referral=referral,
        handling=referral.handling,
        receipt_due_at=now + timedelta(hours=1),
        acknowledgement_due_at=now + timedelta(days=1),
    )
    await _store(event.referral_id, case.model_dump_json())
    await broker.publish(case, "plain.cases")
    return CaseRouted(
        referral_id=event.referral_id,
        partner_id=event.partner_id,
        partner_reference=event.partner_reference,
        home_force=_FORCE,
        interim_safeguarding_owner=_FORCE,
        forces=(_FORCE,),
        added=(_FORCE,),
        urgency=referral.urgency,
        immediate_danger=referral.immediate_danger,
        provisional=False,
        policy_version="plain",
    )


async def notification(message: KafkaMessage) -> ReferralStatusUpdated:
    """Tell the partner once."""
    event = CaseRouted.model_validate_json(message.body)
    update = ReferralStatusUpdated(
        partner_id=event.partner_id,
        partner_reference=event.partner_reference,
        referral_id=event.referral_id,
        revision=1,
        state=ReferralState.WITH_FORCES,
        fact="case_routed",
        happened_at=datetime.now(UTC),
    )
    await _store(event.referral_id, update.model_dump_json())
    return update


def _subscriber(source: str) -> DefaultSubscriber:
    return broker.subscriber(source, group_id=f"plain-{_stage}", auto_offset_reset="earliest", ack_policy=_policy)


def main() -> None:
    """Run one stage until it is told to stop."""
    if _stage == "intake":
        _subscriber("plain.submitted")(broker.publisher("plain.received")(intake))
    elif _stage == "triage":
        _subscriber("plain.received")(broker.publisher("plain.accepted")(triage))
    elif _stage == "routing":
        _subscriber("plain.accepted")(broker.publisher("plain.routed")(routing))
    else:
        _subscriber("plain.routed")(broker.publisher("plain.updates")(notification))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(app.run())


if __name__ == "__main__":
    main()
