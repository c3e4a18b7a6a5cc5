"""The hub itself, in memory: what triage, routing and notification make of the acts that a sandbox's life tells of.

Between two services records wait, as on a topic, until the life has come to them: each service's come in its own order, and
nothing says how fast one reads what the other wrote.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from conduit_chassis.dispatch import ignore
from conduit_chassis.policy import load_policy
from conduit_contracts import routing
from conduit_contracts.envelope import Message, short_name
from conduit_contracts.force import NotOursReason
from conduit_contracts.intake import SandboxStep
from conduit_contracts.notification import ReferralStatusUpdated
from conduit_contracts.triage import DeclineReason
from conduit_intake.stories import Played
from conduit_notification import rules
from conduit_routing.handlers import HANDLERS
from conduit_routing.policy import RoutingPolicy
from conduit_triage.policy import TriagePolicy
from services.notification.tests import builders as told
from services.routing.tests import builders as route
from services.triage.tests import builders as judge

POLICY = Path(__file__).parents[2] / "deploy" / "policy" / "policy.toml"
TRIAGE = load_policy(POLICY, "triage", TriagePolicy).model_copy(update={"force_areas_at_least": 99})
"""Two areas alone accept nothing here, so that officers may decide about what lies in two as well."""
_POLICY = load_policy(POLICY, "routing", RoutingPolicy)
_CLOCKS = {
    name: clock.model_copy(update={"chases": 1, "escalation_levels": 1}) for name, clock in dict(_POLICY.clocks).items()
}
ROUTING = _POLICY.model_copy(update={"clocks": _POLICY.clocks.model_copy(update=_CLOCKS)})
"""One reminder, then one level: the sandbox tells of no more."""
SHOWN = frozenset(step.value for step in SandboxStep)
WORDS = {"comment", "happened_at"}
"""What an officer writes, and when: no two lives have the same."""


class World:
    """One referral's real life."""

    def __init__(self, referral_id: UUID) -> None:
        self.referral_id = referral_id
        self.triage, self.routing = judge.Desk(TRIAGE), route.Desk(ROUTING)
        self.partner = told.Bench()
        self._of_triage: deque[Message] = deque()
        self._of_routing: deque[Message] = deque()
        self._now = judge.NOW
        self._officers = 0

    @property
    def updates(self) -> list[Mapping[str, Any]]:
        """What the partner reads, without what differs from life to life."""
        return [without_words(update) for update in self.partner.updates]

    def said(self, message: Message, steps: Iterable[Played]) -> None:
        """The partner says something, and the life tells these steps."""
        self._of_triage.extend(self.triage.take(message))
        for played in steps:
            if played.step.value == short_name(message.type):
                self._tell(message)
            else:
                self._follow(played)

    def happened(self, steps: Iterable[Played]) -> None:
        """Somebody at the hub or a force did what the life tells."""
        for played in steps:
            self._follow(played)

    def left_over(self) -> list[str]:
        """What the partner would still read, though nobody did anything more."""
        self._pass_on()
        return [type(message).__name__ for message in (*self._of_triage, *self._of_routing)]

    def _follow(self, played: Played) -> None:
        step, says = played.step, played.says
        self._pass_on()
        if step in _OF_TRIAGE:
            if not self._is_next(self._of_triage, step):
                self._decide(step, says)
            message = self._next(self._of_triage, step)
            self._tell(message)
            self._to_routing(message)
        else:
            if not self._is_next(self._of_routing, step):
                self._act(step, says)
            self._tell(self._next(self._of_routing, step))

    def _decide(self, step: SandboxStep, says: Mapping[str, Any]) -> None:
        """By an officer who has decided nothing yet."""
        self._officers += 1
        officer = f"officer.n{self._officers}"
        if step is SandboxStep.INFORMATION_REQUESTED:
            command = judge.asking(self.referral_id, officer)
        elif step is SandboxStep.REFERRAL_ACCEPTED:
            command = judge.accepting(self.referral_id, officer)
        else:
            assert step is SandboxStep.REFERRAL_DECLINED, f"triage does not tell {step}"
            command = judge.declining(self.referral_id, officer, DeclineReason(says["reason"]))
        self._of_triage.extend(self.triage.take(command))

    def _act(self, step: SandboxStep, says: Mapping[str, Any]) -> None:
        if step is SandboxStep.HOME_FORCE_NAMED:
            self._route(route.name_home(self.referral_id, says["home_force"]))
        elif step is SandboxStep.HANDOFF_RECEIVED:
            self._route(route.received(self.referral_id, says["force_id"]))
        elif step is SandboxStep.HANDOFF_ACKNOWLEDGED:
            self._route(route.acknowledged(self.referral_id, says["force_id"]))
        elif step in {SandboxStep.HANDOFF_OVERDUE, SandboxStep.HANDOFF_ESCALATED}:
            self._run_out(says["force_id"])
        else:
            assert step is SandboxStep.HANDOFF_DECLINED, f"routing does not tell {step}"
            declined = route.declined(self.referral_id, says["force_id"], says["rerouted_to"])
            self._route(declined.model_copy(update={"reason": NotOursReason(says["reason"])}))

    def _run_out(self, force_id: str) -> None:
        """The time in which this force should have answered is over."""
        self._now += timedelta(seconds=1)
        self.routing.work.now = self.triage.work.now = self._now
        case = self.routing.case(self.referral_id)
        case.put(case.handoffs[force_id]._replace(next_action_at=self._now))
        self._of_routing.extend(self.routing.wait(0).facts())

    def _to_routing(self, message: Message) -> None:
        if HANDLERS.get(message.type, ignore) is not ignore:
            self._route(message)

    def _route(self, message: Message) -> None:
        self._now += timedelta(seconds=1)
        self.routing.work.now = self.triage.work.now = self._now
        self._of_routing.extend(self.routing.deliver(message).facts())

    def _pass_on(self) -> None:
        """What the partner never reads goes on by itself."""
        while True:
            if self._of_triage and not self._is_shown(self._of_triage[0]):
                self._to_routing(self._of_triage.popleft())
            elif self._of_routing and not self._is_shown(self._of_routing[0]):
                self._of_routing.popleft()
            else:
                return

    def _is_shown(self, message: Message) -> bool:
        if isinstance(message, routing.RoutingReviewOpened):
            standing = self.partner.work.records[self.referral_id].standing
            return routing.RoutingReviewReason.NO_FORCE in message.reasons and not rules.is_with_a_force(standing)
        return short_name(message.type) in SHOWN

    @staticmethod
    def _is_next(queue: deque[Message], step: SandboxStep) -> bool:
        return bool(queue) and short_name(queue[0].type) == step.value

    def _next(self, queue: deque[Message], step: SandboxStep) -> Message:
        assert self._is_next(queue, step), f"the hub tells {[type(each).__name__ for each in queue]}, and not {step}"
        return queue.popleft()

    def _tell(self, message: Message) -> None:
        self._now += timedelta(seconds=1)
        self.triage.work.now = self._now
        self.partner.take(told.delivery_of(message, self._now))


def without_words(update: ReferralStatusUpdated) -> Mapping[str, Any]:
    """An update as far as lives can be compared."""
    return update.model_dump(mode="json", exclude=WORDS)


_OF_TRIAGE = frozenset(
    {
        SandboxStep.REVIEW_OPENED,
        SandboxStep.INFORMATION_REQUESTED,
        SandboxStep.IMMEDIATE_DANGER_RAISED,
        SandboxStep.REFERRAL_ACCEPTED,
        SandboxStep.REFERRAL_DECLINED,
        SandboxStep.RECONSIDERATION_REFUSED,
    }
)
