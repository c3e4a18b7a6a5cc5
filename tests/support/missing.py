"""What a test needs and the environment does not bring: outside CI it is skipped, with a line that says what to install."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

from conduit_local.observability import programs


def missing(reason: str) -> NoReturn:
    """In CI the test fails: there everything is installed. Elsewhere the machine may not be able to have it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def need(tool: str, package: str) -> str:
    """The tool's path."""
    return shutil.which(tool) or missing(f"{tool} is not installed: apt-get install --no-install-recommends {package}")


def watcher(name: str) -> str:
    """The path of one of the programs that watch."""
    try:
        return programs.program(name)
    except programs.MissingProgramsError as error:
        missing(str(error))


def need_watchers() -> None:
    """All of them: what a watched stack runs."""
    try:
        programs.must_be_installed()
    except programs.MissingProgramsError as error:
        missing(str(error))
