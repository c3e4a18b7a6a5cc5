"""The life that a referral in the sandbox leads: what may happen next, and what the hub makes of what its partner does.

Pure. It tells of nothing that could not happen to a real referral: `tests/sandbox` holds every life against what triage and
routing themselves make of the same acts. Nothing is decided here, and only the partner that tries it is told.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from conduit_contracts.advice import Advice
from conduit_contracts.geography import force_areas, forces
from conduit_contracts.intake import SandboxOutcome, SandboxStep
from conduit_contracts.referral import Supplement, Urgency
from conduit_intake.lives import Life, Part, RoutingState, Silence, TriageState, in_order

MOST_STEPS = 1_000
MOST_LOOKS = 2
"""A first review, and one second look."""
DEFAULT_REASONS: Mapping[SandboxOutcome, str] = {
    SandboxOutcome.DECLINED: "not_complex",
    SandboxOutcome.FORCE_DECLINED: "outside_our_area",
    SandboxOutcome.REFUSED: "partner_suspended",
}

_URGENCIES = tuple(Urgency)
"""Most urgent first."""
_UNDECIDED = frozenset({None, TriageState.UNDER_REVIEW, TriageState.INFORMATION_REQUESTED})
_WITH_FORCES = frozenset({RoutingState.PROVISIONAL, RoutingState.OPEN})


class Played(NamedTuple):
    """A step, and what is to be said of it beside whose referral it is."""

    step: SandboxStep
    says: Mapping[str, Any]


class NotPossibleError(Exception):
    """What was asked could not happen to a real referral. `field` names what was asked, `message` says what is possible."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(slots=True)
