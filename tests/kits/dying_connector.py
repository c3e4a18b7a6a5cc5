"""A force's connector that kills itself once, at the moment it is told, as a power cut would.

    python -m tests.kits.dying_connector BOOTSTRAP FORCE FOLDER MOMENT

Moments: `storing` (the case is stored, the handler has not returned), `stored` (the ledger knows), `told` (the receipt is
sent, the ledger does not know), `passing` (the offset is not committed). It ends when the case called LAST is stored.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from pathlib import Path

from conduit_contracts.kits import KafkaSettings
from conduit_contracts.kits.force import Delivery, ForceKit, SqliteLedger, Stage
from conduit_contracts.routing import CaseDisseminated

LAST = "LAST"


class DyingLedger(SqliteLedger):
    """Dies before it can keep a stage."""

    def __init__(self, path: Path, die_before: Stage | None, die_after: Stage | None, mark: Path) -> None:
        super().__init__(path)
        self._before, self._after, self._mark = die_before, die_after, mark

    async def mark(self, event_id: str, stage: Stage) -> None:
        if stage is self._before:
            die_once(self._mark)
        await super().mark(event_id, stage)
        if stage is self._after:
            die_once(self._mark)


def die_once(mark: Path) -> None:
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


async def main(bootstrap: str, force_id: str, folder: Path, moment: str) -> None:
    own = sqlite3.connect(folder / "cases.sqlite3", isolation_level=None)
    own.execute("CREATE TABLE IF NOT EXISTS cases (event_id TEXT PRIMARY KEY, reference TEXT)")
    done = asyncio.Event()
    before = {"storing": Stage.STORED, "told": Stage.CONFIRMED}.get(moment)
    after = {"stored": Stage.STORED, "passing": Stage.CONFIRMED}.get(moment)
    ledger = DyingLedger(folder / "ledger.sqlite3", before, after, folder / "died")

    async def store(delivery: Delivery) -> None:
        with (folder / "calls.jsonl").open("a") as calls:
            calls.write(json.dumps([delivery.attributes.id, delivery.redelivered]) + "\n")
        if isinstance(delivery.message, CaseDisseminated):
            reference = delivery.message.partner_reference
            own.execute("INSERT OR IGNORE INTO cases VALUES (?, ?)", (delivery.attributes.id, reference))
            if reference == LAST:
                done.set()

    async with ForceKit(force_id, KafkaSettings(bootstrap), ledger) as kit:
        running = asyncio.create_task(kit.run(store))
        await done.wait()
        await asyncio.sleep(1)  # its receipt goes out
        running.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
