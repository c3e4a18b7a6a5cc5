"""The pipelines that are compared. Each has four processes, four databases and its own topics, on the same servers.

All come to Kafka by TLS and SCRAM-SHA-512, as the conduit's own services do, and to PostgreSQL by TCP and a password.
"""

import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from conduit_contracts import topics
from conduit_contracts.topics import TopicSpec
from conduit_local.children import Child
from conduit_local.stack import Stack
from conduit_operate.access import Operation, Resource, Rule
from conduit_operate.databases import keep_passwords, provision
from conduit_operate.grants import create_users, grant
from conduit_operate.lag import Lag
from conduit_operate.polling import wait_until
from conduit_operate.quotas import HUB, set_quotas
from conduit_operate.secured import ADMIN
from conduit_operate.topics import create_topics
from tests.benchmarks import shapes, tutorial, venv
from tests.benchmarks.load import Submission

USER = "bench"
"""Whom the other pipelines come to Kafka as: its own topics and groups, no quota."""
TOLD_SECONDS = 600.0
"""More than the notices of a burst take after its hand-offs."""
_STAMPED = {"message.timestamp.type": "LogAppendTime"}


def open_doors(stack: Stack) -> None:
    """Let the other pipelines in, and have the broker note when a record reached a force's topic."""
    admin = stack.broker.admin()
    create_users(admin, {USER: stack.broker.password(USER)})
    kinds = ((Operation.READ, Resource.TOPIC), (Operation.WRITE, Resource.TOPIC), (Operation.READ, Resource.GROUP))
    grant(admin, [Rule(USER, operation, resource, "bench.", prefix=True) for operation, resource in kinds])
    # quixstreams wants to see a topic's settings before it uses it.
    look = AclBinding(
        ResourceType.TOPIC,
        "bench.",
        ResourcePatternType.PREFIXED,
        f"User:{USER}",
        "*",
        AclOperation.DESCRIBE_CONFIGS,
        AclPermissionType.ALLOW,
    )
    for future in admin.create_acls([look]).values():
        future.result(30)
    set_quotas(stack.broker, {USER: HUB})
    entry = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in _STAMPED.items()]
    names = [topics.FORCE_CASES.name(force_id) for force_id in stack.options.force_ids]
    wanted = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=entry) for name in names]
    for future in admin.incremental_alter_configs(wanted).values():
        future.result(30)


class Conduit:
    """The real thing, everything on."""

    name = "conduit"

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.far_end = [topics.FORCE_CASES.name(force_id) for force_id in stack.options.force_ids]

    @property
    def children(self) -> dict[str, Child]:
        """Its processes by stage."""
        return {name: self._stack.service(name) for name in topics.SERVICES}

    def start(self) -> None:
        for child in self.children.values():
            child.start()
        self._stack.wait_ready()

    def stop(self) -> None:
        for child in self.children.values():
            child.stop()

    def address(self, record: Submission) -> Submission:
        """The record as this pipeline's partners would send it."""
        return record

    def wait_until_told(self) -> None:
        """Until partners' updates, which give way to hand-offs, are out as well."""
        lag = Lag(self._stack.broker)  # asked only where the outbox is empty, as it connects anew each time
        with psycopg.connect(self._stack.dsns["notification"], autocommit=True) as database:

            def told() -> bool:
                return not database.execute("SELECT FROM outbox LIMIT 1").fetchone() and not lag.of("notification")

            alive = self._stack.service("notification").ensure_alive
            wait_until(told, "not every partner has its updates", TOLD_SECONDS, alive)


class Other(ABC):
    """A pipeline that is started as four modules of this package."""

    def __init__(self, stack: Stack, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.name = name
        databases = [f"{name}_{stage}" for stage in tutorial.STAGES]
        dsns = provision(stack.servers.postgres_dsn, keep_passwords(stack.state_dir, databases))
        shared = {**os.environ, **stack.broker.environment(USER), "PIPELINE": name, **env}
        self.children = {
            stage: Child(
                database, [*command, stage], state_dir=stack.state_dir, env={**shared, "POSTGRES_DSN": dsns[database]}
            )
            for stage, database in zip(tutorial.STAGES, databases, strict=True)
        }
        self.far_end: list[str] = []

    def start(self) -> None:
        for child in self.children.values():
            child.start()

    def stop(self) -> None:
        for child in self.children.values():
            child.stop()

    @abstractmethod
    def address(self, record: Submission) -> Submission:
        """The record as this pipeline's partners would send it."""


class Tutorial(Other):
    """One record at a time, one force per referral."""

    def __init__(self, stack: Stack, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        super().__init__(stack, name, command, env)
        self._names = tutorial.names(name)
        stamped = {self._names.cases: _STAMPED}
        specs = [TopicSpec(topic, 6, stamped.get(topic, {})) for topic in self._names]
        create_topics(stack.broker.bootstrap_servers, specs, client=stack.broker.librdkafka(ADMIN))
        self.far_end = [self._names.cases]

    def address(self, record: Submission) -> Submission:
        return replace(record, topic=self._names.submitted, parts=1)


class Bare(Other):
    """The limit, in the shapes that were measured of the conduit."""

    def __init__(self, stack: Stack, found: Mapping[str, shapes.Shape]) -> None:
        plan = json.dumps(shapes.plans(stack, found))
        super().__init__(stack, "bare", [sys.executable, "-m", "tests.benchmarks.bare"], {"BARE_PLAN": plan})
        create_topics(stack.broker.bootstrap_servers, shapes.bare_topics(stack), client=stack.broker.librdkafka(ADMIN))
        self.far_end = [shapes.PREFIX + topics.FORCE_CASES.name(force_id) for force_id in stack.options.force_ids]

    def address(self, record: Submission) -> Submission:
        parts = (shapes.PARTS_HEADER, str(record.parts).encode())
        return replace(record, topic=shapes.PREFIX + record.topic, headers=[*record.headers, parts])


Pipeline = Conduit | Other


def plain(stack: Stack, name: str, policy: str) -> Tutorial:
    """FastStream, by this policy of acknowledgement."""
    return Tutorial(stack, name, [sys.executable, "-m", "tests.benchmarks.plain"], {"PLAIN_ACK_POLICY": policy})


def quix(stack: Stack) -> Tutorial:
    """quixstreams, in its own environment."""
    sources = Path(__file__).parents[2] / "contracts" / "src"
    path: dict[str, Any] = {"PYTHONPATH": f"{sources}{os.pathsep}{venv.ROOT}"}
    return Tutorial(stack, "quix", [venv.python(), "-m", "tests.benchmarks.quix"], path)
