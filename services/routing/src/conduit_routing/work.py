"""The cases that a batch is about, in memory, so that several records about one case see each other's effect."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from conduit_chassis.commands import CommandAnswer
from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Delivery
from conduit_routing.case import AttachedFile, Case
from conduit_routing.observer import NOBODY, RoutingObserver
from conduit_routing.policy import RoutingPolicy
from conduit_routing.turn import Turn, standing


@dataclass(slots=True)
class RoutingWork:
    """What a batch works on, and when. The cases are locked from loading to commit."""

    policy: RoutingPolicy
    now: datetime
    outbox: Outbox
    observer: RoutingObserver = NOBODY
    cases: dict[UUID, Case] = field(default_factory=dict)
    attachments: dict[UUID, dict[UUID, AttachedFile]] = field(default_factory=dict)
    """By referral, whether it has a case yet or not."""
    stored: dict[UUID, AttachedFile] = field(default_factory=dict)
    """The attachments as they are stored."""
    answers: list[CommandAnswer] = field(default_factory=list)
    """What officers are told of their commands."""
    signed: list[Delivery[Any]] = field(default_factory=list)
    """The batch's commands for which an officer stands."""
    latest: Turn | None = None
    """The turn that was begun last."""

    def hold(self, attachment: AttachedFile) -> None:
        """Know of an attachment from now on."""
        self.attachments.setdefault(attachment.referral_id, {})[attachment.attachment_id] = attachment

    def turn(self, case: Case, actor: str, delivery: Delivery[Any] | None = None) -> Turn:
        """A turn of this case, caused by a record or by the clock."""
        cause = delivery.attributes if delivery else None
        cause_id = _cause_id(delivery) if delivery else None
        case.safeguarding = self.policy.safeguarding
        turn = Turn(case, self.now, actor, self.policy, self.outbox, standing(case), cause, cause_id, self.observer)
        turn.attachments = self.attachments.get(case.referral_id, {})
        self.latest = turn
        return turn

    def changed(self) -> list[Case]:
        """The cases that differ from what is stored."""
        return [case for case in self.cases.values() if case.stored is None or case.version != case.stored.version]

    def changed_attachments(self) -> list[AttachedFile]:
        """The attachments that differ from what is stored."""
        held = [each for of_one in self.attachments.values() for each in of_one.values()]
        return [each for each in held if each != self.stored.get(each.attachment_id)]


def _cause_id(delivery: Delivery[Any]) -> str:
    """Senders outside the hub choose their own ids, which may say anything, so their records are named by their place."""
    record = delivery.record
    return f"{record.topic}/{record.partition}/{record.offset}" if delivery.topic.edge else delivery.attributes.id
