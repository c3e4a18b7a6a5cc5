"""The broker's clients' listener, secured: TLS under the local authority, SCRAM-SHA-512, deny by default."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conduit_operate.certificates import make_certificates
from conduit_operate.paths import keep_secret
from conduit_operate.security import Security

ADMIN = "admin"
MECHANISM = "SCRAM-SHA-512"
PROTOCOL = "SASL_SSL"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def secure(state_dir: Path) -> Security:
    """What makes `EmbeddedKafka` secured. Certificates and the administrator's password are kept in the state directory."""
    authority, broker = make_certificates(authority_path(state_dir).parent)
    return security(authority, broker, keep_password(state_dir, ADMIN))


def security(authority: Path, broker: Path, password: str, listeners: Sequence[str] = ("CLIENTS",)) -> Security:
    """The same from certificates that are there, the administrator's password, and the names of the clients' listeners."""
    return Security(
        protocol=PROTOCOL,
        controller_protocol="SASL_PLAINTEXT",
        properties={
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            **{name: value for each in listeners for name, value in _listener(each, authority, broker, password).items()},
            # The controller talks to nobody but this broker, before any SCRAM user exists.
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": (
                f'{_PLAIN} required username="{ADMIN}" password="{password}" user_{ADMIN}="{password}";'
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:{ADMIN}",
        },
        format_options=("--add-scram", f"{MECHANISM}=[name={ADMIN},password={password}]"),
        client={
            "security.protocol": PROTOCOL,
            "sasl.mechanism": MECHANISM,
            "sasl.username": ADMIN,
            "sasl.password": password,
            "ssl.ca.location": str(authority),
        },
    )


def _listener(name: str, authority: Path, broker: Path, password: str) -> dict[str, str]:
    prefix = f"listener.name.{name.lower()}"
    return {
        f"{prefix}.{MECHANISM.lower()}.sasl.jaas.config": jaas(ADMIN, password),
        f"{prefix}.ssl.keystore.type": "PEM",
        f"{prefix}.ssl.keystore.location": str(broker),
        f"{prefix}.ssl.truststore.type": "PEM",
        f"{prefix}.ssl.truststore.location": str(authority),
    }


def jaas(user: str, password: str) -> str:
    """Credentials as Kafka's own programs take them."""
    return f'{_SCRAM} required username="{user}" password="{password}";'


def keep_password(state_dir: Path, user: str) -> str:
    """The user's password, made on first use and kept for its owner's eyes."""
    return keep_secret(password_path(state_dir, user))


def password_path(state_dir: Path, user: str) -> Path:
    """Where the user's password is kept. It may be taken away once it was handed over."""
    return state_dir / "secrets" / f"kafka-{user}"


def authority_path(state_dir: Path) -> Path:
    """The certificate of the authority that clients are to trust."""
    return state_dir / "tls" / "ca.pem"
