"""Whole stacks for tests.

run_stack    `with run_stack("kits", options) as stack:` everything that `make up` runs, as these options say
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from conduit_local.stack import Options, Stack
from conduit_local.together import together

RunStack = Callable[[str, Options], AbstractContextManager[Stack]]


@pytest.fixture(scope="session")
def run_stack(request: pytest.FixtureRequest) -> RunStack:
    """It lies outside pytest's own folders, as `state_dir` does. After a failure its logs stay."""

    @contextmanager
    def run(name: str, options: Options) -> Iterator[Stack]:
        failed = request.session.testsfailed
        folder = Path(tempfile.mkdtemp(prefix=f"conduit-{name}-"))
        with Stack(folder, options) as started:
            yield started
            kill(started)
        if request.session.testsfailed == failed:
            shutil.rmtree(folder, ignore_errors=True)

    return run


def kill(stack: Stack) -> None:
    """All at once: nobody needs the data, and an orderly end would only take time."""
    kafka, postgres = stack.servers.kafka, stack.servers.postgres
    together(*(child.kill for child in stack.processes()), *(server.kill for server in (kafka, postgres) if server))
