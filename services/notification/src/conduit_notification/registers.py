"""What the registers say: where partners, forces and the hub itself are told."""

from typing import Any

from conduit_chassis.records import Delivery
from conduit_contracts import programme
from conduit_notification import notices, readers
from conduit_notification.notices import Ladder
from conduit_notification.work import Approval, NotificationWork


def partner_registered(work: NotificationWork, delivery: Delivery[readers.PartnerContact]) -> None:
    message, partner = delivery.message, notices.partner(delivery.message.partner_id)
    _register(work, delivery, partner, (message.contact,))
    # Without one an empty contact takes its place, as for every address that leaves the register.
    _register(work, delivery, f"{partner}{notices.SANDBOX}", (message.sandbox_contact or programme.Contact(),))


def force_registered(work: NotificationWork, delivery: Delivery[programme.ForceRegistered]) -> None:
    message = delivery.message
    work.control_rooms[notices.force(message.force_id)] = message.control_room
    _register(work, delivery, notices.force(message.force_id), (message.contact, *message.escalation))
    # Without one an empty contact takes its place: an address that left the register is written to no more.
    department = message.professional_standards or programme.Contact()
    _register(work, delivery, notices.professional_standards(message.force_id), (department,))


def hub_contacts_proposed(work: NotificationWork, delivery: Delivery[programme.HubContactsProposed]) -> None:
    """Nothing changes yet; whoever is on duty now is told."""
    work.proposals.append(delivery.message)


def hub_contacts_approved(work: NotificationWork, delivery: Delivery[programme.HubContactsApproved]) -> None:
    """It takes effect where it approves what was proposed, to the letter."""
    work.approvals.append(Approval(delivery.message, delivery.attributes.time))


def _register(work: NotificationWork, delivery: Delivery[Any], audience: str, ladder: Ladder) -> None:
    work.ladders[audience] = ladder
    work.registered[audience] = delivery.attributes.time
