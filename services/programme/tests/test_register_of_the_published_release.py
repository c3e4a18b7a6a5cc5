"""The register that the published release wrote lies on the topic when its writer changes: nothing of it is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conduit_chassis.headers import unpack_headers
from conduit_chassis.records import Delivery, Reader, Record
from conduit_chassis.testing import Harness, raw_record, record
from conduit_contracts import topics
from conduit_contracts.envelope import decode
from conduit_contracts.programme import ForceRegistered, PartnerRegistered, RegisterPartner, SuspendPartner
from conduit_contracts.registering import subject_of
from conduit_contracts.schemas import committed
from conduit_contracts.topics import consumed_by
from conduit_intake.app import READERS as INTAKE
from conduit_notification.readers import READERS as NOTIFICATION
from tests.compatibility import released

BY: dict[str, Any] = {"ordered_by": "jo.smith", "reason": "a test"}
KINDS = {PartnerRegistered: topics.PARTNERS, ForceRegistered: topics.FORCES}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """What the published release writes of every partner and force that it can."""
    wheel: Path = released.unpacked(tmp_path_factory.mktemp("released"))
    schemas = committed()[released.VERSION]
    asked = [
        (kind, {"type": kind.type, "value": schemas[kind.type]["examples"][0]})
        for kind in (PartnerRegistered, ForceRegistered)
    ]
    answers = released.ask(wheel, "write", [body for _, body in asked])
    found = []
    for (kind, _), answer in zip(asked, answers, strict=True):
        headers = [(name, text.encode()) for name, text in answer["headers"]]
        _, entry = decode(headers, answer["value"].encode(), {kind.type: kind})
        assert isinstance(entry, PartnerRegistered | ForceRegistered)
        found.append(raw_record(KINDS[kind].name(), subject_of(entry).identity, headers, answer["value"].encode()))
    return found


def entry_in(made: Record) -> Any:
    return decode(made.headers, made.value, {kind.type: kind for kind in KINDS})[1]


async def test_the_new_writer_takes_the_old_register_over_and_changes_one_thing_of_it(
    programme: Harness, written: list[Record]
) -> None:
    await programme.deliver(*written)
    partner = entry_in(written[0])
    renamed = partner.model_copy(update={"name": "Example Harbour"})
    order = RegisterPartner(entry=renamed, stood=partner, **BY)
    (published,) = await programme.deliver(record(topics.REGISTER_COMMANDS.name(), partner.partner_id, order))
    old, new = json.loads(written[0].value or b""), published.message.model_dump(mode="json", exclude_none=True)
    assert released.contains(new, {**old, "name": "Example Harbour"})


async def test_intake_and_notification_read_both_writers_alike(programme: Harness, written: list[Record]) -> None:
    await programme.deliver(*written)
    partner = entry_in(written[0])
    order = SuspendPartner(partner_id=partner.partner_id, wholly=True, stood=partner, **BY)
    ordered = record(topics.REGISTER_COMMANDS.name(), partner.partner_id, order)
    await programme.deliver(ordered)
    row = await programme.pool.fetchrow("SELECT topic, key, headers, value FROM outbox ORDER BY id DESC LIMIT 1")
    now = raw_record(row["topic"], row["key"].decode(), unpack_headers(row["headers"]), bytes(row["value"]))
    for service, readers in (("intake", INTAKE), ("notification", NOTIFICATION)):
        reader = Reader(service, consumed_by(service), readers)
        before, after = (reader.read(each).content for each in (written[0], now))
        assert isinstance(before, Delivery)
        assert isinstance(after, Delivery)
        assert after.message == before.message.model_copy(update={"suspended": True} if service == "intake" else {})
        assert (after.topic, after.record.key) == (before.topic, before.record.key)
