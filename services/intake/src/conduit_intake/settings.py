"""Intake's settings, from the environment without a prefix."""

from zoneinfo import ZoneInfo

from pydantic import Field

from conduit_chassis.settings import Settings


class IntakeSettings(Settings):
    """What intake is told besides the chassis' settings."""

    max_referral_bytes: int = Field(default=262_144, ge=1_024, le=1_500_000)
    """Largest record that a partner may send. What intake publishes must still fit a topic."""
    mou_time_zone: ZoneInfo = Field(default="Europe/London", validate_default=True)
    """Whose date decides whether a Memorandum of Understanding is in force."""
