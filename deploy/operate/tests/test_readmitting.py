"""What intake takes while `conduit reconcile` looks is not said to be lost."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from conduit_contracts.ids import uuid7
from conduit_intake.readmission import TakenEvent
from conduit_operate import readmitting, taken
from conduit_operate.broker import external_broker
from conduit_operate.taken import Lost

TAKE = """
INSERT INTO history (referral_id, at, actor, what, why, event_id, partner_id, partner_reference, submission_id, kind)
VALUES (%s, now(), 'partner:northlight', 'received', '', %s, 'northlight', 'NL-1', 'sub-1', 'referral')
"""


def event(event_id: str) -> TakenEvent:
    return TakenEvent(event_id, datetime.now(UTC), cast(Any, None))


def test_what_was_taken_between_the_two_looks_is_not_lost(
    databases: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Intake commits an event and publishes it after its history was read, and before its topic is."""

    def read(_broker: Any, _since: datetime, known: Collection[str]) -> Lost:
        with psycopg.connect(databases["intake"], autocommit=True) as connection:
            connection.execute(TAKE, (uuid7(), "taken meanwhile"))
        return Lost([event(each) for each in ("taken meanwhile", "lost") if each not in known], [])

    monkeypatch.setattr(taken, "lacking", read)
    nowhere = external_broker(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    found = readmitting.lacking(nowhere, databases["intake"], datetime.now(UTC) - timedelta(days=1))
    assert [each.event_id for each in found.taken] == ["lost"]
