"""A stack that is watched: `with Stack(dir, Options(observed=True)) as stack, Observed(stack) as watch: watch.query("up")`.

Prometheus scrapes the four services, Kafka (the exporter inside its JVM) and PostgreSQL (its exporter beside it), and
tells Alertmanager, which sends e-mail to the stack's own sink. All are children of this process.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from conduit_local.children import Child
from conduit_local.observability import configuration, jmx
from conduit_local.observability.api import Alertmanager, Prometheus, Sample, Target
from conduit_local.observability.programs import must_be_installed, program
from conduit_local.ports import LOOPBACK, keep_port
from conduit_local.stack import Stack
from conduit_operate.env_file import urls_variable, write_env_file
from conduit_operate.monitor_role import ROLE, provision_monitor
from conduit_operate.paths import keep_secret, write_private
from conduit_operate.polling import wait_until

START_SECONDS = 30.0
SCRAPE_SECONDS = 5.0


class Observed:
    """Entering returns when everything that is scraped is up; leaving ends the programs, and never the stack.

    Raises:
        MissingProgramsError: a program is not installed.
        TimeoutError: something to be scraped is not up; the text says what.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        scrape_seconds: float = SCRAPE_SECONDS,
        rules: Sequence[Path] | None = None,
        quick_alerts: bool = False,
    ) -> None:
        """`rules` replaces the committed rule files; `quick_alerts` lets Alertmanager send at once."""
        self.stack = stack
        self.state_dir = stack.state_dir
        self._rules = sorted(configuration.RULES_DIR.glob("*.yml")) if rules is None else list(rules)
        self._scrape_seconds, self._quick = scrape_seconds, quick_alerts
        self._children: dict[str, Child] = {}
        self._ports = {name: keep_port(self.state_dir, name) for name in ("prometheus", "alertmanager", "postgres-exporter")}
        self.prometheus = Prometheus(self._url("prometheus"))
        self.alertmanager = Alertmanager(self._url("alertmanager"))
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        must_be_installed()
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._exit.close()

    @property
    def url(self) -> str:
        """Prometheus' address."""
        return self.prometheus.url

    def query(self, expression: str) -> list[Sample]:
        """The rows of an instant query."""
        return self.prometheus.query(expression)

    def targets(self) -> list[Target]:
        """What is scraped, and whether it is up."""
        return self.prometheus.targets()

    def child(self, name: str) -> Child:
        """`prometheus`, `alertmanager` or `postgres-exporter`, to kill, stop or start."""
        return self._children[name]

    def env(self) -> dict[str, str]:
        """What the runbooks' commands need besides the stack's own; `.conduit/env` has it while this runs."""
        return {"PROMETHEUS_URL": self.url, "ALERTMANAGER_URL": self.alertmanager.url}

    def _start(self) -> None:
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._exit.callback(self._stop)
        self._write_prometheus()
        self._write_alertmanager()
        self._start_child("postgres-exporter", *self._postgres_exporter())
        self._start_child("alertmanager", self._alertmanager(), {})
        self._start_child("prometheus", self._prometheus(), {})
        for name, server in (("alertmanager", self.alertmanager), ("prometheus", self.prometheus)):
            wait_until(server.ready, f"{name} is not ready", START_SECONDS, self._children[name].ensure_alive)
        wait_until(self._all_up, "not everything is scraped", START_SECONDS, self._children["prometheus"].ensure_alive)
        write_env_file(self.state_dir, {**self.stack.env(), **self.env()})

    def _all_up(self) -> bool:
        targets = self.prometheus.targets()
        return len(targets) == sum(map(len, self._addresses().values())) and all(target.up for target in targets)

    @property
    def _home(self) -> Path:
        return self.state_dir / "observability"

    def _url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self._ports[name]}"

    def _addresses(self) -> dict[str, list[str]]:
        """This machine's addresses by those of docker-compose.yml, every replica's. A Kafka that is not ours is left out."""
        env = self.stack.env()
        services = {name: env[urls_variable(name)].split(",") for name in self.stack.options.services}
        found = {f"{name}:8000": [urlsplit(url).netloc for url in urls] for name, urls in services.items()}
        if self.stack.options.observed and self.stack.servers.kafka is not None:
            found["kafka:9404"] = [jmx.address(self.state_dir)]
        here = {
            "postgres-exporter:9187": "postgres-exporter",
            "localhost:9090": "prometheus",
            "alertmanager:9093": "alertmanager",
        }
        return found | {address: [f"{LOOPBACK}:{self._ports[name]}"] for address, name in here.items()}

    def _write_prometheus(self) -> None:
        text = configuration.prometheus_configuration(self._addresses(), self._rules, self._scrape_seconds)
        (self._home / "prometheus.yml").write_text(text)

    def _write_alertmanager(self) -> None:
        smtp = f"{self.stack.smtp.host}:{self.stack.smtp.port}"
        text = configuration.alertmanager_configuration(smtp, quick=self._quick)
        (self._home / "alertmanager.yml").write_text(text)

    def _prometheus(self) -> list[str]:
        return [
            program("prometheus"),
            f"--config.file={self._home / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._home / 'prometheus'}",
            "--storage.tsdb.retention.time=2d",
            f"--web.listen-address={LOOPBACK}:{self._ports['prometheus']}",
            f"--web.external-url={self.url}/",
            "--log.level=warn",
        ]

    def _alertmanager(self) -> list[str]:
        return [
            program("prometheus-alertmanager"),
            f"--config.file={self._home / 'alertmanager.yml'}",
            f"--storage.path={self._home / 'alertmanager'}",
            f"--web.listen-address={LOOPBACK}:{self._ports['alertmanager']}",
            f"--web.external-url={self.alertmanager.url}/",
            "--cluster.listen-address=",  # one alone: it looks for no others
            "--log.level=warn",
        ]

    def _postgres_exporter(self) -> tuple[list[str], dict[str, str]]:
        password = keep_secret(self.state_dir / "secrets" / "monitor")
        provision_monitor(self.stack.servers.postgres_dsn, password, self.stack.options.services)
        server = urlsplit(self.stack.servers.postgres_dsn)
        password_file = self._home / "postgres-password"
        write_private(password_file, password)
        environment = {
            "DATA_SOURCE_URI": f"{server.netloc.rpartition('@')[2]}{server.path}?sslmode=disable",
            "DATA_SOURCE_USER": ROLE,
            "DATA_SOURCE_PASS_FILE": str(password_file),
        }
        command = [
            program("prometheus-postgres-exporter"),
            f"--web.listen-address={LOOPBACK}:{self._ports['postgres-exporter']}",
            *configuration.POSTGRES_EXPORTER_OPTIONS,
            f"--extend.query-path={configuration.QUERIES_FILE}",
            "--log.level=warn",
        ]
        return command, environment

    def _start_child(self, name: str, command: list[str], env: dict[str, str]) -> None:
        # Secrets of this process's own environment are nothing to them.
        child = Child(name, command, state_dir=self.state_dir, env={"PATH": os.environ.get("PATH", os.defpath), **env})
        child.start()
        self._children[name] = child

    def _stop(self) -> None:
        for child in self._children.values():
            child.stop()
        shutil.rmtree(self._home / "alertmanager", ignore_errors=True)  # yesterday's silences would hide today's alerts
