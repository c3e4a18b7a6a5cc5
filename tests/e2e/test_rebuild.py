"""The console's copy of all cases is lost, and topics have deleted what it was made of: it comes back to the same rows."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from confluent_kafka import TopicPartition

from conduit_contracts import topics
from conduit_local.demo.result import Options
from conduit_local.demo.run import run_samples
from conduit_local.demo.samples import load_samples
from conduit_local.stack import Stack
from services.console.tests.anew import READ_MODEL
from tests.e2e.conftest import NewStack

pytestmark = pytest.mark.long

SAMPLES = load_samples()
DANGER = "012"
OPEN = {"received", "under_review", "information_requested", "accepted", "with_forces"}
MANY = 15_000
"""Facts of triage, so that its snapshot is under way for long enough to be looked at; routing's is held back."""
SECONDS = 300.0


def asked(stack: Stack, service: str, statement: str, *arguments: Any) -> list[Any]:
    with psycopg.connect(stack.dsns[service], autocommit=True) as connection:
        done = connection.execute(statement.encode(), arguments or None)
        return done.fetchall() if done.description else []


def until(check: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (found := check()):
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.05)
    return found


def caught_up(stack: Stack) -> None:
    """The console has read all that was published until now."""
    now = datetime.now(UTC)
    until(lambda: asked(stack, "console", "SELECT min(complete_to) > %s FROM followed", now)[0][0], "a current console")


def read_model(stack: Stack, before: datetime) -> dict[str, list[str]]:
    """All rows of cases that began before this moment, but for what people wrote."""
    old = "referral_id IN (SELECT referral_id FROM cases WHERE begun_at < %s)"
    found = {}
    for table in READ_MODEL:
        if table not in {"contents", "failed_notices", "dangers", "duty_tasks"}:
            # A line's number says in which order the console heard of it, which a rebuild makes that of the timeline.
            shown = "to_jsonb(timeline) - 'version'" if table == "timeline" else "*"
            statement = f"SELECT {shown} FROM {table} WHERE {old}"  # noqa: S608 - constants
            found[table] = sorted(map(str, asked(stack, "console", statement, before)))
    for table, at in (("failed_notices", "failed_at"), ("dangers", "reported_at"), ("duty_tasks", "opened_at")):
        statement = f"SELECT * FROM {table} WHERE {at} < %s"  # noqa: S608 - constants
        found[table] = sorted(map(str, asked(stack, "console", statement, before)))
    return found


def words(stack: Stack, before: datetime) -> dict[tuple[Any, str], tuple[bytes, str]]:
    """What people wrote, by case and event, with where the case stands."""
    rows = asked(
        stack,
        "console",
        "SELECT referral_id, event_id, body, state FROM contents JOIN cases USING (referral_id) WHERE begun_at < %s",
        before,
    )
    return {(referral_id, event_id): (bytes(body), state) for referral_id, event_id, body, state in rows}


def delete_all_segments(stack: Stack) -> None:
    """Kafka has deleted all that was published, as after 40 days."""
    admin = stack.broker.admin()
    known = admin.list_topics(timeout=30).topics
    ours = [topic for topic in (*topics.REGISTRY, *topics.standing_apart()) if not topic.compacted]
    names = [name for name in known if any(topic.match(name) is not None for topic in ours)]
    everything = [TopicPartition(name, number, -1) for name in names for number in known[name].partitions]
    for future in admin.delete_records(everything).values():
        future.result(30)


def begin(stack: Stack) -> subprocess.Popen[str]:
    by = ["--apply", "--actor", "A. Operator", "--reason", "its database is lost", "--json"]
    command = [sys.executable, "-m", "conduit_operate.cli", "console", "rebuild", *by, "--state-dir", str(stack.state_dir)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def test_it_is_built_anew_to_the_same_rows_while_an_owner_is_killed_and_danger_goes_on(new_stack: NewStack) -> None:
    with new_stack() as stack:
        assert (await run_samples(stack, SAMPLES, Options(name="BEFORE"))).complaints == []
        await asyncio.to_thread(caught_up, stack)
        before = datetime.now(UTC)
        rows, said = read_model(stack, before), words(stack, before)
        assert {state for _, state in said.values()} & OPEN, "some case is still open"
        assert all(rows[table] for table in ("cases", "handoffs", "questions", "timeline", "duty_tasks"))
        for service, many in (("triage", MANY), ("routing", MANY // 3)):
            again = "topic, partition, record_offset, recorded_at, headers, value"
            copies = "CEIL(%s::float8 / (SELECT count(*) FROM facts))::int"
            asked(
                stack,
                service,
                f"INSERT INTO facts ({again}) SELECT {again} FROM facts, generate_series(1, {copies})",  # noqa: S608
                many,
            )
        delete_all_segments(stack)
        command = begin(stack)
        try:
            with psycopg.connect(stack.dsns["routing"]) as holder:  # however quick the machine is, one is not at its end yet
                holding = "SELECT FROM snapshot_orders WHERE ended_at IS NULL FOR UPDATE"
                await asyncio.to_thread(until, lambda: holder.execute(holding).rowcount, "a snapshot to hold back")
                published = "SELECT coalesce(max(published), 0) > 2000 FROM snapshot_orders WHERE ended_at IS NULL"
                await asyncio.to_thread(until, lambda: asked(stack, "triage", published)[0][0], "the snapshot's middle")
                assert asked(stack, "console", "SELECT count(*) FROM rebuilds WHERE ended_at IS NULL") == [(1,)]
                stack.service("triage").kill()
                stack.restart("triage")
                await asyncio.to_thread(stack.wait_ready)
                danger = [each for each in SAMPLES if each.number == DANGER]
                result = await run_samples(stack, danger, Options(name="MEANWHILE"))
            under_way = asked(stack, "console", "SELECT count(*) FROM rebuild_sources WHERE ended_at IS NULL")[0][0]
            output, errors = await asyncio.to_thread(command.communicate, None, SECONDS)
        finally:
            command.kill()
            command.communicate()
        assert command.returncode == 0, errors
        assert json.loads(output)["ended"]
        assert result.complaints == []
        assert under_way, "danger went all the way while facts were still coming back"
        assert read_model(stack, before) == rows
        back = words(stack, before)
        assert {key: found for key, found in said.items() if found[1] in OPEN}.items() <= back.items()
        assert back.items() <= said.items()
        counted = "SELECT published, (SELECT max(id) FROM facts WHERE id <= last_fact) FROM snapshot_orders"
        ((number, last),) = asked(stack, "triage", counted)
        assert number == last, "what was killed went on where it was"
