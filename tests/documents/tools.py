"""Node, its packages and a browser, for checks that only they can make.

Without them a test is skipped with the reason, except in CI, where it fails. The packages are those of package-lock.json,
hashes verified, installed once per lock into `.conduit/`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.support.missing import missing

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_SECONDS = 240
RUN_SECONDS = 240


def run_node(script: str, argument: object, environment: Mapping[str, str] | None = None) -> Any:
    """What the script prints, as JSON. It gets the argument as JSON on its standard input."""
    named = {"TOOLS": str(installed()), **(environment or {})}
    done = subprocess.run(
        [_program("node"), str(HERE / script)],
        input=json.dumps(argument),
        env=os.environ | named,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def browser() -> str:
    """The path of a Chromium."""
    found = os.environ.get("CHROMIUM") or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    return found or missing("a Chromium is missing; install the package chromium, or set CHROMIUM to its path")


@cache
def installed() -> Path:
    """The folder with node_modules."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = ROOT / ".conduit" / "node" / sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _install(folder)
            (folder / "ready").touch()
    return folder


def _install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    command = [_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, f"npm could not install what package-lock.json names: {done.stderr[-2000:]}"


def _program(name: str) -> str:
    return shutil.which(name) or missing(f"{name} is missing; install Node.js 20 or later")
