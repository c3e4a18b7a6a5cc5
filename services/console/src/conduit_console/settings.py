"""The console's settings, besides those of every service."""

from math import inf
from pathlib import Path

from pydantic import Field, SecretStr

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
    IDENTITY_PROVIDERS, POLICY_FILE, SIGNER_URL and the signer's token are needed too."""
    policy_file: Path | None = None
    signer_url: str | None = None
    """Where the signer is, without a path."""
    signer_token: SecretStr | None = None
    signer_token_file: Path | None = None
    """What is shown to the signer as bearer token. Its file is read each time, so that a new token holds at once."""

    intake_url: str | None = None
    """Where intake is, without a path. Without it files are listed, and cannot be fetched."""
    intake_token: SecretStr | None = None
    intake_token_file: Path | None = None
    """What is shown to intake as bearer token. Its file is read each time."""

    def token(self) -> str:
        """The signer's token, from its file or from the environment; empty where there is none."""
        return _secret(self.signer_token_file, self.signer_token)

    def token_for_intake(self) -> str:
        """What is shown to intake, likewise."""
        return _secret(self.intake_token_file, self.intake_token)


def _secret(file: Path | None, given: SecretStr | None) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return given.get_secret_value() if given else ""
