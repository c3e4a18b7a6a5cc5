"""How quickly the console answers while referrals come in: `make bench-console`.

A read model of many cases is written straight into PostgreSQL, as `tests/listings` writes it. Then one process follows the
facts of new referrals at a steady rate, in batches of 200 ms as the service gathers them, and asks lists, search and
timelines in between on a connection of its own, one after the other. It prints the time of each answer, and how old the
first fact of a batch was once it stood in the tables. Kafka has no part in it.

At last the console is rebuilt: how many facts and cases a second it takes back from a snapshot, in batches of 500 as the
service reads them, while nothing else comes in.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
import psycopg

from conduit_chassis import log
from conduit_chassis.clock import SystemClock
from conduit_chassis.migrate import migrate
from conduit_chassis.records import Record
from conduit_chassis.testing import Harness, harness
from conduit_console.app import create_service
from conduit_console.queries import audit, lists
from conduit_console.queries import case as cases
from conduit_console.queries.search import search
from conduit_contracts import routing
from conduit_contracts.ids import first_of, uuid7
from conduit_contracts.notification import ReferralState
from conduit_contracts.topics import SERVICES
from conduit_local.postgres import EmbeddedPostgres
from services.console.tests import anew
from services.console.tests import builders as b
from tests.listings.test_last_pages import CASES, FILLED, ONE

GATHER_SECONDS = 0.2
BATCH = 500
OUT = Path(".conduit/console.json")
Ask = Callable[[Any], Awaitable[object]]

ASKED: Mapping[str, Ask] = {
    "questions": lambda c: lists.questions(c, lists.Whose.EVERYBODY, "a.officer"),
    "my questions": lambda c: lists.questions(c, lists.Whose.MINE, "a.officer"),
    "cases": lists.cases,
    "cases in a rare state": lambda c: lists.cases(c, lists.CaseFilter(state=ReferralState.DECLINED)),
    "a force's cases": lambda c: lists.cases(c, lists.CaseFilter(force_id="kent")),
    "silent forces": lambda c: lists.silent_forces(c, datetime.now(UTC)),
    "search": lambda c: search(c, "eh-99"),
    "a timeline": lambda c: cases.timeline(c, ONE),
    "who has what": audit.who_has_what,
}


def fill(dsn: str) -> float:
    """Write the read model; returns how many cases a second that were, which no rebuild can beat."""
    began = monotonic()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in FILLED["console"]:
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")
    return CASES / (monotonic() - began)


async def follow(console: Harness, rate: int, until: float, behind: list[float]) -> int:
    """Take in referrals at this rate; notes how old the first fact of each batch was once it stood there."""
    number, begun = 0, monotonic()
    while monotonic() < until:
        await asyncio.sleep(max(0.0, begun + number / rate + GATHER_SECONDS - monotonic()))
        due = int((monotonic() - begun) * rate) - number
        first_at, now = begun + number / rate, datetime.now(UTC)
        made = [record for _ in range(max(due, 1)) for record in _facts(uuid7(), now)]
        await console.processor.process(made)
        behind.append(monotonic() - first_at)
        number += max(due, 1)
    return number


def _facts(referral_id: UUID, now: datetime) -> list[Any]:
    said = (
        b.received(referral_id, reference=f"EH-{referral_id.hex[:12]}"),
        b.accepted(referral_id),
        b.routed(referral_id=referral_id),
        b.about_force(routing.HandoffReceived, referral_id=referral_id),
        b.about_force(routing.HandoffAcknowledged, referral_id=referral_id),
    )
    return [b.record_of(each, now) for each in said]


async def ask(dsn: str, until: float) -> dict[str, list[float]]:
    """Ask one thing after the other, and note how long each took."""
    taken: dict[str, list[float]] = {name: [] for name in ASKED}
    connection = await asyncpg.connect(dsn, server_settings={"enable_seqscan": "off", "jit": "off"})
    try:
        while monotonic() < until:
            for name, asked in ASKED.items():
                began = monotonic()
                await asked(connection)
                taken[name].append(monotonic() - began)
                await asyncio.sleep(0.01)
    finally:
        await connection.close()
    return taken


async def measure(dsn: str, rate: int, seconds: float) -> dict[str, Any]:
    """Follow and ask at the same time."""
    behind: list[float] = []
    async with harness(create_service(), dsn, SystemClock()) as console:
        until = monotonic() + seconds
        number, taken = await asyncio.gather(follow(console, rate, until, behind), ask(dsn, until))
    found = {name: {"asked": len(times), **_shares(times)} for name, times in taken.items()}
    return {"referrals": number, "per_second": round(number / seconds, 1), "behind": _shares(behind), "answers": found}


async def rebuild(dsn: str, number: int) -> dict[str, Any]:
    """Take so many cases in, empty the tables, and take their facts back."""
    now = datetime.now(UTC)
    async with harness(create_service(), dsn, SystemClock()) as console:
        ids = [uuid7() for _ in range(number)]
        told = [record for referral_id in ids for record in _facts(referral_id, now)]
        await _take(console, told)
        order_id = await anew.empty(console, first_of(now - timedelta(seconds=1)))
        again = [anew.told_again(order_id, each) for each in sorted(told, key=_owner)]
        began = monotonic()
        await _take(console, again)
        seconds = monotonic() - began
        back = await console.pool.fetchval("SELECT count(*) FROM cases WHERE referral_id = ANY($1::uuid[])", ids)
        assert back == number
    return {"facts_per_second": round(len(told) / seconds), "cases_per_second": round(number / seconds)}


async def _take(console: Harness, records: Sequence[Record]) -> None:
    for start in range(0, len(records), BATCH):
        await console.processor.process(records[start : start + BATCH])


def _owner(made: Record) -> int:
    return SERVICES.index(anew.owner_of(made))


def _shares(times: list[float]) -> dict[str, float]:
    at = quantiles(times, n=100, method="inclusive") if len(times) > 1 else [*times] * 99
    return {"p50_ms": round(at[49] * 1000, 1), "p95_ms": round(at[94] * 1000, 1), "most_ms": round(max(times) * 1000, 1)}


def main() -> None:
    """Prints a table and writes `.conduit/console.json`."""
    log.configure("console")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=50, help="referrals a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rebuilt", type=int, default=5_000, help="cases that are taken back from a snapshot")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="conduit-bench-"))
    server = EmbeddedPostgres(folder)
    try:
        server.start()
        migrate(server.dsn, create_service().migrations)
        filled = fill(server.dsn)
        found = asyncio.run(measure(server.dsn, given.rate, given.seconds))
        found["rebuild"] = asyncio.run(rebuild(server.dsn, given.rebuilt))
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    found = {"cases": CASES, "filled_per_second": round(filled), **found}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"{CASES} cases, {found['per_second']} referrals/s; behind p95 {found['behind']['p95_ms']} ms")  # noqa: T201
    for name, shares in found["answers"].items():
        print(f"{name:24} {shares['asked']:5} asked, p95 {shares['p95_ms']:7} ms, most {shares['most_ms']:7} ms")  # noqa: T201
    rate = found["rebuild"]
    print(f"{'a rebuild':24} {rate['cases_per_second']:5} cases/s, {rate['facts_per_second']} facts/s")  # noqa: T201


if __name__ == "__main__":
    main()
