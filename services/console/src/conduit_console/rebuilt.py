"""What is known while the console is rebuilt, and what of it follows for a fact that comes. Pure.

Snapshots bring back what services told, in its order; what they tell meanwhile comes on its own topics. A fact that stands
in its case's timeline has had its effect, wherever it comes from again. What is told of a case whose earlier facts may not
be back yet is held, and takes effect after those. So the rows are the same in whatever order the two are read.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from conduit_contracts import intake, notification, routing, triage
from conduit_contracts.ids import moment_of

CLOCKS_DIFFER = timedelta(seconds=5)
"""By so much the clock that made a case's id may be ahead. At that difference somebody is called."""
STANDS_ALONE = frozenset({notification.DutyTaskUpdated.type})
"""Facts that change nothing of a case."""
ONLY_A_LINE = frozenset(
    {
        intake.SubmissionRejected.type,
        intake.DangerReported.type,
        intake.AttachmentCleared.type,
        notification.NoticeFailed.type,
        triage.CommandRefused.type,
        triage.CommandOutdated.type,
        routing.CommandRefused.type,
        routing.CommandOutdated.type,
    }
)
"""Facts that are a line of their case where it is known, and make none."""


class Course(Enum):
    """What happens to a fact while the console is rebuilt."""

    TAKE = "take"
    PASS = "pass"  # noqa: S105 - a course, not a password
    HOLD = "hold"
    TAKE_AND_HOLD = "take_and_hold"
    """What it says beside its case counts now; its line is written once its case is there."""


class HeldFact(NamedTuple):
    """A fact that waits, as codes and ids. What people wrote with it is in `contents` already."""

    referral_id: UUID
    event_id: str
    topic: str
    partition: int
    place: int
    stage: int
    ordered_at: datetime
    happened_at: datetime
    kind: str
    said: bytes


class EndedSnapshot(NamedTuple):
    """The last record of a service's snapshot."""

    at: datetime
    """The broker's time."""
    facts: int


@dataclass(slots=True)
class Rebuild:
    """A rebuild that is under way."""

    rebuild_id: UUID
    begun_at: datetime
    lacking: frozenset[str]
    """The services whose snapshots have not ended."""
    waiting: set[UUID] = field(default_factory=set)
    """Cases of the batch of which something is held."""

    def is_new(self, referral_id: UUID) -> bool:
        """Whether the case began after the console was emptied, so that all of it comes on the ordinary topics."""
        return moment_of(referral_id) > self.begun_at + CLOCKS_DIFFER


def course_of(
    rebuild: Rebuild, kind: str, referral_id: UUID | None, *, stands: bool, case_known: bool, from_snapshot: bool
) -> Course:
    """What happens to a fact. `stands`: its case's timeline has it already."""
    if referral_id is None or kind in STANDS_ALONE:
        return Course.TAKE
    if stands:
        return Course.PASS
    if kind in ONLY_A_LINE:
        later = not case_known and (rebuild.lacking or referral_id in rebuild.waiting)
        return Course.TAKE_AND_HOLD if later else Course.TAKE
    if from_snapshot or rebuild.is_new(referral_id):
        return Course.TAKE
    return Course.HOLD if rebuild.lacking or referral_id in rebuild.waiting else Course.TAKE
