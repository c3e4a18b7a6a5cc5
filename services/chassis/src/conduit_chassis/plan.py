"""What becomes of each record of a batch, before its handler is called. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from conduit_chassis import orders
from conduit_chassis.dead_letters import BEHIND, Cause
from conduit_chassis.records import BATCH_UNREADABLE, Delivery, Item, Refusal


@dataclass(slots=True)
class Plan:
    """What becomes of each record of a batch."""

    deliver: list[Item] = field(default_factory=list)
    aside: list[tuple[Item, Cause]] = field(default_factory=list)
    resolved: list[int] = field(default_factory=list)
    failed_again: list[tuple[int, Cause]] = field(default_factory=list)
    superseded: list[int] = field(default_factory=list)
    overtaken: set[int] = field(default_factory=set)
    """Identities of those put aside in this batch that a newer record of their key has overtaken already."""
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    written: int = 0
    """Bytes of the events that it led to."""

    def note(self, item: Item, outcome: str) -> None:
        """Count an outcome, to be published if the transaction commits."""
        self.outcomes[item.content.topic.template, outcome] += 1

    def hand_over(self, item: Item, outcome: str) -> None:
        """Give the item to the handler."""
        self.deliver.append(item)
        self.note(item, "refused" if isinstance(item.content, Refusal) and not item.empties else outcome)

    def orders(self, items: Iterable[Item]) -> list[orders.Replay]:
        """The orders that were carried out, whether or not the record could be handled this time."""
        done = {*self.resolved, *(number for number, _ in self.failed_again)}
        return list({each.number: each for item in items if (each := item.record.replay) and each.number in done}.values())

    def put_aside(self, item: Item, cause: Cause) -> None:
        """Make the item a dead letter, or leave it one where it is a replay."""
        if item.replay_of is not None and item.replay_of in self.resolved:
            self.resolved.remove(item.replay_of)
            self.failed_again.append((item.replay_of, cause))
        else:
            self.aside.append((item, cause))
        self.note(item, "parked" if cause.reason == BEHIND else "dead_letter")


def plan_replay(plan: Plan, item: Item, blocked: dict[bytes, list[int]]) -> None:
    """What happens to a replay of a dead letter that waits. `blocked` has the dead letters by lane, which this changes."""
    number = item.replay_of or 0
    lane = blocked.get(item.lane, []) if item.lane is not None else []
    if lane and lane[0] != number:
        # An earlier record of its lane still waits. The dead letter stays, and is replayed again after that one.
        plan.note(item, "out_of_turn")
    elif item.unreadable and isinstance(item.content, Refusal):
        plan.failed_again.append((number, Cause(item.content.problems[0].code)))
        plan.note(item, "dead_letter")
    else:
        del lane[:1]
        plan.resolved.append(number)
        plan.hand_over(item, "replayed")


def plan_fresh(plan: Plan, item: Item, blocked: dict[bytes, list[int]]) -> None:
    """What happens to a record that was not handled before."""
    if item.lane is not None and _supersedes(item):
        # Of a register only the last word of each key counts: it waits for no earlier one, and none may come after it.
        plan.superseded += [number for number in blocked.pop(item.lane, ()) if number != _NOT_YET_NUMBERED]
        plan.overtaken |= {id(each) for each, _ in plan.aside if each.lane == item.lane}
        plan.hand_over(item, "handled")
    elif item.lane is not None and blocked.get(item.lane):
        plan.put_aside(item, Cause(BEHIND))
    elif item.batch is not None:
        plan.put_aside(item, Cause(BATCH_UNREADABLE, item.batch.why))
        if item.content.topic.edge:
            plan.deliver.append(item)  # so that its sender is told
    elif item.unreadable and isinstance(item.content, Refusal):
        plan.put_aside(item, Cause(item.content.problems[0].code))
        if item.lane is not None:
            blocked.setdefault(item.lane, []).append(_NOT_YET_NUMBERED)
    else:
        plan.hand_over(item, "handled")


def _supersedes(item: Item) -> bool:
    return item.content.topic.compacted and (isinstance(item.content, Delivery) or item.empties)


_NOT_YET_NUMBERED = 1 << 62
