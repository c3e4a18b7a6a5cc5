"""What all pods of the conduit have in common: no privileges, no writable root, and where files are found."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from conduit_contracts.topic import DESKS
from conduit_contracts.topics import SIGNER
from conduit_generate.kubernetes.environment import Environment
from conduit_generate.kubernetes.resources import KAFKA_AUTHORITY, NAME_LABEL, POSTGRES_AUTHORITY
from conduit_generate.kubernetes.secrets import (
    IDENTITY_AUTHORITY,
    IDENTITY_AUTHORITY_SECRET,
    INTAKE_SECRET,
    INTAKE_TOKEN,
    MAIL_KEY,
    MAIL_SECRET,
    SIGNER_SECRET,
    SIGNER_TOKEN,
    SIGNING_KEY,
    SIGNING_KEY_SECRET,
    TRUSTED_KEYS,
    TRUSTED_KEYS_SECRET,
    WEBHOOK_SECRET,
    clients_secret,
    database_secret,
)
from conduit_local.services import NOTIFIES, POLICY_FILE, SHOWS, TAKE_COMMANDS, TAKES_IN
from conduit_operate.access import service_principal

UID = 10001
"""The user of the images."""

_ACCESS, _POLICY, _WEBHOOKS = "/run/secrets/access", "/etc/conduit", "/run/secrets/conduit"
places = SimpleNamespace(
    kafka_password=f"{_ACCESS}/kafka-password",
    kafka_authority=f"{_ACCESS}/kafka-ca.crt",
    postgres_password=f"{_ACCESS}/postgres-password",
    postgres_authority=f"{_ACCESS}/postgres-ca.crt",
    smtp_password=f"{_ACCESS}/smtp-password",
    policy=f"{_POLICY}/{POLICY_FILE.name}",
    signing_key=f"{_ACCESS}/signing-key.json",
    signer_token=f"{_ACCESS}/signer-token",
    intake_token=f"{_ACCESS}/intake-token",
    trusted_keys=f"{_ACCESS}/trusted-keys.json",
    identity_authority=f"{_ACCESS}/identity-ca.crt",
    webhooks=_WEBHOOKS,
)
"""Where a container finds each file."""

POD: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": UID,
        "runAsGroup": UID,
        "fsGroup": UID,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
}
MIGRATION_MOUNTS = [
    {"name": "access", "mountPath": _ACCESS, "readOnly": True},
    {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108  the container's own
]
MOUNTS = [
    *MIGRATION_MOUNTS,
    {"name": "policy", "mountPath": _POLICY, "readOnly": True},
    {"name": "webhooks", "mountPath": _WEBHOOKS, "readOnly": True},
]


def identity_file(provider: str) -> str:
    """Where a desk finds the secret of its client at this provider."""
    return f"{_ACCESS}/{_identity(provider)}"


def _identity(provider: str) -> str:
    return f"identity-{provider}"


def container(name: str, image: str, *, env: list[dict[str, Any]], resources: dict[str, Any]) -> dict[str, Any]:
    """A container that may do nothing but its work."""
    made: dict[str, Any] = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent"}
    if env:
        made["env"] = env
    made["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    made["resources"] = resources
    return made


def spread(name: str) -> list[dict[str, Any]]:
    """Over zones and nodes, each release by itself. A lost zone must not keep what remains from running."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {NAME_LABEL: name}},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def volumes(service: str, policy: str, environment: Environment) -> list[dict[str, Any]]:
    """The service's own credentials and nobody else's, whom to trust, the policy, and room for scratch."""
    sources = [
        *_of_database(service),
        _file(service_principal(service), "password", "kafka-password"),
        _file(KAFKA_AUTHORITY, "ca.crt", "kafka-ca.crt"),
    ]
    if service == NOTIFIES:
        sources.append(_file(MAIL_SECRET, MAIL_KEY, "smtp-password"))
    if service in TAKE_COMMANDS:
        sources.append(_file(TRUSTED_KEYS_SECRET, TRUSTED_KEYS, TRUSTED_KEYS))
    if service == SHOWS:
        sources.append(_file(SIGNER_SECRET, SIGNER_TOKEN, "signer-token"))
    sources += [
        _file(clients_secret(service), each.name, _identity(each.name)) for each in environment.providers_of(service)
    ]
    if service in DESKS and environment.store.identity_authority:
        sources.append(_file(IDENTITY_AUTHORITY_SECRET, IDENTITY_AUTHORITY, "identity-ca.crt"))
    if service in (TAKES_IN, SHOWS):
        sources.append(_file(INTAKE_SECRET, INTAKE_TOKEN, "intake-token"))
    webhooks: dict[str, Any] = {"emptyDir": {"sizeLimit": "1Mi"}}
    if service == NOTIFIES:
        webhooks = {"secret": {"secretName": WEBHOOK_SECRET, "defaultMode": 0o440}}
    return [*_access(sources), {"name": "policy", "configMap": {"name": policy}}, {"name": "webhooks", **webhooks}]


def signer_volumes() -> list[dict[str, Any]]:
    """The private key, which no other pod has, the console's token, whom to trust, and the way to Kafka."""
    return _access(
        [
            _file(service_principal(SIGNER), "password", "kafka-password"),
            _file(KAFKA_AUTHORITY, "ca.crt", "kafka-ca.crt"),
            _file(TRUSTED_KEYS_SECRET, TRUSTED_KEYS, TRUSTED_KEYS),
            _file(SIGNING_KEY_SECRET, SIGNING_KEY, "signing-key.json"),
            _file(SIGNER_SECRET, SIGNER_TOKEN, "signer-token"),
        ]
    )


def migration_volumes(service: str) -> list[dict[str, Any]]:
    """The way to the service's database, and to nothing else."""
    return _access(_of_database(service))


def _access(sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"name": "access", "projected": {"defaultMode": 0o440, "sources": sources}},
        {"name": "scratch", "emptyDir": {"sizeLimit": "256Mi"}},
    ]


def _of_database(service: str) -> list[dict[str, Any]]:
    return [
        _file(database_secret(service), "password", "postgres-password"),
        _file(POSTGRES_AUTHORITY, "ca.crt", "postgres-ca.crt"),
    ]


def _file(secret: str, key: str, path: str) -> dict[str, Any]:
    return {"secret": {"name": secret, "items": [{"key": key, "path": path}]}}
