"""What one partner sent, and no rule bears, is put aside; triage goes on for everybody else."""

from typing import Any

import pytest

from conduit_chassis.testing import ManualClock, harness
from conduit_contracts import intake
from conduit_contracts.ids import uuid7
from conduit_triage.app import create_service
from conduit_triage.handlers import HANDLERS
from services.triage.tests.builders import PARTNER, as_record, received, supplied
from services.triage.tests.conftest import POLICY_FILE


async def test_added_information_that_no_rule_bears_stops_triage_for_nobody_before_a_restart_or_after_it(
    database: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(HANDLERS, intake.InformationSupplied.type, failing)
    for run in (1, 2):
        async with harness(create_service(), database, clock, policy_file=POLICY_FILE, dead_letter_limit=10) as triage:
            await triage.processor.remember()
            await triage.processor.process([as_record(supplied(uuid7())) for _ in range(12)])
            assert {each["blamed"] for each in await triage.dead_letters()} == {PARTNER}
            assert len(await triage.dead_letters()) == 12 * run
            assert await triage.deliver(as_record(received(partner_id="southlight")))
