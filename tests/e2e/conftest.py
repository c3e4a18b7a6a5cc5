"""Whole stacks for tests that go from a partner to a force and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from conduit_local.demo.command import stack_options
from conduit_local.stack import Stack
from tests.support.stacks import RunStack

NewStack = Callable[..., AbstractContextManager[Stack]]


@pytest.fixture(scope="session")
def new_stack(run_stack: RunStack) -> NewStack:
    """`with new_stack(DELIVER_TWICE="true") as stack:` a stack of its own, whose services are told this as well."""

    def make(*, secured: bool = True, **extra_env: str) -> AbstractContextManager[Stack]:
        return run_stack("e2e", replace(stack_options(extra_env, secured=secured), signer=True))

    return make


@pytest.fixture(scope="package")
def stack(new_stack: NewStack) -> Iterator[Stack]:
    """One stack for all that goes on while it runs. A group notices soon that a member was killed."""
    with new_stack(SESSION_TIMEOUT_MS="6000") as started:
        yield started
