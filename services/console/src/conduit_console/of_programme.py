"""What the register says of forces: at which numbers they can be called."""

from conduit_chassis.records import Delivery
from conduit_console.decision_forms import ForceNumber
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
