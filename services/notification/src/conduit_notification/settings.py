"""Notification's settings, besides those of every service."""

from math import inf
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from conduit_chassis.settings import Settings
from conduit_contracts.referral import Email


class NotificationSettings(Settings):
    """Environment variables of the same names in upper case."""

    policy_file: Path
    gather_ms: int = Field(default=200, ge=0)
    """Longer than others: who is told a moment later is told more cheaply, and leaves the machine to the hand-offs."""
    gather_times: float = Field(default=inf, gt=0)
    """So always for as long as that. One referral leads to several records here within a moment, which share a batch."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_sender: Email = "conduit@hub.example"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_password_file: Path | None = None
    smtp_starttls: bool | None = None
    """true: required. false: never. Not set: used where the server offers it."""
    smtp_connections: int = Field(default=4, ge=1, le=100)
    """Kept open and used again; so many e-mails go out at once. One more is for notices of danger alone."""
    smtp_seconds: float = Field(default=10.0, gt=0, le=60)
    """One e-mail, connecting included, takes no longer."""

    webhook_allow_http: bool = False
    """For tests and the local stack. Everywhere else a webhook's URL is https."""
    webhook_requests: int = Field(default=16, ge=4, le=200)
    """So many webhook requests run at once; one audience has at most a quarter of them. One more is for danger alone."""
    webhook_seconds: float = Field(default=10.0, gt=0, le=60)
    """One request, connecting included, takes no longer."""
    secrets_dir: Path = Path("/run/secrets/conduit")
    """Holds one file per webhook secret, under the name that the register gives."""

    hub_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Notices link to `<hub_url>/referrals/<referral_id>`. Not set while nothing serves that: a link must open."""
    duty_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Where this service's `/duty` is reached from outside: duty officers get a link there. Not set: the command alone."""
    hub_email: Email | None = None
    """Where the hub is told until its duty contacts are in the register. Not set: nowhere, and every duty task pages."""

    supervisors_email: Email | None = None
    """Where supervisors are told at once that somebody opened a restricted case. Not set: the hub's contacts are told."""

    notice_poll_seconds: float = Field(default=0.5, gt=0)
    """How soon a queued notice is seen."""

    @model_validator(mode="after")
    def _password_is_protected(self) -> Self:
        if self.smtp_username and not (self.smtp_secret() and self.smtp_starttls):
            raise ValueError("SMTP_USERNAME needs SMTP_PASSWORD or SMTP_PASSWORD_FILE, and SMTP_STARTTLS=true")
        return self

    def smtp_secret(self) -> str | None:
        """The SMTP password, from its file or the environment."""
        if self.smtp_password_file is not None:
            return self.smtp_password_file.read_text(encoding="utf-8").strip()
        return self.smtp_password.get_secret_value() if self.smtp_password else None
