"""The capacity page says what its arithmetic says, and its arithmetic starts from what the stack really uses."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from conduit_contracts.topics import REGISTRY, SERVICES
from conduit_local.stack import Stack
from tests.benchmarks import capacity, footprint, width
from tests.benchmarks.capacity import Service, need
from tests.benchmarks.registers import publish_registers

REFERRALS_A_SECOND, SECONDS = 25.0, 10.0
TOLERANCE = 0.35
"""Few referrals fill pages and segments less evenly than many."""

ONE = capacity.measured()
SIZE = Service("a size", 1_000_000, 10, 46, 100)


def test_the_page_has_the_tables_that_the_measurements_give() -> None:
    text = capacity.PAGE.read_text(encoding="utf-8")
    assert capacity.page(text, ONE, width.measured()) == text, "run python -m tests.benchmarks.capacity"


def test_twice_the_referrals_need_twice_the_disk_and_no_more() -> None:
    half, whole = need(SIZE, ONE), need(replace(SIZE, per_year=2 * SIZE.per_year), ONE)
    assert whole.kafka_bytes == pytest.approx(2 * half.kafka_bytes)
    assert whole.database_bytes_per_year == pytest.approx(2 * half.database_bytes_per_year)
    assert whole.wal_bytes_per_day == pytest.approx(2 * half.wal_bytes_per_day)
    assert whole.topic_partitions == half.topic_partitions


def test_the_smallest_service_still_survives_the_loss_of_a_process_and_of_a_broker() -> None:
    least = need(Service("least", 1, 1, 1, 1), ONE)
    assert set(least.processes.values()) == {2}
    assert least.partitions == 6
    assert least.kafka_bytes == pytest.approx(3 * sum(_kept(ONE.topic_bytes).values()) / 365.25)


def test_there_are_always_more_partitions_than_processes_to_read_them() -> None:
    heavy = replace(ONE, cpu_ms={part: 100 * value for part, value in ONE.cpu_ms.items()})
    found = need(replace(SIZE, per_year=400_000_000), heavy)
    assert found.partitions >= 2 * max(found.processes.values()) > 2 * capacity.LEAST_REPLICAS


def point(partners: int, slowest: float, idle: float = 0.1) -> dict[str, float]:
    """What was measured with so many partners."""
    names = ("set_up_seconds", "ready_seconds", "leave_seconds", "join_seconds", "onboard_seconds", "newcomer_seconds")
    figures = dict.fromkeys(names, 0.5) | {"join_seconds": slowest, "idle_cores": idle}
    return {
        "partners": partners,
        "partitions": 9 * partners,
        "kafka_files": 7,
        "service_files": 8,
        "service_mib": 9,
        **figures,
    }


def test_where_rebalances_begin_to_hurt_is_between_two_numbers_that_were_tried() -> None:
    assert width.hurt_between([point(1_500, 8.0), point(50, 0.6), point(500, 0.9)]) == "between 500 and 1,500 partners"
    assert width.hurt_between([point(50, 0.6), point(500, 0.9)]) == "not with 500 partners"
    assert width.hurt_between([point(50, 1.6)]) == "with 50 partners already"


def test_idle_cores_are_told_for_each_thousand_partitions() -> None:
    assert width.idle_for_each_thousand([point(1_500, 1, 0.29), point(500, 1, 0.19)]) == pytest.approx(0.05)


def test_the_table_of_width_has_a_column_for_each_number_and_says_what_it_comes_to() -> None:
    found = {
        "points": [point(500, 0.9), point(50, 0.6)],
        "burst": {"referrals": 10_000, "mib": 21.4, "seconds": 9.0},
        "machine": {"cores": 2, "load_average_before_report": [0.4]},
        "at": "2026-11-30T00:00:00+00:00",
        "commit": "abc",
    }
    lines = width.lines(found)
    assert lines[0] == ["", "50 partners", "500 partners"]
    assert lines[2] == ["partitions that intake reads, all", "100, 450", "1,000, 4,500"]
    assert {len(line) for line in lines} == {3}
    assert "10,000 referrals (21 MiB) of one partner in 9 s" in capacity.width_table(found)
    assert "has not measured" in capacity.width_table(None)


@pytest.mark.long
async def test_a_referral_costs_on_the_real_stack_what_the_model_says(stack: Stack) -> None:
    await asyncio.to_thread(publish_registers, stack, contacts=True)
    found = await asyncio.to_thread(footprint.measure, stack, REFERRALS_A_SECOND, SECONDS)
    assert found.referrals > 50
    assert sum(found.topic_bytes.values()) == pytest.approx(sum(ONE.topic_bytes.values()), rel=TOLERANCE)
    assert sum(found.rows.values()) == pytest.approx(sum(ONE.rows.values()), rel=TOLERANCE)
    assert sum(found.database_bytes.values()) == pytest.approx(sum(ONE.database_bytes.values()), rel=TOLERANCE)
    assert found.wal_bytes < 2 * ONE.wal_bytes
    assert found.service_memory_bytes < 1.5 * ONE.service_memory_bytes
    # On a busy machine with more processes and smaller batches a referral may use a multiple, but not many times as much.
    assert sum(found.cpu_ms.values()) < 4 * sum(ONE.cpu_ms.values())
    assert set(found.cpu_ms) == {*SERVICES, "kafka", "postgres"}


def _kept(topic_bytes: dict[str, float]) -> dict[str, float]:
    days = {topic.template: topic.retention.days for topic in REGISTRY}
    return {name: size * days[name] for name, size in topic_bytes.items() if name in days}
