"""Makes topics and databases on servers that exist, then ends: `python -m conduit_operate.setup`. May be repeated.

From the environment: KAFKA_BOOTSTRAP_SERVERS, POSTGRES_DSN (an administrator's), one <SERVICE>_PASSWORD each, and
PARTNER_IDS, separated by commas. Every police force has its topics. With MONITOR_PASSWORD there is a role for PostgreSQL's
exporter too. With SIGNING_KEYS_DIR and SIGNING_KEY_DIR, the key pair that signs officers' commands: the first gets the
public key, the second the private one.

Topics have three copies, two of which must have a record, or as many as there are brokers, unless KAFKA_REPLICATION_FACTOR
and KAFKA_MIN_INSYNC_REPLICAS say otherwise. What stands with fewer is told on standard error, and by `conduit access`.

Where KAFKA_SECURITY_PROTOCOL is SASL_SSL, users, permissions and quotas are made too, by KAFKA_ADMIN_USERNAME with
KAFKA_ADMIN_PASSWORD or KAFKA_ADMIN_PASSWORD_FILE. STATE_DIR keeps passwords in `secrets/kafka-<user>`: those that lie there
already are given to the users, the others are made; those of services are <SERVICE>_KAFKA_PASSWORD where that is given.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from aiokafka.errors import KafkaError
from pydantic import SecretStr

from conduit_chassis import preflight
from conduit_chassis.errors import ConfigurationError
from conduit_chassis.settings import Settings
from conduit_contracts.geography import forces
from conduit_contracts.topics import SERVICES, SIGNER, TopicSpec, specs
from conduit_operate.access import service_principal
from conduit_operate.broker import Broker, external_broker
from conduit_operate.copies import check
from conduit_operate.databases import provision
from conduit_operate.doors import open_doors
from conduit_operate.monitor_role import provision_monitor
from conduit_operate.paths import default_state_dir, write_private
from conduit_operate.secured import ADMIN, password_path
from conduit_operate.signing import SigningFiles, keep
from conduit_operate.topics import TopicError, create_topics

NO_STATISTICS = (
    "note: the user of POSTGRES_DSN may not grant pg_monitor, so the exporter sees little: have an administrator run "
    "GRANT pg_monitor TO conduit_monitor"
)


def password_variable(service: str) -> str:
    return f"{service.upper()}_PASSWORD"


def topics_wanted(environ: Mapping[str, str]) -> list[TopicSpec]:
    return specs(_partner_ids(environ), tuple(forces()))


def _partner_ids(environ: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in environ.get("PARTNER_IDS", "").split(",") if name.strip())


def kafka_password_variable(service: str) -> str:
    return f"{service.upper()}_KAFKA_PASSWORD"


def _keep_given(state_dir: Path, environ: Mapping[str, str]) -> None:
    for service in (*SERVICES, SIGNER):
        if password := environ.get(kafka_password_variable(service)):
            path = password_path(state_dir, service_principal(service))
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, password)


def _examine(broker: Broker, dsn: str) -> None:
    """See that services could work on these brokers. One that does not answer is told of by whatever needs it."""
    given: dict[str, Any] = {name.lower(): value for name, value in broker.environment(ADMIN).items()}
    with suppress(KafkaError, OSError):
        asyncio.run(preflight.examine_kafka(Settings(postgres_dsn=SecretStr(dsn), **given)))


def _keep_signing_key(environ: Mapping[str, str]) -> None:
    public, private = environ.get("SIGNING_KEYS_DIR"), environ.get("SIGNING_KEY_DIR")
    if public and private:
        keep(SigningFiles.within(Path(public), Path(private)))


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Raises KeyError naming the variable that is missing, ValueError or ConfigurationError for what cannot be used."""
    provision(environ["POSTGRES_DSN"], {service: environ[password_variable(service)] for service in SERVICES})
    monitor = environ.get("MONITOR_PASSWORD")
    if monitor and not provision_monitor(environ["POSTGRES_DSN"], monitor, SERVICES):
        sys.stderr.write(f"{NO_STATISTICS}\n")
    _keep_signing_key(environ)
    wanted = topics_wanted(environ)
    broker = external_broker(Path(environ.get("STATE_DIR") or default_state_dir()).absolute(), environ)
    _examine(broker, environ["POSTGRES_DSN"])
    if broker.secured:
        _keep_given(broker.state_dir, environ)
        open_doors(broker, _partner_ids(environ), tuple(forces()))
    else:
        create_topics(broker.bootstrap_servers, wanted)
    for complaint in check(broker.admin(), [spec.name for spec in wanted]):
        sys.stderr.write(f"warning: {complaint}\n")
    sys.stdout.write(f"{len(SERVICES)} databases and {len(wanted)} topics are ready\n")


def told(environ: Mapping[str, str] = os.environ) -> int:
    """`main`, with what is missing said in a line; returns the exit status."""
    try:
        main(environ)
    except KeyError as error:
        sys.stderr.write(f"set {error.args[0]}\n")
    except psycopg.Error as error:
        said = " ".join((error.diag.message_primary or str(error)).split())
        sys.stderr.write(f"PostgreSQL, as the user of POSTGRES_DSN: {said}\n")
    except (ConfigurationError, TopicError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(told())
