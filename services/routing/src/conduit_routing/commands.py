"""What a named officer's command does. One that does not fit the case's state changes nothing and is answered."""

from datetime import datetime

from conduit_chassis.calls import call_misfit
from conduit_chassis.seen import PastLine, Unseen, unseen
from conduit_contracts.concerned.proposal import CaseContext, may_be_home
from conduit_contracts.geography import forces
from conduit_contracts.routing import (
    ChaseHandoff,
    EscalateHandoff,
    HandoffState,
    HandoffStoodDown,
    HomeForceBasis,
    HomeForceNamed,
    InterimOwnerNamed,
    NameHomeForce,
    NameInterimOwner,
    ProfessionalStandardsInformed,
    RecordAcknowledgement,
    RecordCall,
    RerouteHandoff,
    RoutingReviewReason,
    SendToProfessionalStandards,
    StandDownHandoff,
)
from conduit_routing import asking, calls, clocks, decisions
from conduit_routing.case import SOME_FORCE, Case, CaseState, ForceMark
from conduit_routing.turn import Turn

_OfRouting = NameHomeForce | NameInterimOwner | RerouteHandoff | StandDownHandoff | SendToProfessionalStandards
Command = _OfRouting | ChaseHandoff | EscalateHandoff | RecordAcknowledgement | RecordCall

CASE_CHANGED = "case_changed"
CANNOT_BE_HOME = "cannot_be_home"
"""A special force has no area to safeguard a child in. It leads only where no territorial force is concerned."""
_TOO_LATE = {HandoffState.ACKNOWLEDGED: "already_acknowledged", HandoffState.STOOD_DOWN: "already_stood_down"}
_NO_NEWS = frozenset(
    {
        *("command_ignored", "disseminated", "information_disseminated", "part_closed", "acceptance_disseminated"),
        *("decline_disseminated", "withdrawal_disseminated"),
    }
)
"""What changes nothing, or only follows from what another line says."""


def news(case: Case, command: Command, recorded_at: datetime) -> Unseen:
    """What happened in the case since the officer saw it, but for what the officer did, and for silence.

    `recorded_at` is the broker's time of the command.
    """
    nobodys = {"clock", f"officer:{command.officer_id}"}
    lines = [*case.lines, *(PastLine(entry.actor, entry.what) for entry in case.new_history)]
    return unseen(command, recorded_at, lines, nobodys, _NO_NEWS)


def overlooked(command: Command, changes: tuple[str, ...]) -> str | None:
    """A part is not ended over something that the officer has not seen. Who gives a case to a force is not held up."""
    return CASE_CHANGED if changes and isinstance(command, StandDownHandoff) else None


def misfit(turn: Turn, command: Command) -> str | None:
    """Why the command cannot take effect, as a code, or None where it can."""
    if isinstance(command, RecordCall):  # also of a case that was withdrawn
        return call_misfit(command, turn.now)
    if turn.case.state is CaseState.WITHDRAWN:
        return "withdrawn"
    if isinstance(command, RecordAcknowledgement):
        return calls.acknowledgement_misfit(turn, command)
    if isinstance(command, ChaseHandoff | EscalateHandoff):
        return asking.misfit(turn, command)
    return _routing_misfit(turn.case, command, turn.scene)


def _routing_misfit(case: Case, command: _OfRouting, scene: CaseContext) -> str | None:
    if isinstance(command, NameInterimOwner):
        return _interim_misfit(case, command, scene)
    if isinstance(command, NameHomeForce):
        return _naming_misfit(case, command, scene)
    if isinstance(command, RerouteHandoff):
        return _rerouting_misfit(case, command, scene)
    if isinstance(command, SendToProfessionalStandards):
        return _standards_misfit(case, command)
    return _standing_down_misfit(case, command)


def _standards_misfit(case: Case, command: SendToProfessionalStandards) -> str | None:
    if command.force_id not in forces():
        return "force_unknown"
    if not case.restricted:
        return "not_restricted"
    if command.force_id in case.marked(ForceMark.STANDARDS_TOLD):
        return "standards_told_already"
    return None if case.barred.everyone or command.force_id in case.barred.forces else "not_kept_from"


def _is_kept_from(case: Case, force_id: str) -> bool:
    """An officer who did not know of the suspect must not hand the case to the suspect's own team unawares."""
    return force_id in case.barred.forces and force_id not in case.marked(ForceMark.STANDARDS_TOLD)


def _naming_misfit(case: Case, command: NameHomeForce, scene: CaseContext) -> str | None:
    if command.home_force not in forces():
        return "force_unknown"
    if case.state is CaseState.DECLINED:
        return "triage_declined"
    if _is_kept_from(case, command.home_force):
        return "kept_from_force"
    if not may_be_home(command.home_force, case.told, scene, case.active):
        return CANNOT_BE_HOME
    named = case.home_force == command.home_force and case.basis is HomeForceBasis.NAMED_BY_OFFICER
    return "already_named" if named else None


def _interim_misfit(case: Case, command: NameInterimOwner, scene: CaseContext) -> str | None:
    """A force that the case is kept from never looks after the child, whoever lets it have a part."""
    if command.force_id not in forces():
        return "force_unknown"
    if case.state is CaseState.DECLINED or case.home_force is not None:
        return "triage_declined" if case.state is CaseState.DECLINED else "home_force_settled"
    if command.force_id in case.marked(ForceMark.KEPT_FROM):
        return "kept_from_force"
    if not may_be_home(command.force_id, case.told, scene, case.active):
        return CANNOT_BE_HOME
    return _named_already(case, command.force_id)


