"""The `[intake]` section of the policy file."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class IntakePolicy(BaseModel):
    """What the programme set for intake. Durations are in seconds."""

    # A misspelt clock must stop the service rather than leave the old one in force.
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    early_update_seconds: Annotated[float, Field(ge=0, le=86_400)]
    """For so long an update waits for a referral that has not come. Then its partner is told that there is none."""

    @property
    def patience(self) -> timedelta:
        """The same as a duration."""
        return timedelta(seconds=self.early_update_seconds)
