"""The `[triage]` section of the policy file. Every decision stores `version`, so it changes with every change below it."""

from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from conduit_contracts.base import Inconsistent
from conduit_contracts.referral import Text, Urgency
from conduit_contracts.triage import DeclineReason, PolicyVersion

AtLeastOne = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    # A misspelt threshold must stop the service rather than leave the old one in force.
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReviewDue(_Section):
    """Within how many seconds a named officer should have decided."""

    immediate_danger: AtLeastOne
    urgent: AtLeastOne
    priority: AtLeastOne
    routine: AtLeastOne


class DeclineTerms(_Section):
    """When a reason may be given, both days included, and what the partner can do instead.

    Days are London's (`conduit_chassis.days`): those of officers, to whom the console offers the reason, and of partners.
    """

    effective_from: date
    effective_to: date | None = None
    next_step: Text

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise Inconsistent("effective_to is before effective_from.")
        return self

    def in_effect(self, day: date) -> bool:
        """Whether the reason may be given on this day."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


class TriagePolicy(_Section):
    """The programme's thresholds, clocks and reasons."""

    version: PolicyVersion
    victims_at_least: AtLeastOne
    suspects_at_least: AtLeastOne
    force_areas_at_least: AtLeastOne
    review_due_seconds: ReviewDue
    decline_reasons: dict[DeclineReason, DeclineTerms]

    def review_due(self, urgency: Urgency, *, immediate_danger: bool) -> timedelta:
        """How long a review may take. Immediate danger has a clock of its own, whatever the urgency."""
        name = "immediate_danger" if immediate_danger else urgency.value
        return timedelta(seconds=getattr(self.review_due_seconds, name))
