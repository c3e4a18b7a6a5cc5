"""Fixtures for every test: one Kafka and one PostgreSQL per run, started when a test first asks for them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import structlog
from xdist.scheduler import LoadScopeScheduling

sys.path.insert(
    0, str(Path(__file__).parent)
)  # `tests.support` is imported by name, also when pytest is not started with `python -m`

pytest_plugins = ["tests.support.servers"]

structlog.configure(
    # By default, a traceback is drawn with the values of every frame's variables, which takes seconds.
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

SLOWEST_FIRST = (
    "tests/e2e/",
    "tests/kits/",
    "tests/monitoring/",
    "services/intake/",
    "tests/scale/",
    "services/chassis/",
    "tests/documents/",
    "tests/fuzz/",
    "deploy/local/",
    "tests/",
)
"""Folders that take longest come first, so that towards the end of a run no process is left alone with one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every process must come to the same order."""
    items.sort(key=lambda item: next((n for n, each in enumerate(SLOWEST_FIRST) if item.nodeid.startswith(each)), 99))


class FolderByFolder(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
    """A folder's tests run in one process, as many of them share a stack that takes a while to start."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FolderByFolder:
    """How `make test` shares the tests out."""
    return FolderByFolder(config, log)
