"""The `[routing]` section of the policy file: the clocks of each priority class, in seconds."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from conduit_contracts.concerned.proposal import ALL_ON, Safeguarding
from conduit_contracts.referral import Urgency
from conduit_contracts.triage import PolicyVersion

Seconds = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    # A misspelt clock must stop the service rather than leave the old one in force.
    model_config = ConfigDict(frozen=True, extra="forbid")


class Deadlines(_Section):
    """When a hand-off is overdue and what follows. All durations are seconds; the first two run from dissemination."""

    receipt: Seconds
    acknowledgement: Seconds
    chase_every: Seconds
    chases: Annotated[int, Field(ge=1)]
    escalation_levels: Annotated[int, Field(ge=0)]

    @property
    def pause(self) -> timedelta:
        """How long after one step the next one follows."""
        return timedelta(seconds=self.chase_every)


class Clocks(_Section):
    """One clock per priority class."""

    immediate_danger: Deadlines
    urgent: Deadlines
    priority: Deadlines
    routine: Deadlines


class RoutingPolicy(_Section):
    """What the programme set for routing."""

    version: PolicyVersion
    clocks: Clocks
    safeguarding: Safeguarding = ALL_ON

    def clock(self, urgency: Urgency, *, immediate_danger: bool) -> Deadlines:
        """The clock of a case. Immediate danger has one of its own, whatever the urgency."""
        clock: Deadlines = getattr(self.clocks, priority_class(urgency, immediate_danger=immediate_danger))
        return clock


PRIORITY_CLASSES = tuple(Clocks.model_fields)


def priority_class(urgency: Urgency, *, immediate_danger: bool) -> str:
    """The name of a case's clock in the policy file, and its label in metrics."""
    return "immediate_danger" if immediate_danger else urgency.value
