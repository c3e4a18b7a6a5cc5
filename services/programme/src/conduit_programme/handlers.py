"""What the programme does with each record: the last one of a partner or a force holds, and a case's first hand-over."""

from conduit_chassis.dispatch import Handlers
from conduit_chassis.records import Delivery
from conduit_contracts import programme, routing
from conduit_programme.feedback.store import KnownHandover
from conduit_programme.readers import CaseOfPartnerHandedOver, ForceAsRegistered, PartnerAsRegistered
from conduit_programme.rules import day_of
from conduit_programme.work import ProgrammeWork


def partner_registered(work: ProgrammeWork, delivery: Delivery[PartnerAsRegistered]) -> None:
    """This is the partner from now on: its name, and what was agreed."""
    work.partners[delivery.message.partner_id] = delivery.message


def force_registered(work: ProgrammeWork, delivery: Delivery[ForceAsRegistered]) -> None:
    """This force takes part."""
    work.forces[delivery.message.force_id] = delivery.message


def handed_over(work: ProgrammeWork, delivery: Delivery[CaseOfPartnerHandedOver]) -> None:
    """The partner is asked how it went. The first time that the case is handed over counts."""
    message = delivery.message
    on = day_of(delivery.attributes.time, work.zone)
    work.handovers.setdefault(message.referral_id, KnownHandover(message.referral_id, message.partner_id, on))


HANDLERS: Handlers[ProgrammeWork] = {
    programme.PartnerRegistered.type: partner_registered,
    programme.ForceRegistered.type: force_registered,
    routing.HandoverCompleted.type: handed_over,
}
"""Exactly the messages that the programme consumes."""
