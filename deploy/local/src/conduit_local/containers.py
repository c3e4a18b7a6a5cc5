"""The same two servers as containers, for machines with a container engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from docker.errors import DockerException  # type: ignore[import-untyped]  # ships no type information

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"


def engine_answers() -> bool:
    import docker  # type: ignore[import-untyped]  # noqa: PLC0415  slow to load, and only this provider needs it

    try:
        docker.from_env(timeout=3).ping()
    except DockerException:
        return False
    return True


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
