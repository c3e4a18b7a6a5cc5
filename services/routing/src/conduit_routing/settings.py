"""What routing is told by its surroundings, besides what every service is told."""

from pathlib import Path

from pydantic import SecretStr

from conduit_chassis.settings import Settings


class RoutingSettings(Settings):
    """Settings from the environment, without a prefix."""

    policy_file: Path
    officer_token: SecretStr | None = None
    """What the officers' tool shows as its bearer token. Unset or empty: nothing of routing is served over HTTP."""

    @property
    def token(self) -> str:
        """The token, or nothing."""
        return self.officer_token.get_secret_value() if self.officer_token else ""
