"""What officers record of calls: that a force's team took its part on by telephone, and what else was said to whom."""

from conduit_chassis.calls import MINUTE, SPOKEN_LATER
from conduit_contracts.routing import (
    CallRecorded,
    HandoffAcknowledgedByTelephone,
    HandoffState,
    RecordAcknowledgement,
    RecordCall,
)
from conduit_routing import clocks, responses
from conduit_routing.turn import Turn

_NOT_WAITED_FOR = {
    HandoffState.ACKNOWLEDGED: "already_acknowledged",
    HandoffState.DECLINED: "given_back",
    HandoffState.STOOD_DOWN: "already_stood_down",
}
"""A force that gave its part back and wants it again is sent it again: an officer reroutes to it or has it lead."""


def acknowledgement_misfit(turn: Turn, command: RecordAcknowledgement) -> str | None:
    """Why no acknowledgement can be recorded. What the force was told is its part as it was when they spoke: where that has
    changed since, a person there must be told of it."""
    held = turn.case.handoffs.get(command.force_id)
    if held is None:
        return "no_handoff"
    if command.force_id in turn.case.barred.forces:
        return "kept_from_force"
    if held.state in _NOT_WAITED_FOR:
        return _NOT_WAITED_FOR[held.state]
    if command.spoken_at > turn.now + MINUTE:
        return SPOKEN_LATER
    return "part_changed" if command.spoken_at + MINUTE <= (held.part_sent_at or held.disseminated_at) else None


def record_acknowledgement(turn: Turn, command: RecordAcknowledgement) -> None:
    """A person has the case. Its connector may be silent still, and is chased for that."""
    held = turn.case.handoffs[command.force_id]
    changed = clocks.acknowledged_by_telephone(held, command.force_reference, command.spoken_at, turn.now)
    contact_mark = responses.mark_of(command.victim_contact) or held.contact_mark
    turn.set_handoff(changed._replace(contact_mark=contact_mark), "acknowledged_by_telephone")
    turn.close_reviews("acknowledged", responses.answered_by(turn.case, held.force_id))
    turn.tell(
        HandoffAcknowledgedByTelephone(
            **turn.by_command,
            force_id=command.force_id,
            officer_id=command.officer_id,
            spoken_at=command.spoken_at,
            spoke_for_hub=command.spoke_for_hub,
            spoke_for_force=command.spoke_for_force,
            called_back=command.called_back,
            part=held.part,
            force_reference=command.force_reference,
            victim_contact=command.victim_contact,
            comment=command.comment,
        )
    )


def record_call(turn: Turn, command: RecordCall) -> None:
    """A line in the case's history, and nothing else."""
    turn.note("call_recorded", command.outcome, command.force_id)
    turn.tell(
        CallRecorded(
            **turn.by_command,
            officer_id=command.officer_id,
            force_id=command.force_id,
            spoken_at=command.spoken_at,
            spoke_to=command.spoke_to,
            outcome=command.outcome,
            comment=command.comment,
        )
    )
