"""The jars of the embedded Kafka, as the committed lock has them, and how that lock is made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from conduit_operate.jars import Jar, fetched

LOCK_FILE = Path(__file__).with_name("kafka-jars.lock")
ENDPOINT = "org.apache.kafka:kafka_2.13:4.3.1"
LOGGING = ("org.apache.logging.log4j", "log4j-slf4j-impl")
"""Kafka leaves the choice of a log writer to its distribution, which ships this one. Its version follows log4j-core's."""


def class_path(cache: Path, *, tell: Callable[[str], None] = lambda _: None) -> list[Path]:
    """Every jar of the broker, present and verified. `tell` gets a line when something has to be fetched.

    Raises:
        ChecksumError: one is not that which the lock names.
    """
    return fetched(LOCK_FILE, cache, tell=tell)


def resolve_anew(scratch: Path) -> list[Jar]:
    """Resolve Kafka's jars with jgo for a new lock; used when Kafka's version changes, never at start."""
    from jgo.env import EnvironmentBuilder  # noqa: PLC0415 - as above
    from jgo.maven import MavenContext  # noqa: PLC0415

    context = MavenContext(repo_cache=scratch / "repository")
    environment = EnvironmentBuilder(context=context, cache_dir=scratch / "cache").from_endpoint(ENDPOINT)
    if environment.lockfile is None:
        raise RuntimeError(f"jgo resolved nothing for {ENDPOINT}")
    jars = [Jar(d.groupId, d.artifactId, d.version, str(d.sha256)) for d in environment.lockfile.dependencies]
    log4j = next(jar.version for jar in jars if jar.artifact == "log4j-core")
    path = context.project(*LOGGING).at_version(log4j).artifact().resolve()
    return [*jars, Jar(*LOGGING, log4j, hashlib.sha256(path.read_bytes()).hexdigest())]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        lines = sorted(str(jar) for jar in resolve_anew(Path(scratch)))
    LOCK_FILE.write_text(
        "# The jars of one Apache Kafka broker and their sha256. Made by python -m conduit_local.kafka_jars\n"
        + "\n".join(lines)
        + "\n"
    )
