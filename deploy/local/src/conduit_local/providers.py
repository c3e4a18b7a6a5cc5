"""Where Kafka and PostgreSQL come from: servers that exist already, containers, or the embedded ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg

from conduit_local.containers import start_containers
from conduit_local.kafka import QUICK_START, EmbeddedKafka
from conduit_local.ports import accepts_at
from conduit_local.postgres import EmbeddedPostgres

Provider = Literal["external", "testcontainers", "embedded"]


@dataclass(frozen=True, slots=True)
class Servers:
    """Two addresses, and the embedded servers behind them where they are embedded (fault tests kill and restart these)."""

    kafka_bootstrap_servers: str
    postgres_dsn: str
    kafka: EmbeddedKafka | None = None
    postgres: EmbeddedPostgres | None = None


def choose_provider(environ: Mapping[str, str]) -> Provider:
    """Raises ValueError for a half-given pair: a stack over one existing and one new server is always a mistake."""
    given = [name for name in ("KAFKA_BOOTSTRAP_SERVERS", "POSTGRES_DSN") if environ.get(name)]
    if len(given) == 2:
        return "external"
    if given:
        raise ValueError(f"{given[0]} is set alone; set KAFKA_BOOTSTRAP_SERVERS and POSTGRES_DSN both, or neither")
    wanted = environ.get("CONDUIT_PROVIDER", "embedded")
    if wanted not in ("testcontainers", "embedded"):
        raise ValueError(f"CONDUIT_PROVIDER is {wanted!r}; it may be 'embedded' or 'testcontainers'")
    return "testcontainers" if wanted == "testcontainers" else "embedded"


@contextmanager
def start_servers(
    state_dir: Path,
    *,
    environ: Mapping[str, str] = os.environ,
    jvm_options: Sequence[str] = QUICK_START,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Servers]:
    """Both servers, ready; whatever was started here is stopped on exit, and what existed before is left alone."""
    provider = choose_provider(environ)
    if provider == "external":
        yield _external(environ["KAFKA_BOOTSTRAP_SERVERS"], environ["POSTGRES_DSN"])
    elif provider == "testcontainers":
        with start_containers() as (kafka, postgres):
            yield Servers(kafka, postgres)
    else:
        with _embedded(state_dir, jvm_options, tell) as servers:
            yield servers


def _external(kafka: str, postgres_dsn: str) -> Servers:
    """Both must answer now: a stack that waits for a server which nobody starts explains nothing."""
    if not any(accepts_at(address) for address in kafka.split(",")):
        raise RuntimeError(
            f"KAFKA_BOOTSTRAP_SERVERS is set, but nothing listens at {kafka}; start it, or unset the variable"
        )
    try:
        psycopg.connect(postgres_dsn, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        raise RuntimeError(f"POSTGRES_DSN is set, but it cannot be used: {error}. Mend it, or unset the variable") from None
    return Servers(kafka, postgres_dsn)


@contextmanager
def _embedded(state_dir: Path, jvm_options: Sequence[str], tell: Callable[[str], None]) -> Iterator[Servers]:
    kafka = EmbeddedKafka(state_dir, jvm_options=jvm_options, tell=tell)
    postgres = EmbeddedPostgres(state_dir)
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(2))
        stack.callback(lambda: [job.result() for job in [pool.submit(kafka.stop), pool.submit(postgres.stop)]])
        starts = [pool.submit(kafka.start), pool.submit(postgres.start)]
        wait(starts)
        for start in starts:
            start.result()
        yield Servers(kafka.bootstrap_servers, postgres.dsn, kafka, postgres)
