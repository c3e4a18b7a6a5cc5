"""The programme's service on a broker that a test has, for what orders changes of the registers."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
from psycopg import sql

from conduit_contracts.topics import PROGRAMME
from conduit_local.ports import free_port
from conduit_operate.access import service_principal
from conduit_operate.broker import Broker
from conduit_operate.databases import database_of, provision

SECONDS = 60


class RunningProgramme:
    """A process of its own, whose database stays while it is stopped."""

    def __init__(self, broker: Broker, postgres_dsn: str) -> None:
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            gone = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database_of(PROGRAMME)))
            connection.execute(gone)
        self._environment = {
            **os.environ,
            **broker.environment(service_principal(PROGRAMME)),
            "POSTGRES_DSN": provision(postgres_dsn, {PROGRAMME: "synthetic"})[PROGRAMME],
            "HTTP_PORT": str(free_port()),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """It is not waited for: orders wait until it is ready."""
        command = [sys.executable, "-m", "conduit_programme"]
        self._process = subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        """Returns when it has ended."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(SECONDS)
            self._process = None
