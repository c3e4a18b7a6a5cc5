"""What a page asks for a decision, what there is to choose from, and what is wrong with the answers. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from conduit_chassis.calls import MINUTE
from conduit_chassis.days import LONDON, day_of
from conduit_console.cases import AskedBy, FollowedCase
from conduit_console.grounds import ShownPolicy
from conduit_contracts.envelope import Command
from conduit_contracts.geography import forces
from conduit_contracts.referral import Ground
from conduit_contracts.routing import CallOutcome, HandoffState
from conduit_contracts.topics import ROUTING_REVIEWS, TRIAGE_REVIEWS, Topic
from conduit_web.access import Action
from conduit_web.keys import FIRST_MOMENT, LAST_MOMENT
from conduit_web.visits import typed
from conduit_web.words import N_

MOST_WORDS, MOST_IN_LINE = 4_000, 200
"""Characters, as the contract has it."""
TOO_LONG = N_("Shorten this to 4,000 characters or fewer.")
LINE_TOO_LONG = N_("Shorten this to 200 characters or fewer.")
NOT_IN_WORDS = N_("Write this in words.")
PARTNER = "partner"
"""The partner, among those who may be called."""
_CLOCK_TIME = re.compile(r"([01]?\d|2[0-3])[:.]?([0-5]\d)")
NOT_YET = N_("The time at which you spoke has not come yet.")
_DAY = timedelta(days=1)
_AHEAD = timedelta(hours=6)
"""A time of day no further ahead is taken to be said of today: who meant it so must not have it read as yesterday's."""
Given = Mapping[str, str]
Answers = dict[str, str]


class Shape(StrEnum):
    """How a question is answered."""

    WORDS = "words"
    LINE = "line"
    """A few words, in one line."""
    TIME = "time"
    """A time of day within the last 18 hours. As an answer it is kept with its day, so that it stays the same tomorrow."""
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
    LATE = "late"
    """Forces that have let a deadline pass."""
    NUMBERS = "numbers"
    """Forces that are waited for, each with each of its numbers in the register."""
    WHOM = "whom"
    """The partner, and the forces that have a part."""
    ANYBODY = "anybody"
    """The partner, and every force."""
    OUTCOMES = "outcomes"
    """What may come of a call."""


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
    wrong: str = NOT_IN_WORDS
    """What an officer reads whose answer is not as the contract has it."""
    begins: Callable[[FollowedCase, Answers], datetime | None] = lambda _case, _answers: None
    """Before when no time can be right; None where that is not known."""
    too_early: str = ""
    """What an officer reads whose time is before that."""


@dataclass(frozen=True, slots=True)
class ForceNumber:
    """A number at which somebody at a force can be called, as the register has it."""

    force_id: str
    whose: str
    """`team`, `control_room`, or `level_` with a number."""
    telephone: str

    @property
    def code(self) -> str:
        """As an answer says it: which force, and at which number."""
        return f"{self.force_id} {self.telephone}"


@dataclass(frozen=True, slots=True)
class AskedOn:
    """What answers are judged by, besides the case."""

    policy: ShownPolicy
    now: datetime
    numbers: Sequence[ForceNumber] = ()
    """Of the forces that have a part."""


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
    make: Callable[[Answers], tuple[type[Command], dict[str, Any]]]
    fits: Callable[[FollowedCase, datetime], bool]
    """Whether it can be taken now, as far as the console knows. Its service judges."""
    partner_reads: str = ""
    """The question whose answer the partner gets; empty where it gets none."""
    aside: bool = False
    """Whether it answers nothing that is asked, so that the case's page has it below what does."""
    waits_for_reading: bool = False
    """Whether the hub's rules let it change nothing where something happened that its officer had not seen."""

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


def forces_for(offer: Offer, case: FollowedCase, now: datetime) -> tuple[str, ...]:
    """The forces that there are to choose from."""
    parts = case.handoffs.items()
    if offer is Offer.FORCES:
        return tuple(sorted(forces(), key=lambda each: forces()[each].name))
    if offer is Offer.LATE:
        return tuple(name for name, part in parts if part.due_at is not None and part.due_at <= now)
    if offer is Offer.NUMBERS:
        return tuple(name for name, part in parts if part.waiting and name not in case.kept_from)
    if offer is Offer.MAY_LEAVE:
        answered = {HandoffState.ACKNOWLEDGED, HandoffState.STOOD_DOWN}
        return tuple(name for name, part in parts if part.state not in answered)
    active = [name for name, part in parts if part.active]
    return tuple(name for name in active if name != case.home_force) if len(active) > 1 else ()


