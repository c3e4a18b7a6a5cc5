"""What is overdue of a practice question is a duty task without any content, by day alone, until somebody has seen to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from conduit_chassis.testing import Harness
from conduit_contracts import programme
from conduit_contracts.programme import PracticeSide
from conduit_notification import duty_store
from conduit_notification.app import read_policy
from conduit_notification.duty import Kind
from services.notification.tests import builders as b
from services.notification.tests.builders import HOME, PARTNER
from services.notification.tests.drive import settings_of
from services.notification.tests.test_duty import deliver, let_pass, mailed, staffed, tasks

__all__ = ["staffed"]
QUESTION, OTHER = UUID("01a207bd-b190-7457-8c4b-a2ea74ad4bf7"), UUID("01a207bd-b190-7457-8c4b-a2ea74ad4bf8")


def overdue(question_id: UUID = QUESTION, force_id: str | None = None) -> programme.PracticeQuestionOverdue:
    return programme.PracticeQuestionOverdue(question_id=question_id, partner_id=PARTNER, force_id=force_id)


def settled(by: PracticeSide, force_id: str | None = None, officer: str | None = None) -> programme.PracticeQuestionSettled:
    return programme.PracticeQuestionSettled(
        question_id=QUESTION, partner_id=PARTNER, force_id=force_id, settled_by=by, officer_id=officer
    )


@pytest.mark.parametrize(
    ("force_id", "kind"), [(None, Kind.PRACTICE_OVERDUE), (HOME, Kind.PRACTICE_FORCE_SILENT)], ids=["hub", "force"]
)
async def test_it_is_a_task_by_ids_alone_and_nobody_is_called_before_the_hub_opens(
    staffed: Harness, force_id: str | None, kind: Kind
) -> None:
    await deliver(staffed, overdue(force_id=force_id))
    (task,) = await tasks(staffed)
    assert (task["kind"], task["danger"], task["partner_id"], task["force_id"]) == (kind, False, PARTNER, force_id)
    assert (task["referral_id"], task["partner_reference"], task["callback"], task["codes"]) == (None, None, None, [])
    opens: datetime = read_policy(settings_of(staffed)).hub_hours.reads_from(task["opened_at"])
    is_open = opens == task["opened_at"]
    assert is_open or task["next_call_at"] == opens
    assert task["calls"] == int(is_open)


async def test_what_the_mail_says_is_where_to_look(staffed: Harness, mail: Any) -> None:
    await deliver(staffed, b.force_registered(b.DUTY_CONTACTS[0]), overdue(force_id=HOME))
    await let_pass(staffed, 10_000)
    assert len(await mailed(staffed, mail)) == 1
    said = " ".join(mail.messages[-1].get_content().split())
    assert "under Practice questions" in said
    assert str(QUESTION) not in said
    async with staffed.pool.acquire() as connection:
        (task,) = await duty_store.waiting(connection, 9)
        assert await duty_store.control_rooms_of(connection, task) == [], "a control room is rung for a case"


async def test_it_wakes_no_operator_however_long_it_waits(staffed: Harness, mail: Any) -> None:
    await deliver(staffed, overdue())
    for _ in range(5):
        await let_pass(staffed, 100_000)
    assert len(await mailed(staffed, mail)) == len(b.DUTY_CONTACTS), "each is called once"
    (task,) = await tasks(staffed)
    assert (task["unanswered_at"], task["next_call_at"], task["taken_at"]) == (None, None, None)


@pytest.mark.parametrize(
    ("by", "force_id", "officer", "who"),
    [
        (PracticeSide.HUB, None, "a.okafor", "officer:a.okafor"),
        (PracticeSide.HUB, HOME, "a.okafor", "officer:a.okafor"),
        (PracticeSide.HUB, None, None, "hub"),
        (PracticeSide.FORCE, HOME, None, f"force:{HOME}"),
        (PracticeSide.PARTNER, None, None, f"partner:{PARTNER}"),
    ],
    ids=["answered", "answered without the force", "nobody knows who", "the force wrote", "taken back"],
)
async def test_it_ends_when_somebody_has_seen_to_it_and_no_other_does(
    staffed: Harness, by: PracticeSide, force_id: str | None, officer: str | None, who: str
) -> None:
    await deliver(
        staffed, overdue(force_id=force_id), overdue(OTHER, force_id), overdue(force_id=None if force_id else HOME)
    )
    await deliver(staffed, settled(by, force_id, officer))
    ended = [each for each in await tasks(staffed) if each["taken_at"]]
    assert [(each["taken_by"], str(QUESTION) in each["subject"], each["force_id"]) for each in ended] == [
        (who, True, force_id)
    ]
    await deliver(staffed, settled(by, force_id, officer), overdue(force_id=force_id))
    assert len(await tasks(staffed)) == 4, "overdue again is a task again"
