"""Intake's settings, from the environment without a prefix."""

from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, HttpUrl, SecretStr

from conduit_chassis.file_check import ScannerSettings


class IntakeSettings(ScannerSettings):
    """What intake is told besides the chassis' settings. Without a scanner, attachments stay pending."""

    policy_file: Path
    partition_fetch_bytes: int = Field(default=256 * 1024, ge=1_024)
    """A share for each partner: a fetch brings some hundred ordinary referrals of one, and something of every other."""
    max_referral_bytes: int = Field(default=262_144, ge=1_024, le=1_500_000)
    """Largest record that a partner may send. What intake publishes must still fit a topic."""
    mou_time_zone: ZoneInfo = Field(default="Europe/London", validate_default=True)
    """Whose date decides whether a Memorandum of Understanding is in force."""

    http_rate_per_second: float = Field(default=20.0, gt=0)
    """Requests a second that each partner or force may send, live and sandbox apart, to all processes together."""
    http_burst: int = Field(default=100, ge=1)
    token_rate_per_second: float = Field(default=1.0, gt=0)
    token_burst: int = Field(default=20, ge=1)
    """The same for tokens, per client; and for wrong secrets, which are counted apart."""
    public_url: HttpUrl | None = None
    """Where partners reach the API, as the OAuth discovery document names it; unset: where the request says it went to."""
    token_seconds: int = Field(default=900, ge=30, le=3_600)
    body_seconds: float = Field(default=30.0, gt=0)
    """Within this time a request's body must have arrived."""

    max_attachment_bytes: int = Field(default=10_485_760, ge=1_024, le=25_000_000)
    """clamd takes 25 MB in one stream unless told otherwise."""
    max_attachments: int = Field(default=20, ge=1)
    """Per referral."""

    console_token: SecretStr | None = None
    console_token_file: Path | None = None
    """What the console shows as its bearer token, to fetch files for the hub's officers. Unset: it gets none. The file is
    read each time, so that a new token holds at once."""

    @property
    def answers_console(self) -> bool:
        """Whether there is a token that the console can show."""
        return self.console_token is not None or self.console_token_file is not None

    def token_of_console(self) -> str:
        """The console's token, from its file or from the environment; empty where there is none."""
        if self.console_token_file is not None:
            return self.console_token_file.read_text(encoding="utf-8").strip()
        return self.console_token.get_secret_value() if self.console_token else ""