def offered(question: Question, case: FollowedCase, on: AskedOn) -> tuple[str, ...]:
    """The codes or ids that there are to choose from."""
    codes = _codes(on).get(question.offer)
    if codes is not None:
        return codes
    if question.offer is Offer.WHOM:
        return (PARTNER, *case.handoffs)
    if question.offer is Offer.ANYBODY:
        return (PARTNER, *forces_for(Offer.FORCES, case, on.now))
    found = forces_for(question.offer, case, on.now)
    if question.offer is Offer.NUMBERS:
        return tuple(each.code for each in on.numbers if each.force_id in found)
    return found


def _codes(on: AskedOn) -> Mapping[Offer, tuple[str, ...]]:
    """Those that are the same for every case."""
    today = day_of(on.now)
    return {
        Offer.NOTHING: (),
        Offer.GROUNDS: tuple(each.value for each in Ground),
        Offer.REASONS: tuple(each.value for each, words in on.policy.decline_reasons.items() if words.holds(today)),
        Offer.OUTCOMES: tuple(each.value for each in CallOutcome),
    }


def read_answers(decision: OfficersDecision, given: Given, now: datetime) -> Answers:
    """What a form says, as far as it has anything to say here. A box of several is a field of its own."""
    answers: Answers = {}
    for question in decision.questions:
        said = typed(given, question.name)
        if question.shape is Shape.SEVERAL:
            begin = f"{question.name}-"
            said = " ".join(name.removeprefix(begin) for name in given if name.startswith(begin))
        elif question.shape is Shape.TIME:
            at = _near_time(said, now)
            said = at.isoformat() if at else said
        answers[question.name] = said
    return answers


def _near_time(said: str, now: datetime) -> datetime | None:
    """When it was this time of day last, or is soon, in London; None where it is no time of day."""
    found = _CLOCK_TIME.fullmatch(said)
    if found is None:
        return None
    of_day, today = time(int(found[1]), int(found[2])), day_of(now)
    each = (_moment_of(day, of_day, now) for day in (today + _DAY, today, today - _DAY))
    return next(at for at in each if at <= now + _AHEAD)


def _moment_of(day: date, of_day: time, now: datetime) -> datetime:
    """When it was this time on this day. In the night in which clocks go back it is so twice: the last that has come."""
    twice = (datetime.combine(day, of_day.replace(fold=fold), LONDON).astimezone(now.tzinfo) for fold in (0, 1))
    first, last = sorted(twice)
    return last if last <= now + MINUTE else first


def moment_said(answer: str) -> datetime | None:
    """The moment that an answer to a question for a time has; None where it was no time of day, or is at the end of time."""
    try:
        at = datetime.fromisoformat(answer)
    except ValueError:
        return None
    return at if at.tzinfo and FIRST_MOMENT <= at <= LAST_MOMENT else None


def problems_of(
    decision: OfficersDecision, answers: Answers, case: FollowedCase, on: AskedOn, about: DecidedOn
) -> dict[str, str]:
    """What is wrong with the answers, by question; empty where the command can be made."""
    found = {}
    for question in decision.questions:
        said = answers.get(question.name, "")
        problem = _problem_with(question, said, case, on) or _problem_with_time(question, answers, case, on.now)
        if problem:
            found[question.name] = problem
    return found or _contract_problems(decision, answers, about)


def _problem_with(question: Question, said: str, case: FollowedCase, on: AskedOn) -> str:
    known = said.split() if question.shape is Shape.SEVERAL else [said] if said else []
    if question.offer is not Offer.NOTHING and not set(known) <= set(offered(question, case, on)):
        known = []
    if not known:
        return question.missing or (question.wrong if said else "")
    if question.shape is Shape.WORDS and len(said) > MOST_WORDS:
        return TOO_LONG
    if question.shape is Shape.LINE and len(said) > MOST_IN_LINE:
        return LINE_TOO_LONG
    return question.wrong if question.shape is Shape.TIME and moment_said(said) is None else ""


def _problem_with_time(question: Question, answers: Answers, case: FollowedCase, now: datetime) -> str:
    """A clock may be a minute ahead, and a time is said to the minute."""
    at = moment_said(answers.get(question.name, "")) if question.shape is Shape.TIME else None
    if at is None:
        return ""
    begins = question.begins(case, answers)
    if begins is not None and at + MINUTE <= begins:
        return question.too_early
    return NOT_YET if at > now + MINUTE else ""


def _contract_problems(decision: OfficersDecision, answers: Answers, about: DecidedOn) -> dict[str, str]:
    try:
        decision.command(answers, about)
    except ValidationError as error:
        asked = {question.name: question for question in decision.questions}
        wrong = [str(each["loc"][0]) for each in error.errors(include_input=False) if each["loc"]]
        words = next(each.name for each in reversed(decision.questions))
        name = next((each for each in wrong if each in asked), words)
        return {name: asked[name].wrong}
    return {}
