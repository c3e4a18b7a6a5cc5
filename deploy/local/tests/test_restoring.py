"""A stack loses PostgreSQL's disk after a backup: what partners were told was taken is there again, once.

The commands are those of docs/operate-one-machine.md, as they stand there.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from click.testing import Result

from conduit_contracts.kits import KafkaSettings
from conduit_contracts.kits.force import Delivery, ForceKit
from conduit_contracts.kits.http import HttpKit
from conduit_contracts.kits.http_connection import HttpSettings
from conduit_contracts.kits.partner import PartnerKit
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.routing import CaseDisseminated
from conduit_contracts.topics import SERVICES
from conduit_operate.audit import read_audit
from conduit_operate.env_file import parse_env
from conduit_operate.polling import wait_until
from deploy.local.tests.running import Up
from tests.kits.samples import fields

pytestmark = [pytest.mark.kafka, pytest.mark.long]

FORCE, TEAM = "west-midlands", "Safeguarding team"
BY = ("--apply", "--actor", "A. Operator", "--reason", "a test")
SECONDS = 120.0
KEPT, AFTER, ACKNOWLEDGED = 10, 100, 20
IN_THE_DUMP = 2 * KEPT + 1
IN_ALL = IN_THE_DUMP + 2 * AFTER
SENT_STAYS = """
CREATE FUNCTION keep_sent() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep_sent BEFORE DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION keep_sent()
"""
"""What intake sends stays in its outbox, as if the dump fell between Kafka's confirmation and the row's deletion."""


class Connector:
    """A force's connector, which counts the parts that it was given."""

    def __init__(self, folder: Path) -> None:
        self._ledger = folder / "force.sqlite3"
        self.parts: Counter[tuple[str, int | None]] = Counter()

    async def store(self, delivery: Delivery) -> None:
        if isinstance(delivery.message, CaseDisseminated):
            self.parts[str(delivery.message.referral_id), delivery.message.part] += 1

    def run_until(self, stack: Stack, done: Callable[[], bool], acknowledged: list[str] | None = None) -> None:
        asyncio.run(self._run_until(stack, done, acknowledged or []))

    async def _run_until(self, stack: Stack, done: Callable[[], bool], acknowledged: list[str]) -> None:
        settings = KafkaSettings.from_file(stack.clients / f"force.{FORCE}.env")
        async with ForceKit(FORCE, settings, self._ledger) as kit:
            running = asyncio.create_task(kit.run(self.store))
            for referral_id in acknowledged:
                await kit.acknowledge(referral_id, team=TEAM)
            try:
                await asyncio.to_thread(wait_until, done, "it does not settle", SECONDS, lambda: None)
            except TimeoutError:
                pytest.fail(stack.shown())
            finally:
                running.cancel()
            with suppress(asyncio.CancelledError):
                await running


class Stack:
    """One state directory, whatever runs in it at the time."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state_dir = folder, folder / "state"
        self.clients = self.state_dir / "clients"
        self.up: Up | None = None

    def start(self, *options: str) -> None:
        self.up = Up(self.state_dir, *options)
        self.up.wait_for("ready; ")

    def end(self) -> None:
        if self.up is not None:
            self.up.end()
            self.up = None

    def type(self, command: str, *more: str) -> Result:
        """As the page has it, with this test's folder for a backup."""
        assert self.up is not None
        said = [each.replace("/backups/2026-11-29", str(self.folder / "backup")) for each in shlex.split(command)]
        assert said.pop(0) == "conduit"
        return self.up.conduit(*said, *more)

    def rows(self, service: str, statement: str) -> list[tuple[Any, ...]]:
        assert self.up is not None
        with psycopg.connect(self.up.env()[f"{service.upper()}_POSTGRES_DSN"], autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    def lose_the_disk(self) -> None:
        """Everything is killed at once, and of PostgreSQL's files nothing is left."""
        assert self.up is not None
        processes = psutil.Process(self.up.process.pid).children(recursive=True)
        self.up.process.send_signal(signal.SIGKILL)
        self.up.process.wait(30)
        psutil.wait_procs(processes, timeout=60)
        shutil.rmtree(self.state_dir / "postgres")

    def taken(self) -> dict[str, str]:
        found = self.rows("intake", "SELECT partner_reference, referral_id FROM referrals")
        return {reference: str(number) for reference, number in found}

    def handoffs(self) -> dict[str, str]:
        """By referral, where the force's part stands."""
        found = self.rows("routing", "SELECT referral_id, state FROM handoffs WHERE force_id = 'west-midlands'")
        assert len(found) == len({number for number, _ in found})
        return {str(number): state for number, state in found}

    def refusals(self) -> int:
        ((number,),) = self.rows("intake", "SELECT count(*) FROM history WHERE what IN ('rejected', 'repeated')")
        return int(number)

    def quiet(self) -> bool:
        """Nothing waits to be read, to be sent, or for a person."""
        services = json.loads(self.type("conduit status --json").stdout)["services"].values()
        return all(each["lag"] == each["to_send"] == each["dead_letters"] == 0 for each in services)

    def shown(self) -> str:
        """What an operator would look at."""
        said = [self.type(f"conduit {each}").output for each in ("status", "dead-letters list", "lag")]
        return "\n".join([*said, f"{len(self.taken())} taken", str(Counter(self.handoffs().values()))])

    def settled(self, wanted: int) -> bool:
        return len(self.taken()) == wanted and "disseminated" not in self.handoffs().values() and self.quiet()


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("restoring"))
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(made.folder, ignore_errors=True)


async def by_kafka(stack: Stack, references: list[str], **changes: Any) -> None:
    async with PartnerKit("northlight", KafkaSettings.from_file(stack.clients / "partner.northlight.env")) as hub:
        await asyncio.gather(*(hub.submit(hub.referral(each, **fields(**changes))) for each in references))