class Story:
    """A life that goes on. Each act changes it, and tells the steps that the partner reads of."""

    life: Life
    played: list[Played] = field(default_factory=list)

    # What the partner does, and what the hub does upon it without asking anybody. A referral that triage has not looked at
    # is so for a moment only: whatever comes next, a review is open by then.

    def receive(self, warnings: tuple[Advice, ...] = ()) -> None:
        """The hub has it. In danger a force has it at once."""
        self._say(SandboxStep.REFERRAL_RECEIVED, immediate_danger=self.life.danger, warnings=warnings)
        if self.life.danger:
            self._raise_danger()

    def supply(self, supplement: Supplement, warnings: tuple[Advice, ...] = ()) -> None:
        """Forces that hold the case get it, and it may make the case more urgent, never less."""
        life, danger = self.life, bool(supplement.immediate_danger)
        self._open_first_review()
        self._say(SandboxStep.INFORMATION_SUPPLIED, immediate_danger=danger, warnings=warnings)
        more_urgent = self._is_more_urgent(supplement)
        if more_urgent:
            life.urgency = supplement.urgency or life.urgency
        if life.triage is TriageState.INFORMATION_REQUESTED:
            life.triage = TriageState.UNDER_REVIEW
        life.note_places(supplement.places)
        life.danger = life.danger or danger
        if life.held:
            self._forward(supplement, hastened=more_urgent or danger)
        elif danger:
            self._raise_danger()
        if danger and life.triage is TriageState.DECLINED:
            self._open_review("immediate_danger")

    def withdraw(self, reason: str) -> None:
        """Forces that hold the case are told."""
        self._open_first_review()
        self.life.withdrawn = True
        self._say(SandboxStep.REFERRAL_WITHDRAWN, reason=reason)
        if self.life.held:
            self._say(SandboxStep.CASE_WITHDRAWN, reason=reason)

    def ask_for_second_look(self) -> None:
        """It opens once, after a decline."""
        life = self.life
        self._open_first_review()
        self._say(SandboxStep.RECONSIDERATION_REQUESTED)
        if life.triage is TriageState.DECLINED and life.looks < MOST_LOOKS:
            self._open_review("immediate_danger" if life.danger else "reconsideration")
            return
        state = "accepted" if life.triage is TriageState.ACCEPTED else "under_review"
        taken = life.triage is TriageState.DECLINED
        refusal = "second_look_already_taken" if taken else f"not_declined_but_{state}"
        self._say(SandboxStep.RECONSIDERATION_REFUSED, reason=refusal)

    def repeat(self) -> None:
        """The partner said again what the hub has."""
        self._say(SandboxStep.SUBMISSION_REPEATED)

    # What the partner asks to happen.

    def possible(self) -> tuple[SandboxOutcome, ...]:
        """What may happen next."""
        found = (outcome for outcome in SandboxOutcome if outcome is SandboxOutcome.REFUSED or self._may(outcome))
        return tuple(found) if self.life.steps < MOST_STEPS else ()

    def play(self, outcome: SandboxOutcome, force_id: str | None = None, reason: str | None = None) -> None:
        """Let it happen, with all that lies between. `reason` and `force_id` are checked before.

        Raises:
            NotPossibleError: it could not happen to a real referral in this state.
        """
        possible = self.possible()
        if outcome not in possible:
            raise NotPossibleError("outcome", self._only(possible))
        if force_id is not None and outcome not in _OF_FORCES:
            raise NotPossibleError("force_id", f"A force_id goes only with {_listed(_OF_FORCES)}. Leave it out.")
        if force_id is not None and force_id not in (able := _OF_FORCES[outcome](self.life)):
            raise NotPossibleError("force_id", f"This force cannot do that now. Possible now: {_listed(able)}.")
        _PLAYS[outcome](self, force_id, reason or DEFAULT_REASONS.get(outcome))

    def _only(self, possible: tuple[SandboxOutcome, ...]) -> str:
        if not possible:
            return f"This referral has had {MOST_STEPS} steps, which is the most there can be. Use another one."
        return f"This cannot happen to a referral in this state. Possible now: {_listed(possible)}."

    def _may(self, outcome: SandboxOutcome) -> bool:
        life = self.life
        undecided, with_forces = life.triage in _UNDECIDED, life.routing in _WITH_FORCES
        return not life.withdrawn and {
            SandboxOutcome.UNDER_REVIEW: life.triage is None,
            SandboxOutcome.INFORMATION_REQUESTED: undecided,
            SandboxOutcome.ACCEPTED: undecided,
            SandboxOutcome.NO_FORCE: undecided and life.routing is None,
            SandboxOutcome.FORCE_NAMED: life.routing is RoutingState.NO_FORCE,
            SandboxOutcome.DECLINED: undecided,
            SandboxOutcome.FORCE_RECEIVED: with_forces and bool(life.waiting(Part.DISSEMINATED)),
            SandboxOutcome.FORCE_ACKNOWLEDGED: with_forces and bool(life.waiting()),
            SandboxOutcome.FORCE_DECLINED: with_forces and bool(life.may_give_back),
            SandboxOutcome.FORCE_OVERDUE: with_forces and bool(life.unchased),
            SandboxOutcome.FORCE_ESCALATED: with_forces and bool(life.may_be_escalated),
            SandboxOutcome.HANDED_OVER: life.triage is not TriageState.DECLINED
            and life.routing is not RoutingState.HANDED_OVER,
        }.get(outcome, False)

    # Triage.

    def _open_first_review(self) -> None:
        if self.life.triage is None:
            self._open_review("immediate_danger" if self.life.danger else "below_every_threshold")

    def _open_review(self, reason: str) -> None:
        self.life.triage = TriageState.UNDER_REVIEW
        self.life.looks += 1
        self._say(SandboxStep.REVIEW_OPENED, reason=reason, immediate_danger=self.life.danger)

    def _ask(self) -> None:
        self._open_first_review()
        self.life.triage = TriageState.INFORMATION_REQUESTED
        self._say(SandboxStep.INFORMATION_REQUESTED)

    def _decline(self, reason: str | None) -> None:
        """No machine declines: an officer does, and has looked before."""
        self._open_first_review()
        self.life.triage = TriageState.DECLINED
        self._say(SandboxStep.REFERRAL_DECLINED, reason=reason, reconsideration_open=self.life.looks < MOST_LOOKS)

    def _raise_danger(self) -> None:
        """A force has it at once, while triage goes on."""
        life = self.life
        life.danger_raised, life.routing = True, RoutingState.PROVISIONAL
        self._say(SandboxStep.IMMEDIATE_DANGER_RAISED, immediate_danger=True)
        life.home = life.owner = life.areas[0]
        self._join(life.areas[:1])

    def _take(self) -> None:
        self.life.triage = TriageState.ACCEPTED
        self._say(SandboxStep.REFERRAL_ACCEPTED)

    # Routing.

    def _accept(self) -> None:
        life = self.life
        self._take()
        life.routing = RoutingState.OPEN
        if life.home is None:
            life.home = life.owner = life.areas[0]
        self._join(life.areas)
        self._see_whether_handed_over()

    def _find_no_force(self) -> None:
        self._take()
        self.life.routing = RoutingState.NO_FORCE
        self._say_no_force()

    def _say_no_force(self) -> None:
        self._say(SandboxStep.ROUTING_REVIEW_OPENED, reason="no_force", immediate_danger=self.life.danger)

    def _name_force(self) -> None:
        life = self.life
        life.home = life.owner = life.areas[0]
        life.home_is_officers, life.routing = True, RoutingState.OPEN
        self._say(SandboxStep.HOME_FORCE_NAMED, home_force=life.home)
        self._join(life.areas[:1])

    def _join(self, areas: Iterable[str]) -> None:
        """The forces of these areas that have had no part yet get one. Partners are told, also where there are none."""
        new = [force for force in areas if force not in self.life.parts]
        self.life.parts.update(dict.fromkeys(new, Part.DISSEMINATED))
        self._say_routed(added=new)

    def _say_routed(self, added: Iterable[str] = (), again: Iterable[str] = ()) -> None:
        life = self.life
        self._say(
            SandboxStep.CASE_ROUTED,
            home_force=life.home,
            forces=life.active,
            added=in_order(added),
            again=in_order(again),
            provisional=life.routing is RoutingState.PROVISIONAL,
            immediate_danger=life.danger,
        )

    def _forward(self, supplement: Supplement, *, hastened: bool) -> None:
        """Whoever took the case and holds something new must read it again; where it came nowhere, a place may lead on."""
        life, areas = self.life, force_areas(supplement.places)
        if life.routing is RoutingState.NO_FORCE:
            if areas:
                life.home = life.owner = areas[0]
                life.routing = RoutingState.OPEN
                self._join(areas)
            elif hastened:
                self._say_no_force()
            return
        owner = life.owner
        changed = {life.home, *areas} if supplement.persons or supplement.places else set()
        anew = [force for force in life.waiting(Part.ACKNOWLEDGED) if hastened or force in changed]
        holders = {*life.active, *((owner,) if owner else ())} if hastened else set()
        new = [area for area in areas if area not in life.parts] if life.routing is not RoutingState.PROVISIONAL else []
        life.parts.update(dict.fromkeys([*anew, *new], Part.DISSEMINATED))
        self._pass_duty_on()
        if anew or new or holders or self._is_news(owner):
            if life.routing is RoutingState.HANDED_OVER and (anew or new):
                life.routing = RoutingState.OPEN
            self._say_routed(added=[*new, *anew], again=[*holders, *anew])

    def _remind(self, force: str) -> None:
        self.life.silence[force] = Silence.CHASED
        self._say(SandboxStep.HANDOFF_OVERDUE, force_id=force, reason=self._missed(force))

    def _escalate(self, force: str) -> None:
        if force not in self.life.silence:
            self._remind(force)
        self.life.silence[force] = Silence.ESCALATED
        self._say(SandboxStep.HANDOFF_ESCALATED, force_id=force, reason=self._missed(force))

    def _missed(self, force: str) -> str:
        return "receipt" if self.life.parts[force] is Part.DISSEMINATED else "acknowledgement"

    def _receive(self, force: str) -> None:
        self.life.silence.pop(force, None)
        self.life.parts[force] = Part.RECEIVED
        self._say(SandboxStep.HANDOFF_RECEIVED, force_id=force)

    def _acknowledge(self, force: str) -> None:
        life, owner = self.life, self.life.owner
        if life.parts[force] is Part.DISSEMINATED:
            self._receive(force)
        life.silence.pop(force, None)
        life.parts[force] = Part.ACKNOWLEDGED
        life.took.add(force)
        self._say(SandboxStep.HANDOFF_ACKNOWLEDGED, force_id=force)
        self._pass_duty_on()
        if self._is_news(owner):
            self._say_routed()
        self._see_whether_handed_over()

    def _give_back(self, force_id: str | None, reason: str | None) -> None:
        """It goes on to a force that has had no part yet. Where no force is named, the one that leads gives it back."""
        life, able = self.life, self.life.may_give_back
        force = force_id or (life.home if life.home in able else able[0])
        target = next(each for each, known in forces().items() if known.territorial and each not in life.parts)
        life.silence.pop(force, None)
        life.parts[force] = Part.DECLINED
        life.took.discard(force)
        self._say(SandboxStep.HANDOFF_DECLINED, force_id=force, reason=reason, rerouted_to=target)
        if force == life.home:
            life.home = target
        life.parts[target] = Part.DISSEMINATED
        self._pass_duty_on()
        self._say_routed(added=[target])

    def _hand_over(self) -> None:
        life = self.life
        if life.triage is not TriageState.ACCEPTED:
            self._accept()
        if life.routing is RoutingState.NO_FORCE:
            self._name_force()
        self._each(None, self._acknowledge, life.waiting())

    def _each(self, force_id: str | None, act: Callable[[str], None], able: Iterable[str]) -> None:
        for force in (force_id,) if force_id is not None else able:
            act(force)

    def _see_whether_handed_over(self) -> None:
        life = self.life
        if life.routing is RoutingState.OPEN and not life.waiting():
            life.routing = RoutingState.HANDED_OVER
            self._say(SandboxStep.CASE_HANDED_OVER, home_force=life.home)

    def _pass_duty_on(self) -> None:
        """A home force that took the case looks after the child; else who has the duty keeps it, unless it gave the case
        back or never took it, and another did."""
        life, owner, home = self.life, self.life.owner or "", self.life.home or ""
        took = in_order(life.took)
        if life.parts[home] is Part.ACKNOWLEDGED:
            life.owner = home
        elif owner not in took and (life.parts[owner] is Part.DECLINED or owner != home):
            kept = owner if life.parts[owner] is Part.DECLINED else home
            life.owner = home if home in took else next(iter(took), kept)

    def _is_news(self, owner: str | None) -> bool:
        return self.life.owner not in {owner, self.life.home}

    def _is_more_urgent(self, supplement: Supplement) -> bool:
        said = supplement.urgency
        return said is not None and _URGENCIES.index(said) < _URGENCIES.index(self.life.urgency)

    def _say(self, step: SandboxStep, **says: Any) -> None:
        self.life.steps += 1
        self.played.append(Played(step, says))


