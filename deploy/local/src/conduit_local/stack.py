"""The whole conduit on this machine: servers, databases, topics, the SMTP sink and the services, as children of this one.

Leaving the `with` block, or dying in any way, ends them all. Entering it again with the same state directory finds the same
data.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from conduit_contracts.geography import forces
from conduit_contracts.topic import DESKS
from conduit_contracts.topics import SERVICES, SIGNER
from conduit_local.children import Child
from conduit_local.demo.seeding import seed_people
from conduit_local.identity_provider import EmbeddedProvider
from conduit_local.kafka import QUICK_START
from conduit_local.keeper import Part
from conduit_local.local_officers import (
    OFFICERS,
    everybody,
    intake_token_path,
    keep_key,
    private_key_path,
    signer_token_path,
    trusted_keys_path,
)
from conduit_local.observability import jmx
from conduit_local.personas import HUB, PROVIDERS, register_personas
from conduit_local.ports import LOOPBACK, keep_port, wait_for_port
from conduit_local.providers import Servers, start_servers
from conduit_local.replicas import READY_SECONDS, Replica, Replicas, process_name, replicas_of
from conduit_local.rows import Row, child_row, server_rows
from conduit_local.services import (
    DOCS_DIR,
    ENGAGES,
    NICENESS,
    POLICY_FILE,
    SAMPLE_PARTNERS,
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
from conduit_local.together import together
from conduit_operate import clients, lock
from conduit_operate.access import service_principal
from conduit_operate.broker import Broker
from conduit_operate.databases import keep_passwords, provision
from conduit_operate.doors import open_doors
from conduit_operate.env_file import url_variable, urls_variable, write_env_file
from conduit_operate.health import accepts_at
from conduit_operate.http_clients import move_clients
from conduit_operate.paths import keep_secret, webhook_secrets

PASSED_ON = ("HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "TMPDIR", "TZ")
"""All that a service inherits from this process: a stray POSTGRES_DSN must not reach it."""
TRACING = "OTEL_"
"""What OpenTelemetry's variables begin with: these are inherited, too."""


ONE_MACHINE = {"notification": {"WEBHOOK_ALLOW_HTTP": "true"}}
"""What holds for receivers on this machine and nowhere else."""

INTAKE = "intake"


def _itself(child: Child) -> Child:
    return child


def python_module(service: str) -> list[str]:
    return [sys.executable, "-m", module_of(service)]


@dataclass(frozen=True, slots=True)
class Options:
    """What may differ between stacks; the defaults are those of `conduit up`."""

    services: tuple[str, ...] = SERVICES
    replicas: int | Mapping[str, int] = 1
    """Processes of each service, or by service; one of those that a mapping does not name."""
    partner_ids: tuple[str, ...] = SAMPLE_PARTNERS
    force_ids: tuple[str, ...] = field(default_factory=lambda: tuple(forces()))
    officers: tuple[str, ...] = OFFICERS
    """Synthetic officers who stand in the register from the start."""
    jvm_options: Sequence[str] = QUICK_START
    policy_file: Path = POLICY_FILE
    log_level: str = "INFO"
    extra_env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """More variables, by service."""
    command: Callable[[str], list[str]] = python_module
    """What starts a service; tests put their own in its place."""
    secured: bool = True
    """Whether the embedded Kafka asks for TLS and passwords; an external one is as its environment says."""
    prepare: Callable[[Broker], None] = lambda _: None
    """Done on the broker before the services start."""
    scanner: bool = False
    """Whether a stand-in scans files; without one they wait, unless `extra_env` names a clamd."""
    signer: bool = False
    """Whether the console's signer runs, as it does where there are pages; `local_officers` signs without it."""
    pages: bool = False
    """Whether an identity provider runs, with personas, and the console and the programme serve their pages."""
    servers_alone: bool = False
    """Whether only Kafka and PostgreSQL run, with databases and topics, as for a restore."""
    observed: bool = False
    """Whether the embedded Kafka's JVM carries the exporter of its metrics; `observability.Observed` watches the rest."""


