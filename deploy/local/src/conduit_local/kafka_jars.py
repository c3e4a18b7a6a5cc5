"""The jars of the embedded Kafka, as the committed lock has them, and how that lock is made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    jars = resolved(ENDPOINT, scratch)
    log4j = next(jar.version for jar in jars if jar.artifact == "log4j-core")
    return [*jars, hashed(*LOGGING, log4j, scratch)]


def hashed(group: str, artifact: str, version: str, scratch: Path, packaging: str = "jar") -> Jar:
    """One file of Maven's central repository, for a lock."""
    path = _maven(scratch).project(group, artifact).at_version(version).artifact(packaging=packaging).resolve()
    with path.open("rb") as file:
        return Jar(group, artifact, version, hashlib.file_digest(file, "sha256").hexdigest(), packaging)


def resolved(endpoint: str, scratch: Path) -> list[Jar]:
    """What a program consists of, asked of Maven's central repository."""
    from jgo.env import EnvironmentBuilder  # noqa: PLC0415 - a sixth of a second, for what is done when a version changes

    environment = EnvironmentBuilder(context=_maven(scratch), cache_dir=scratch / "cache").from_endpoint(endpoint)
    if environment.lockfile is None:
        raise RuntimeError(f"jgo resolved nothing for {endpoint}")
    return [Jar(d.groupId, d.artifactId, d.version, str(d.sha256)) for d in environment.lockfile.dependencies]


def _maven(scratch: Path) -> Any:
    from jgo.maven import MavenContext  # noqa: PLC0415 - as above

    return MavenContext(repo_cache=scratch / "repository")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        lines = sorted(str(jar) for jar in resolve_anew(Path(scratch)))
    LOCK_FILE.write_text(
        "# The jars of one Apache Kafka broker and their sha256. Made by python -m conduit_local.kafka_jars\n"
        + "\n".join(lines)
        + "\n"
    )
