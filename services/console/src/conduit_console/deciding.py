"""What an officer can decide: what a page asks for each decision, when it is open, and the command that follows. Pure.

A decision is in `DECISIONS` and nowhere else: its pages, its form and its command come from here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from conduit_console.cases import AskedBy, FollowedCase, TriageWord
from conduit_console.grounds import ShownPolicy
from conduit_contracts.envelope import Command
from conduit_contracts.geography import forces
from conduit_contracts.referral import Ground
from conduit_contracts.routing import (
    HandoffState,
    NameHomeForce,
    RerouteHandoff,
    SendToProfessionalStandards,
    StandDownHandoff,
)
from conduit_contracts.topics import ROUTING_REVIEWS, TRIAGE_REVIEWS, Topic
from conduit_contracts.triage import DecideReview, DeclineReason, ReviewOutcome
from conduit_web.access import Action
from conduit_web.words import N_

MOST_WORDS = 4_000
"""Characters, as the contract has it."""
TOO_LONG = N_("Shorten this to 4,000 characters or fewer.")
NOT_IN_WORDS = N_("Write this in words.")
Given = Mapping[str, str]
Answers = dict[str, str]


class Shape(StrEnum):
    """How a question is answered."""

    WORDS = "words"
    ONE = "one"
    """One of a few, all in sight."""
    SEVERAL = "several"
    FORCE = "force"
    """One of many forces."""


class Offer(StrEnum):
    """What there is to choose from."""

    NOTHING = "nothing"
    GROUNDS = "grounds"
    REASONS = "reasons"
    FORCES = "forces"
    MAY_LEAVE = "may_leave"
    """Forces whose part can be given to another."""
    MAY_END = "may_end"
    """Forces whose part can be ended."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that a page asks."""

    name: str
    shape: Shape
    label: str
    missing: str = ""
    """What an officer reads who left it empty; empty where it may be."""
    hint: str = ""
    offer: Offer = Offer.NOTHING


@dataclass(frozen=True, slots=True)
class DecidedOn:
    """What each command says besides the answers."""

    referral_id: UUID
    officer_id: str
    seen_until: datetime

    def values(self) -> dict[str, Any]:
        """As fields of a command."""
        return {"referral_id": self.referral_id, "officer_id": self.officer_id, "seen_until": self.seen_until}


@dataclass(frozen=True, slots=True)
class OfficersDecision:
    """Something that an officer can decide."""

    code: str
    path: str
    action: Action
    heading: str
    button: str
    """What leads there from the case."""
    asked_by: AskedBy
    questions: tuple[Question, ...]
    facts: frozenset[str]
    """What says that it took effect, as the timeline calls it."""
    make: Callable[[Answers], tuple[type[Command], dict[str, Any]]]
    partner_reads: bool = False
    """Whether the partner gets the officer's words."""

    @property
    def topic(self) -> Topic:
        """Where its command goes."""
        return TRIAGE_REVIEWS if self.asked_by is AskedBy.TRIAGE else ROUTING_REVIEWS

    def command(self, answers: Answers, about: DecidedOn) -> Command:
        """The command, as its service takes it.

        Raises:
            ValidationError: an answer is not as the contract has it.
        """
        model, values = self.make(answers)
        return model(**about.values(), **values)


def _triage(outcome: ReviewOutcome, **more: Any) -> tuple[type[Command], dict[str, Any]]:
    return DecideReview, {"outcome": outcome, **{name: value for name, value in more.items() if value}}


def _accept(said: Answers) -> tuple[type[Command], dict[str, Any]]:
    grounds = tuple(Ground(each) for each in said["grounds"].split())
    more = {"grounds": grounds, "home_force": said["home_force"], "comment": said["comment"]}
    return _triage(ReviewOutcome.ACCEPT, **more)


def _decline(said: Answers) -> tuple[type[Command], dict[str, Any]]:
    reason = DeclineReason(said["decline_reason"])
    return _triage(ReviewOutcome.DECLINE, decline_reason=reason, comment=said["comment"])


def _routing(model: type[Command]) -> Callable[[Answers], tuple[type[Command], dict[str, Any]]]:
    return lambda said: (model, dict(said))


_HISTORY = N_("For the case's history. Forces and the partner do not read it.")
_WHY = Question("reason", Shape.WORDS, N_("Why?"), N_("Say why, for the case's history."), _HISTORY)

