"""Triage's settings, from the environment without a prefix."""

from pathlib import Path

from pydantic import SecretStr

from conduit_chassis.settings import Settings


class TriageSettings(Settings):
    """What triage is told besides the chassis' settings."""

    policy_file: Path
    officer_token: SecretStr | None = None
    """What the officers' tool shows as its bearer token. Unset or empty: the reviews are not served over HTTP."""

    @property
    def token(self) -> str:
        """The token, or nothing."""
        return self.officer_token.get_secret_value() if self.officer_token else ""
