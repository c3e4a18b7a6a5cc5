"""What the signer is told by its surroundings, from the environment without a prefix. It has no database."""

from pathlib import Path
from typing import Self

from pydantic import SecretStr, model_validator

from conduit_chassis.settings import Settings


class SignerSettings(Settings):
    """Besides what every service is told."""

    postgres_dsn: SecretStr = SecretStr("")
    """Unused: there is nothing that the signer keeps."""
    signing_key_file: Path
    """The private key, a JWK. Nobody but this process may read it. Read again when it changes."""
    signer_token: SecretStr | None = None
    signer_token_file: Path | None = None
    """What the console shows as its bearer token."""

    @model_validator(mode="after")
    def _token_is_given(self) -> Self:
        if not self.token():
            raise ValueError("SIGNER_TOKEN or SIGNER_TOKEN_FILE is needed")
        return self

    def token(self) -> str:
        """The console's token, from its file or from the environment."""
        if self.signer_token_file is not None:
            return self.signer_token_file.read_text(encoding="utf-8").strip()
        return self.signer_token.get_secret_value() if self.signer_token else ""
