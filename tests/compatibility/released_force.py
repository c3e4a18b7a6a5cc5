"""A force's connector in 40 lines: python force.py FORCE_ID, with the variables of .conduit/clients/force.<id>.env."""

import asyncio
import sqlite3
import sys

from conduit_contracts.kits import KafkaSettings
from conduit_contracts.kits.force import Delivery, ForceKit
from conduit_contracts.routing import CaseDisseminated

FORCE_ID = sys.argv[1]
cases = sqlite3.connect(f"{FORCE_ID}.cases.sqlite3", isolation_level=None)  # stands for the force's own system
cases.execute("CREATE TABLE IF NOT EXISTS cases (referral_id, part, body, read DEFAULT 0, PRIMARY KEY (referral_id, part))")


async def store(delivery: Delivery) -> None:
    """When this returns, the kit confirms receipt. After a crash it may be called again with the same message."""
    print(delivery.message.type, delivery.attributes.id, flush=True)
    if isinstance(case := delivery.message, CaseDisseminated):  # one that changed comes again, with a higher part
        row = (str(case.referral_id), case.part, case.model_dump_json())
        cases.execute("INSERT OR IGNORE INTO cases (referral_id, part, body) VALUES (?, ?, ?)", row)


async def acknowledge(hub: ForceKit) -> None:
    """Stands for the safeguarding team, who read each case. The event id makes one said twice the same."""
    while True:
        for new in cases.execute("SELECT referral_id, part FROM cases WHERE NOT read ORDER BY part").fetchall():
            await hub.acknowledge(new[0], part=new[1], team="Safeguarding team", event_id="read-{}-{}".format(*new))
            cases.execute("UPDATE cases SET read = 1 WHERE referral_id = ? AND part = ?", new)
        await asyncio.sleep(0.5)


async def main() -> None:
    hub = ForceKit(FORCE_ID, KafkaSettings.from_environment(), f"{FORCE_ID}.ledger.sqlite3")
    async with hub, asyncio.TaskGroup() as tasks:  # an error of either ends both, and the process
        tasks.create_task(hub.run(store))
        tasks.create_task(acknowledge(hub))


asyncio.run(main())
