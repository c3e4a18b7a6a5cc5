"""The force connector kit on a real broker: no case lost, none doubled, nothing stops it in silence."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from conduit_contracts.force import CaseAcknowledged, CaseDeclined, NotOursReason, ReceiptConfirmed
from conduit_contracts.kits import InvalidError
from conduit_contracts.kits.errors import HandlerFailedError
from conduit_contracts.kits.force import Delivery, ForceKit, OwnRecords
from conduit_contracts.kits.reader import Received, Skipped
from conduit_contracts.routing import CaseDisseminated, InformationDisseminated
from conduit_contracts.topics import FORCE_CASES
from contracts.tests.support import examples
from tests.kits.broker import CASE, Hub, new_hub
from tests.kits.dying_connector import LAST
from tests.support.batches import batch, produce, rubbish_behind

SECONDS = 60


async def run_until(kit: ForceKit, wanted: Callable[[list[Delivery]], bool], handle: Any = None) -> list[Delivery]:
    """Run the connector until it has taken in what is wanted, receipts included."""
    taken: list[Delivery] = []
    enough, past = asyncio.Event(), asyncio.Event()
    wait_for_next = kit._reader.next

    async def next_one() -> Received:
        """The kit asks for another once it is past the last: its receipt is sent, its offset confirmed."""
        if enough.is_set():
            past.set()
        return await wait_for_next()

    async def store(delivery: Delivery) -> None:
        if handle is not None:
            await handle(delivery)
        taken.append(delivery)
        if wanted(taken):
            enough.set()

    monkey = pytest.MonkeyPatch()
    monkey.setattr(kit._reader, "next", next_one)
    running = asyncio.create_task(kit.run(store))
    waiting = asyncio.create_task(past.wait())
    await asyncio.wait([running, waiting], timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
    assert running.done() or past.is_set(), "the connector did not get that far"
    running.cancel()
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await running
    monkey.undo()
    return taken


def count(number: int) -> Callable[[list[Delivery]], bool]:
    return lambda taken: len(taken) >= number


async def test_receipt_is_confirmed_by_itself_and_people_acknowledge_or_decline_later(hub: Hub, tmp_path: Path) -> None:
    first, second = hub.case(), hub.case()
    for case in (first, second):
        hub.tell(FORCE_CASES, case)
    async with ForceKit(hub.force_id, hub.settings, tmp_path / "ledger") as kit:
        taken = await run_until(kit, count(2))
        await kit.acknowledge(first.referral_id, team="Safeguarding team (synthetic)", force_reference="F/1")
        await kit.decline(
            second.referral_id, NotOursReason.OUTSIDE_OUR_AREA, "Synthetic: not here.", suggested_force="west-mercia"
        )
    assert [each.message for each in taken] == [first, second]
    responses = hub.responses()
    assert [record.type for record in responses] == [
        ReceiptConfirmed.type,
        ReceiptConfirmed.type,
        CaseAcknowledged.type,
        CaseDeclined.type,
    ]
    ids = [str(case.referral_id) for case in (first, second, first, second)]
    assert [record.key for record in responses] == [record.headers["ce_subject"] for record in responses] == ids
    assert {record.value["force_id"] for record in responses} == {hub.force_id}
    assert responses[3].value["suggested_force"] == "west-mercia"


async def test_the_same_message_twice_is_one_case_and_one_receipt(hub: Hub, tmp_path: Path) -> None:
    case, after = hub.case(), hub.case()
    event_id = hub.tell(FORCE_CASES, case)
    hub.tell(FORCE_CASES, case, event_id)
    hub.tell(FORCE_CASES, after)
    async with ForceKit(hub.force_id, hub.settings, tmp_path / "ledger") as kit:
        taken = await run_until(kit, count(2))
    assert [each.message for each in taken] == [case, after]
    assert [record.value["referral_id"] for record in hub.responses()] == [str(case.referral_id), str(after.referral_id)]


async def test_only_a_case_has_a_receipt(hub: Hub, tmp_path: Path) -> None:
    body = {**examples()[InformationDisseminated.type].value, "force_id": hub.force_id}
    information = InformationDisseminated.model_validate_json(json.dumps(body))
    hub.tell(FORCE_CASES, information)
    async with ForceKit(hub.force_id, hub.settings, tmp_path / "ledger") as kit:
        (taken,) = await run_until(kit, count(1))
    assert taken.message == information
    assert hub.responses() == []


async def test_cases_in_every_codec_are_taken_in_and_a_batch_that_cannot_be_read_is_reported_and_passed(
    hub: Hub, tmp_path: Path
) -> None:
    topic = FORCE_CASES.name(hub.force_id)
    cases = [hub.case() for _ in range(6)]
    records = [hub.record(case) for case in cases]
    for codec in range(5):
        await produce(hub.bootstrap_servers, topic, bytes(batch([records[codec]], codec)))
    await produce(hub.bootstrap_servers, topic, rubbish_behind([hub.record(hub.case()) for _ in range(3)]))
    await produce(hub.bootstrap_servers, topic, bytes(batch(records[5:], 4)))
    reports: list[Skipped] = []
    async with ForceKit(hub.force_id, hub.settings, tmp_path / "ledger", report=reports.append) as kit:
        taken = await run_until(kit, count(6))
    assert [each.message for each in taken] == cases
    ((offset, (problem,)),) = [(each.offset, each.problems) for each in reports]
    assert (offset, problem.code, problem.origin) == (7, "batch_unreadable", "hub")
    assert "5 to 7" in problem.message


async def test_what_cannot_be_read_or_is_for_others_is_reported_and_the_next_case_comes(hub: Hub, tmp_path: Path) -> None:
    topic = FORCE_CASES.name(hub.force_id)
    good = list(CASE.raw_headers)
    named = {name: value for name, value in good if value is not None}
    hub.put(topic, [*{**named, "ce_type": b"uk.conduit.routing.later.v1"}.items()], b"{}")
    hub.put(topic, [*named.items()], b"\xff\x00")
    hub.put(topic, [], b"{}")
    hub.tell(FORCE_CASES, hub.case(force_id="west-mercia"))
    hub.tell(FORCE_CASES, case := hub.case())
    reports: list[Skipped] = []
    async with ForceKit(hub.force_id, hub.settings, tmp_path / "ledger", report=reports.append) as kit:
        (taken,) = await run_until(kit, count(1))
    assert taken.message == case
    assert [(each.offset, each.unknown_type) for each in reports] == [(0, True), (1, False), (2, False), (3, False)]
    assert len(hub.responses()) == 1


async def test_a_case_that_changed_is_confirmed_and_acknowledged_by_its_new_part(hub: Hub, tmp_path: Path) -> None:
    first = hub.case()
    changed = hub.case(referral_id=str(first.referral_id), part=2, because="information_added")
    for case in (first, changed):
        hub.tell(FORCE_CASES, case)
    async with ForceKit(hub.force_id, hub.settings, tmp_path / "ledger") as kit:
        taken = await run_until(kit, count(2))
        await kit.acknowledge(changed.referral_id, team="Synthetic team", part=2)
    assert [delivery.message.part for delivery in taken if isinstance(delivery.message, CaseDisseminated)] == [1, 2]
    assert [record.value["part"] for record in hub.responses()] == [1, 2, 2]


async def test_fields_of_a_later_version_are_dropped(hub: Hub, tmp_path: Path) -> None:
    body = hub.case().model_dump(mode="json", exclude_none=True)
    body["of_a_later_version"] = body["summary"]["of_a_later_version"] = {"x": 1}
    hub.put(FORCE_CASES.name(hub.force_id), [(n, v) for n, v in CASE.raw_headers if v], json.dumps(body).encode())
    async with ForceKit(hub.force_id, hub.settings, tmp_path / "ledger") as kit:
        (taken,) = await run_until(kit, count(1))
    assert isinstance(taken.message, CaseDisseminated)


async def test_a_handler_that_fails_is_called_again_and_told_so(hub: Hub, tmp_path: Path) -> None:
    hub.tell(FORCE_CASES, hub.case())
    calls: list[bool] = []

    async def fail_once(delivery: Delivery) -> None:
        calls.append(delivery.redelivered)
        if len(calls) == 1:
            raise OSError("canary: what stood in the case")

    async with ForceKit(hub.force_id, hub.settings, tmp_path / "ledger", retry_seconds=(0.01,)) as kit:
        await run_until(kit, count(1), fail_once)
    assert calls == [False, True]
    assert len(hub.responses()) == 1


async def test_a_handler_that_goes_on_failing_ends_the_kit_and_loses_nothing(
    hub: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    event_id = hub.tell(FORCE_CASES, hub.case())

    async def fail(_: Delivery) -> None:
        raise OSError("canary: what stood in the case")

    async with ForceKit(hub.force_id, hub.settings, tmp_path / "ledger", retry_seconds=(0.01, 0.01)) as kit:
        with pytest.raises(HandlerFailedError, match=f"failed 3 times on event {event_id}, at last with OSError") as error:
            await asyncio.wait_for(kit.run(fail), SECONDS)
    assert "canary" not in caplog.text + str(error.value)
    assert hub.responses() == []
    async with ForceKit(hub.force_id, hub.settings, tmp_path / "ledger") as mended:
        (taken,) = await run_until(mended, count(1))
    assert taken.redelivered
    assert len(hub.responses()) == 1


async def test_a_forces_own_database_may_say_what_was_seen(hub: Hub) -> None:
    event_id = hub.tell(FORCE_CASES, hub.case())
    hub.tell(FORCE_CASES, new := hub.case())

    async def seen(known: str) -> bool:
        return known == event_id

    async with ForceKit(hub.force_id, hub.settings, OwnRecords(seen)) as kit:
        (taken,) = await run_until(kit, count(1))
    assert taken.message == new
    assert len(hub.responses()) == 2  # the first may have been lost with the crash that this database survived


async def test_a_response_that_the_hub_would_refuse_is_not_sent(hub: Hub, tmp_path: Path) -> None:
    async with ForceKit(hub.force_id, hub.settings, tmp_path / "ledger") as kit:
        with pytest.raises(InvalidError, match="force_reference"):
            await kit.acknowledge(hub.case().referral_id, team="Team", force_reference="\n")
    assert hub.responses() == []


async def test_killed_at_any_moment_it_loses_no_case_and_doubles_none(kafka_bootstrap: str, tmp_path: Path) -> None:
    hubs = {moment: new_hub(kafka_bootstrap) for moment in ("storing", "stored", "told", "passing")}
    for moment in hubs:
        (tmp_path / moment).mkdir()
    await asyncio.gather(*(_die_and_come_back(hub, tmp_path / moment, moment) for moment, hub in hubs.items()))


async def _die_and_come_back(hub: Hub, folder: Path, moment: str) -> None:
    cases = [hub.case(partner_reference=reference) for reference in ("FIRST", "SECOND", LAST)]
    sent = [hub.tell(FORCE_CASES, case) for case in cases]
    start: Callable[[], Awaitable[asyncio.subprocess.Process]] = lambda: asyncio.create_subprocess_exec(  # noqa: E731
        sys.executable, "-m", "tests.kits.dying_connector", hub.bootstrap_servers, hub.force_id, str(folder), moment
    )
    assert await (await start()).wait() == -9
    assert await (await start()).wait() == 0
    own = sqlite3.connect(folder / "cases.sqlite3")
    stored = own.execute("SELECT event_id FROM cases ORDER BY rowid").fetchall()
    own.close()
    assert [event_id for (event_id,) in stored] == sent, moment
    calls = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
    again = [[sent[0], True]] if moment == "storing" else []
    assert calls == [[sent[0], False], *again, [sent[1], False], [sent[2], False]], moment
    receipts = [(record.value["referral_id"], record.event_id) for record in hub.responses()]
    assert len(set(receipts)) == 3, moment
    assert {referral_id for referral_id, _ in receipts} == {str(case.referral_id) for case in cases}
