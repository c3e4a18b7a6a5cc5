"""The Prometheus exporter inside the embedded Kafka's JVM, with the committed list of MBeans, on a port of the loopback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from conduit_local.ports import LOOPBACK, keep_port
from conduit_operate.kafka_exporter import agent_jar

CONFIG_FILE = Path(__file__).parents[4] / "prometheus" / "kafka-jmx.yml"
PORT_NAME = "kafka-jmx"


def agent_options(state_dir: Path, tell: Callable[[str], None] = lambda _: None) -> tuple[str, ...]:
    """What Kafka's JVM is given; the first call on a machine fetches the jar."""
    return (f"-javaagent:{agent_jar(tell)}={LOOPBACK}:{keep_port(state_dir, PORT_NAME)}:{CONFIG_FILE}",)


def address(state_dir: Path) -> str:
    """Where a Kafka that runs in this state directory shows its metrics."""
    return f"{LOOPBACK}:{json.loads((state_dir / 'ports' / PORT_NAME).read_text())}"
