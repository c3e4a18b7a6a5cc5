"""What an officer can decide about hand-offs, and record of calls, before there is a hand-off too. Pure."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from conduit_console.cases import AskedBy, FollowedCase, TriageWord
from conduit_console.decision_forms import PARTNER, Answers, Offer, OfficersDecision, Question, Shape, forces_for
from conduit_contracts.envelope import Command
from conduit_contracts.routing import (
    CallOutcome,
    ChaseHandoff,
    EscalateHandoff,
    NameHomeForce,
    NameInterimOwner,
    RecordAcknowledgement,
    RecordCall,
    RerouteHandoff,
    SendToProfessionalStandards,
    StandDownHandoff,
)
from conduit_contracts.triage import NoteCall
from conduit_web.access import Action
from conduit_web.words import N_

Made = tuple[type[Command], dict[str, Any]]


def _routing(model: type[Command]) -> Callable[[Answers], Made]:
    return lambda said: (model, dict(said))


def _acknowledgement(said: Answers) -> Made:
    """Which force it is, and the number that was called back, are one answer."""
    force_id, _, called_back = said["called"].partition(" ")
    values = {name: answer for name, answer in said.items() if name not in {"called", "spoken_at"} and answer}
    spoken_at = datetime.fromisoformat(said["spoken_at"])
    return RecordAcknowledgement, {**values, "force_id": force_id, "called_back": called_back, "spoken_at": spoken_at}


def _call(model: type[Command]) -> Callable[[Answers], Made]:
    def made(said: Answers) -> Made:
        values: dict[str, Any] = {name: said[name] for name in ("spoke_to", "comment")}
        values |= {"spoken_at": datetime.fromisoformat(said["spoken_at"]), "outcome": CallOutcome(said["outcome"])}
        return model, values | ({} if said["whom"] == PARTNER else {"force_id": said["whom"]})

    return made


def _is_with_routing(case: FollowedCase) -> bool:
    return case.for_forces and not case.withdrawn


def _may_lead(case: FollowedCase, _now: datetime) -> bool:
    return _is_with_routing(case) and case.triage is not TriageWord.DECLINED


def _nobody_leads(case: FollowedCase, now: datetime) -> bool:
    return _may_lead(case, now) and case.home_force is None


def _some(offer: Offer) -> Callable[[FollowedCase, datetime], bool]:
    """Open where there is a force to choose."""
    return lambda case, now: _is_with_routing(case) and bool(forces_for(offer, case, now))


HISTORY = N_("For the case's history. Forces and the partner do not read it.")
_WHY = Question("reason", Shape.WORDS, N_("Why?"), N_("Say why, for the case's history."), HISTORY)
_LATE = Question("force_id", Shape.ONE, N_("Which force?"), N_("Choose the force."), offer=Offer.LATE)


def _part_began(case: FollowedCase, said: Answers) -> datetime | None:
    """When the force that was called got its part."""
    part = case.handoffs.get(said.get("called", "").partition(" ")[0])
    return part.disseminated_at if part else None


def _spoken_at(begins: Callable[[FollowedCase, Answers], datetime | None], too_early: str) -> Question:
    return Question(
        "spoken_at",
        Shape.TIME,
        N_("At what time did you speak?"),
        N_("Write the time as hours and minutes, for example 14:05."),
        N_("Within the last 18 hours, for example 14:05."),
        wrong=N_("Write the time as hours and minutes, for example 14:05."),
        begins=begins,
        too_early=too_early,
    )


_NOT_A_NAME = N_("What they do, not their name.")

NAME_HOME_FORCE = OfficersDecision(
    "name_home_force",
    "home-force",
    Action.NAME_HOME_FORCE,
    N_("Name the home force"),
    N_("Name the home force"),
    AskedBy.ROUTING,
    (
        Question(
            "home_force",
            Shape.FORCE,
            N_("Which force leads?"),
            N_("Choose a force."),
            N_("If it does not have the case yet, it gets it."),
            Offer.FORCES,
        ),
        _WHY,
    ),
    _routing(NameHomeForce),
    _may_lead,
)
REROUTE = OfficersDecision(
    "reroute",
    "reroute",
    Action.REROUTE,
    N_("Give a force's part to another force"),
    N_("Give a part to another force"),
    AskedBy.ROUTING,
    (
        Question("from_force", Shape.ONE, N_("Whose part?"), N_("Choose the force that has it now."), offer=Offer.MAY_LEAVE),
        Question("to_force", Shape.FORCE, N_("Who gets it?"), N_("Choose the force that gets it."), offer=Offer.FORCES),
        _WHY,
    ),
    _routing(RerouteHandoff),
    _some(Offer.MAY_LEAVE),
)
STAND_DOWN = OfficersDecision(
    "stand_down",
    "stand-down",
    Action.STAND_DOWN,
    N_("End a force's part"),
    N_("End a force's part"),
    AskedBy.ROUTING,
    (
        Question(
            "force_id",
            Shape.ONE,
            N_("Whose part ends?"),
            N_("Choose the force whose part ends."),
            N_("The last force and the home force stay: a child is never with nobody."),
            Offer.MAY_END,
        ),
        _WHY,
    ),
    _routing(StandDownHandoff),
    _some(Offer.MAY_END),
    waits_for_reading=True,
)
STANDARDS = OfficersDecision(
    "send_to_professional_standards",
    "standards",
    Action.SEND_TO_PROFESSIONAL_STANDARDS,
    N_("Send to professional standards"),
    N_("Send to professional standards"),
    AskedBy.ROUTING,
    (
        Question(
            "force_id",
            Shape.FORCE,
            N_("Whose professional standards department?"),
            N_("Choose the force to which the suspect belongs."),
            N_("It gets a notice without content, and calls the hub."),
            Offer.FORCES,
        ),
        _WHY,
    ),
    _routing(SendToProfessionalStandards),
    lambda case, _now: _is_with_routing(case) and bool(case.kept_from),
)
NAME_INTERIM_OWNER = OfficersDecision(
    "name_interim_owner",
    "interim-owner",
    Action.NAME_HOME_FORCE,
    N_("Name who looks after the child for now"),
    N_("Name who looks after the child for now"),
    AskedBy.ROUTING,
    (
        Question(
            "force_id",
            Shape.FORCE,
            N_("Which force looks after the child until a home force is named?"),
            N_("Choose a force."),
            N_(
                "If it does not have the case yet, it gets it. Where another force has taken the case, this one looks after "
                "the child once it has acknowledged. Who leads stays asked."
            ),
            Offer.FORCES,
        ),
        _WHY,
    ),
    _routing(NameInterimOwner),
    _nobody_leads,
    aside=True,
)
CHASE = OfficersDecision(
    "chase",
    "chase",
    Action.CHASE,
    N_("Chase a force now"),
    N_("Chase a force now"),
    AskedBy.ROUTING,
    (_LATE, _WHY),
    _routing(ChaseHandoff),
    _some(Offer.LATE),
    aside=True,
)
ESCALATE = OfficersDecision(
    "escalate",
    "escalate",
    Action.CHASE,
    N_("Go to a force's next level now"),
    N_("Go to a force's next level now"),
    AskedBy.ROUTING,
    (_LATE, _WHY),
    _routing(EscalateHandoff),
    _some(Offer.LATE),
    aside=True,
)
RECORD_ACKNOWLEDGEMENT = OfficersDecision(
    "record_acknowledgement",
    "acknowledgement",
    Action.RECORD_ACKNOWLEDGEMENT,
    N_("Record that a force took it on by telephone"),
    N_("A force took it on by telephone"),
    AskedBy.ROUTING,
    (
        Question(
            "called",
            Shape.ONE,
            N_("Which force, and at which number did you call back?"),
            N_("Choose the number that you called back."),
            N_("The register's numbers. If a force rang the hub, call one of these back before you record anything."),
            Offer.NUMBERS,
        ),
        _spoken_at(_part_began, N_("The time at which you spoke is before the force got its part.")),
        Question("spoke_for_hub", Shape.LINE, N_("Who spoke for the hub?"), N_("Say who spoke for the hub."), _NOT_A_NAME),
        Question(
            "spoke_for_force", Shape.LINE, N_("Who spoke for the force?"), N_("Say who spoke for the force."), _NOT_A_NAME
        ),
        Question(
            "force_reference",
            Shape.LINE,
            N_("The force's own reference, if it gave one"),
            wrong=N_("Write the reference in letters, digits, blanks and . _ / - only."),
        ),
        Question(
            "victim_contact",
            Shape.WORDS,
            N_("Who at the force makes contact with each victim, how and when?"),
            hint=N_(
                "As far as it was said. The partner reads this as you write it. Say what officers do, not their names; "
                "call victims as the partner does, for example V1."
            ),
        ),
        Question("comment", Shape.WORDS, N_("What else was said, if you want to keep it"), hint=HISTORY),
    ),
    _acknowledgement,
    _some(Offer.NUMBERS),
    partner_reads="victim_contact",
    aside=True,
)
WHOM, CHOOSE_WHOM = N_("Whom did you call, or who called you?"), N_("Choose whom.")


def _of_a_call(whom: Question) -> tuple[Question, ...]:
    return (
        whom,
        _spoken_at(lambda case, _said: case.received_at, N_("The time at which you spoke is before the hub had the case.")),
        Question("spoke_to", Shape.LINE, N_("Who was it there?"), N_("Say who it was."), _NOT_A_NAME),
        Question("outcome", Shape.ONE, N_("What came of it?"), N_("Choose what came of it."), offer=Offer.OUTCOMES),
        Question("comment", Shape.WORDS, N_("What was said?"), N_("Say what was said, for the case's history."), HISTORY),
    )


RECORD_CALL = OfficersDecision(
    "record_call",
    "call",
    Action.RECORD_CALL,
    N_("Record a call"),
    N_("Record a call"),
    AskedBy.ROUTING,
    _of_a_call(Question("whom", Shape.ONE, WHOM, CHOOSE_WHOM, offer=Offer.WHOM)),
    _call(RecordCall),
    lambda case, _now: case.for_forces,
    aside=True,
)
NOTE_CALL = OfficersDecision(
    "note_call",
    "triage-call",
    Action.RECORD_CALL,
    N_("Record a call"),
    N_("Record a call"),
    AskedBy.TRIAGE,
    _of_a_call(Question("whom", Shape.FORCE, WHOM, CHOOSE_WHOM, offer=Offer.ANYBODY)),
    _call(NoteCall),
    lambda case, _now: case.triage is not None and not case.for_forces,
    aside=True,
)
"""Triage keeps it as long as routing has nothing of the case."""
DECISIONS = (
    NAME_HOME_FORCE,
    REROUTE,
    STAND_DOWN,
    STANDARDS,
    NAME_INTERIM_OWNER,
    CHASE,
    ESCALATE,
    RECORD_ACKNOWLEDGEMENT,
    RECORD_CALL,
    NOTE_CALL,
)
"""In the order in which a case's page has them."""