async def by_http(stack: Stack, references: list[str]) -> dict[str, str]:
    """The ids in the receipts, which say that each is taken."""
    settings = HttpSettings.from_environment(parse_env((stack.clients / "http" / "northlight.env").read_text()))
    async with HttpKit("northlight", settings) as hub:
        return {each: str((await hub.submit(hub.referral(each, **fields()))).referral_id) for each in references}


async def withdraw(stack: Stack, reference: str) -> None:
    async with PartnerKit("northlight", KafkaSettings.from_file(stack.clients / "partner.northlight.env")) as hub:
        await hub.withdraw(reference, WithdrawalReason.SENT_IN_ERROR)


def before_the_backup(stack: Stack, connector: Connector) -> None:
    assert stack.type("conduit partner onboard northlight --http", *BY).exit_code == 0
    asyncio.run(by_kafka(stack, [f"KEPT-K-{n}" for n in range(KEPT)]))
    asyncio.run(by_http(stack, [f"KEPT-H-{n}" for n in range(KEPT)]))
    connector.run_until(stack, lambda: stack.settled(2 * KEPT))
    stack.rows("intake", SENT_STAYS)
    asyncio.run(by_http(stack, ["SENT-AND-IN-THE-DUMP"]))
    connector.run_until(stack, lambda: len(stack.handoffs()) == IN_THE_DUMP)


def after_the_backup(stack: Stack, connector: Connector) -> None:
    """100 by each way in, all of them confirmed by the force, some acknowledged; one withdrawn, one refused."""
    asyncio.run(by_kafka(stack, [f"LOST-K-{n}" for n in range(AFTER)]))
    receipts = asyncio.run(by_http(stack, [f"LOST-H-{n}" for n in range(AFTER)]))
    asyncio.run(by_kafka(stack, ["REFUSED"], mou_reference="MOU-NOBODYS"))
    wait_until(lambda: len(stack.taken()) == IN_ALL, "they are not taken", SECONDS, lambda: None)
    told = stack.taken()
    assert {each: told[each] for each in receipts} == receipts
    asyncio.run(withdraw(stack, "LOST-K-0"))
    connector.run_until(stack, lambda: stack.settled(IN_ALL))
    acknowledged = [told[f"LOST-K-{n}"] for n in range(1, ACKNOWLEDGED + 1)]
    connector.run_until(
        stack, lambda: Counter(stack.handoffs().values())["acknowledged"] == ACKNOWLEDGED and stack.quiet(), acknowledged
    )
    assert stack.refusals() == 1


def restored(stack: Stack, connector: Connector) -> None:
    """As the page says, turn by turn."""
    stack.start("--servers")
    done = stack.type("conduit restore /backups/2026-11-29", *BY)
    assert done.exit_code == 0, done.output
    assert f"{2 * AFTER + 1} submissions that intake took since then were taken in again" in done.output
    again = stack.type("conduit restore /backups/2026-11-29")
    assert (again.exit_code, "nothing was changed" in again.output) == (0, True), again.output
    assert again.output.count("keep aside database of") == len(SERVICES)  # they hold something now
    stack.rows("intake", "DROP TRIGGER keep_sent ON outbox")
    stack.end()
    stack.start()
    refused = stack.type("conduit restore /backups/2026-11-29 --answers")
    assert (refused.exit_code, "Stop the services" in refused.output) == (1, True)
    # What was confirmed or acknowledged just after the dump is known once the answers are read again.
    connector.run_until(stack, lambda: len(stack.handoffs()) == len(stack.taken()) == IN_ALL and stack.quiet())
    stack.end()
    stack.start("--servers")
    done = stack.type("conduit restore /backups/2026-11-29 --answers", *BY)
    assert done.exit_code == 0, done.output
    stack.end()
    stack.start()


@pytest.mark.timeout(1500)
def test_what_partners_were_told_is_taken_is_there_once_after_the_disk_was_lost(stack: Stack) -> None:
    connector = Connector(stack.folder)
    stack.start()
    before_the_backup(stack, connector)
    done = stack.type("conduit backup /backups/2026-11-29", *BY[1:])
    assert done.exit_code == 0, done.output
    assert stack.rows("intake", "SELECT count(*) FROM outbox") != [(0,)]
    stack.rows("intake", "DROP TRIGGER keep_sent ON outbox")
    after_the_backup(stack, connector)
    told, before, parts = stack.taken(), stack.handoffs(), set(connector.parts)

    stack.lose_the_disk()
    restored(stack, connector)

    connector.run_until(stack, lambda: stack.settled(IN_ALL) and stack.handoffs() == before)
    assert stack.taken() == told
    assert set(connector.parts) == parts  # of each case the same parts, which a connector may be given twice
    assert max(connector.parts.values()) <= 2
    assert stack.refusals() == 0  # nobody was refused what was taken, nor told twice
    for service, table in (("triage", "assessments"), ("routing", "cases"), ("notification", "referrals")):
        assert stack.rows(service, f"SELECT count(*) FROM {table}") == [(IN_ALL,)]  # noqa: S608  our own
    state = "SELECT state FROM referrals WHERE partner_reference = 'LOST-K-0'"
    assert stack.rows("notification", state) == [("withdrawn",)]
    reconciled = stack.type("conduit reconcile --days 1")
    assert (reconciled.exit_code, reconciled.output.splitlines()[-1]) == (0, "all is accounted for")
    commands = Counter(each["command"] for each in read_audit(stack.state_dir) if each["outcome"] == "done")
    assert (commands["backup"], commands["restore"]) == (1, 2)
