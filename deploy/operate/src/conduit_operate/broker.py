"""Kafka as somebody comes to it: its address and, where it is secured, a user with a password and the authority to trust.

On a broker that is not secured every user comes in without credentials, so that callers need not care which it is.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient

from conduit_operate.secured import ADMIN, MECHANISM, PROTOCOL, authority_path, keep_password

PLAIN = "PLAINTEXT"


@dataclass(frozen=True, slots=True)
class Broker:
    """One Kafka. Users' passwords are kept in the state directory; `administrator` is given where it is not kept there."""

    bootstrap_servers: str
    state_dir: Path
    secured: bool = False
    authority: Path | None = None
    """Whom to trust; None for whoever this machine trusts."""
    administrator: tuple[str, str] | None = field(default=None, repr=False)
    declared: bool = False
    """Whether its users, permissions and topics are declared elsewhere, so that commands must leave them alone."""

    def librdkafka(self, user: str) -> dict[str, Any]:
        """What a librdkafka client (confluent-kafka, kcat) is given to come in as this user."""
        options: dict[str, Any] = {"bootstrap.servers": self.bootstrap_servers, "security.protocol": self._protocol}
        if self.secured:
            name, password = self._login(user)
            options |= {"sasl.mechanism": MECHANISM, "sasl.username": name, "sasl.password": password}
            if self.authority is not None:
                options["ssl.ca.location"] = str(self.authority)
        return options

    def aiokafka(self, user: str) -> dict[str, Any]:
        """The same for aiokafka."""
        arguments: dict[str, Any] = {"bootstrap_servers": self.bootstrap_servers, "security_protocol": self._protocol}
        if self.secured:
            name, password = self._login(user)
            arguments |= {"sasl_mechanism": MECHANISM, "sasl_plain_username": name, "sasl_plain_password": password}
            arguments["ssl_context"] = ssl.create_default_context(cafile=self.authority)
        return arguments

    def environment(self, user: str) -> dict[str, str]:
        """The same as the environment variables that the conduit's services and kits read."""
        variables = self.address()
        if self.secured:
            name, password = self._login(user)
            variables |= {"KAFKA_SASL_MECHANISM": MECHANISM, "KAFKA_SASL_USERNAME": name, "KAFKA_SASL_PASSWORD": password}
        return variables

    def address(self) -> dict[str, str]:
        """What is no secret of it, as environment variables."""
        variables = {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers, "KAFKA_SECURITY_PROTOCOL": self._protocol}
        if self.authority is not None:
            variables["KAFKA_CA_FILE"] = str(self.authority)
        return variables

    def admin(self) -> AdminClient:
        """An administrator's client: it may do everything."""
        return AdminClient({**self.librdkafka(ADMIN), "log_level": 0})

    def password(self, user: str) -> str:
        """The user's password, made on first use."""
        return keep_password(self.state_dir, user)

    @property
    def _protocol(self) -> str:
        return PROTOCOL if self.secured else PLAIN

    def _login(self, user: str) -> tuple[str, str]:
        if user == ADMIN and self.administrator is not None:
            return self.administrator
        return user, self.password(user)


def local_broker(state_dir: Path, address: str, *, secured: bool) -> Broker:
    """The broker that was started here."""
    folder = state_dir.absolute()
    return Broker(address, folder, secured, authority_path(folder) if secured else None)


def external_broker(state_dir: Path, environ: Mapping[str, str]) -> Broker:
    """The broker that the environment names, by KAFKA_SECURITY_PROTOCOL, KAFKA_ADMIN_USERNAME, KAFKA_ADMIN_PASSWORD or
    KAFKA_ADMIN_PASSWORD_FILE, and KAFKA_CA_FILE. KAFKA_DECLARED=true where an operator owns its users and topics.

    Raises:
        ValueError: it is secured in another way than this, or the administrator's credentials are missing.
    """
    address, protocol = environ["KAFKA_BOOTSTRAP_SERVERS"], environ.get("KAFKA_SECURITY_PROTOCOL") or PLAIN
    if protocol == PLAIN:
        return Broker(address, state_dir)
    if protocol != PROTOCOL:
        raise ValueError(f"KAFKA_SECURITY_PROTOCOL is {protocol}; it may be {PROTOCOL} (with {MECHANISM}) or {PLAIN}")
    name, password = environ.get("KAFKA_ADMIN_USERNAME"), _password(environ)
    if not name or not password:
        raise ValueError(
            f"KAFKA_SECURITY_PROTOCOL is {PROTOCOL}: set KAFKA_ADMIN_USERNAME and KAFKA_ADMIN_PASSWORD (or "
            "KAFKA_ADMIN_PASSWORD_FILE) to an administrator's, who makes users and permissions"
        )
    authority = environ.get("KAFKA_CA_FILE")
    declared = environ.get("KAFKA_DECLARED", "").lower() == "true"
    return Broker(address, state_dir, True, Path(authority) if authority else None, (name, password), declared)


def _password(environ: Mapping[str, str]) -> str | None:
    path = environ.get("KAFKA_ADMIN_PASSWORD_FILE")
    return Path(path).read_text(encoding="utf-8").strip() if path else environ.get("KAFKA_ADMIN_PASSWORD")
