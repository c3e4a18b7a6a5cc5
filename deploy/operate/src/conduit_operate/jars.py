"""Jars: fetched once with jgo, kept in the shared cache, and checked against a committed lock each time they are asked for.

A jar enters the cache only after its sha256 agreed with the lock: one in the cache that disagrees was changed since.
Whatever else Maven's repository has, such as a program in a zip, is kept alike; its line names the packaging, too.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FETCHES_AT_ONCE = 4


class ChecksumError(RuntimeError):
    """A jar is not the one that the lock names."""


@dataclass(frozen=True, slots=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str
    packaging: str = "jar"

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.{self.packaging}"

    def __str__(self) -> str:
        packaging = [] if self.packaging == "jar" else [self.packaging]
        return ":".join([self.group, self.artifact, *packaging, self.version]) + f" {self.sha256}"


def read_lock(path: Path) -> list[Jar]:
    lines = (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return [_parse(line) for line in lines]


def _parse(line: str) -> Jar:
    coordinates, sha256 = line.split(" ")
    group, artifact, *packaging, version = coordinates.split(":")
    return Jar(group, artifact, version, sha256, *packaging)


def fetched(lock: Path, cache: Path, *, tell: Callable[[str], None] = lambda _: None) -> list[Path]:
    """Every jar of the lock, present and verified. `tell` gets a line when something has to be fetched."""
    jars = read_lock(lock)
    folder = cache / "kafka-jars"
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / ".lock"):
        missing = [jar for jar in jars if not (folder / jar.file_name).exists()]
        if missing:
            _fetch(missing, folder, tell)
    paths = [folder / jar.file_name for jar in jars]
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(_verify, jars, paths):
            pass
    return paths


def _fetch(jars: list[Jar], folder: Path, tell: Callable[[str], None]) -> None:
    from jgo.maven import MavenContext  # noqa: PLC0415 - a sixth of a second, for what is done once per machine

    staging = folder / ".staging"
    shutil.rmtree(staging, ignore_errors=True)
    context = MavenContext(repo_cache=staging, timeout=60)
    tell(f"fetching {len(jars)} jars, once")

    def fetch(jar: Jar) -> None:
        fetched = (
            context.project(jar.group, jar.artifact).at_version(jar.version).artifact(packaging=jar.packaging).resolve()
        )
        _verify(jar, fetched)
        fetched.replace(folder / jar.file_name)

    with ThreadPoolExecutor(FETCHES_AT_ONCE) as pool:
        for count, _ in enumerate(pool.map(fetch, jars), start=1):
            if count % 10 == 0 or count == len(jars):
                tell(f"fetched {count} of {len(jars)} jars")
    shutil.rmtree(staging, ignore_errors=True)


def _verify(jar: Jar, path: Path) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        raise ChecksumError(
            f"{path} has sha256 {found}, but the lock says {jar.sha256} for {jar.group}:{jar.artifact}:{jar.version}. "
            "It was changed after it was fetched, or on the way here. Delete it to fetch it again; "
            "if it still differs then, do not use it."
        )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One fetch at a time per cache, across processes."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
