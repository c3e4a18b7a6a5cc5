"""Makes topics and databases on servers that exist, then ends: `python -m conduit_local.setup`. May be repeated.

From the environment: KAFKA_BOOTSTRAP_SERVERS, POSTGRES_DSN (an administrator's), one <SERVICE>_PASSWORD each, and
PARTNER_IDS, separated by commas. Every police force has its topics.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from conduit_contracts.geography import forces
from conduit_contracts.topics import TopicSpec, specs
from conduit_local.databases import provision
from conduit_local.services import SERVICES
from conduit_local.topics import create_topics


def password_variable(service: str) -> str:
    return f"{service.upper()}_PASSWORD"


def topics_wanted(environ: Mapping[str, str]) -> list[TopicSpec]:
    partner_ids = tuple(name.strip() for name in environ.get("PARTNER_IDS", "").split(",") if name.strip())
    return specs(partner_ids, tuple(forces()))


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Raises KeyError naming the variable that is missing."""
    provision(environ["POSTGRES_DSN"], {service: environ[password_variable(service)] for service in SERVICES})
    wanted = topics_wanted(environ)
    create_topics(environ["KAFKA_BOOTSTRAP_SERVERS"], wanted)
    sys.stdout.write(f"{len(SERVICES)} databases and {len(wanted)} topics are ready\n")


if __name__ == "__main__":
    main()
