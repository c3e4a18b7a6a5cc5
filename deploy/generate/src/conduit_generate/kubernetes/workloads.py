"""The services: Deployments, what keeps them apart and available, and the jobs that migrate their databases.

Every variable comes from `conduit_local.services`, as on one machine; what is secret comes from a file or a Secret here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from conduit_chassis.settings import Settings
from conduit_contracts.topic import DESKS
from conduit_contracts.topics import SERVICES, SIGNER
from conduit_generate.kubernetes.environment import Environment, Size
from conduit_generate.kubernetes.pods import (
    MIGRATION_MOUNTS,
    MOUNTS,
    POD,
    container,
    identity_file,
    migration_volumes,
    places,
    signer_volumes,
    spread,
    volumes,
)
from conduit_generate.kubernetes.resources import (
    CLAMAV,
    CLAMAV_PORT,
    HTTP_PORT,
    KAFKA_BOOTSTRAP,
    KAFKA_PORT,
    MIGRATES,
    POSTGRES_HOST,
    POSTGRES_PORT,
    Resource,
    labels,
    resource,
)
from conduit_local.services import (
    NOTIFIES,
    POLICY_FILE,
    SCAN_FILES,
    SHOWS,
    Smtp,
    Surroundings,
    asking_intake,
    asking_the_signer,
    module_of,
    pages_environment,
    service_environment,
    signer_environment,
)
from conduit_operate.access import service_principal
from conduit_operate.databases import database_of
from conduit_operate.secured import MECHANISM, PROTOCOL

GRACE_SECONDS = 3 * int(Settings.model_fields["drain_seconds"].default) + 30
"""Longer than requests, consumer and relay may take one after the other, and what comes before and after."""
LEAVE_SECONDS = 5
"""Between a pod's end and the last request that is still sent to it."""


def policy() -> Resource:
    """The thresholds and clocks. Its name follows its content, so a change rolls the services, and none sees half of one."""
    text = POLICY_FILE.read_text(encoding="utf-8")
    made = resource("v1", "ConfigMap", f"policy-{hashlib.sha256(text.encode()).hexdigest()[:10]}")
    return {**made, "immutable": True, "data": {POLICY_FILE.name: text}}


def standing(service: str) -> list[Resource]:
    """What a service has in every environment."""
    account = {**resource("v1", "ServiceAccount", service), "automountServiceAccountToken": False}
    front = {"selector": labels(service), "ports": [{"name": "http", "port": HTTP_PORT, "targetPort": "http"}]}
    return [account, resource("v1", "Service", service, front), _budget(service)]


def _budget(name: str) -> Resource:
    spec = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": labels(name)},
        # One that cannot start must not keep a node from being emptied.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return resource("policy/v1", "PodDisruptionBudget", name, spec)


