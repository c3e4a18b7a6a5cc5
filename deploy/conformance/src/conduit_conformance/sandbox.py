"""Where a connector is tried: a broker of its own, or one that is kept as a sandbox; never one on which a hub works."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

from conduit_contracts.topics import PARTNER, SERVICES, produced_by
from conduit_local.kafka import EmbeddedKafka
from conduit_operate.access import identities
from conduit_operate.broker import Broker, external_broker, local_broker
from conduit_operate.doors import open_doors
from conduit_operate.leaders import watermarks
from conduit_operate.secured import ADMIN, secure

SECONDS = 10.0


class SandboxError(RuntimeError):
    """There is no sandbox to be had; the text says what to do."""


@contextmanager
def sandbox(kind: str, identity: str, environ: Mapping[str, str], tell: Callable[[str], None]) -> Iterator[Broker]:
    """A broker with the topics and credentials of this partner or force.

    It is the one that KAFKA_BOOTSTRAP_SERVERS names, with its administrator's credentials, or else one that lives as long
    as the block, on this machine.

    Raises:
        SandboxError: a hub works on the broker, or it cannot be reached.
    """
    if environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        with _scratch() as folder:
            yield _given(folder, kind, identity, environ)
        return
    with _scratch() as folder:
        kafka = EmbeddedKafka(folder, security=secure(folder), tell=tell)
        tell("starting a sandbox")
        kafka.start()
        try:
            broker = local_broker(folder, kafka.bootstrap_servers, secured=True)
            open_doors(broker, *(([identity], []) if kind == PARTNER else ([], [identity])))
            yield broker
        finally:
            kafka.kill()  # nobody needs its data


def _given(folder: Path, kind: str, identity: str, environ: Mapping[str, str]) -> Broker:
    """Nothing is changed on it: whoever keeps it made its topics and credentials."""
    try:
        broker = external_broker(folder, environ)
        found = broker.admin().list_topics(timeout=SECONDS).topics
        refuse_where_a_hub_worked(broker)
    except ValueError as error:
        raise SandboxError(str(error)) from None
    except KafkaException as error:
        raise SandboxError(f"KAFKA_BOOTSTRAP_SERVERS cannot be used: {error.args[0].str()}") from None
    if identity not in identities(kind, found):
        raise SandboxError(f"the sandbox has no topics of {kind} {identity}; create them with `conduit {kind} onboard`")
    return broker


def refuse_where_a_hub_worked(broker: Broker) -> None:
    """Raises SandboxError where any service of the conduit has ever read or written: synthetic cases must never meet real
    ones. That it is not at work now proves nothing. Where it cannot be told, it is refused too.
    """
    admin = broker.admin()  # its answer is lost where nobody holds it
    found = admin.list_consumer_groups(request_timeout=SECONDS).result(SECONDS)
    if found.errors:
        raise SandboxError(f"cannot tell whether a hub has used this broker: {found.errors[0].str()}")
    traces = {group.group_id for group in found.valid} & {f"conduit.{service}" for service in SERVICES}
    traces |= _written(broker, admin)
    if traces:
        raise SandboxError(
            f"a hub has used this broker ({', '.join(sorted(traces))}), so it cannot be a sandbox; give another "
            "broker, or unset KAFKA_BOOTSTRAP_SERVERS to have one started here"
        )


def _written(broker: Broker, admin: AdminClient) -> set[str]:
    """The services' own topics that ever held a record: groups are forgotten after some days of rest, offsets are not."""
    topics = admin.list_topics(timeout=SECONDS).topics
    own = {topic.name() for service in SERVICES for topic in produced_by(service) if topic.parameter is None}
    consumer = Consumer({**broker.librdkafka(ADMIN), "group.id": "conformance", "log_level": 0})  # never joined
    try:
        return {
            name
            for name in own & topics.keys()
            for number in topics[name].partitions
            if watermarks(consumer, name, number)[1]
        }
    finally:
        consumer.close()


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="conduit-sandbox-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
