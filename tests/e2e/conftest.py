"""Whole stacks for tests that go from a partner to a force and back."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from conduit_local.demo.command import stack_options
from conduit_local.stack import Stack

NewStack = Callable[..., AbstractContextManager[Stack]]


@pytest.fixture(scope="session")
def new_stack(request: pytest.FixtureRequest) -> NewStack:
    """`with new_stack(DELIVER_TWICE="true") as stack:` a stack of its own, whose services are told this as well.

    It lies outside pytest's own folders, as `state_dir` does. After a failure its logs stay.
    """

    @contextmanager
    def make(*, secured: bool = True, **extra_env: str) -> Iterator[Stack]:
        failed = request.session.testsfailed
        folder = Path(tempfile.mkdtemp(prefix="conduit-e2e-"))
        with Stack(folder, replace(stack_options(extra_env, secured=secured), signer=True)) as stack:
            yield stack
        if request.session.testsfailed == failed:
            shutil.rmtree(folder, ignore_errors=True)

    return make


@pytest.fixture(scope="package")
def stack(new_stack: NewStack) -> Iterator[Stack]:
    """One stack for all that goes on while it runs. A group notices soon that a member was killed."""
    with new_stack(SESSION_TIMEOUT_MS="6000") as started:
        yield started