def deployment(service: str, environment: Environment) -> Resource:
    """The service's pods. How many there are is KEDA's to say."""
    size = environment.services[service]
    main = container(
        service, image(service, environment), env=_environment(service, environment), resources=_resources(size)
    )
    main |= {**_served(), "volumeMounts": MOUNTS}
    pod = {
        **POD,
        "serviceAccountName": service,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "topologySpreadConstraints": spread(service),
        "containers": [main],
        "volumes": volumes(service, policy()["metadata"]["name"], environment),
    }
    spec = {
        "revisionHistoryLimit": 5,
        "selector": {"matchLabels": labels(service)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": {"labels": labels(service)}, "spec": pod},
    }
    return resource("apps/v1", "Deployment", service, spec, metadata={"labels": labels(service)})


def signer(environment: Environment) -> Resource:
    """What signs officers' commands for the console. Two, as there is little to do and nobody decides without it."""
    given = signer_environment(
        _told(SIGNER, environment), key_file=places.signing_key, token_file=places.signer_token, http=("0.0.0.0", HTTP_PORT)
    )
    resources = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}}
    main = container(SIGNER, image(SIGNER, environment), env=_entries(given), resources=resources)
    main |= {**_served(), "volumeMounts": MIGRATION_MOUNTS}
    pod = {
        **POD,
        "serviceAccountName": SIGNER,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "topologySpreadConstraints": spread(SIGNER),
        "containers": [main],
        "volumes": signer_volumes(),
    }
    spec = {
        "replicas": 2,
        "revisionHistoryLimit": 5,
        "selector": {"matchLabels": labels(SIGNER)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": {"labels": labels(SIGNER)}, "spec": pod},
    }
    return resource("apps/v1", "Deployment", SIGNER, spec, metadata={"labels": labels(SIGNER)})


def _served() -> dict[str, Any]:
    """Of a container: where it listens, and how the node asks how it is."""
    return {
        "ports": [{"name": "http", "containerPort": HTTP_PORT}],
        "startupProbe": {**_probe("/livez"), "periodSeconds": 2, "failureThreshold": 30},
        "livenessProbe": {**_probe("/livez"), "periodSeconds": 10, "failureThreshold": 3},
        "readinessProbe": {**_probe("/readyz"), "periodSeconds": 5, "failureThreshold": 2},
        "lifecycle": {"preStop": {"sleep": {"seconds": LEAVE_SECONDS}}},
    }


def migration(service: str, environment: Environment) -> Resource:
    """Migrates the service's database before a release, so that a migration that fails is seen before any pod is changed."""
    name, version = f"{service}-{MIGRATES}", environment.images.version
    given = {"POSTGRES_DSN": _dsn(service), "POSTGRES_PASSWORD_FILE": places.postgres_password}
    main = container(
        MIGRATES,
        image(service, environment),
        env=[{"name": key, "value": value} for key, value in given.items()],
        resources={"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
    )
    main |= {
        "command": ["python", "-m", "conduit_chassis.migrate_only", module_of(service)],
        "volumeMounts": MIGRATION_MOUNTS,
    }
    pod = {
        **POD,
        "serviceAccountName": service,
        "restartPolicy": "OnFailure",
        "containers": [main],
        "volumes": migration_volumes(service),
    }
    spec = {
        "backoffLimit": 6,
        "activeDeadlineSeconds": 1800,
        "ttlSecondsAfterFinished": 86400,
        "template": {"metadata": {"labels": labels(name)}, "spec": pod},
    }
    # A job cannot be changed, so each release has its own.
    return resource("batch/v1", "Job", f"{name}-{version.replace('.', '-')}", spec, metadata={"labels": labels(name)})


def image(service: str, environment: Environment) -> str:
    return f"{environment.images.registry}/conduit-{service}:{environment.images.version}"


def _told(service: str, environment: Environment) -> Surroundings:
    mail = environment.mail
    return Surroundings(
        kafka={
            "KAFKA_BOOTSTRAP_SERVERS": f"{KAFKA_BOOTSTRAP}:{KAFKA_PORT}",
            "KAFKA_SECURITY_PROTOCOL": PROTOCOL,
            "KAFKA_SASL_MECHANISM": MECHANISM,
            "KAFKA_SASL_USERNAME": service_principal(service),
            "KAFKA_SASL_PASSWORD_FILE": places.kafka_password,
            "KAFKA_CA_FILE": places.kafka_authority,
        },
        policy_file=places.policy,
        smtp=Smtp(mail.host, mail.port, mail.sender),
        trusted_keys=places.trusted_keys,
        local_keys=False,
        secrets_dir=places.webhooks,
    )


def _environment(service: str, environment: Environment) -> list[dict[str, Any]]:
    mail, surroundings = environment.mail, _told(service, environment)
    given = service_environment(service, surroundings, postgres_dsn=_dsn(service), http=("0.0.0.0", HTTP_PORT))
    given["POSTGRES_PASSWORD_FILE"] = places.postgres_password
    if service == NOTIFIES:
        given |= {
            "SMTP_USERNAME": mail.username,
            "SMTP_PASSWORD_FILE": places.smtp_password,
            "SMTP_STARTTLS": "true",
            "HUB_EMAIL": mail.hub_email,
            "DUTY_URL": f"https://{environment.hosts.api}",
        }
        given |= {"SUPERVISORS_EMAIL": mail.supervisors_email} if mail.supervisors_email else {}
    if service in SCAN_FILES:
        given |= {"CLAMD_HOST": CLAMAV, "CLAMD_PORT": str(CLAMAV_PORT)}
    if service == "intake":
        given["PUBLIC_URL"] = f"https://{environment.hosts.api}"
        given["CONSOLE_TOKEN_FILE"] = places.intake_token
    if service in DESKS:
        providers = [each.told(service, identity_file(each.name)) for each in environment.providers_of(service)]
        given |= pages_environment(public_url=environment.url_of(service), identity_providers=providers)
        given |= {"IDENTITY_CA_FILE": places.identity_authority} if environment.store.identity_authority else {}
    if service == SHOWS:
        given |= asking_the_signer(f"http://{SIGNER}:{HTTP_PORT}", places.signer_token)
        given |= asking_intake(f"http://intake:{HTTP_PORT}", places.intake_token)
    return _entries(given)


def _entries(given: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in given.items()]


def _dsn(service: str) -> str:
    name = database_of(service)
    tls = f"sslmode=verify-full&sslrootcert={places.postgres_authority}"
    return f"postgresql://{name}@{POSTGRES_HOST}:{POSTGRES_PORT}/{name}?{tls}"


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "http"}, "timeoutSeconds": 3}


