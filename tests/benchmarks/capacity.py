"""From what one referral costs, measured, to what so many of them need: the arithmetic behind `docs/capacity.md`.

`python -m tests.benchmarks.capacity` writes the page's tables anew. Every assumption is a constant here.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from conduit_contracts.topics import PARTNER, REGISTRY, SERVICES
from tests.benchmarks import memory, width
from tests.benchmarks.footprint import FILE, Footprint

PAGE = Path("docs/capacity.md")
YEAR_SECONDS = 365.25 * 86_400
DAY = 86_400
BUSIEST_CORE = 0.5
"""So much of a process's core is planned for in the peak hour; the rest is for catching up after an outage."""
COPIES = {"kafka": 3, "postgres": 2}
"""Replicas of each topic; a primary and a standby."""
INBOX_DAYS = 60
LEAST_REPLICAS, LEAST_PARTITIONS = 2, 6
PARTITIONS_PER_PROCESS = 2
"""So that processes can be added before partitions have to be, which would move keys."""
REVIEWED, REVIEW_MINUTES, OFFICER_HOURS = 0.2, 10, 1_500
"""Assumed: the share that a person decides, how long one takes, and an officer's hours at the queue in a year."""
GIB, TIB = 1024**3, 1024**4
CORE_DOLLARS, MEMORY_DOLLARS, DISK_DOLLARS = 24.22, 3.25, 0.17
"""Of a month: a core and a GiB of memory as a public cloud listed them on demand in 2018, and an assumed price of a GiB on
an SSD. Whoever has an offer puts its prices here."""
SERVER_MEMORY = 4 * GIB
"""Assumed, of each broker and each database server."""
WAL_DAYS = 30
"""Assumed: for so long WAL is kept, to restore the databases as they were at any moment."""


@dataclass(frozen=True, slots=True)
class Service:
    """A size that the conduit may come to."""

    name: str
    per_year: float
    peak: float
    """The busiest hour against the average hour of the year."""
    forces: int
    partners: int


SIZES = (
    Service("pilot", 500, 40, 5, 5),
    Service("national service", 30_000, 40, 46, 100),
    Service("tip line of 2024", 20_500_000, 10, 200, 1_500),
    Service("tip line of 2023", 36_200_000, 10, 200, 1_500),
)


@dataclass(frozen=True, slots=True)
class Need:
    """What one size needs."""

    per_second: float
    peak_per_second: float
    cores: dict[str, float]
    """In the peak hour, by part."""
    processes: dict[str, int]
    partitions: int
    topics: int
    topic_partitions: int
    kafka_bytes: float
    """On all brokers together, when retention is full."""
    kafka_bytes_per_second: float
    """Written in the peak hour, on all brokers together."""
    database_bytes_per_year: float
    inbox_bytes: float
    wal_bytes_per_day: float
    memory_bytes: float
    """Of the services' processes."""
    officers: float
    dollars_a_month: float
    """For rented machines and disks at the end of the first year, without people."""


def services_of(one: Footprint) -> list[str]:
    """The services that were measured, in flow order. A new one counts once `make capacity` has measured it."""
    return [name for name in SERVICES if name in one.cpu_ms]


def need(size: Service, one: Footprint) -> Need:
    """What a size needs when one referral costs this."""
    average = size.per_year / YEAR_SECONDS
    peak = average * size.peak
    cores = {part: one.idle_cores[part] + peak * one.cpu_ms[part] / 1000 for part in one.cpu_ms}
    processes = {name: max(LEAST_REPLICAS, math.ceil(cores[name] / BUSIEST_CORE)) for name in services_of(one)}
    partitions = max(LEAST_PARTITIONS, PARTITIONS_PER_PROCESS * max(processes.values()))
    per_day = average * DAY
    retained = sum(one.topic_bytes.get(t.template, 0) * t.retention.days for t in REGISTRY if not t.compacted)
    disk = {
        "kafka": per_day * retained * COPIES["kafka"],
        "databases": size.per_year * sum(one.database_bytes.values()) * COPIES["postgres"],
        "inbox": per_day * one.inbox_bytes * INBOX_DAYS * COPIES["postgres"],
        "wal": per_day * one.wal_bytes * WAL_DAYS,
    }
    return Need(
        per_second=average,
        peak_per_second=peak,
        cores=cores,
        processes=processes,
        partitions=partitions,
        topics=sum(_count(topic.parameter, size) for topic in REGISTRY) + len(SERVICES),
        topic_partitions=sum(_count(t.parameter, size) * _partitions(t.partitions, partitions) for t in REGISTRY),
        kafka_bytes=disk["kafka"],
        kafka_bytes_per_second=peak * sum(one.topic_bytes.values()) * COPIES["kafka"],
        database_bytes_per_year=disk["databases"],
        inbox_bytes=disk["inbox"],
        wal_bytes_per_day=per_day * one.wal_bytes,
        memory_bytes=sum(processes.values()) * one.service_memory_bytes,
        officers=size.per_year * REVIEWED * REVIEW_MINUTES / 60 / OFFICER_HOURS,
        dollars_a_month=_dollars(cores, processes, one.service_memory_bytes, sum(disk.values())),
    )


