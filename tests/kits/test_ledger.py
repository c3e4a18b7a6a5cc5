"""What a connector remembers survives it, and only ever goes forward."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

from conduit_contracts.kits.force import OwnRecords, SqliteLedger, Stage


async def test_a_stage_is_there_for_the_next_process_and_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    first = SqliteLedger(path)
    assert await first.stage("a") is Stage.NEW
    await first.mark("a", Stage.STORED)
    await first.mark("a", Stage.BEGUN)
    second = SqliteLedger(path)
    assert await second.stage("a") is Stage.STORED
    first.close()
    second.close()


async def test_what_no_topic_can_bring_again_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    ledger = SqliteLedger(path)
    await ledger.mark("a", Stage.CONFIRMED)
    ledger.close()
    kept = SqliteLedger(path)
    assert await kept.stage("a") is Stage.CONFIRMED
    kept.close()
    await asyncio.sleep(0.01)
    emptied = SqliteLedger(path, keep=timedelta(0))
    assert await emptied.stage("a") is Stage.NEW
    emptied.close()


async def test_nothing_of_a_case_stands_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    ledger = SqliteLedger(path)
    await ledger.mark("a", Stage.BEGUN)
    ledger.close()
    connection = sqlite3.connect(path)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(messages)")]
    connection.close()
    assert columns == ["event_id", "stage", "at"]


async def test_a_forces_own_database_may_be_the_ledger() -> None:
    async def seen(event_id: str) -> bool:
        return event_id == "known"

    ledger = OwnRecords(seen)
    await ledger.mark("unknown", Stage.BEGUN)
    assert [await ledger.stage(each) for each in ("known", "unknown")] == [Stage.STORED, Stage.NEW]
