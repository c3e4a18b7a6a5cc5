"""Notification's section of the policy file."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from conduit_chassis.policy import load_policy
from conduit_contracts.referral import Text
from conduit_contracts.triage import DeclineReason
from conduit_notification.hours import HubHours


class NotificationPolicy(BaseModel):
    """`[notification]`. Durations are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    keep_trying_seconds: float = Field(gt=0)
    """A notice that cannot be delivered has failed once it is so old."""
    first_retry_seconds: float = Field(gt=0)
    longest_retry_seconds: float = Field(gt=0)
    """Between two attempts."""
    longest_danger_retry_seconds: float = Field(gt=0)
    """The same where a child is in danger."""
    danger_notice_seconds: float = Field(gt=0)
    """A notice of danger that has not left after this becomes a duty task, while it is tried on."""
    duty_call_seconds: float = Field(gt=0)
    """How long one person on duty has before the next is called."""
    callback_days: int = Field(ge=1, le=90)
    """How long the person to call back is kept."""
    hub_hours: HubHours
    danger_next_step: str = Field(min_length=1, max_length=4_000)
    """What a partner is told at once where a child is in immediate danger."""
    decline_steps: Mapping[DeclineReason, Text] = {}
    """Triage's own words about what a partner can do after a decline, for the sandbox. From triage's section."""


class SandboxDecline(BaseModel):
    """What the sandbox needs of a reason to decline."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    next_step: Text


class TriageWords(BaseModel):
    """What the sandbox needs of `[triage]`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    decline_reasons: Mapping[DeclineReason, SandboxDecline] = {}


def from_file(path: Path) -> NotificationPolicy:
    """Notification's section of the policy file, with triage's words about declines.

    Raises:
        ConfigurationError: naming what cannot be used.
    """
    policy = load_policy(path, "notification", NotificationPolicy)
    words = load_policy(path, "triage", TriageWords).decline_reasons
    return policy.model_copy(update={"decline_steps": {reason: terms.next_step for reason, terms in words.items()}})
