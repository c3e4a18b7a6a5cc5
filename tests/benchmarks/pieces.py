"""`python -m tests.benchmarks.pieces`: what a referral costs in Python alone, without servers and network.

`through` can count functions called instead of time: that number is the same on every machine, however busy (`Calls`).

The benchmark's referrals go through each service's own reader and handler, in batches, on a connection that holds nothing
and takes everything. What remains is decoding, rules and encoding: the part of `make bench`'s CPU that only less work, or
another language, can make smaller.
"""

import asyncio
import importlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import process_time
from types import FrameType
from typing import Any, cast
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from conduit_chassis.app import spare_the_collector
from conduit_chassis.clock import SystemClock
from conduit_chassis.headers import unpack_headers
from conduit_chassis.health import Health
from conduit_chassis.postgres import Connection, Pool
from conduit_chassis.records import Reader, Record
from conduit_chassis.runtime import Runtime, Service
from conduit_chassis.testing import raw_record
from conduit_contracts.envelope import dump
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.topics import SERVICES
from conduit_local.services import POLICY_FILE
from tests.benchmarks.load import MOU, Submission, submissions

COUNT, BATCH, ROUNDS = 2_000, 250, 5
_PARTS = ("read", "handle", "records read", "events")
_MOUS = f'[{{"reference": "{MOU}", "valid_from": "2026-01-01", "valid_to": "2036-01-01"}}]'


class Nothing:
    """A connection to a store in which nothing but the partners lies, and which takes everything."""

    async def fetch(self, statement: str, *arguments: Any) -> list[Any]:
        if "FROM partners" not in statement:
            return []
        return [{"partner_id": each, "suspended": False, "mous": _MOUS, "waits": False} for each in arguments[0]]

    async def fetchrow(self, *_: Any) -> dict[str, Any]:
        """A duty task that was not there before."""
        return {"task_id": uuid4(), "said": 1}

    async def execute(self, *_: Any) -> None:
        return

    async def copy_records_to_table(self, *_: Any, **__: Any) -> None:
        return


class Calls:
    """Counts functions in Python that are called, and generators that go on."""

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count from here on."""
        before = sys.getprofile()
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _note(self, _frame: FrameType, event: str, _argument: Any) -> None:
        self.number += event == "call"


def main() -> None:
    """Print a table, in microseconds of CPU per referral: the best of some rounds, as the machine's noise only adds."""
    spare_the_collector()
    spent = {key: min(found) * (1e6 if key[1] in _PARTS[:2] else 1) for key, found in _rounds().items()}
    table = Table("Python alone, µs per referral", *_PARTS)
    moved = [each for each in SERVICES if (each, _PARTS[0]) in spent]  # who follows registers alone has nothing to do
    for service in moved:
        table.add_row(service, *(f"{spent[service, part]:,.1f}" for part in _PARTS))
    table.add_row("all", *(f"{sum(spent[each, part] for each in moved):,.1f}" for part in _PARTS))
    Console().print(table)
    once = _codec()
    Console().print(f"one referral by pydantic alone: read {once[0]:.1f} µs, written {once[1]:.1f} µs")


def _rounds() -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for key, value in through(COUNT).items():
            found.setdefault(key, []).append(value)
    return found


def through(count: int, clock: Callable[[], float] = process_time) -> Mapping[tuple[str, str], float]:
    """So many referrals through all services, in flow order; what each is given is what those before it published.

    What a referral cost each service, by service and part of the table, as the clock counts it: in seconds of CPU, or calls.
    """
    spent: dict[tuple[str, str], float] = defaultdict(float)
    sent = submissions(count, prefix="pieces")
    waiting = [raw_record(each.topic, each.key.decode(), _encoded(each), each.value) for each in sent]
    seen = dict.fromkeys(SERVICES, 0)
    for name in (*SERVICES, "intake"):  # intake reads what notification says as well
        service: Service[Any] = importlib.import_module(f"conduit_{name}.app").create_service()
        reader = Reader(name, service.reads(), service.readers)
        runtime = Runtime(service, _settings(service), cast("Pool", None), SystemClock(), Health())
        runtime.start()
        mine = [
            each for each in waiting[seen[name] :] if any(topic.match(each.topic) is not None for topic in service.reads())
        ]
        seen[name] = len(waiting)
        for start in range(0, len(mine), BATCH):
            waiting += _batch(reader, runtime, mine[start : start + BATCH], spent, clock)
    return {key: value / count for key, value in spent.items()}


def _batch(
    reader: Reader,
    runtime: Runtime,
    records: Sequence[Record],
    spent: dict[tuple[str, str], float],
    clock: Callable[[], float],
) -> list[Record]:
    name = runtime.service.name
    began = clock()
    contents: list[Any] = [reader.read(record).content for record in records]
    read = clock()
    outbox = runtime.outbox()
    asyncio.run(_handle(runtime, contents, outbox))
    handled = clock()
    spent[name, "read"] += read - began
    spent[name, "handle"] += handled - read
    spent[name, "records read"] += len(records)
    spent[name, "events"] += len(outbox.rows)
    rows = outbox.rows
    return [raw_record(row.topic, (row.key or b"").decode(), unpack_headers(row.headers), row.value) for row in rows]


async def _handle(runtime: Runtime, contents: Sequence[Any], outbox: Any) -> None:
    await runtime.service.handle(runtime, cast("Connection", Nothing()), contents, outbox)


def _settings(service: Service[Any]) -> Any:
    given: dict[str, Any] = {"kafka_bootstrap_servers": "unused:9092", "postgres_dsn": "postgresql://unused"}
    return service.settings(**given, policy_file=POLICY_FILE)


def _encoded(each: Submission) -> list[tuple[str, bytes | None]]:
    """The headers as Kafka would give them back."""
    return [(name, value.encode() if isinstance(value, str) else value) for name, value in each.headers]


def _codec() -> tuple[float, float]:
    """Microseconds to read a referral from JSON and to write it again."""
    values = [each.value for each in submissions(COUNT, prefix="pieces")]
    messages = [ReferralSubmitted.model_validate_json(value) for value in values]
    return _best(lambda: map(ReferralSubmitted.model_validate_json, values)), _best(lambda: map(dump, messages))


def _best(work: Callable[[], Iterator[object]]) -> float:
    def once() -> float:
        began = process_time()
        for _ in work():
            pass
        return 1e6 * (process_time() - began) / COUNT

    return min(once() for _ in range(ROUNDS))


if __name__ == "__main__":
    main()
