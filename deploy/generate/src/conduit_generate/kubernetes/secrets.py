"""Which secrets there are, where each comes from, and that none is in this repository.

Kafka's users get theirs from Strimzi: a Secret of the user's name with `password`. All others are read by the External
Secrets Operator from the environment's store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conduit_contracts.topic import DESKS
from conduit_contracts.topics import SERVICES
from conduit_generate.kubernetes.environment import Environment
from conduit_generate.kubernetes.resources import Resource, resource
from conduit_operate.databases import database_of
from conduit_operate.monitor_role import ROLE

API = "external-secrets.io/v1"
TRUSTED_KEYS_SECRET, TRUSTED_KEYS = "officers-trusted-keys", "trusted-keys.json"
"""Public keys: not secret, and yet whoever can change them can make officers."""
SIGNING_KEY_SECRET, SIGNING_KEY = "officers-signing-key", "signing-key.json"
"""Mounted into the signer and nowhere else."""
IDENTITY_AUTHORITY_SECRET, IDENTITY_AUTHORITY = "identity-authority", "ca.crt"
"""A certificate: not secret either, and whoever can change it can vouch for anybody."""
SIGNER_SECRET, SIGNER_TOKEN = "signer-token", "token"
INTAKE_SECRET, INTAKE_TOKEN = "intake-token", "token"
"""What the console shows to intake."""
MAIL_SECRET, MAIL_KEY = "smtp", "password"
WEBHOOK_SECRET = "webhook-secrets"  # noqa: S105  a name
BACKUP_SECRET = "backup-store"  # noqa: S105  a name
MONITOR_SECRET = "postgres-monitor"  # noqa: S105  a name
LISTENER_SECRET = "kafka-listener"  # noqa: S105  a name


def database_secret(service: str) -> str:
    """The Secret with the password of the service's database role."""
    return f"postgres-{service}"


def clients_secret(desk: str) -> str:
    """The Secret with one property per identity provider, of its name: the secret of the desk's client there."""
    return f"identity-clients-{desk}"


def external_secrets(environment: Environment) -> list[Resource]:
    """One ExternalSecret per Secret."""
    roles = {**{database_secret(name): database_of(name) for name in SERVICES}, MONITOR_SECRET: ROLE}
    databases = [_database(environment, name, role) for name, role in roles.items()]
    single: Mapping[str, tuple[str, ...]] = {
        TRUSTED_KEYS_SECRET: (TRUSTED_KEYS,),
        SIGNING_KEY_SECRET: (SIGNING_KEY,),
        SIGNER_SECRET: (SIGNER_TOKEN,),
        **{clients_secret(desk): tuple(each.name for each in environment.providers_of(desk)) for desk in DESKS},
        **({IDENTITY_AUTHORITY_SECRET: (IDENTITY_AUTHORITY,)} if environment.store.identity_authority else {}),
        INTAKE_SECRET: (INTAKE_TOKEN,),
        MAIL_SECRET: (MAIL_KEY,),
        BACKUP_SECRET: ("access-key-id", "secret-access-key"),
    }
    named = [_secret(environment, name, {"data": _data(environment, name, keys)}) for name, keys in single.items()]
    listener = {
        "target": {"template": {"type": "kubernetes.io/tls"}},
        "data": _data(environment, LISTENER_SECRET, ("tls.crt", "tls.key")),
    }
    # One property per webhook secret, under the name that the register gives: nobody lists them here.
    webhooks = {"dataFrom": [{"extract": {"key": f"{environment.store.secret_prefix}/{WEBHOOK_SECRET}"}}]}
    return [
        *databases,
        *named,
        _secret(environment, LISTENER_SECRET, listener),
        _secret(environment, WEBHOOK_SECRET, webhooks),
    ]


def _database(environment: Environment, name: str, role: str) -> Resource:
    template = {
        "type": "kubernetes.io/basic-auth",
        # The operator reads the role's Secret again when it changes, where this label says so.
        "metadata": {"labels": {"cnpg.io/reload": "true"}},
        "data": {"username": role, "password": "{{ .password }}"},
    }
    return _secret(environment, name, {"target": {"template": template}, "data": _data(environment, name, ("password",))})


def _data(environment: Environment, name: str, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    path = f"{environment.store.secret_prefix}/{name}"
    return [{"secretKey": key, "remoteRef": {"key": path, "property": key}} for key in keys]


def _secret(environment: Environment, name: str, part: Mapping[str, Any]) -> Resource:
    spec = {
        "refreshInterval": "1h",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": environment.store.secret_store},
        **part,
    }
    return resource(API, "ExternalSecret", name, spec)
