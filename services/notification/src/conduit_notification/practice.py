"""What is overdue of practice questions, which partners ask without a referral: a duty task, until somebody sees to it."""

from typing import Any

from conduit_chassis.records import Delivery
from conduit_contracts import programme
from conduit_contracts.programme import PracticeSide
from conduit_notification.duty import Duty, Kind, Settled
from conduit_notification.work import NotificationWork, by_force, by_officer, by_partner


def question_overdue(work: NotificationWork, delivery: Delivery[programme.PracticeQuestionOverdue]) -> None:
    """Somebody at the hub must see to it. There is no case, so nobody is called at night."""
    work.duties.append(_task(delivery.message))


def question_settled(work: NotificationWork, delivery: Delivery[programme.PracticeQuestionSettled]) -> None:
    """By what somebody did, nobody has to see to it any more."""
    message = delivery.message
    who = {PracticeSide.PARTNER: by_partner, PracticeSide.FORCE: by_force}.get(message.settled_by, by_officer)
    known = message.settled_by is not PracticeSide.HUB or message.officer_id is not None
    work.duties.append(Settled(_task(message).subject, who(message) if known else "hub"))


def _task(message: Any) -> Duty:
    kind = Kind.PRACTICE_OVERDUE if message.force_id is None else Kind.PRACTICE_FORCE_SILENT
    about = str(message.question_id)
    return Duty(kind, danger=False, partner_id=message.partner_id, force_id=message.force_id, apart=about)
