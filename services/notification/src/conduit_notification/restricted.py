"""Whom notification tells where a suspect belongs to a police force: the hub, and the professional standards department."""

from typing import Any

from conduit_chassis.records import Delivery
from conduit_contracts import notification
from conduit_notification import notices, readers
from conduit_notification.duty import Kind
from conduit_notification.notices import HUB
from conduit_notification.templates import Template
from conduit_notification.work import ANY_FORCE, NotificationWork, by_officer


def case_restricted(work: NotificationWork, delivery: Delivery[readers.CaseRestricted]) -> None:
    """No rule sends it to the suspect's own force: a named officer must act, in danger now. It is no business of the
    partner's."""
    message = delivery.message
    work.keep_from(message, *(message.kept_from or (ANY_FORCE,)))
    if message.immediate_danger:
        work.duty(delivery, Kind.DANGER_RESTRICTED, danger=True, codes=["restricted"])
    else:
        work.notify(delivery, HUB, Template.HUB_CASE_RESTRICTED, message.referral_id, {})
    for force_id in message.kept_from:
        if not _standards_channels(work, force_id):
            _have_it_rung(work, delivery, force_id, danger=message.immediate_danger)


def professional_standards_informed(
    work: NotificationWork, delivery: Delivery[readers.ProfessionalStandardsInformed]
) -> None:
    """The department hears that there is a case for it, and whom to ask. Neither the partner nor the force's own team does.

    Where the register has no address of it, somebody on duty rings.
    """
    message = delivery.message
    work.done(delivery, by_officer(message), Kind.DANGER_RESTRICTED)
    work.keep_from(message, message.force_id, let_in=(ANY_FORCE,))
    audience, params = notices.professional_standards(message.force_id), {"force_id": message.force_id}
    urgent = work.standing(message).immediate_danger
    if _standards_channels(work, message.force_id):
        work.done(delivery, by_officer(message), Kind.STANDARDS_UNREACHABLE, force_id=message.force_id)
        work.notify(delivery, audience, Template.FORCE_PROFESSIONAL_STANDARDS, message.referral_id, params, urgent=urgent)
    else:
        _have_it_rung(work, delivery, message.force_id, danger=urgent)


def _standards_channels(work: NotificationWork, force_id: str) -> tuple[notification.Channel, ...]:
    """By which ways the department can be told; none where the register has no address of it."""
    return notices.channels_for(work.ladders.get(notices.professional_standards(force_id), ()), 0)


def _have_it_rung(work: NotificationWork, delivery: Delivery[Any], force_id: str, *, danger: bool) -> None:
    codes = ["no_professional_standards_address"]
    work.duty(delivery, Kind.STANDARDS_UNREACHABLE, danger=danger, codes=codes, force_id=force_id)
