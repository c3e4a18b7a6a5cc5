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

    def token(self) -> str:
        """The signer's token, from its file or from the environment; empty where there is none."""
        if self.signer_token_file is not None:
            return self.signer_token_file.read_text(encoding="utf-8").strip()
        return self.signer_token.get_secret_value() if self.signer_token else ""
