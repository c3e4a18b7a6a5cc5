"""What the programme does with each record of the registers: the last one of a partner or a force holds."""

from conduit_chassis.dispatch import Handlers
from conduit_chassis.records import Delivery
from conduit_contracts import programme
from conduit_programme.readers import ForceAsRegistered, PartnerAsRegistered
from conduit_programme.work import ProgrammeWork


def partner_registered(work: ProgrammeWork, delivery: Delivery[PartnerAsRegistered]) -> None:
    """This is the partner from now on: its name, and what was agreed."""
    work.partners[delivery.message.partner_id] = delivery.message


def force_registered(work: ProgrammeWork, delivery: Delivery[ForceAsRegistered]) -> None:
    """This force takes part."""
    work.forces[delivery.message.force_id] = delivery.message


HANDLERS: Handlers[ProgrammeWork] = {
    programme.PartnerRegistered.type: partner_registered,
    programme.ForceRegistered.type: force_registered,
}
"""Exactly the messages that the programme consumes."""
