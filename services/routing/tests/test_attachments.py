"""Who is told of an attachment and may fetch it: the home force, whichever came first and however it changes."""

from uuid import UUID

import pytest

from conduit_chassis.testing import Harness, record
from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7
from conduit_contracts.routing import AttachmentClosed, AttachmentDisseminated, AttachmentOpened
from conduit_contracts.topics import ROUTING_ATTACHMENTS
from services.routing.tests.builders import (
    Desk,
    Recorder,
    accepted,
    attached,
    danger,
    declined,
    name_home,
    place,
    received,
    referral,
    topic_of,
    triage_declined,
    withdrawn,
)

KENT, ESSEX, SURREY = "kent", "essex", "surrey"
KENT_LEADS = (place("L1", KENT), place("L2", KENT), place("L3", ESSEX))
TIED = (place("L1", KENT), place("L2", ESSEX))


def to_intake(outbox: Recorder) -> list[tuple[str, str]]:
    """What intake was told, by kind and force."""
    told = [message for topic, _, message in outbox.sent if topic == ROUTING_ATTACHMENTS.name()]
    return [(type(each).__name__, each.force_id) for each in told if isinstance(each, AttachmentOpened | AttachmentClosed)]


def test_the_home_force_is_told_and_no_other(desk: Desk) -> None:
    case = accepted(referral(KENT_LEADS))
    desk.deliver(case)
    file = attached(case.referral_id)
    outbox = desk.deliver(file)
    assert outbox.to(KENT) == [
        AttachmentDisseminated(
            force_id=KENT,
            referral_id=file.referral_id,
            attachment_id=file.attachment_id,
            media_type=file.media_type,
            size=file.size,
            sha256=file.sha256,
        )
    ]
    assert outbox.to(ESSEX) == []
    assert to_intake(outbox) == [("AttachmentOpened", KENT)]
    assert outbox.facts() == []


def test_one_that_came_before_the_case_goes_out_after_it(desk: Desk) -> None:
    case = accepted(referral(KENT_LEADS))
    assert desk.deliver(attached(case.referral_id)).sent == []
    outbox = desk.deliver(case)
    assert outbox.kinds(KENT) == ["CaseDisseminated", "AttachmentDisseminated"]
    assert outbox.kinds(ESSEX) == ["CaseDisseminated"]


def test_said_twice_it_is_told_once(desk: Desk) -> None:
    case = accepted(referral(KENT_LEADS))
    file = attached(case.referral_id)
    assert len(to_intake(desk.deliver(case, file, file))) == 1
    assert desk.deliver(file).sent == []


def test_while_nobody_leads_nobody_is_told(desk: Desk) -> None:
    case = accepted(referral(TIED))
    desk.deliver(case)
    assert desk.deliver(attached(case.referral_id)).sent == []
    outbox = desk.deliver(name_home(case.referral_id, ESSEX))
    assert outbox.kinds(ESSEX)[-1] == "AttachmentDisseminated"
    assert to_intake(outbox) == [("AttachmentOpened", ESSEX)]


@pytest.mark.parametrize("suggested", [SURREY, None])
def test_it_closes_to_a_home_force_that_gives_the_case_back_and_opens_to_the_next(desk: Desk, suggested: str | None) -> None:
    case = accepted(referral(KENT_LEADS))
    desk.deliver(case, attached(case.referral_id))
    outbox = desk.deliver(declined(case.referral_id, KENT, suggested))
    assert to_intake(outbox)[0] == ("AttachmentClosed", KENT)
    if suggested is None:
        outbox = desk.deliver(name_home(case.referral_id, SURREY))
    assert to_intake(outbox)[-1] == ("AttachmentOpened", SURREY)
    assert outbox.kinds(SURREY)[-1] == "AttachmentDisseminated"


def test_it_closes_to_a_force_that_goes_on_without_leading(desk: Desk) -> None:
    case = accepted(referral(KENT_LEADS))
    desk.deliver(case, attached(case.referral_id))
    outbox = desk.deliver(name_home(case.referral_id, ESSEX))
    assert to_intake(outbox) == [("AttachmentClosed", KENT), ("AttachmentOpened", ESSEX)]


def test_in_immediate_danger_the_home_force_has_it_before_triage_decides_and_afterwards(desk: Desk) -> None:
    referral_id, told = uuid7(), referral(KENT_LEADS, immediate_danger=True)
    outbox = desk.deliver(attached(referral_id), danger(told, referral_id))
    assert outbox.kinds(KENT) == ["CaseDisseminated", "AttachmentDisseminated"]
    assert to_intake(desk.deliver(triage_declined(referral_id))) == []
    assert to_intake(desk.deliver(attached(referral_id))) == [("AttachmentOpened", KENT)]


def test_after_a_withdrawal_nothing_more_goes_out_and_what_was_given_stays(desk: Desk) -> None:
    case = accepted(referral(KENT_LEADS))
    desk.deliver(case, attached(case.referral_id))
    assert to_intake(desk.deliver(withdrawn(case.referral_id))) == []
    assert desk.deliver(attached(case.referral_id)).sent == []


def test_history_says_who_was_told_and_by_which_event(desk: Desk) -> None:
    case = accepted(referral(KENT_LEADS))
    desk.deliver(case, attached(case.referral_id), name_home(case.referral_id, ESSEX))
    lines = [line for line in desk.case(case.referral_id).new_history if line.what.startswith("attachment")]
    assert [(line.what, line.force_id, line.sent_id is not None) for line in lines] == [
        ("attachment_opened", KENT, True),
        ("attachment_closed", KENT, False),
        ("attachment_opened", ESSEX, True),
    ]


class TestOnPostgresql:
    async def test_what_was_stored_before_is_seen_by_the_next_batch(self, routing: Harness) -> None:
        case = accepted(referral(KENT_LEADS))
        first, second = attached(case.referral_id), attached(case.referral_id)
        assert await told(routing, first) == []
        assert await told(routing, case) == [("AttachmentOpened", KENT, first.attachment_id)]
        assert await told(routing, second) == [("AttachmentOpened", KENT, second.attachment_id)]
        assert await told(routing, name_home(case.referral_id, ESSEX)) == [
            (kind, force_id, attachment_id)
            for attachment_id in sorted((first.attachment_id, second.attachment_id))
            for kind, force_id in (("AttachmentClosed", KENT), ("AttachmentOpened", ESSEX))
        ]
        assert await routing.handle_again(record(topic_of(first), "key", first)) == []

    async def test_one_that_was_stored_at_the_same_moment_as_its_case_goes_out_with_the_receipt(
        self, routing: Harness
    ) -> None:
        """As if neither transaction had seen the other."""
        case = accepted(referral(KENT_LEADS))
        await told(routing, case)
        file = attached(case.referral_id)
        row = (file.attachment_id, file.referral_id, file.media_type, file.size, file.sha256)
        columns = ("attachment_id", "referral_id", "media_type", "size", "sha256")
        async with routing.pool.acquire() as connection:
            await connection.copy_records_to_table("attachments", records=[row], columns=columns)
        assert await told(routing, received(case.referral_id, ESSEX)) == [("AttachmentOpened", KENT, file.attachment_id)]


async def told(routing: Harness, message: Message) -> list[tuple[str, str, UUID]]:
    """What intake is told because of a record."""
    published = await routing.deliver(record(topic_of(message), "key", message))
    messages = [each.message for each in published]
    return [
        (type(each).__name__, each.force_id, each.attachment_id)
        for each in messages
        if isinstance(each, AttachmentOpened | AttachmentClosed)
    ]