def _resources(size: Size) -> dict[str, Any]:
    return {
        "requests": {"cpu": size.cpu, "memory": size.memory},
        "limits": {"cpu": size.cpu_limit, "memory": size.memory},
    }


def scanner() -> list[Resource]:
    """clamd, which services give files to. It starts with the signatures of its image and keeps them up to date."""
    account = {**resource("v1", "ServiceAccount", CLAMAV), "automountServiceAccountToken": False}
    user = {**POD["securityContext"], "runAsUser": 100, "runAsGroup": 101, "fsGroup": 101}
    pod = {
        **POD,
        "serviceAccountName": CLAMAV,
        "securityContext": user,
        "topologySpreadConstraints": spread(CLAMAV),
        "containers": [_clamd()],
        "volumes": [{"name": name, "emptyDir": {"sizeLimit": "2Gi"}} for name in ("signatures", "run", "scratch", "logs")],
    }
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": labels(CLAMAV)},
        "template": {"metadata": {"labels": labels(CLAMAV)}, "spec": pod},
    }
    front = {"selector": labels(CLAMAV), "ports": [{"name": "clamd", "port": CLAMAV_PORT, "targetPort": "clamd"}]}
    return [
        account,
        resource("apps/v1", "Deployment", CLAMAV, spec, metadata={"labels": labels(CLAMAV)}),
        resource("v1", "Service", CLAMAV, front),
        _budget(CLAMAV),
    ]


def _clamd() -> Resource:
    """Its container."""
    main = container(
        CLAMAV,
        "clamav/clamav:1.5.1",
        env=[],
        resources={"requests": {"cpu": "250m", "memory": "3Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}},
    )
    alive = {"tcpSocket": {"port": "clamd"}, "timeoutSeconds": 3}
    main |= {
        "command": ["/init-unprivileged"],
        "ports": [{"name": "clamd", "containerPort": CLAMAV_PORT}],
        "startupProbe": {**alive, "periodSeconds": 10, "failureThreshold": 60},
        "livenessProbe": {**alive, "periodSeconds": 20, "failureThreshold": 3},
        "readinessProbe": {**alive, "periodSeconds": 10, "failureThreshold": 2},
        "volumeMounts": [
            {"name": "signatures", "mountPath": "/var/lib/clamav"},
            {"name": "run", "mountPath": "/run"},
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108  the container's own
            {"name": "logs", "mountPath": "/var/log/clamav"},
        ],
    }
    return main


def services(environment: Environment) -> list[Resource]:
    """The Deployments, in flow order."""
    return [*(deployment(service, environment) for service in SERVICES), signer(environment)]


def migrations(environment: Environment) -> list[Resource]:
    """The jobs, in flow order."""
    return [migration(service, environment) for service in SERVICES]