def _dollars(cores: dict[str, float], processes: dict[str, int], process_memory: float, disk_bytes: float) -> float:
    """Each copy of a server is as large as the one that was measured needs to be: more than a follower has to do."""
    rented = BUSIEST_CORE * sum(processes.values())
    rented += sum(copies * max(1, math.ceil(cores[server] / BUSIEST_CORE)) for server, copies in COPIES.items())
    memory = sum(processes.values()) * process_memory + sum(COPIES.values()) * SERVER_MEMORY
    return rented * CORE_DOLLARS + memory / GIB * MEMORY_DOLLARS + disk_bytes / GIB * DISK_DOLLARS


def _count(parameter: str | None, size: Service) -> int:
    if parameter is None:
        return 1
    return size.partners if parameter == f"{PARTNER}_id" else size.forces


def _partitions(registered: int, wanted: int) -> int:
    """The internal topics grow with the processes; those of one partner or force stay as small as they are."""
    return wanted if registered == LEAST_PARTITIONS else registered


class Row(NamedTuple):
    """A line of the table."""

    title: str
    show: Callable[[Service, Need], str]


ROWS = (
    Row("referrals a year", lambda size, _: f"{size.per_year:,.0f}"),
    Row("referrals a second: average, busiest hour", lambda _, n: f"{_short(n.per_second)}, {_short(n.peak_per_second)}"),
    Row("cores in the busiest hour: services", lambda _, n: _short(sum(n.cores[name] for name in n.processes))),
    Row("… Kafka, PostgreSQL", lambda _, n: f"{_short(n.cores['kafka'])}, {_short(n.cores['postgres'])}"),
    Row("processes of each service", lambda _, n: "/".join(map(str, n.processes.values()))),
    Row("partitions of an internal topic", lambda _, n: f"{n.partitions}"),
    Row("topics, partitions in all", lambda _, n: f"{n.topics:,}, {n.topic_partitions:,}"),
    Row("disk of Kafka, three copies", lambda _, n: _size(n.kafka_bytes)),
    Row("written to Kafka in the busiest hour", lambda _, n: f"{_size(n.kafka_bytes_per_second)}/s"),
    Row("databases grow by, two copies", lambda _, n: f"{_size(n.database_bytes_per_year)} a year"),
    Row("inboxes, two copies", lambda _, n: _size(n.inbox_bytes)),
    Row("WAL to archive", lambda _, n: f"{_size(n.wal_bytes_per_day)} a day"),
    Row("memory of the services", lambda _, n: _size(n.memory_bytes)),
    Row("officers at the review queue", lambda _, n: _short(n.officers)),
    Row("machines and disks, at the end of the first year", lambda _, n: f"${_short(n.dollars_a_month)} a month"),
)


def needs_table(one: Footprint) -> str:
    """What each size needs, as Markdown."""
    needs = [(size, need(size, one)) for size in SIZES]
    lines = [["", *(size.name for size in SIZES)], ["---"] * (len(SIZES) + 1)]
    lines += [[row.title, *(row.show(*each) for each in needs)] for row in ROWS]
    return _markdown(lines)


def cost_table(one: Footprint) -> str:
    """What one referral costs, as Markdown."""
    topics = sum(one.topic_bytes.values())
    lines = [
        ["one referral, of " + _short(one.cases) + " forces", "measured"],
        ["---", "---"],
        ["records on topics, one copy", f"{topics / 1024:.1f} KiB"],
        [
            "rows that stay, with indexes",
            f"{sum(one.rows.values()):.0f} rows, {sum(one.database_bytes.values()) / 1024:.1f} KiB",
        ],
        ["inbox, for 60 days", f"{one.inbox_bytes / 1024:.1f} KiB"],
        ["WAL", f"{one.wal_bytes / 1024:.0f} KiB"],
        *([f"CPU, {part}", f"{value:.1f} ms"] for part, value in one.cpu_ms.items()),
        ["CPU when nothing comes, all together", f"{sum(one.idle_cores.values()):.2f} cores"],
        ["memory of a service's process", f"{one.service_memory_bytes / 1024**2:.0f} MiB"],
    ]
    return _markdown(lines)


def width_table(found: dict[str, Any] | None) -> str:
    """How wide the conduit may be, as Markdown; where nobody measured it yet, that."""
    if found is None:
        return "`make capacity` has not measured this yet where nothing else was running."
    return "\n".join([_markdown(width.lines(found)), "", *width.words(found)])


def page(text: str, one: Footprint, wide: dict[str, Any] | None) -> str:
    """The page with its tables written anew."""
    tables = {
        "cost": cost_table(one),
        "needs": needs_table(one),
        "memory": _markdown(memory.lines(one)),
        "width": width_table(wide),
    }
    for name, table in tables.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if len(block.findall(text)) != 1:
            raise ValueError(f"the page must have one block <!-- {name} --> … <!-- end -->")
        text = block.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)  # type: ignore[misc]
    return text


def measured() -> Footprint:
    """What was measured last, as committed."""
    return Footprint(**json.loads(FILE.read_text(encoding="utf-8")))


def _markdown(lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _short(value: float) -> str:
    """Two significant digits, without an exponent."""
    if value >= 100:
        return f"{float(f'{value:.2g}'):,.0f}"
    if not value:
        return "0"
    digits = max(0, 1 - math.floor(math.log10(value)))
    return f"{value:.{min(digits, 6)}f}"


def _size(value: float) -> str:
    for unit, one in (("TiB", TIB), ("GiB", GIB), ("MiB", 1024**2)):
        if value >= one:
            return f"{_short(value / one)} {unit}"
    return f"{_short(value / 1024)} KiB"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), measured(), width.measured()), encoding="utf-8")
