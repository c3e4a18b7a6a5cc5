"""What of a soak's samples may not grow, by how much, and why so much.

A leak grows without an end, at a rate that follows the referrals; a cache, a heap or a table's free space grows and stops.
So trends are taken over the second half of the run, when whatever fills up has filled up, by the median of all slopes
(Theil and Sen), which single samples cannot bend.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from statistics import median

SERVICES = ("intake", "triage", "routing", "notification")
Samples = Mapping[str, Sequence[float]]

LEAK_MIB = 8.0
"""In 15 minutes at 20 referrals a second, 18,000 referrals: 466 bytes each. A leaked record or task is larger than that."""
LEAK_SHARE = 0.04
"""Of a process's memory: the allocator's own fragments move by about so much."""
JVM_BEYOND_HEAP_MIB = 512.0
"""Metaspace, code, threads and direct buffers of Kafka. Its heap fills up by design, so a trend says nothing."""
HEAP_MIB = 512.0
INBOX_TICK_SECONDS = 600.0
"""`forget_inbox` runs so often: an id is kept for the retention and at most this long on top."""
TRIAGE_TO_NOTIFICATION_RECORDS = 14.0
"""More than any service reads per referral here: two forces' parts, each confirmed and acknowledged, and what follows."""
QUEUE_SECONDS = 5.0
"""What is on its way at any time may be this many seconds' worth of the load."""
RELATION_FILES = 200.0
"""Tables, indexes and their maps in a service's database, with the catalogue's that a backend reads."""
POOL = 6
"""POOL_SIZE; the relay and its standby have one connection each beside it."""
VACUUM_NAP_SECONDS = 60.0
"""autovacuum_naptime: dead rows wait at least for its next round."""
VACUUM_THRESHOLD_ROWS = 2_000.0


@dataclass(frozen=True, slots=True)
class Expected:
    """What the run was asked to be."""

    rate: float
    retention_seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, applied."""

    name: str
    held: bool
    text: str

    def line(self) -> str:
        """For the log."""
        return f"{'ok    ' if self.held else 'FAILED'} {self.name}: {self.text}"


def read_samples(path: Path) -> dict[str, list[float]]:
    """The CSV file by column."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if len(rows) < 6:
        raise ValueError(f"{path} has {len(rows)} samples; a verdict needs at least 6")
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def judge(samples: Samples, expected: Expected) -> list[Finding]:
    """Every rule. All of them are to hold."""
    return [
        *(_memory(samples, name, "rss") for name in SERVICES),
        # Shared buffers count in every backend's resident memory and fill once; what backends own is what could leak.
        _memory(samples, "postgres", "own"),
        _kafka_memory(samples),
        *(_files(samples, name) for name in SERVICES),
        _postgres_files(samples),
        _kafka_files(samples),
        *_threads(samples),
        *(_connections(samples, name) for name in SERVICES),
        *_queues(samples, expected),
        *(_inbox(samples, name, expected) for name in SERVICES),
        *(_dead_tuples(samples, name, expected) for name in SERVICES),
    ]


def slope(seconds: Sequence[float], values: Sequence[float]) -> float:
    """Per second, the median over all pairs."""
    pairs = combinations(zip(seconds, values, strict=True), 2)
    return median((b - a) / (t - s) for (s, a), (t, b) in pairs if t > s)


def growth(samples: Samples, column: str) -> float:
    """By the trend of the second half, over the second half."""
    seconds = _half(samples["seconds"])
    return slope(seconds, _half(samples[column])) * (seconds[-1] - seconds[0])


