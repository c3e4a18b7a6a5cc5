"""Fixtures for every test: one Kafka and one PostgreSQL per run, started when a test first asks for them."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
import structlog
import typer.testing
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

sys.path.insert(
    0, str(Path(__file__).parent)
)  # `tests.support` is imported by name, also when pytest is not started with `python -m`

pytest_plugins = ["tests.support.servers", "tests.support.stacks"]

# What is generated is tried as often as is said, however slow the machine is just then.
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")

structlog.configure(
    # By default, a traceback is drawn with the values of every frame's variables, which takes seconds.
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

# A command line of a hundred commands is made from its functions once, and not for each test that types one.
typer.testing._get_command = functools.cache(typer.testing._get_command)  # type: ignore[attr-defined]

SLOWEST_FIRST = (
    "tests/e2e/",
    "tests/kits/",
    "tests/monitoring/",
    "services/intake/",
    "tests/scale/",
    "services/chassis/",
    "tests/documents/",
    "tests/fuzz/",
    "deploy/",
    "tests/",
)
"""Folders that take longest come first, so that towards the end of a run no process is left alone with one."""


MEMORY = Path("/dev/shm")  # noqa: S108 - only folders that mkdtemp makes, which are their owner's alone
ROOM_BYTES, SPARE_BYTES = 2 * 2**30, 6 * 2**30
"""Room for a run of all tests, which fills 0.4 GB at most, and what the machine must have to spare: servers want it too."""


def pytest_configure() -> None:
    """Keep temporary files in memory where there is plenty, unless TMPDIR says where they go.

    Every stack and every test's own database makes hundreds of small files, which on a disk takes several times as long.
    Nothing here cuts the power: what a killed process wrote is as safe in memory as on a disk.
    """
    if "TMPDIR" not in os.environ and _has_room(MEMORY):
        os.environ["TMPDIR"] = str(MEMORY)  # for the processes that tests start
        tempfile.tempdir = None  # for this one, which may have looked already


def _has_room(folder: Path) -> bool:
    if not os.access(folder, os.W_OK) or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(folder).free > ROOM_BYTES and psutil.virtual_memory().available > SPARE_BYTES


WITH_KAFKA = frozenset(
    {
        *("kafka", "kafka_bootstrap", "stack", "run_stack", "new_stack", "watched", "breakable", "broker"),
        *("changing_broker", "provider", "desks", "keycloak"),
    }
)
"""Fixtures that start Kafka, a stack with it, or another server in Java. Who starts one by hand bears the mark by hand."""


THOROUGH = (
    # Whole APIs over HTTP, case by case: a third of all that tests without Kafka cost.
    "services/intake/tests/test_http_",
    "services/intake/tests/test_danger_refused.py",
    "services/intake/tests/test_two_ways_in.py",
    "services/triage/tests/test_http.py",
    "services/web/tests/test_tokens.py",
    "services/web/tests/test_ended_by_provider.py",
    # What is generated and committed, whole.
    "contracts/tests/test_schemas.py",
    "tests/documents/test_asyncapi.py",
    "tests/documents/test_openapi.py",
    "tests/documents/test_pages.py",
    "tests/documents/test_served.py",
    "tests/documents/test_states",
    "tests/kubernetes/",
    # What other releases wrote, listings of many rows, and every point at which a server may go away.
    "tests/compatibility/",
    "tests/listings/",
    "deploy/operate/tests/test_going_away.py",
    # `make lint` asks the same of every text that there is.
    "tests/prose/",
)
"""Files, by how their paths begin, that cost more than their share while somebody works: `make check` leaves them to `make
test`. By processor time measured test by test; a test of the rules themselves never belongs here."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every process must come to the same order."""
    for item in items:
        if item.nodeid.startswith(THOROUGH):
            item.add_marker("thorough")
        if WITH_KAFKA.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")
        if "watched" in getattr(item, "fixturenames", ()):
            item.add_marker("long")  # a stack with Prometheus beside it, under load for a while
    items.sort(key=lambda item: next((n for n, each in enumerate(SLOWEST_FIRST) if item.nodeid.startswith(each)), 99))


def pytest_collection_finish() -> None:
    """Leave what was collected, some thousands of tests and all they import, out of every later search for garbage."""
    gc.collect()
    gc.freeze()


class FolderByFolder(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
    """A folder's tests run in one process, as many of them share a stack that takes a while to start."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FolderByFolder:
    """How `make test` shares the tests out."""
    return FolderByFolder(config, log)
