"""Four services as FastStream's tutorial writes them: one record at a time, an INSERT and a publish for each.

Run as `python -m tests.benchmarks.plain <stage>` with POSTGRES_DSN, PIPELINE, PLAIN_ACK_POLICY and Kafka's variables as the
conduit's services have them.
"""

import asyncio
import os
import ssl
import sys

import asyncpg
import uvloop
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.subscriber.usecase import DefaultSubscriber
from faststream.security import SASLScram512

from conduit_contracts.intake import ReferralReceived
from conduit_contracts.notification import ReferralStatusUpdated
from conduit_contracts.routing import CaseRouted
from conduit_contracts.triage import ReferralAccepted
from tests.benchmarks import tutorial

_INSERT = "INSERT INTO tutorial_records (referral_id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING"

_stage = sys.argv[1]
_pipeline = os.environ["PIPELINE"]
_names = tutorial.names(_pipeline)
_policy = AckPolicy[os.environ["PLAIN_ACK_POLICY"]]
_security = SASLScram512(
    os.environ["KAFKA_SASL_USERNAME"],
    os.environ["KAFKA_SASL_PASSWORD"],
    ssl_context=ssl.create_default_context(cafile=os.environ["KAFKA_CA_FILE"]),
)
broker = KafkaBroker(os.environ["KAFKA_BOOTSTRAP_SERVERS"], security=_security, logger=None)
app = FastStream(broker, logger=None)
_pool: asyncpg.Pool | None = None


@app.on_startup
async def open_pool() -> None:
    """One small pool, as a tutorial would."""
    global _pool  # noqa: PLW0603 - the tutorial's way, which is what is measured
    _pool = await asyncpg.create_pool(os.environ["POSTGRES_DSN"], min_size=1, max_size=4)
    await _pool.execute(tutorial.TABLE)


async def _store(referral_id: object, body: str) -> None:
    assert _pool is not None
    await _pool.execute(_INSERT, referral_id, body.encode())


async def intake(message: KafkaMessage) -> ReferralReceived:
    """Store the referral and pass it on."""
    event = tutorial.received(message.body)
    await _store(event.referral_id, event.model_dump_json())
    return event


async def triage(message: KafkaMessage) -> ReferralAccepted:
    """Store the decision and pass it on."""
    event = tutorial.accepted(message.body)
    await _store(event.referral_id, event.model_dump_json())
    return event


async def routing(message: KafkaMessage) -> CaseRouted:
    """Store the case, send it to the force and pass it on."""
    case, routed = tutorial.routed(message.body)
    await _store(case.referral_id, case.model_dump_json())
    await broker.publish(case, _names.cases)
    return routed


async def notification(message: KafkaMessage) -> ReferralStatusUpdated:
    """Store the update and send it to the partner."""
    update = tutorial.updated(message.body)
    await _store(update.referral_id, update.model_dump_json())
    return update


def _subscriber(source: str) -> DefaultSubscriber:
    group = f"bench.{_pipeline}.{_stage}"
    return broker.subscriber(source, group_id=group, auto_offset_reset="earliest", ack_policy=_policy)


def main() -> None:
    """Run one stage until it is told to stop."""
    if _stage == "intake":
        _subscriber(_names.submitted)(broker.publisher(_names.received)(intake))
    elif _stage == "triage":
        _subscriber(_names.received)(broker.publisher(_names.accepted)(triage))
    elif _stage == "routing":
        _subscriber(_names.accepted)(broker.publisher(_names.routed)(routing))
    else:
        _subscriber(_names.routed)(broker.publisher(_names.updates)(notification))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(app.run())


if __name__ == "__main__":
    main()
