"""Where a connector is tried: a broker of its own, or one that is kept as a sandbox; never one on which a hub works."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaException

from conduit_contracts.topics import PARTNER, SERVICES
from conduit_local.access import identities
from conduit_local.broker import Broker, external_broker, local_broker
from conduit_local.doors import open_doors
from conduit_local.kafka import EmbeddedKafka
from conduit_local.secured import secure

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
        raise SandboxError(f"the sandbox has no topics of {kind} {identity}; make them with `conduit {kind} onboard`")
    return broker


def refuse_where_a_hub_worked(broker: Broker) -> None:
    """Raises SandboxError where any service of the conduit has ever read: synthetic cases must never meet real ones.

    That it is not reading now proves nothing: it may be down for a minute.
    """
    groups = {group.group_id for group in broker.admin().list_consumer_groups(request_timeout=SECONDS).result().valid}
    worked = sorted(groups & {f"conduit.{service}" for service in SERVICES})
    if worked:
        raise SandboxError(
            f"a hub has worked on this broker ({', '.join(worked)} read there), so it is no sandbox; give a broker of its "
            "own, or unset KAFKA_BOOTSTRAP_SERVERS to have one started here"
        )


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="conduit-sandbox-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
