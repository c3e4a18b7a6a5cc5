"""`conduit console rebuild` as an operator types it, on real databases and a broker that takes its orders."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from click.testing import Result

from conduit_contracts.topics import keepers
from conduit_operate.commands import console

Conduit = Callable[..., Result]
BY = ("--apply", "--actor", "A. Operator", "--reason", "the console's database is lost")


@pytest.fixture
def ordered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What was ordered of whom; tests/e2e has the same on a real broker."""
    given: list[tuple[str, Any]] = []

    async def take(_settings: Any, services: Any, order: Any) -> None:
        given.extend((service, order) for service in services)

    monkeypatch.setattr(console, "order_snapshots", take)
    return given


def rebuilds(dsn: str) -> list[Any]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT actor, reason, ended_at IS NULL FROM rebuilds ORDER BY begun_at").fetchall()


def test_without_apply_it_says_what_it_would_do(databases: dict[str, str], conduit: Conduit, ordered: list[Any]) -> None:
    done = conduit("console", "rebuild")
    assert done.exit_code == 0, done.output
    assert "intake keeps 0 facts" in done.output
    assert "The console holds 0 cases. Its copy would be emptied and rebuilt; nothing was changed" in done.output
    found = json.loads(conduit("console", "rebuild", "--json").stdout)
    assert (found["applied"], found["cases"], set(found["facts"])) == (False, 0, set(keepers()))
    assert not rebuilds(databases["console"])
    assert not ordered


def test_who_and_why_are_asked_for(databases: dict[str, str], conduit: Conduit) -> None:
    assert conduit("console", "rebuild", "--apply").exit_code == 2


def test_it_is_begun_once_and_ordered_again(databases: dict[str, str], conduit: Conduit, ordered: list[Any]) -> None:
    for _ in range(2):
        done = conduit("console", "rebuild", "--no-wait", "--json", *BY)
        assert done.exit_code == 0, done.output
        found = json.loads(done.stdout)
        assert (found["applied"], found["ended"], sorted(found["lacking"])) == (True, False, sorted(keepers()))
    assert rebuilds(databases["console"]) == [("A. Operator", "the console's database is lost", True)]
    assert [service for service, _ in ordered] == [*keepers(), *keepers()]
    assert len({order.order_id for _, order in ordered}) == 1
    assert "A rebuild by A. Operator is under way" in conduit("console", "rebuild").output
    lines = [json.loads(line) for line in conduit("audit", "--json").stdout.splitlines()]
    assert "console rebuild" in json.dumps(lines)


def test_it_says_when_nothing_happens(
    databases: dict[str, str], conduit: Conduit, ordered: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "PATIENCE_SECONDS", 0.1)
    done = conduit("console", "rebuild", *BY)
    assert done.exit_code == 1
    assert "It has not gone on for two minutes" in done.output


def test_it_waits_until_the_rebuild_has_ended(
    databases: dict[str, str], conduit: Conduit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_at_once(_settings: Any, _services: Any, _order: Any) -> None:
        with psycopg.connect(databases["console"], autocommit=True) as connection:
            connection.execute("UPDATE rebuild_sources SET ended_at = clock_timestamp(), facts = 2, taken = 2")
            connection.execute("UPDATE rebuilds SET ended_at = clock_timestamp()")

    monkeypatch.setattr(console, "order_snapshots", all_at_once)
    done = conduit("console", "rebuild", *BY)
    assert done.exit_code == 0, done.output
    assert f"The console is rebuilt: {2 * len(keepers())} facts are back after 0 s" in done.output


def test_cases_of_before_facts_were_kept_are_named(databases: dict[str, str], conduit: Conduit, ordered: list[Any]) -> None:
    with psycopg.connect(databases["console"], autocommit=True) as connection:
        connection.execute(
            "INSERT INTO cases (referral_id, partner_id, partner_reference, begun_at, rank, mou_lapsed, state, withdrawn,"
            " for_forces, without_force, version) VALUES ('00000000-0000-7000-8000-000000000001', 'p', 'r', '2026-01-01', 1,"
            " false, 'received', false, false, false, 0)"
        )
    assert "stay as they are: nobody kept their facts" in conduit("console", "rebuild").output
    assert conduit("console", "rebuild", "--no-wait", *BY).exit_code == 0
    with psycopg.connect(databases["console"]) as connection:
        assert connection.execute("SELECT count(*) FROM cases").fetchone() == (1,)