def _named_already(case: Case, force_id: str) -> str | None:
    if force_id == case.named_interim:
        return "already_named"
    return "already_interim_owner" if force_id == case.interim_owner and case.named_interim is None else None


def _rerouting_misfit(case: Case, command: RerouteHandoff, scene: CaseContext) -> str | None:
    held = case.handoffs.get(command.from_force)
    if command.to_force not in forces():
        return "force_unknown"
    if command.to_force == command.from_force:
        return "same_force"
    if _is_kept_from(case, command.to_force):
        return "kept_from_force"
    if held is None:
        return "no_handoff"
    if held.state in _TOO_LATE:
        return _TOO_LATE[held.state]
    leads = _leads(case, command.from_force)
    return CANNOT_BE_HOME if leads and not may_be_home(command.to_force, case.told, scene, case.active) else None


def _leads(case: Case, force_id: str) -> bool:
    """Whether whoever takes this force's place is home."""
    return force_id in {case.home_force, case.left_by}


def _standing_down_misfit(case: Case, command: StandDownHandoff) -> str | None:
    held = case.handoffs.get(command.force_id)
    if held is None:
        return "no_handoff"
    if held.state is HandoffState.STOOD_DOWN:
        return "already_stood_down"
    if not set(case.active) - {command.force_id}:
        return "last_force"
    to_replace = None if case.state is CaseState.DECLINED else case.left_by
    return "home_force" if command.force_id in {case.home_force, to_replace} else None


def name_home_force(turn: Turn, command: NameHomeForce) -> None:
    """Make the force home. It gets the whole case, also where it declined before.

    The officer has looked at the case, so that nobody else is asked to, but for forces that do not answer.
    """
    case = turn.case
    _name(turn, command.home_force, command.officer_id, command.reason)
    silent = RoutingReviewReason.ESCALATION_EXHAUSTED
    turn.close_reviews("home_force_named", [review for review in case.open_reviews() if review.reason is not silent])


def _name(turn: Turn, force_id: str, officer_id: str, reason: str) -> None:
    _let_in(turn, force_id)
    turn.hand_to(force_id)
    turn.name_home(force_id, HomeForceBasis.NAMED_BY_OFFICER)
    turn.tell(HomeForceNamed(**turn.by_command, home_force=force_id, officer_id=officer_id, reason=reason))


def name_interim_owner(turn: Turn, command: NameInterimOwner) -> None:
    """Give the force a part, and the duty as soon as that leaves the child with nobody less. Who leads stays asked."""
    turn.hand_to(command.force_id)
    turn.case.named_interim = command.force_id
    turn.note("interim_owner", "named_by_officer", command.force_id)
    about = turn.by_command | {"force_id": command.force_id}
    turn.tell(InterimOwnerNamed(**about, officer_id=command.officer_id, reason=command.reason))


def reroute(turn: Turn, command: RerouteHandoff) -> None:
    """Let one force stand in for another, which leaves the case. A home force's place is taken by the other as well."""
    case, left = turn.case, turn.case.handoffs[command.from_force]
    led = _leads(case, command.from_force)
    _let_in(turn, command.to_force)
    turn.hand_to(command.to_force, *left.areas)
    turn.close_reviews("rerouted", case.open_reviews(left.force_id))
    if left.active:
        _stand_down(turn, command.from_force, command.officer_id, command.reason)
    if led:
        _name(turn, command.to_force, command.officer_id, command.reason)


def _let_in(turn: Turn, force_id: str) -> None:
    """The officer took the case to its professional standards department before, and gives it to the force as well."""
    if force_id in turn.case.barred.forces:
        turn.case.mark(force_id, ForceMark.LET_IN)
        turn.note("let_in", "named_by_officer", force_id)
        held = turn.case.handoffs.get(force_id)
        if held is not None and held.active:
            turn.again.add(force_id)  # whoever keeps the case from it hears by this
        if held is not None and held.waiting:
            turn.set_handoff(clocks.restarted(held, turn.clock, turn.now), "asked_again", "let_in")


def send_to_standards(turn: Turn, command: SendToProfessionalStandards) -> None:
    """Take the case to the professional standards department of the suspect's force, which is known from now on."""
    case = turn.case
    case.mark(command.force_id, ForceMark.KEPT_FROM)
    case.mark(command.force_id, ForceMark.STANDARDS_TOLD)
    turn.note("standards_told", "named_by_officer", command.force_id)
    decisions.keep_from_barred(turn)
    turn.tell(
        ProfessionalStandardsInformed(
            **turn.by_command, force_id=command.force_id, officer_id=command.officer_id, reason=command.reason
        )
    )
    if case.barred.everyone:
        case.mark(SOME_FORCE, ForceMark.LET_IN)
        decisions.route_anew(turn)


def stand_down(turn: Turn, command: StandDownHandoff) -> None:
    """End a force's part."""
    turn.close_reviews("stood_down", turn.case.open_reviews(command.force_id))
    _stand_down(turn, command.force_id, command.officer_id, command.reason)


def _stand_down(turn: Turn, force_id: str, officer_id: str, reason: str) -> None:
    turn.set_handoff(clocks.stood_down(turn.case.handoffs[force_id], turn.now), "stood_down")
    turn.tell(HandoffStoodDown(**turn.by_command, force_id=force_id, officer_id=officer_id, reason=reason))
