"""The same two servers as containers, for machines with a container engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docker.errors import DockerException  # type: ignore[import-untyped]  # ships no type information

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
DEFAULT_SOCKET = "unix:///var/run/docker.sock"


def engine_answers() -> bool:
    host = os.environ.get("DOCKER_HOST", DEFAULT_SOCKET)
    if host.startswith("unix://") and not Path(host.removeprefix("unix://")).exists():
        return False  # the client would leave a socket open over its failure
    import docker  # type: ignore[import-untyped]  # noqa: PLC0415  slow to load, and only this provider needs it

    try:
        client = docker.from_env(timeout=3)
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except (DockerException, OSError):
        return False
    finally:
        client.close()


@contextmanager
def start_containers() -> Iterator[tuple[str, str]]:
    """Kafka's bootstrap servers and the administrator's DSN."""
    if not engine_answers():
        raise RuntimeError(
            "CONDUIT_PROVIDER=testcontainers needs a container engine that answers; start one, or unset CONDUIT_PROVIDER"
        )
    from testcontainers.kafka import KafkaContainer  # noqa: PLC0415  slow to load, and only this provider needs it
    from testcontainers.postgres import PostgresContainer  # noqa: PLC0415

    with KafkaContainer(KAFKA_IMAGE).with_kraft() as kafka, PostgresContainer(POSTGRES_IMAGE) as postgres:
        yield kafka.get_bootstrap_server(), postgres.get_connection_url(driver=None)