ACCEPT = OfficersDecision(
    "accept",
    "accept",
    Action.ACCEPT,
    N_("Accept this referral"),
    N_("Accept"),
    AskedBy.TRIAGE,
    (
        Question(
            "grounds",
            Shape.SEVERAL,
            N_("On which grounds is it complex?"),
            N_("Choose at least one ground."),
            N_("Choose all that hold."),
            Offer.GROUNDS,
        ),
        Question(
            "home_force",
            Shape.FORCE,
            N_("Home force, if you want to name it"),
            hint=N_("Otherwise the rules choose, or ask."),
            offer=Offer.FORCES,
        ),
        Question("comment", Shape.WORDS, N_("Why, if you want to say more"), hint=_HISTORY),
    ),
    frozenset({"referral_accepted"}),
    _accept,
)
ASK = OfficersDecision(
    "ask",
    "ask",
    Action.ASK_FOR_INFORMATION,
    N_("Ask the partner for information"),
    N_("Ask for information"),
    AskedBy.TRIAGE,
    (
        Question(
            "comment",
            Shape.WORDS,
            N_("What do you need to know?"),
            N_("Write what you ask the partner."),
            N_("The partner reads this as you write it. Name nobody whom they do not know already."),
        ),
    ),
    frozenset({"information_requested"}),
    lambda said: _triage(ReviewOutcome.REQUEST_INFORMATION, comment=said["comment"]),
    partner_reads=True,
)
DECLINE = OfficersDecision(
    "decline",
    "decline",
    Action.DECLINE,
    N_("Decline this referral"),
    N_("Decline"),
    AskedBy.TRIAGE,
    (
        Question(
            "decline_reason",
            Shape.ONE,
            N_("Why does it not meet the criteria?"),
            N_("Choose a reason."),
            offer=Offer.REASONS,
        ),
        Question(
            "comment",
            Shape.WORDS,
            N_("What should the partner know about it?"),
            N_("Write to the partner why you decline."),
            N_("The partner reads this as you write it, together with what they can do instead."),
        ),
    ),
    frozenset({"referral_declined"}),
    _decline,
    partner_reads=True,
)
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
    frozenset({"home_force_named"}),
    _routing(NameHomeForce),
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
    frozenset({"handoff_stood_down", "home_force_named", "case_routed"}),
    _routing(RerouteHandoff),
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
    frozenset({"handoff_stood_down"}),
    _routing(StandDownHandoff),
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
    frozenset({"professional_standards_informed"}),
    _routing(SendToProfessionalStandards),
)
DECISIONS = (ACCEPT, ASK, DECLINE, NAME_HOME_FORCE, REROUTE, STAND_DOWN, STANDARDS)
BY_CODE: Mapping[str, OfficersDecision] = {each.code: each for each in DECISIONS}


def is_open(decision: OfficersDecision, case: FollowedCase) -> bool:
    """Whether the decision can be taken, as far as the console knows. Its service judges."""
    if decision.asked_by is AskedBy.TRIAGE:
        return AskedBy.TRIAGE in case.questions
    if case.withdrawn or not case.for_forces:
        return False
    if decision is NAME_HOME_FORCE:
        return case.triage is not TriageWord.DECLINED
    if decision is STANDARDS:
        return bool(case.kept_from)
    return bool(forces_for(Offer.MAY_LEAVE if decision is REROUTE else Offer.MAY_END, case))


def forces_for(offer: Offer, case: FollowedCase) -> tuple[str, ...]:
    """The forces that there are to choose from."""
    if offer is Offer.FORCES:
        return tuple(sorted(forces(), key=lambda each: forces()[each].name))
    if offer is Offer.MAY_LEAVE:
        answered = {HandoffState.ACKNOWLEDGED, HandoffState.STOOD_DOWN}
        return tuple(name for name, part in case.handoffs.items() if part.state not in answered)
    active = [name for name, part in case.handoffs.items() if part.active]
    return tuple(name for name in active if name != case.home_force) if len(active) > 1 else ()


def offered(question: Question, case: FollowedCase, policy: ShownPolicy, today: date) -> tuple[str, ...]:
    """The codes or ids that there are to choose from."""
    if question.offer is Offer.NOTHING:
        return ()
    if question.offer is Offer.GROUNDS:
        return tuple(each.value for each in Ground)
    if question.offer is Offer.REASONS:
        return tuple(reason.value for reason, words in policy.decline_reasons.items() if words.holds(today))
    return forces_for(question.offer, case)


def read_answers(decision: OfficersDecision, given: Given) -> Answers:
    """What a form says, as far as it has anything to say here. A box of several is a field of its own."""
    answers: Answers = {}
    for question in decision.questions:
        if question.shape is Shape.SEVERAL:
            begin = f"{question.name}-"
            answers[question.name] = " ".join(name.removeprefix(begin) for name in given if name.startswith(begin))
        else:
            answers[question.name] = given.get(question.name, "").replace("\r\n", "\n").strip()
    return answers


def problems_of(
    decision: OfficersDecision, answers: Answers, case: FollowedCase, policy: ShownPolicy, today: date, about: DecidedOn
) -> dict[str, str]:
    """What is wrong with the answers, by question; empty where the command can be made."""
    found: dict[str, str] = {}
    for question in decision.questions:
        said = answers.get(question.name, "")
        known = said.split() if question.shape is Shape.SEVERAL else [said] if said else []
        if question.offer is not Offer.NOTHING and not set(known) <= set(offered(question, case, policy, today)):
            known = []
        if not known and (question.missing or said):
            found[question.name] = question.missing or NOT_IN_WORDS
        elif question.shape is Shape.WORDS and len(said) > MOST_WORDS:
            found[question.name] = TOO_LONG
    return found or _contract_problems(decision, answers, about)


def _contract_problems(decision: OfficersDecision, answers: Answers, about: DecidedOn) -> dict[str, str]:
    try:
        decision.command(answers, about)
    except ValidationError as error:
        asked = {question.name for question in decision.questions}
        wrong = [str(each["loc"][0]) for each in error.errors(include_input=False) if each["loc"]]
        words = next(each.name for each in reversed(decision.questions))
        return {next((name for name in wrong if name in asked), words): NOT_IN_WORDS}
    return {}
