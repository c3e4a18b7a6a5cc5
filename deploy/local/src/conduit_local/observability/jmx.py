"""The Prometheus JMX exporter inside Kafka's JVM: a pinned jar, the committed list of MBeans, and a port on the loopback.

`python -m conduit_local.observability.jmx FOLDER` puts the jar into a folder, which is how docker-compose.yml gets it.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from conduit_local.kafka_jars import class_path
from conduit_local.paths import cache_dir
from conduit_local.ports import LOOPBACK, keep_port

LOCK_FILE = Path(__file__).with_name("jmx-agent.lock")
CONFIG_FILE = Path(__file__).parents[4] / "prometheus" / "kafka-jmx.yml"
PORT_NAME = "kafka-jmx"
FILE_NAME = "jmx-agent.jar"
"""Without its version, so that nothing but the lock needs to know it."""


def agent_options(state_dir: Path, tell: Callable[[str], None] = lambda _: None) -> tuple[str, ...]:
    """What Kafka's JVM is given; the first call on a machine fetches the jar."""
    return (f"-javaagent:{agent_jar(tell)}={LOOPBACK}:{keep_port(state_dir, PORT_NAME)}:{CONFIG_FILE}",)


def address(state_dir: Path) -> str:
    """Where a Kafka that runs in this state directory shows its metrics."""
    return f"{LOOPBACK}:{json.loads((state_dir / 'ports' / PORT_NAME).read_text())}"


def agent_jar(tell: Callable[[str], None] = lambda _: None) -> Path:
    """The jar, present and verified.

    Raises:
        ChecksumError: it is not the one that the lock names.
    """
    (jar,) = class_path(cache_dir(), lock=LOCK_FILE, tell=tell)
    return jar


if __name__ == "__main__":
    shutil.copyfile(agent_jar(), Path(sys.argv[1]) / FILE_NAME)
