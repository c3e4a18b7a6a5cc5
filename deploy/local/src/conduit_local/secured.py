"""The broker's clients' listener, secured: TLS under the local authority, SCRAM-SHA-512, deny by default."""

from __future__ import annotations

from pathlib import Path

from conduit_local.certificates import make_certificates
from conduit_local.kafka import Security
from conduit_local.paths import keep_secret

ADMIN = "admin"
MECHANISM = "SCRAM-SHA-512"
PROTOCOL = "SASL_SSL"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def secure(state_dir: Path) -> Security:
    """What makes `EmbeddedKafka` secured. Certificates and the administrator's password are kept in the state directory."""
    authority, broker = make_certificates(state_dir / "tls")
    password = keep_password(state_dir, ADMIN)
    listener = "listener.name.clients"
    mechanism = MECHANISM.lower()
    return Security(
        protocol=PROTOCOL,
        controller_protocol="SASL_PLAINTEXT",
        properties={
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            f"{listener}.{mechanism}.sasl.jaas.config": f'{_SCRAM} required username="{ADMIN}" password="{password}";',
            f"{listener}.ssl.keystore.type": "PEM",
            f"{listener}.ssl.keystore.location": str(broker),
            f"{listener}.ssl.truststore.type": "PEM",
            f"{listener}.ssl.truststore.location": str(authority),
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
        client=librdkafka_options(ADMIN, password, authority),
    )


def keep_password(state_dir: Path, principal: str) -> str:
    """The principal's password, made on first use and kept for its owner's eyes."""
    return keep_secret(state_dir / "secrets" / f"kafka-{principal}")


def librdkafka_options(principal: str, password: str, authority: Path) -> dict[str, str]:
    """What a librdkafka client (confluent-kafka, kcat) is given to come in as this principal."""
    return {
        "security.protocol": PROTOCOL,
        "sasl.mechanism": MECHANISM,
        "sasl.username": principal,
        "sasl.password": password,
        "ssl.ca.location": str(authority),
    }


def environment(principal: str, password: str, authority: Path) -> dict[str, str]:
    """The same for a service of the conduit, as environment variables."""
    return {
        "KAFKA_SECURITY_PROTOCOL": PROTOCOL,
        "KAFKA_SASL_USERNAME": principal,
        "KAFKA_SASL_PASSWORD": password,
        "KAFKA_CA_FILE": str(authority),
    }
