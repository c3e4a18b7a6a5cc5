"""One force's part in a case, and the parts of all.

Which forces have a part is asked many times while a case is routed, and seldom changes. So it is found once, and again only
when a force joins or leaves. That makes routing's handlers a tenth faster (736 µs a referral, 816 without; one core of the
reference machine, shared, November 2026: `tests/benchmarks/pieces.py`).
"""

from datetime import datetime
from typing import NamedTuple

from typing_extensions import override

from conduit_contracts.geography import in_order
from conduit_contracts.routing import HandoffState


class Handoff(NamedTuple):
    """One force's part. Times are the hub's own, because a force's clock is not to be trusted with our deadlines."""

    force_id: str
    areas: tuple[str, ...]
    """Whose area's persons and places it sees: its own, and those of forces that it stands in for."""
    disseminated_at: datetime
    receipt_due_at: datetime
    acknowledgement_due_at: datetime
    next_action_at: datetime | None
    state: HandoffState = HandoffState.DISSEMINATED
    received_at: datetime | None = None
    acknowledged_at: datetime | None = None
    declined_at: datetime | None = None
    stood_down_at: datetime | None = None
    chases: int = 0
    level: int = 0
    force_reference: str | None = None
    part: int = 0
    """The version of its part that the force was sent last. Every new one is to be read and acknowledged."""
    first_acknowledged_at: datetime | None = None
    """When a person there first took the case since the force joined. Stays when the force is asked again."""
    part_sent_at: datetime | None = None
    """When the force was sent that version of its part."""
    by_telephone: bool = False
    """Whether it was acknowledged by telephone alone: the force's own answer has not come since."""
    contact_mark: str | None = None
    """Tells what the force said last of contact with victims from what it says next. The words are not here."""

    @property
    def active(self) -> bool:
        """Whether the force has a part in the case."""
        return self.state is not HandoffState.DECLINED and self.state is not HandoffState.STOOD_DOWN

    @property
    def waiting(self) -> bool:
        """Whether the hub waits for the force's acknowledgement."""
        return self.state is HandoffState.DISSEMINATED or self.state is HandoffState.RECEIVED

    @property
    def lacks_receipt(self) -> bool:
        """Whether a person there has the case, and the force's connector has confirmed nothing."""
        return self.state is HandoffState.ACKNOWLEDGED and self.received_at is None

    @property
    def owes_receipt(self) -> bool:
        """Whether the hub waits for the connector's receipt."""
        return self.state is HandoffState.DISSEMINATED or self.lacks_receipt

    @property
    def owes_answer(self) -> bool:
        """Whether the hub waits for anything from the force: for a person or, after a call, for the connector alone."""
        return self.waiting or self.lacks_receipt

    def begins_at(self, now: datetime) -> bool:
        """Whether this is the start of the wait for the force, for the first time or again."""
        return self.state is HandoffState.DISSEMINATED and self.disseminated_at == now

    @property
    def answered(self) -> bool:
        """Whether the force has a part and a person there has taken it, be it before the part changed."""
        return self.active and self.first_acknowledged_at is not None


class Handoffs(dict[str, Handoff]):
    """A case's hand-offs, by force."""

    __slots__ = ("_active",)
    _active: tuple[str, ...] | None

    @override
    def __setitem__(self, force_id: str, handoff: Handoff) -> None:
        held = self.get(force_id)
        if held is None or held.active is not handoff.active:
            self._active = None
        super().__setitem__(force_id, handoff)

    @property
    def active(self) -> tuple[str, ...]:
        """The forces that have a part, in the order of the register."""
        found = self._active if self else ()
        if found is None:
            found = self._active = in_order([force_id for force_id, handoff in self.items() if handoff.active])
        return found
