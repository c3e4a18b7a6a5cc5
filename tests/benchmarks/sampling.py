"""One row of a soak: memory, files and CPU by process, and from PostgreSQL and the services all that could pile up."""

import urllib.request
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg

from conduit_contracts.topics import SERVICES
from conduit_local.stack import Stack
from tests.benchmarks.life import Life
from tests.benchmarks.processes import stack_children, usage

MIB = 1024 * 1024
_DEAD = "SELECT coalesce(sum(n_dead_tup), 0)::bigint, coalesce(sum(n_live_tup), 0)::bigint FROM pg_stat_user_tables"
_OUTBOX_DEAD = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'outbox'"
_CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity WHERE starts_with(application_name, 'conduit.') AND datname = current_database()
"""
_SIZE = "SELECT pg_database_size(current_database())"
_WAITING: dict[str, tuple[str, LiteralString]] = {
    "notification": ("notices_queued", "SELECT count(*) FROM notices WHERE state = 'queued'"),
    "routing": ("handoffs_open", "SELECT count(*) FROM handoffs WHERE state IN ('disseminated', 'received')"),
}


class Sampler:
    """Keeps one connection per database; reads only."""

    def __init__(self, stack: Stack, life: Life) -> None:
        self._stack, self._life = stack, life
        self._children = stack_children(stack)
        admin = urlsplit(stack.servers.postgres_dsn)
        self._databases = {
            name: psycopg.connect(admin._replace(path=f"/conduit_{name}").geturl(), autocommit=True) for name in SERVICES
        }
        self._kafka_data = stack.state_dir / "kafka" / "data"

    def sample(self) -> dict[str, Any]:
        """Raises where the load has ended or a service does not answer."""
        self._life.check()
        row: dict[str, Any] = {"sent": self._life.sent, "arrived": self._life.arrived, "cases": self._life.cases}
        for name, found in usage(self._children).items():
            row |= {
                f"{name}_rss_mib": round(found.rss_bytes / MIB, 2),
                f"{name}_own_mib": round(found.own_bytes / MIB, 2),
                f"{name}_cpu_seconds": round(found.cpu_seconds, 2),
                f"{name}_files": found.files,
                f"{name}_threads": found.threads,
            }
        for name in SERVICES:
            row |= self._of_service(name)
        return row | self._of_kafka()

    def _of_service(self, name: str) -> dict[str, Any]:
        dead, live = self._ask(name, _DEAD)
        row = {
            f"{name}_outbox_rows": self._one(name, "SELECT count(*) FROM outbox"),
            f"{name}_inbox_rows": self._one(name, "SELECT count(*) FROM inbox"),
            f"{name}_dead_tuples": dead,
            f"{name}_live_tuples": live,
            f"{name}_outbox_dead_tuples": self._one(name, _OUTBOX_DEAD),
            f"{name}_connections": self._one(name, _CONNECTIONS),
            f"{name}_database_mib": round(self._one(name, _SIZE) / MIB, 2),
            f"{name}_lag_records": _lag(self._stack.url(name)),
        }
        if name in _WAITING:
            column, query = _WAITING[name]
            row[column] = self._one(name, query)
        return row

    def _of_kafka(self) -> dict[str, Any]:
        logs = list(self._kafka_data.glob("*/*.log"))
        return {"kafka_segments": len(logs), "kafka_log_mib": round(sum(map(_size, logs)) / MIB, 2)}

    def _ask(self, name: str, query: LiteralString) -> tuple[Any, ...]:
        found = self._databases[name].execute(query).fetchone()
        if found is None:
            raise LookupError(query)
        return tuple(found)

    def _one(self, name: str, query: LiteralString) -> int:
        return int(self._ask(name, query)[0])


def _lag(url: str) -> int:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:  # noqa: S310 - our own service
        lines = answer.read().decode().splitlines()
    return int(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("conduit_lag_records{")))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # a segment whose time has come
        return 0
