"""Node, its packages and a browser, for checks that only they can make.

Without them a test is skipped with the reason, except in CI, where it fails. The packages are those of package-lock.json,
hashes verified, installed once per lock into `.conduit/`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.missing import missing
from tests.support.node import Node, node

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
RUN_SECONDS = 240


def run_node(script: str, argument: object, environment: Mapping[str, str] | None = None) -> Any:
    """What the script prints, as JSON. It gets the argument as JSON on its standard input."""
    named = {"TOOLS": str(installed()), **(environment or {})}
    found = _node()
    done = subprocess.run(
        [found.program, str(HERE / script)],
        input=json.dumps(argument),
        env=found.environment() | named,
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
    return _node().installed(HERE / "package-lock.json", ROOT / ".conduit" / "node")


def _node() -> Node:
    try:
        return node()
    except AssertionError as error:
        missing(str(error))