_PLAYS: Mapping[SandboxOutcome, Callable[[Story, str | None, str | None], None]] = {
    SandboxOutcome.UNDER_REVIEW: lambda story, _force, _reason: story._open_first_review(),
    SandboxOutcome.INFORMATION_REQUESTED: lambda story, _force, _reason: story._ask(),
    SandboxOutcome.ACCEPTED: lambda story, _force, _reason: story._accept(),
    SandboxOutcome.NO_FORCE: lambda story, _force, _reason: story._find_no_force(),
    SandboxOutcome.FORCE_NAMED: lambda story, _force, _reason: story._name_force(),
    SandboxOutcome.DECLINED: lambda story, _force, reason: story._decline(reason),
    SandboxOutcome.FORCE_RECEIVED: lambda story, force, _reason: story._each(
        force, story._receive, story.life.waiting(Part.DISSEMINATED)
    ),
    SandboxOutcome.FORCE_ACKNOWLEDGED: lambda story, force, _reason: story._each(
        force, story._acknowledge, story.life.waiting()
    ),
    SandboxOutcome.FORCE_OVERDUE: lambda story, force, _reason: story._each(force, story._remind, story.life.unchased),
    SandboxOutcome.FORCE_ESCALATED: lambda story, force, _reason: story._each(
        force, story._escalate, story.life.may_be_escalated
    ),
    SandboxOutcome.FORCE_DECLINED: lambda story, force, reason: story._give_back(force, reason),
    SandboxOutcome.HANDED_OVER: lambda story, _force, _reason: story._hand_over(),
    SandboxOutcome.REFUSED: lambda _story, _force, _reason: None,
}
"""What each outcome does. A refusal leaves the referral as it was."""
_OF_FORCES: Mapping[SandboxOutcome, Callable[[Life], tuple[str, ...]]] = {
    SandboxOutcome.FORCE_RECEIVED: lambda life: life.waiting(Part.DISSEMINATED),
    SandboxOutcome.FORCE_ACKNOWLEDGED: lambda life: life.waiting(),
    SandboxOutcome.FORCE_DECLINED: lambda life: life.may_give_back,
    SandboxOutcome.FORCE_OVERDUE: lambda life: life.unchased,
    SandboxOutcome.FORCE_ESCALATED: lambda life: life.may_be_escalated,
}
"""What one force does, and which forces may."""


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
