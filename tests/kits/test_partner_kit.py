"""The partner kit on a real broker: sent once in effect, followed without a gap."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator

from conduit_contracts.ids import uuid7
from conduit_contracts.kits import InvalidError, KafkaSettings, UnconfirmedError
from conduit_contracts.kits.partner import PartnerKit
from conduit_contracts.kits.reader import Skipped
from conduit_contracts.notification import ReferralState, ReferralStatusUpdated, SubmissionRejected
from conduit_contracts.partner import ReferralSubmitted, WithdrawalReason
from conduit_contracts.problems import sender_problem
from conduit_contracts.topics import PARTNER_UPDATES
from conduit_local.ports import free_port
from tests.kits.broker import Hub
from tests.kits.samples import fields, information


def status(hub: Hub, revision: int) -> ReferralStatusUpdated:
    return ReferralStatusUpdated(
        partner_id=hub.partner_id,
        partner_reference="NL-1",
        referral_id=uuid7(),
        revision=revision,
        state=ReferralState.RECEIVED,
        fact="referral_received",
        happened_at=datetime.now(UTC),
    )


async def test_each_kind_of_submission_lies_on_the_partners_own_topic_under_its_reference(hub: Hub) -> None:
    async with PartnerKit(hub.partner_id, hub.settings) as kit:
        sent = [
            await kit.submit(kit.referral("NL-1", **fields())),
            await kit.supply(kit.supplement("NL-1", **information())),
            await kit.reconsider("NL-1", "Synthetic: look again."),
            await kit.withdraw("NL-1", WithdrawalReason.SENT_IN_ERROR),
        ]
    records = hub.referrals()
    assert [record.event_id for record in records] == [each.submission.event_id for each in sent]
    assert {record.key for record in records} == {"NL-1"}
    assert {record.headers["ce_source"] for record in records} == {f"/partners/{hub.partner_id}"}
    assert len({each.submission_id for each in sent}) == 4
    assert sent[0].submission_id.startswith(sent[0].submission.topic)


async def test_what_is_sent_again_has_the_same_event_id_even_from_another_process(hub: Hub) -> None:
    async with PartnerKit(hub.partner_id, hub.settings) as kit:
        referral = kit.referral("NL-1", **fields())
        submission = kit.prepare(ReferralSubmitted(referral=referral))
        await kit.send(submission)
        await kit.send(submission)
    async with PartnerKit(hub.partner_id, hub.settings) as restarted:
        await restarted.submit(referral, event_id=submission.event_id)
    records = hub.referrals()
    assert len(records) == 3
    assert {record.event_id for record in records} == {submission.event_id}
    assert records[0].value == records[2].value


async def test_what_the_hub_would_refuse_is_not_sent(hub: Hub) -> None:
    async with PartnerKit(hub.partner_id, hub.settings) as kit:
        other = PartnerKit("harbour-trust", hub.settings).referral("NL-1", **fields())
        assert [problem.code for problem in kit.check(ReferralSubmitted(referral=other))] == ["identity_mismatch"]
        with pytest.raises(InvalidError, match="identity_mismatch"):
            await kit.submit(other)
    assert hub.referrals() == []


async def test_a_broker_that_is_away_leaves_the_sender_knowing_that_it_does_not_know() -> None:
    async with PartnerKit("northlight", KafkaSettings(f"127.0.0.1:{free_port()}"), send_seconds=2) as kit:
        with pytest.raises(UnconfirmedError, match="the same event id"):
            await kit.submit(kit.referral("NL-1", **fields()))


async def test_updates_go_on_where_the_last_reader_left_off(hub: Hub) -> None:
    for revision in (1, 2, 3):
        hub.tell(PARTNER_UPDATES, status(hub, revision))
    kit = PartnerKit(hub.partner_id, hub.settings)
    async with asyncio.timeout(30), kit.updates("desk") as updates:
        async for update in updates:
            assert isinstance(update.message, ReferralStatusUpdated)
            if update.message.revision == 2:
                break
    async with asyncio.timeout(30), kit.updates("desk") as updates:
        third = await anext(updates)
    async with asyncio.timeout(30), kit.updates("another-desk") as updates:
        first = await anext(updates)
    assert [each.message.revision for each in (third, first)] == [3, 1]  # type: ignore[union-attr]


async def test_an_update_that_was_not_dealt_with_comes_again(hub: Hub) -> None:
    event_id = hub.tell(PARTNER_UPDATES, status(hub, 1))
    kit = PartnerKit(hub.partner_id, hub.settings)

    async def fail() -> None:
        async with asyncio.timeout(30), kit.updates("desk") as updates:
            async for _ in updates:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with asyncio.timeout(30), kit.updates("desk") as updates:
        assert (await anext(updates)).attributes.id == event_id


async def test_what_cannot_be_read_is_reported_and_passed_over(hub: Hub) -> None:
    topic = PARTNER_UPDATES.name(hub.partner_id)
    later = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/conduit"), ("ce_time", b"2026-11-23T09:00:00Z")]
    hub.put(topic, [*later, ("ce_type", b"uk.conduit.notification.something-new.v1")], b"{}")
    hub.put(topic, [], b"\xff")
    hub.put(topic, [*later, ("ce_type", ReferralStatusUpdated.type.encode())], b'{"partner_id": "canary canary"}')
    rejected = SubmissionRejected(
        partner_id=hub.partner_id, submission_id="t/0/0", problems=(sender_problem("field_missing", "referral"),)
    )
    hub.tell(PARTNER_UPDATES, rejected)
    reports: list[Skipped] = []
    kit = PartnerKit(hub.partner_id, hub.settings, report=reports.append)
    async with asyncio.timeout(30), kit.updates("desk") as updates:
        update = await anext(updates)
    assert update.message == rejected
    assert [(each.offset, each.unknown_type) for each in reports] == [(0, True), (1, False), (2, False)]
    assert "canary" not in repr(reports)


async def test_fields_that_came_later_than_the_kit_are_dropped(hub: Hub) -> None:
    body = status(hub, 1).model_dump(mode="json", exclude_none=True) | {"of_a_later_version": True}
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/conduit"), ("ce_time", b"2026-11-23T09:00:00Z")]
    record = [*headers, ("ce_type", ReferralStatusUpdated.type.encode())]
    hub.put(PARTNER_UPDATES.name(hub.partner_id), record, json.dumps(body).encode())
    kit = PartnerKit(hub.partner_id, hub.settings)
    async with asyncio.timeout(30), kit.updates("desk") as updates:
        update = await anext(updates)
    assert isinstance(update.message, ReferralStatusUpdated)
    assert update.message.revision == 1


async def test_a_reader_whose_group_task_has_died_joins_again(
    hub: Hub, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.tell(PARTNER_UPDATES, status(hub, 1))
    find_coordinator, deaths = GroupCoordinator.ensure_coordinator_known, list[str]()

    async def die_once(coordinator: Any) -> None:
        if not deaths and asyncio.current_task() is coordinator._coordination_task:
            deaths.append("of the group task")
            raise AssertionError
        await find_coordinator(coordinator)

    kit = PartnerKit(hub.partner_id, hub.settings)
    async with asyncio.timeout(60), kit.updates("desk") as updates:
        await anext(updates)
        monkeypatch.setattr(GroupCoordinator, "ensure_coordinator_known", die_once)
        updates._reader._consumer._coordinator.request_rejoin()
        while not deaths:  # noqa: ASYNC110 - it waits for another task's own
            await asyncio.sleep(0.01)
        hub.tell(PARTNER_UPDATES, status(hub, 2))
        second = await anext(updates)
    assert deaths
    assert isinstance(second.message, ReferralStatusUpdated)
    assert second.message.revision == 2
    assert "the group was left" in caplog.text
