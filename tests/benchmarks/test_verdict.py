"""A soak's verdict finds what grows and lets pass what fills up or goes up and down."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.benchmarks.verdict import SERVICES, Expected, judge

EXPECTED = Expected(rate=20.0, retention_seconds=300.0)
SECONDS = [10.0 * number for number in range(181)]
FLAT = {
    **dict.fromkeys(("sent", "arrived"), 1.0),
    **{f"{name}_{what}": value for name in SERVICES for what, value in (
        ("rss_mib", 100.0), ("files", 25.0), ("threads", 3.0), ("outbox_rows", 5.0), ("lag_records", 9.0),
        ("connections", 7.0), ("dead_tuples", 900.0), ("live_tuples", 50_000.0), ("outbox_dead_tuples", 900.0),
    )},
    "notices_queued": 12.0, "handoffs_open": 8.0, "postgres_own_mib": 120.0, "postgres_files": 2000.0,
    "postgres_threads": 32.0, "kafka_rss_mib": 600.0, "kafka_files": 270.0, "kafka_segments": 160.0, "kafka_threads": 100.0,
}  # fmt: skip


def forgetting(seconds: float) -> float:
    """20 ids a second, those older than 5 minutes gone every 10 minutes."""
    return 20 * (seconds % 600 + (300 if seconds >= 600 else 0))


def samples(**changed: Callable[[float], float]) -> dict[str, list[float]]:
    inboxes = {f"{name}_inbox_rows": [forgetting(at) for at in SECONDS] for name in SERVICES}
    steady = {name: [value] * len(SECONDS) for name, value in FLAT.items()}
    return {"seconds": SECONDS, **steady, **inboxes, **{name: [of(at) for at in SECONDS] for name, of in changed.items()}}


def test_a_run_in_which_nothing_grows_passes() -> None:
    assert [finding.line() for finding in judge(samples(), EXPECTED) if not finding.held] == []


@pytest.mark.parametrize(
    ("column", "of", "name"),
    [
        ("triage_rss_mib", lambda at: 100 + 0.01 * at, "memory of triage"),
        ("routing_files", lambda at: 25 + at / 60, "open files of routing"),
        ("notices_queued", lambda at: 2.0 * at, "notices queued"),
        ("intake_outbox_rows", lambda at: 1.7 * at, "intake outbox rows"),
        ("intake_inbox_rows", lambda at: 20.0 * at, "inbox of intake"),
        ("routing_connections", lambda _: 12.0, "connections of routing"),
        ("notification_outbox_dead_tuples", lambda at: 50.0 * at, "dead tuples of notification"),
    ],
)
def test_what_grows_is_named(column: str, of: Callable[[float], float], name: str) -> None:
    findings = judge(samples(**{column: of}), EXPECTED)
    assert [finding.name for finding in findings if not finding.held] == [name]


def test_a_cache_that_fills_up_and_stops_is_no_leak() -> None:
    warming = samples(intake_rss_mib=lambda at: 90 + min(30.0, at / 20))
    assert all(finding.held for finding in judge(warming, EXPECTED))
