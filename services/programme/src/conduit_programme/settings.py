"""The programme's settings, besides those of every service."""

from zoneinfo import ZoneInfo

from pydantic import Field

from conduit_chassis.file_check import ScannerSettings
from conduit_programme.insight.rules import INSIGHT_ANSWER_DAYS
from conduit_programme.practice.rules import PRACTICE_ANSWER_DAYS, PRACTICE_FORCE_DAYS, PRACTICE_KEPT_DAYS


class ProgrammeSettings(ScannerSettings):
    """Environment variables of the same names in upper case. Without a scanner, no signed document is opened."""

    public_url: str | None = None
    """Where people's browsers find the pages. Without it none are served, and the programme only follows the registers. With
    it, IDENTITY_PROVIDERS is needed too."""
    mou_time_zone: ZoneInfo = Field(default="Europe/London", validate_default=True)
    """Whose date decides whether a Memorandum of Understanding is in force. As intake is told, or the two would differ."""
    insight_answer_days: int = Field(default=INSIGHT_ANSWER_DAYS, ge=1, le=365)
    """Within how many days an organisation is told what came of what it said."""
    practice_answer_days: int = Field(default=PRACTICE_ANSWER_DAYS, ge=1, le=28)
    """Within how many days a partner that asks for advice without a referral is answered."""
    practice_force_days: int = Field(default=PRACTICE_FORCE_DAYS, ge=1, le=28)
    """Within how many days a force that is brought into such a question writes."""
    practice_kept_days: int = Field(default=PRACTICE_KEPT_DAYS, ge=7, le=730)
    """How many days after its end such a question is deleted, but for what is counted."""