class Stack:
    """`with Stack(state_dir) as stack:` returns when everything is ready."""

    def __init__(
        self,
        state_dir: Path,
        options: Options | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.state_dir = state_dir.absolute()
        self.options = options or Options()
        started = () if self.options.servers_alone else self.options.services
        self._wanted = {name: replicas_of(self.options.replicas, name) for name in started}
        self.smtp = Smtp(LOOPBACK, 0)
        self.dsns: dict[str, str] = {}
        self._environ, self._tell = environ, tell
        self._servers: Servers | None = None
        self._smtp_child: Child | None = None
        self._scanner: Child | None = None
        self._identity: EmbeddedProvider | None = None
        self._signer: Child | None = None
        self.signer_url = ""
        """Where the signer listens, once it does."""
        self._scanned_at: dict[str, str] = {}
        self._replicas = Replicas()
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._exit.close()

    @property
    def servers(self) -> Servers:
        if self._servers is None:
            raise RuntimeError("the stack has not been started")
        return self._servers

    @property
    def broker(self) -> Broker:
        """How anyone comes to Kafka: `stack.broker.aiokafka("partner.northlight")`."""
        return self.servers.broker

    @property
    def smtp_folder(self) -> Path:
        """Where the sink keeps what was sent; `smtp_sink.read_messages` reads it."""
        return self.state_dir / "mail"

    @property
    def secrets_dir(self) -> Path:
        return webhook_secrets(self.state_dir)

    def service(self, name: str, number: int = 1) -> Child:
        """The process of one of the service's replicas, to kill, stop or start; `wait_ready` afterwards."""
        return self._replicas.get(name, number).child

    def processes(self, *names: str) -> list[Child]:
        """Every replica's process, of these services or of all."""
        return [replica.child for replica in self._replicas.of(*(names or self.options.services))]

    def url(self, name: str, number: int = 1) -> str:
        return self._replicas.get(name, number).url

    def wait_ready(self, *names: str, timeout: float = READY_SECONDS) -> None:
        """Until every replica of these services, or of all, answers 200 on /readyz; raises where one has ended."""
        self._replicas.wait_ready(*(names or self.options.services), timeout=timeout)

    def restart(self, name: str) -> None:
        """Start every process of a service again, each once the one before it is ready."""
        self._replicas.restart(name, READY_SECONDS)

    def parts(self) -> list[Part]:
        """Every process that was started here, the servers first, for somebody who looks after them."""
        kafka, postgres = self.servers.kafka, self.servers.postgres
        servers = [
            *([Part("kafka", lambda: kafka.child, kafka.start)] if kafka else []),
            *([Part("postgres", lambda: postgres.child, postgres.start)] if postgres else []),
        ]
        return [
            *servers,
            *(Part(each.name, partial(_itself, each), each.start) for each in [*self._others(), *self.processes()]),
        ]

    def env(self) -> dict[str, str]:
        """What a client outside needs; `.conduit/env` has it."""
        values = {
            **self.broker.address(),
            "KAFKA_CLIENTS_DIR": str(clients.folder(self.state_dir)),
            "POSTGRES_DSN": self.servers.postgres_dsn,
            "SMTP_HOST": self.smtp.host,
            "SMTP_PORT": str(self.smtp.port),
            "SMTP_FOLDER": str(self.smtp_folder),
            "POLICY_FILE": str(self.options.policy_file),
        }
        if self.signer_url:
            values |= {"SIGNER_URL": self.signer_url, "SIGNER_TOKEN_FILE": str(signer_token_path(self.state_dir))}
        for name in self._wanted:
            urls = self._replicas.urls(name)
            values |= {url_variable(name): urls[0], urls_variable(name): ",".join(urls)}
        return values | {f"{name.upper()}_POSTGRES_DSN": dsn for name, dsn in self.dsns.items()}

    def rows(self) -> list[Row]:
        """What runs now, for the status table. Asks each service whether it is ready."""
        smtp = f"{self.smtp.host}:{self.smtp.port}"
        return [
            *server_rows(self._servers),
            child_row("smtp", self._smtp_child, smtp, lambda: accepts_at(smtp)),
            *([self._signer_row()] if self._signer else []),
            *([self._identity_row(self._identity)] if self._identity else []),
            *self._replicas.rows(self._wanted),
        ]

    def _signer_row(self) -> Row:
        address = self.signer_url.removeprefix("http://")
        return child_row(SIGNER, self._signer, address, lambda: accepts_at(address))

    def _identity_row(self, provider: EmbeddedProvider) -> Row:
        address = provider.issuer(HUB.name).removeprefix("http://").partition("/")[0]
        return child_row("identity-provider", provider.child, address, lambda: accepts_at(address))

    def _start(self) -> None:
        self._exit.enter_context(lock.hold(self.state_dir, os.getpid()))
        # One that was killed left it, and what it names may be somebody else's by now.
        (self.state_dir / "env").unlink(missing_ok=True)
        for folder in (self.secrets_dir.parent, self.secrets_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep_key(self.state_dir)
        keep_secret(intake_token_path(self.state_dir))
        self._tell("starting Kafka and PostgreSQL")
        self._servers = self._exit.enter_context(
            start_servers(
                self.state_dir,
                environ=self._environ,
                jvm_options=self._jvm_options(),
                secured=self.options.secured,
                tell=self._tell,
            )
        )
        self._exit.callback(self._stop_children)
        self._tell("making databases and topics")
        together(self._provision, self._open_doors, self._start_smtp, self._start_scanner, self._start_identity)
        if self._identity is not None:
            register_personas(self.broker, self._identity.issuer)
        self._start_signer()
        self._start_services()
        write_env_file(self.state_dir, self.env())
        self._exit.callback((self.state_dir / "env").unlink, missing_ok=True)

    def _start_services(self) -> None:
        if not self._wanted:
            return
        self._tell("starting the services")
        together(*(partial(self._start_replica, name, n + 1) for name, count in self._wanted.items() for n in range(count)))
        # The more processes come up at once, the later each of them is ready.
        self.wait_ready(timeout=READY_SECONDS * max(self._wanted.values()))

    def _jvm_options(self) -> Sequence[str]:
        agent = jmx.agent_options(self.state_dir, self._tell) if self.options.observed else ()
        return (*self.options.jvm_options, *agent)

    def _provision(self) -> None:
        passwords = keep_passwords(self.state_dir, self.options.services)
        self.dsns = provision(self.servers.postgres_dsn, passwords)

    def _open_doors(self) -> None:
        open_doors(self.broker, self.options.partner_ids, self.options.force_ids)
        if not self.options.servers_alone:
            seed_people(self.broker, everybody(self.options.officers), actor="the local stack")
        self.options.prepare(self.broker)

    def _start_smtp(self) -> None:
        self.smtp = Smtp(LOOPBACK, keep_port(self.state_dir, "smtp"))
        command = [sys.executable, "-m", "conduit_local.smtp_sink", str(self.smtp_folder), str(self.smtp.port)]
        child = Child("smtp", command, state_dir=self.state_dir)
        child.niceness = NICENESS["smtp"]
        child.start()
        self._smtp_child = child
        wait_for_port(self.smtp.port, READY_SECONDS, child.ensure_alive)

    def _start_scanner(self) -> None:
        if not self.options.scanner:
            return
        port = keep_port(self.state_dir, "scanner")
        child = Child("scanner", [sys.executable, "-m", "conduit_local.scanner", str(port)], state_dir=self.state_dir)
        child.start()
        self._scanner = child
        wait_for_port(port, READY_SECONDS, child.ensure_alive)
        self._scanned_at = {"CLAMD_HOST": LOOPBACK, "CLAMD_PORT": str(port)}

    def _start_signer(self) -> None:
        wanted = self.options.signer or self.options.pages
        if not wanted or self.options.servers_alone:
            return
        port, token = keep_port(self.state_dir, "signer"), signer_token_path(self.state_dir)
        keep_secret(token)
        environment = signer_environment(
            self._surroundings(SIGNER),
            key_file=str(private_key_path(self.state_dir)),
            token_file=str(token),
            http=(LOOPBACK, port),
        )
        inherited = {key: value for key, value in os.environ.items() if key in PASSED_ON}
        child = Child(SIGNER, python_module(SIGNER), state_dir=self.state_dir, env=inherited | environment)
        child.start()
        self._signer, self.signer_url = child, f"http://{LOOPBACK}:{port}"
        wait_for_port(port, READY_SECONDS, child.ensure_alive)

    def _start_identity(self) -> None:
        if self.options.pages:
            self._identity = EmbeddedProvider(self.state_dir, tell=self._tell)
            self._identity.start()

    def _pages(self, service: str, port: int) -> dict[str, str]:
        """What a service is told of its pages, where it has any; and intake of the console, which fetches files."""
        token = str(intake_token_path(self.state_dir))
        if self._identity is None or service not in DESKS:
            return {"CONSOLE_TOKEN_FILE": token} if self._identity is not None and service == INTAKE else {}
        about = [
            {"name": each.name, "label": each.label, "issuer": self._identity.issuer(each.name), "client_id": service}
            for each in (PROVIDERS if service == ENGAGES else (HUB,))
        ]
        pages = pages_environment(public_url=f"http://{LOOPBACK}:{port}", identity_providers=about)
        signer = asking_the_signer(self.signer_url, str(signer_token_path(self.state_dir)))
        intake = f"http://{LOOPBACK}:{keep_port(self.state_dir, process_name(INTAKE, 1))}"
        return pages | (signer | asking_intake(intake, token) if service == SHOWS else {})

    def _start_replica(self, name: str, number: int) -> None:
        process = process_name(name, number)
        port = keep_port(self.state_dir, process)
        if (name, number) == (INTAKE, 1):
            move_clients(clients.folder(self.state_dir) / "http", f"http://{LOOPBACK}:{port}")
        environment = service_environment(
            name, self._surroundings(name), postgres_dsn=self.dsns[name], http=(LOOPBACK, port)
        )
        inherited = {key: value for key, value in os.environ.items() if key in PASSED_ON or key.startswith(TRACING)}
        known = self._pages(name, port) | (self._scanned_at if name in SCAN_FILES else {})
        extra = {"DOCS_DIR": str(DOCS_DIR), **ONE_MACHINE.get(name, {}), **known, **self.options.extra_env.get(name, {})}
        env = {**inherited, **environment, **extra}
        child = Child(process, self.options.command(name), state_dir=self.state_dir, env=env)
        child.niceness = NICENESS.get(name, 0)
        child.start()
        self._replicas.add(Replica(name, number, child, f"http://{LOOPBACK}:{port}"))

    def _surroundings(self, service: str) -> Surroundings:
        return Surroundings(
            kafka=self.broker.environment(service_principal(service)),
            policy_file=str(self.options.policy_file),
            smtp=self.smtp,
            trusted_keys=str(trusted_keys_path(self.state_dir)),
            secrets_dir=str(self.secrets_dir),
            log_level=self.options.log_level,
        )

    def _stop_children(self) -> None:
        together(*(child.stop for child in [*self.processes(), *self._others()]))

    def _others(self) -> list[Child]:
        """The processes that are no service."""
        identity = self._identity.child if self._identity else None
        return [child for child in (self._smtp_child, self._scanner, self._signer, identity) if child]
