"""What the registers say: at which numbers forces can be called, and what partners are called."""

from conduit_chassis.records import Delivery
from conduit_console.decision_forms import ForceNumber
from conduit_console.partners import SaidName
from conduit_console.readers import PartnerCalled
from conduit_console.work import ConsoleWork
from conduit_contracts.programme import ForceRegistered

TEAM, CONTROL_ROOM = "team", "control_room"


def force_registered(work: ConsoleWork, delivery: Delivery[ForceRegistered]) -> None:
    """What the register says now takes the place of what it said. A professional standards department is called by nobody
    who records an acknowledgement."""
    message = delivery.message
    levels = {f"level_{number}": each.telephone for number, each in enumerate(message.escalation, 1)}
    told = {TEAM: message.contact.telephone, **levels, CONTROL_ROOM: message.control_room}
    work.numbers[message.force_id] = [
        ForceNumber(message.force_id, whose, telephone) for whose, telephone in told.items() if telephone
    ]


def partner_registered(work: ConsoleWork, delivery: Delivery[PartnerCalled]) -> None:
    """The partner is called so from now on. An entry that `conduit partner` wrote only to shut a partner out, because what
    the register had could not be read, has the id for a name: what the partner was called stays."""
    message = delivery.message
    if message.name != message.partner_id:
        work.partners[message.partner_id] = SaidName(message.partner_id, message.name, delivery.record.timestamp)
