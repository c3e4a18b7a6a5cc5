"""What a desk is told of identity providers and of its own address."""

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def is_safe(address: str) -> bool:
    """Whether what passes there cannot be read on the way: encrypted, or on this machine."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def _safe(address: str) -> str:
    if not is_safe(address):
        raise ValueError("https is needed; http is good on this machine only")
    return address


def _origin(address: str) -> str:
    if urlsplit(address).path not in {"", "/"}:
        raise ValueError("a desk has an address of its own, without a path")
    return _safe(address.rstrip("/"))


def _page_origin(address: str) -> str:
    if urlsplit(address).path not in {"", "/"}:
        raise ValueError("an origin has no path: https://sign-in.example")
    return _safe(address.rstrip("/"))


class Provider(BaseModel):
    """An organisation's identity provider. It vouches for the people whom the register has under its issuer."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
    """Part of addresses of the desk, such as the one to which the provider sends people back."""
    label: str
    """What people read where they choose among several."""
    issuer: Annotated[str, AfterValidator(_safe)]
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    second_factor_amr: frozenset[str] = frozenset({"mfa"})
    """Methods (RFC 8176), any of which means that more than one factor was used."""
    second_factor_acr: frozenset[str] = frozenset()
    """The provider's own names for that. They are asked for, too."""
    page_origins: tuple[Annotated[str, AfterValidator(_page_origin)], ...] = ()
    """Where its page for signing out stands, if not at the issuer's address: browsers let a form lead nowhere else."""
    id_token_hint: bool = False
    """Whether the ID token is kept with the session, to be shown to the provider at sign-out: some ask once more without
    it, or refuse. It may hold personal data, so it is kept where this says so alone, and no longer than the session."""

    def secret(self) -> str | None:
        """The client's secret, from the environment or from its file."""
        if self.client_secret_file is not None:
            return self.client_secret_file.read_text(encoding="utf-8").strip()
        return self.client_secret.get_secret_value() if self.client_secret else None


class DeskSettings(BaseSettings):
    """What every desk is told by its surroundings."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True)

    public_url: Annotated[str, AfterValidator(_origin)]
    """Where people's browsers find the desk."""
    identity_providers: Annotated[tuple[Provider, ...], Field(min_length=1)]
    """A list as JSON."""
    identity_ca_file: Path | None = None
    """Who vouches for the providers' certificates, where that is an organisation's own authority."""
    session_idle: timedelta = timedelta(minutes=15)
    session_longest: timedelta = timedelta(hours=8)

    def vouching(self) -> ssl.SSLContext | bool:
        """By whose word a provider is taken for itself: what httpx calls `verify`.

        Raises:
            OSError: the file cannot be read, or holds no certificate.
        """
        return True if self.identity_ca_file is None else ssl.create_default_context(cafile=str(self.identity_ca_file))

    @model_validator(mode="after")
    def _each_provider_stands_once(self) -> Self:
        for field in ("name", "issuer"):
            values = [getattr(provider, field) for provider in self.identity_providers]
            if len(set(values)) < len(values):
                raise ValueError(f"two identity providers have the same {field}")
        return self
