"""What an activity and a next step are, and how they stand: pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from conduit_programme.four_ps import FourPs

NEXT_STEP_WITHIN = timedelta(days=14)
"""By when a next step is due, unless somebody says otherwise."""


class ActivityKind(StrEnum):
    """What is done together."""

    MEETING = "meeting"
    VISIT = "visit"
    TRAINING = "training"
    JOINT_WORK = "joint_work"
    CAMPAIGN = "campaign"
    CONSULTATION = "consultation"
    CONFERENCE = "conference"
    CALL = "call"


class ActivityState(StrEnum):
    """How an activity stands."""

    AGREED = "agreed"
    PROPOSED = "proposed"
    """A partner or a force proposes it, and the hub has not answered."""
    DECLINED = "declined"
    CALLED_OFF = "called_off"


class StepState(StrEnum):
    """How a next step stands."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class StepOwner:
    """Who does it: somebody at the hub, an organisation, or a force."""

    account: str | None = None
    organisation_id: UUID | None = None
    force_id: str | None = None

    def __post_init__(self) -> None:
        if [self.account, self.organisation_id, self.force_id].count(None) != 2:
            raise ValueError("a step has one owner")


@dataclass(frozen=True, slots=True)
class NextStep:
    """What is to be done next. Its words are content."""

    step_id: UUID
    activity_id: UUID
    words_id: UUID
    owner: StepOwner
    joint: bool
    """Whether others may join."""
    due_on: date
    state: StepState
    ended_on: date | None = None
    members: tuple[str, ...] = ()
    """Who joined: `partner.ID` or `force.ID`."""

    def is_late(self, today: date) -> bool:
        """Whether it is open, and its day has passed."""
        return self.state is StepState.OPEN and self.due_on < today

    @property
    def was_kept(self) -> bool:
        """Whether it was done by its day."""
        return self.state is StepState.DONE and self.ended_on is not None and self.ended_on <= self.due_on


@dataclass(frozen=True, slots=True)
class Activity:
    """What was or will be done together. What came of it is content."""

    activity_id: UUID
    kind: ActivityKind
    held_on: date
    state: ActivityState
    ps: tuple[FourPs, ...]
    themes: tuple[str, ...]
    organisation_ids: tuple[UUID, ...]
    """Those that took part, as they stand now."""
    force_ids: tuple[str, ...]
    proposed_by: str | None
    """`partner.ID` or `force.ID`."""
    words_id: UUID | None
    logged_by: str

    def is_planned(self, today: date) -> bool:
        """Whether it is yet to come."""
        return self.state is ActivityState.AGREED and self.held_on > today


@dataclass(frozen=True, slots=True)
class Side:
    """Whose part in the work it is: an organisation's with all that it is made of, or a force's."""

    organisation_ids: tuple[UUID, ...] = ()
    force_id: str | None = None

    def is_in(self, activity: Activity) -> bool:
        """Whether it takes part."""
        return self.force_id in activity.force_ids or not {*self.organisation_ids}.isdisjoint(activity.organisation_ids)

    def owns(self, step: NextStep) -> bool:
        """Whether it is theirs to do."""
        owner = step.owner
        return owner.organisation_id in self.organisation_ids or (
            owner.force_id is not None and owner.force_id == self.force_id
        )
