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
from conduit_local.kafka_archive import keep_archive
from conduit_local.postgres import EmbeddedPostgres
from conduit_operate.broker import Broker, external_broker, local_broker
from conduit_operate.health import accepts_at
from conduit_operate.paths import cache_dir
from conduit_operate.secured import authority_path, secure

Provider = Literal["external", "testcontainers", "embedded"]


@dataclass(frozen=True, slots=True)
class Servers:
    """Two addresses, and the embedded servers behind them where they are embedded (fault tests kill and restart these)."""

    broker: Broker
    """How anyone comes to Kafka."""
    postgres_dsn: str
    kafka: EmbeddedKafka | None = None
    postgres: EmbeddedPostgres | None = None

    @property
    def kafka_bootstrap_servers(self) -> str:
        return self.broker.bootstrap_servers


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
    secured: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Servers]:
    """Both servers, ready; whatever was started here is stopped on exit, and what existed before is left alone.

    `secured` makes the embedded Kafka ask for TLS and passwords; an external one is as its environment says.
    """
    provider = choose_provider(environ)
    if provider == "external":
        yield _external(external_broker(state_dir, environ), environ["POSTGRES_DSN"])
    elif provider == "testcontainers":
        with start_containers() as (kafka, postgres):
            yield Servers(local_broker(state_dir, kafka, secured=False), postgres)
    else:
        with _embedded(state_dir, jvm_options, secured, tell) as servers:
            yield servers


def _external(broker: Broker, postgres_dsn: str) -> Servers:
    """Both must answer now: a stack that waits for a server which nobody starts explains nothing."""
    if not any(accepts_at(address) for address in broker.bootstrap_servers.split(",")):
        raise RuntimeError(
            f"KAFKA_BOOTSTRAP_SERVERS is set, but nothing listens at {broker.bootstrap_servers}; "
            "start it, or unset the variable"
        )
    try:
        psycopg.connect(postgres_dsn, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        raise RuntimeError(
            f"POSTGRES_DSN is set, but it cannot be used: {error}. Correct it, or unset the variable"
        ) from None
    return Servers(broker, postgres_dsn)


@contextmanager
def _embedded(state_dir: Path, jvm_options: Sequence[str], secured: bool, tell: Callable[[str], None]) -> Iterator[Servers]:
    check_same_mode(state_dir, secured=secured)
    security = secure(state_dir) if secured else None
    archive = keep_archive(cache_dir(), tell)
    kafka = EmbeddedKafka(state_dir, jvm_options=jvm_options, security=security, tell=tell, archive=archive)
    postgres = EmbeddedPostgres(state_dir)
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(2))
        stack.callback(lambda: [job.result() for job in [pool.submit(kafka.stop), pool.submit(postgres.stop)]])
        starts = [pool.submit(kafka.start), pool.submit(postgres.start)]
        wait(starts)
        for start in starts:
            start.result()
        broker = local_broker(state_dir, kafka.bootstrap_servers, secured=secured)
        yield Servers(broker, postgres.dsn, kafka, postgres)


def check_same_mode(state_dir: Path, *, secured: bool) -> None:
    """Raises RuntimeError where the state directory's Kafka was made the other way: it has no users, or no permissions."""
    made = (state_dir / "kafka" / "data" / "meta.properties").exists()
    was_secured = authority_path(state_dir).exists()
    if made and was_secured != secured:
        how = "with" if was_secured else "without"
        raise RuntimeError(
            f"the Kafka in {state_dir} was made {how} security and cannot be run otherwise; give another --state-dir, "
            f"or remove {state_dir / 'kafka'} and {state_dir / 'tls'} with all that Kafka holds"
        )
