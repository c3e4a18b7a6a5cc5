"""The Prometheus exporter for Kafka's JVM: one jar, pinned by a lock.

`python -m conduit_operate.kafka_exporter FOLDER` puts the jar into a folder, which is how docker-compose.yml gets it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from conduit_operate.jars import fetched
from conduit_operate.paths import cache_dir

LOCK_FILE = Path(__file__).with_name("kafka-exporter.lock")
FILE_NAME = "jmx-agent.jar"
"""Without its version, so that nothing but the lock needs to know it."""


def agent_jar(tell: Callable[[str], None] = lambda _: None) -> Path:
    """The jar, present and verified.

    Raises:
        ChecksumError: it is not the one that the lock names.
    """
    (jar,) = fetched(LOCK_FILE, cache_dir(), tell=tell)
    return jar


if __name__ == "__main__":
    shutil.copyfile(agent_jar(), Path(sys.argv[1]) / FILE_NAME)
