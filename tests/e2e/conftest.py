"""Whole stacks for tests that go from a partner to a force and back."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from conduit_local.demo.command import stack_options
from conduit_local.stack import Stack

NewStack = Callable[..., AbstractContextManager[Stack]]


@contextmanager
def _stack(*, secured: bool = False, **extra_env: str) -> Iterator[Stack]:
    """Outside pytest's own folders, as `state_dir` is; the logs of a failed run stay."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-e2e-"))
    with Stack(folder, stack_options(extra_env, secured=secured)) as stack:
        yield stack
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_stack() -> NewStack:
    """`with new_stack(DELIVER_TWICE="true") as stack:` a stack of its own, whose services are told this as well."""
    return _stack


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One stack for a module's tests."""
    with _stack() as started:
        yield started
