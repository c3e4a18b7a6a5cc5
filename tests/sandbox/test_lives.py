"""What a partner reads in the sandbox is a life that the hub itself could have told, whatever was asked for in what order.

Each generated life is led twice: in the sandbox, and by triage and routing themselves with the real acts that it tells of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from conduit_chassis.headers import unpack_headers
from conduit_chassis.outbox import Outbox
from conduit_contracts import intake
from conduit_contracts.envelope import Message, decode
from conduit_contracts.geography import force_of_district
from conduit_contracts.ids import uuid7
from conduit_contracts.intake import SandboxOutcome, SandboxStep, SandboxStepPlayed
from conduit_contracts.notification import SandboxStatusUpdated
from conduit_contracts.referral import Numbers, OffencePlace, Supplement, Urgency
from conduit_intake.lives import born
from conduit_intake.stories import NotPossibleError, Played, Story
from conduit_notification.handlers import HANDLERS
from conduit_notification.work import NotificationWork
from services.notification.tests import builders as told
from services.triage.tests import builders as judge
from tests.sandbox.world import TRIAGE, World, without_words

ABOUT: dict[str, Any] = {"partner_id": judge.PARTNER, "partner_reference": judge.REFERENCE}
NOTIFICATION = told.POLICY.model_copy(
    update={"decline_steps": {reason: terms.next_step for reason, terms in TRIAGE.decline_reasons.items()}}
)
HOME, OTHER, LATER = "norfolk", "suffolk", "essex"
WAYS = st.sampled_from(["outcome", "outcome", "outcome", "supply", "second look", "withdraw", "repeat"])


def place(force_id: str, number: int) -> OffencePlace:
    code = next(code for code, force in force_of_district().items() if force == force_id)
    return OffencePlace(place_id=f"L{number}", district_code=code)


def places(*force_ids: str) -> tuple[OffencePlace, ...]:
    return tuple(place(force_id, number) for number, force_id in enumerate(force_ids, 1))


@dataclass
class Sandbox:
    """A life in the sandbox, with all that notification makes of it."""

    story: Story
    referral_id: Any = field(default_factory=uuid7)
    acts: list[tuple[Message | None, list[Played]]] = field(default_factory=list)
    """What the partner said, or None where it asked for an outcome; and the steps that were told."""

    def __post_init__(self) -> None:
        self.outbox = Outbox("notification", told.NOW)
        self.work = NotificationWork(NOTIFICATION, told.NOW, self.outbox)
        self._now = told.NOW

    def note(self, message: Message | None) -> None:
        """Remember the steps that were told since, and let notification have them."""
        steps, self.story.played = self.story.played, []
        self.acts.append((message, steps))
        for played in steps:
            self._now += timedelta(seconds=1)
            event = SandboxStepPlayed(referral_id=self.referral_id, **ABOUT, step=played.step, **played.says)
            HANDLERS[event.type](self.work, told.delivery_of(event, self._now))

    @property
    def updates(self) -> list[Any]:
        rows = self.outbox.rows
        assert {row.topic for row in rows} <= {"notification.sandbox.v1"}
        types = {SandboxStatusUpdated.type: SandboxStatusUpdated}
        found = [decode(unpack_headers(row.headers), row.value, types, closed=True)[1] for row in rows]
        return [each.update for each in found if isinstance(each, SandboxStatusUpdated)]

    @property
    def steps(self) -> list[SandboxStep]:
        return [played.step for _, steps in self.acts for played in steps]


@st.composite
def supplements(draw: st.DrawFn, number: int) -> Supplement:
    where = draw(st.sampled_from([None, None, HOME, OTHER, LATER]))
    return judge.supplement(
        text=f"Synthetic addition {number}.",
        immediate_danger=draw(st.sampled_from([None, None, False, True])),
        urgency=draw(st.sampled_from([None, None, *Urgency])),
        places=() if where is None else (place(where, 100 + number),),
    )


@st.composite
def lives(draw: st.DrawFn) -> tuple[Any, Sandbox]:
    """A referral, and what its partner did and asked for."""
    where = draw(st.sampled_from([(HOME,) * 9, (HOME,) * 9 + (OTHER,)]))
    sent = judge.referral(
        immediate_danger=draw(st.booleans()), urgency=draw(st.sampled_from(Urgency)), places=places(*where)
    )
    sandbox = Sandbox(Story(born(sent)))
    sandbox.story.receive()
    sandbox.note(judge.received(sent, sandbox.referral_id))
    for number in range(draw(st.integers(0, 12))):
        _go_on(draw, sandbox, number)
    return sent, sandbox


def _go_on(draw: st.DrawFn, sandbox: Sandbox, number: int) -> None:
    story, way = sandbox.story, draw(WAYS)
    if way == "outcome":
        possible = [each for each in story.possible() if each is not SandboxOutcome.REFUSED]
        if possible:
            outcome = draw(st.sampled_from(possible))
            _play(draw, story, outcome)
            sandbox.note(None)
            event(outcome.value)
    elif story.life.withdrawn:
        return  # intake refuses it, in the sandbox as live
    elif way == "supply":
        supplement = draw(supplements(number))
        story.supply(supplement)
        sandbox.note(intake.InformationSupplied(referral_id=sandbox.referral_id, supplement=supplement))
    elif way == "second look":
        story.ask_for_second_look()
        sandbox.note(judge.reconsideration(sandbox.referral_id))
    elif way == "withdraw":
        message = judge.withdrawn(sandbox.referral_id)
        story.withdraw(message.reason)
        sandbox.note(message)
    else:
        story.repeat()
        sandbox.note(intake.SubmissionRepeated(referral_id=sandbox.referral_id, **ABOUT))


def _play(draw: st.DrawFn, story: Story, outcome: SandboxOutcome) -> None:
    able: Callable[[], tuple[str, ...]] | None = {
        SandboxOutcome.FORCE_RECEIVED: story.life.waiting,
        SandboxOutcome.FORCE_ACKNOWLEDGED: story.life.waiting,
        SandboxOutcome.FORCE_DECLINED: lambda: story.life.may_give_back,
        SandboxOutcome.FORCE_OVERDUE: lambda: story.life.unchased,
        SandboxOutcome.FORCE_ESCALATED: lambda: story.life.may_be_escalated,
    }.get(outcome)
    force_id = draw(st.sampled_from([None, *able()])) if able else None
    try:
        story.play(outcome, force_id)
    except NotPossibleError:
        assert outcome is SandboxOutcome.FORCE_RECEIVED, "a force that may do it was refused"
        story.play(outcome)


def real_life(sent: Any, sandbox: Sandbox) -> World:
    """The same acts in the hub itself, with a referral of which triage decides as the sandbox was asked to."""
    decided = [step for step in sandbox.steps if step in {SandboxStep.REVIEW_OPENED, SandboxStep.REFERRAL_ACCEPTED}]
    by_rules = decided[:1] == [SandboxStep.REFERRAL_ACCEPTED]
    nowhere = SandboxStep.ROUTING_REVIEW_OPENED in sandbox.steps
    numbers = Numbers(victims_known=9 if by_rules else 1)
    real = sent.model_copy(update={"numbers": numbers, "places": () if nowhere else sent.places})
    world = World(sandbox.referral_id)
    (_, first), *others = sandbox.acts
    world.said(judge.received(real, sandbox.referral_id), first)
    for message, steps in others:
        nowhere = nowhere and SandboxStep.ROUTING_REVIEW_OPENED not in [played.step for played in steps]
        if message is None:
            world.happened(steps)
        else:
            world.said(_without_places(message) if nowhere else message, steps)
    return world


def _without_places(message: Message) -> Message:
    """What the partner says until it hears that no force has the case: it cannot have said where."""
    if not isinstance(message, intake.InformationSupplied):
        return message
    return message.model_copy(update={"supplement": message.supplement.model_copy(update={"places": ()})})


@given(lives())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_life_in_the_sandbox_is_one_that_the_hub_itself_could_have_told(life: tuple[Any, Sandbox]) -> None:
    sent, sandbox = life
    world = real_life(sent, sandbox)
    assert [without_words(update) for update in sandbox.updates] == world.updates, sandbox.steps
    if sandbox.story.life.triage is not None:
        assert world.left_over() == []
