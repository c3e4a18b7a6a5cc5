"""The console's settings, besides those of every service."""

from math import inf
from pathlib import Path

from pydantic import Field

from conduit_chassis.settings import Settings


class ConsoleSettings(Settings):
    """Environment variables of the same names in upper case."""

    gather_ms: int = Field(default=200, ge=0)
    """Longer than others: what is shown a moment later is followed more cheaply, and leaves the machine to the hand-offs."""
    gather_times: float = Field(default=inf, gt=0)
    """So always for as long as that. One referral leads to several records here within a moment, which share a batch."""
    lag_every_seconds: float = Field(default=1.0, gt=0)
    """Sooner than others: every list says up to when it is complete."""
    public_url: str | None = None
    """Where people's browsers find the pages. Without it none are served, and the console only follows the topics. With it,
    IDENTITY_PROVIDERS and POLICY_FILE are needed too."""
    policy_file: Path | None = None