def _half(values: Sequence[float]) -> Sequence[float]:
    return values[len(values) // 2 :]


def _memory(samples: Samples, name: str, kind: str) -> Finding:
    column = f"{name}_{kind}_mib"
    grown, typical = growth(samples, column), median(_half(samples[column]))
    bound = max(LEAK_MIB, LEAK_SHARE * typical)
    text = f"{typical:.0f} MiB, {grown:+.1f} MiB over the second half; at most {bound:.1f}"
    return Finding(f"memory of {name}", grown <= bound, text)


def _kafka_memory(samples: Samples) -> Finding:
    most, bound = max(samples["kafka_rss_mib"]), HEAP_MIB + JVM_BEYOND_HEAP_MIB
    return Finding("memory of kafka", most <= bound, f"at most {most:.0f} MiB; heap and all beside it may have {bound:.0f}")


def _files(samples: Samples, name: str) -> Finding:
    """Connections come and go by a few; a leak of one file per referral, or per minute, shows."""
    grown = growth(samples, f"{name}_files")
    return Finding(f"open files of {name}", grown <= 5, f"{samples[f'{name}_files'][-1]:.0f}, {grown:+.1f}; at most +5")


def _postgres_files(samples: Samples) -> Finding:
    """A backend opens the files of each relation that it touches, once, and keeps them; new backends begin anew."""
    each = max(files / max(1.0, processes) for files, processes in _backends(samples))
    text = f"at most {each:.0f} for each process; its database has no more than {RELATION_FILES:.0f}"
    return Finding("open files of postgres", each <= RELATION_FILES, text)


def _backends(samples: Samples) -> Iterator[tuple[float, float]]:
    return zip(samples["postgres_files"], samples["postgres_threads"], strict=True)


def _kafka_files(samples: Samples) -> Finding:
    """A segment has a log, two indexes and now and then a snapshot; segments are kept as long as retention says."""
    half, segments = _half(samples["kafka_files"]), _half(samples["kafka_segments"])
    grown, bound = half[-1] - half[0], 4 * max(0.0, segments[-1] - segments[0]) + 20
    return Finding("open files of kafka", grown <= bound, f"{half[-1]:.0f}, {grown:+.0f}; its segments explain {bound:.0f}")


def _threads(samples: Samples) -> Iterator[Finding]:
    for name in (*SERVICES, "kafka"):
        half = _half(samples[f"{name}_threads"])
        grown = half[-1] - half[0]
        yield Finding(f"threads of {name}", grown <= 3, f"{half[-1]:.0f}, {grown:+.0f}; at most +3")


def _connections(samples: Samples, name: str) -> Finding:
    most = max(samples[f"{name}_connections"])
    return Finding(f"connections of {name}", most <= POOL + 2, f"at most {most:.0f}; its settings allow {POOL + 2}")


def _queues(samples: Samples, expected: Expected) -> Iterator[Finding]:
    bound = QUEUE_SECONDS * TRIAGE_TO_NOTIFICATION_RECORDS * expected.rate
    columns = [f"{name}_{what}" for name in SERVICES for what in ("outbox_rows", "lag_records")]
    for column in (*columns, "notices_queued", "handoffs_open"):
        half = _half(samples[column])
        typical, grown = median(half), growth(samples, column)
        held = typical <= bound and grown <= bound
        text = f"median {typical:.0f}, most {max(half):.0f}, trend {grown:+.0f}; at most {bound:.0f}"
        yield Finding(column.replace("_", " "), held, text)


def _inbox(samples: Samples, name: str, expected: Expected) -> Finding:
    """It holds what came within the retention, and until the next tick. In a run shorter than that it only fills."""
    kept = expected.retention_seconds + INBOX_TICK_SECONDS
    rows, seconds = samples[f"{name}_inbox_rows"], samples["seconds"]
    # What one retention and tick bring in, as it was measured before anything was forgotten.
    early = [(at, count) for at, count in zip(seconds, rows, strict=True) if at <= 0.8 * INBOX_TICK_SECONDS]
    per_second = (early[-1][1] - early[0][1]) / max(1.0, early[-1][0] - early[0][0])
    bound = 1.2 * kept * per_second + 1_000
    shrank = min((b - a for a, b in pairwise(rows)), default=0.0)
    forgotten = seconds[-1] < kept + 60 or shrank < 0
    text = f"most {max(rows):.0f} rows, {per_second:.0f}/s come in; at most {bound:.0f}; once {max(0.0, -shrank):.0f} fewer"
    return Finding(f"inbox of {name}", max(rows) <= bound and forgotten, text)


def _dead_tuples(samples: Samples, name: str, expected: Expected) -> Finding:
    """Autovacuum starts at a fifth of a table, or at 2,000 rows of an outbox, and looks each minute; deleting inbox rows at
    once leaves a tick's worth of them."""
    per_minute = VACUUM_NAP_SECONDS * TRIAGE_TO_NOTIFICATION_RECORDS * expected.rate
    dead, live = samples[f"{name}_dead_tuples"], samples[f"{name}_live_tuples"]
    bound = 0.2 * max(live) + 2 * per_minute + VACUUM_THRESHOLD_ROWS + max(samples[f"{name}_inbox_rows"])
    grown = growth(samples, f"{name}_dead_tuples")
    most = max(_half(samples[f"{name}_outbox_dead_tuples"]))
    outbox_bound = 3 * per_minute + VACUUM_THRESHOLD_ROWS
    held = max(dead) <= bound and most <= outbox_bound
    text = f"most {max(dead):.0f} of at most {bound:.0f}, trend {grown:+.0f}; outbox {most:.0f} of {outbox_bound:.0f}"
    return Finding(f"dead tuples of {name}", held, text)
