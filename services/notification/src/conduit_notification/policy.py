"""Notification's section of the policy file."""

from pydantic import BaseModel, ConfigDict, Field


class NotificationPolicy(BaseModel):
    """`[notification]`. Durations are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    attempts: int = Field(ge=1, le=100)
    """After so many a notice has failed."""
    first_retry_seconds: float = Field(gt=0)
    longest_retry_seconds: float = Field(gt=0)
    danger_next_step: str = Field(min_length=1, max_length=4_000)
    """What a partner is told at once where a child is in immediate danger."""
