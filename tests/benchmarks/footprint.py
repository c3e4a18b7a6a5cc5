"""What one referral leaves behind and uses on the real, secured stack: bytes on every topic, rows and bytes in every
database, bytes of WAL, and CPU. Everything on: validation, audit, notices by e-mail, forces that confirm and acknowledge.

`python -m tests.benchmarks.footprint` writes what `docs/capacity.md` is computed from. CPU means something on a busy
machine, too; the rates at which it was used would not.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from conduit_chassis.relay import template
from conduit_contracts.topics import SERVICES
from conduit_local.stack import Options, Stack
from conduit_operate.polling import wait_until
from tests.benchmarks.life import Life
from tests.benchmarks.load import PARTNERS
from tests.benchmarks.processes import Group, cpu_seconds, spent, stack_children, usage
from tests.benchmarks.registers import publish_registers

FILE = Path("docs/capacity.json")
WAIT_SECONDS = 180.0
IDLE_SECONDS = 8.0
TEMPORARY = "inbox"
"""The one table that forgets: see INBOX_RETENTION."""
_BYTES = "SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"
_ROWS = "SELECT relname, n_tup_ins FROM pg_stat_user_tables"


@dataclass(frozen=True, slots=True)
class Footprint:
    """Of one referral, on average."""

    referrals: int
    cases: float
    """Forces that got it."""
    cpu_ms: dict[str, float]
    """At this rate, with all that runs anyway: polls and small batches make it several times what a burst costs."""
    idle_cores: dict[str, float]
    """What it uses when nothing comes: polls, heartbeats, clocks."""
    wal_bytes: float
    database_bytes: dict[str, float]
    """What stays, tables with their indexes, by service."""
    inbox_bytes: float
    rows: dict[str, float]
    topic_bytes: dict[str, float]
    """By template, one copy."""
    service_memory_bytes: int
    """Of the largest service process, when all was done: not of one referral."""


def measure(stack: Stack, rate: float, seconds: float) -> Footprint:
    """Live for so long on a stack whose registers are known and that has not lived before."""
    children = stack_children(stack)
    idle = _by_part(_idle(children))
    with Life(stack, rate) as life:
        cpu, wal, before = cpu_seconds(children), _wal(stack), _databases(stack, _BYTES)
        rows, logs = _databases(stack, _ROWS), _logs(stack)
        time.sleep(seconds)
        life.stop_sending()
        missing = life.wait_for_all(WAIT_SECONDS)
        if missing:
            raise TimeoutError(f"{missing} referrals did not reach every force")
        wait_until(lambda: not _waiting(stack), "something still waits", WAIT_SECONDS, lambda: None)
        used = _by_part(spent(cpu, cpu_seconds(children)))
        count, cases = life.sent, life.cases
    time.sleep(1.0)  # statistics are written with a delay
    grown, topics = _growth(before, _databases(stack, _BYTES)), _growth(logs, _logs(stack))
    memory = [each.own_bytes for name, each in usage(children).items() if name.partition("-")[0] in SERVICES]
    return Footprint(
        referrals=count,
        cases=round(cases / count, 2),
        cpu_ms={name: round(1000 * used[name] / count, 2) for name in (*SERVICES, "kafka", "postgres")},
        idle_cores={name: round(value, 4) for name, value in idle.items()},
        wal_bytes=round((_wal(stack) - wal) / count),
        database_bytes=_by_service(grown, count, temporary=False),
        inbox_bytes=sum(_by_service(grown, count, temporary=True).values()),
        rows=_by_service(_growth(rows, _databases(stack, _ROWS)), count, temporary=False),
        topic_bytes={name: round(value / count) for name, value in sorted(topics.items()) if value >= count},
        service_memory_bytes=max(memory),
    )


def _idle(children: Group) -> dict[str, float]:
    """Cores in use while nothing comes."""
    before = cpu_seconds(children)
    time.sleep(IDLE_SECONDS)
    return {name: value / IDLE_SECONDS for name, value in spent(before, cpu_seconds(children)).items()}


def _by_part(used: Mapping[str, float]) -> dict[str, float]:
    """Replicas are added to their service."""
    parts = dict.fromkeys((name.partition("-")[0] for name in used), 0.0)
    for name, value in used.items():
        parts[name.partition("-")[0]] += value
    return parts


def _growth(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    return {name: size - before.get(name, 0) for name, size in after.items()}


def _by_service(grown: Mapping[str, int], count: int, *, temporary: bool) -> dict[str, float]:
    found: Counter[str] = Counter()
    for name, size in grown.items():
        service, _, table = name.partition(".")
        if (table == TEMPORARY) is temporary and table != "outbox":
            found[service] += size
    return {service: round(found[service] / count, 1) for service in SERVICES}


def _databases(stack: Stack, query: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for service in SERVICES:
        with psycopg.connect(_admin(stack, f"/conduit_{service}")) as connection:
            found |= {f"{service}.{table}": int(value) for table, value in connection.execute(query.encode())}
    return found


def _wal(stack: Stack) -> int:
    with psycopg.connect(stack.servers.postgres_dsn) as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    return int(row[0]) if row else 0


def _waiting(stack: Stack) -> int:
    waiting = 0
    for service in SERVICES:
        with psycopg.connect(_admin(stack, f"/conduit_{service}")) as connection:
            row = connection.execute("SELECT count(*) FROM outbox").fetchone()
            waiting += int(row[0]) if row else 0
            if service == "notification":
                row = connection.execute("SELECT count(*) FROM notices WHERE state = 'queued'").fetchone()
                waiting += int(row[0]) if row else 0
            if service == "routing":
                row = connection.execute("SELECT count(*) FROM handoffs WHERE acknowledged_at IS NULL").fetchone()
                waiting += int(row[0]) if row else 0
    return waiting


def _admin(stack: Stack, path: str) -> str:
    return urlsplit(stack.servers.postgres_dsn)._replace(path=path).geturl()


def _logs(stack: Stack) -> dict[str, int]:
    """Bytes of each topic's log, by template."""
    found: Counter[str] = Counter()
    for segment in (stack.state_dir / "kafka" / "data").glob("*/*.log"):
        name = template(segment.parent.name.rpartition("-")[0])
        if not name.startswith("__"):
            found[name] += segment.stat().st_size
    return dict(found)


def main() -> None:
    """Measure on a stack of its own and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="referrals a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--output", type=Path, default=FILE)
    arguments = parser.parse_args()
    state_dir = Path(tempfile.mkdtemp(prefix="conduit-footprint-"))
    with Stack(state_dir, Options(partner_ids=PARTNERS, log_level="WARNING"), tell=print) as stack:
        publish_registers(stack, contacts=True)
        found = measure(stack, arguments.rate, arguments.seconds)
    shutil.rmtree(state_dir, ignore_errors=True)
    arguments.output.write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
