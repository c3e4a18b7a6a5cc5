"""How a client connects to the broker: the variables in `.conduit/clients/<principal>.env`, or in the environment."""

import os
import shlex
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from conduit_contracts.kits.errors import SettingsError

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Address and credentials. The password never shows."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    """The certificate authority to trust; without one, those that this machine trusts."""

    def __post_init__(self) -> None:
        if self.security_protocol not in PROTOCOLS:
            raise SettingsError(f"KAFKA_SECURITY_PROTOCOL may be {', '.join(PROTOCOLS)}")
        if self.sasl_mechanism not in MECHANISMS:
            raise SettingsError(f"KAFKA_SASL_MECHANISM may be {', '.join(MECHANISMS)}")
        if self.security_protocol.startswith("SASL") and not (self.username and self.password):
            raise SettingsError(
                f"KAFKA_SECURITY_PROTOCOL is {self.security_protocol}: set KAFKA_SASL_USERNAME, and KAFKA_SASL_PASSWORD or "
                "KAFKA_SASL_PASSWORD_FILE"
            )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """From KAFKA_BOOTSTRAP_SERVERS, KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_CA_FILE.

        Raises:
            SettingsError: one is missing or cannot be used.
        """
        address = environ.get("KAFKA_BOOTSTRAP_SERVERS")
        if not address:
            raise SettingsError("set KAFKA_BOOTSTRAP_SERVERS to the hub's brokers, as host:port,host:port")
        authority = environ.get("KAFKA_CA_FILE")
        return cls(
            bootstrap_servers=address,
            security_protocol=environ.get("KAFKA_SECURITY_PROTOCOL") or "PLAINTEXT",
            sasl_mechanism=environ.get("KAFKA_SASL_MECHANISM") or "SCRAM-SHA-512",
            username=environ.get("KAFKA_SASL_USERNAME"),
            password=_password(environ),
            ca_file=Path(authority) if authority else None,
        )

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """From a file of `NAME=value` lines, quoted as for a shell.

        Raises:
            SettingsError: there is no such file, or a variable in it is missing or cannot be used.
        """
        return cls.from_environment(read_variables(path))

    def arguments(self) -> dict[str, Any]:
        """What aiokafka's consumers and producers alike are given to connect."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            arguments["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
        if self.security_protocol.startswith("SASL"):
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return arguments


def read_variables(path: str | Path) -> dict[str, str]:
    """The variables in a file of `NAME=value` lines, quoted as for a shell.

    Raises:
        SettingsError: there is no such file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"there is no file {path}; is the stack up, and is this your name?") from None
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): "".join(shlex.split(value)) for name, _, value in pairs}


def _password(environ: Mapping[str, str]) -> str | None:
    path = environ.get("KAFKA_SASL_PASSWORD_FILE")
    if not path:
        return environ.get("KAFKA_SASL_PASSWORD")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise SettingsError(f"KAFKA_SASL_PASSWORD_FILE names {path}, which is not there") from None
