"""CloudNativePG's resources: one cluster, a database and a role for each service, and backups that can be wound back.

A commit is answered once a standby has it too, so a failover loses nothing that was acknowledged.
"""

from __future__ import annotations

from typing import Any

from conduit_contracts.topics import SERVICES
from conduit_generate.kubernetes import exporter
from conduit_generate.kubernetes.environment import Environment
from conduit_generate.kubernetes.resources import POSTGRES_CLUSTER, Resource, resource
from conduit_generate.kubernetes.secrets import BACKUP_SECRET, database_secret
from conduit_local.postgres import SETTINGS
from conduit_operate.databases import database_of

API = "postgresql.cnpg.io/v1"
IMAGE = "ghcr.io/cloudnative-pg/postgresql:18.6-minimal-trixie"
BACKUPS = "conduit-backups"
PLUGIN = "barman-cloud.cloudnative-pg.io"
SHARED_SETTINGS = ("max_connections", "max_wal_size", "log_error_verbosity")
"""What the embedded server has too; the rest of its settings is for one machine, or the operator's to set."""
NIGHTLY = "0 30 2 * * *"
"""With seconds first, as CloudNativePG writes it."""


def cluster(environment: Environment) -> list[Resource]:
    """The cluster, its databases and roles, and its backups."""
    of_cluster = {"name": POSTGRES_CLUSTER}
    made = [resource(API, "Cluster", POSTGRES_CLUSTER, _spec(environment))]
    for service in SERVICES:
        name = database_of(service)
        role = {
            "cluster": of_cluster,
            "name": name,
            "login": True,
            "passwordSecret": {"name": database_secret(service)},
            "databaseRoleReclaimPolicy": "retain",
        }
        database = {"cluster": of_cluster, "name": name, "owner": name, "databaseReclaimPolicy": "retain"}
        made += [resource(API, "DatabaseRole", service, role), resource(API, "Database", service, database)]
    return [*made, exporter.role(), _object_store(environment), _nightly()]


def _spec(environment: Environment) -> dict[str, Any]:
    size, store = environment.postgres, environment.store
    return {
        "instances": size.instances,
        "imageName": IMAGE,
        # The operator always makes one database; nothing uses it, and pg_hba lets nobody in.
        "bootstrap": {"initdb": {"database": "unused", "owner": "unused", "dataChecksums": True}},
        "enableSuperuserAccess": False,
        "postgresql": {
            "parameters": {name: SETTINGS[name] for name in SHARED_SETTINGS} | {"shared_buffers": size.shared_buffers},
            "synchronous": {"method": "any", "number": 1, "dataDurability": "required"},
            "pg_hba": _who_may_connect(),
        },
        "storage": {"size": size.disk, "storageClass": store.storage_class},
        "walStorage": {"size": size.wal_disk, "storageClass": store.storage_class},
        "resources": {
            "requests": {"cpu": size.cpu, "memory": size.memory},
            "limits": {"memory": size.memory},
        },
        "affinity": {
            "enablePodAntiAffinity": True,
            "podAntiAffinityType": "required",
            "topologyKey": "kubernetes.io/hostname",
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"cnpg.io/cluster": POSTGRES_CLUSTER}},
            }
        ],
        "plugins": [{"name": PLUGIN, "isWALArchiver": True, "parameters": {"barmanObjectName": BACKUPS}}],
    }


def _who_may_connect() -> list[str]:
    """Each role to its own database, over TLS. The last line keeps the operator's own closing line from being reached."""
    names = [database_of(service) for service in SERVICES]
    own = [f"hostssl {name} {name} all scram-sha-256" for name in names]
    return [*own, *exporter.who_may_connect(), "host all all all reject"]


def _object_store(environment: Environment) -> Resource:
    store = environment.store
    keys = {
        "accessKeyId": {"name": BACKUP_SECRET, "key": "access-key-id"},
        "secretAccessKey": {"name": BACKUP_SECRET, "key": "secret-access-key"},
    }
    spec = {
        "retentionPolicy": f"{store.backup_days}d",
        "configuration": {
            "destinationPath": store.backup_path,
            "endpointURL": store.backup_endpoint,
            "s3Credentials": keys,
            "wal": {"compression": "gzip", "encryption": "AES256"},
            "data": {"compression": "gzip", "encryption": "AES256"},
        },
    }
    return resource("barmancloud.cnpg.io/v1", "ObjectStore", BACKUPS, spec)


def _nightly() -> Resource:
    spec = {
        "schedule": NIGHTLY,
        "immediate": True,
        "cluster": {"name": POSTGRES_CLUSTER},
        "backupOwnerReference": "self",
        "target": "prefer-standby",
        "method": "plugin",
        "pluginConfiguration": {"name": PLUGIN},
    }
    return resource(API, "ScheduledBackup", "nightly", spec)
