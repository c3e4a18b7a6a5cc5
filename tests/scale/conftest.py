"""A secured stack with several replicas of every service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from conduit_local.demo.command import stack_options
from conduit_local.services import SAMPLE_PARTNERS
from conduit_local.stack import Stack
from tests.benchmarks import load
from tests.scale.stories import PARTNERS
from tests.support.stacks import RunStack

REPLICAS = int(os.environ.get("SCALE_REPLICAS", "2"))
SESSION_MS = "6000"
"""A group notices soon that a member was killed."""


@pytest.fixture(scope="package")
def stack(run_stack: RunStack) -> Iterator[Stack]:
    """One for all tests of scale, and no longer: idle, it takes a third of a core."""
    partners = (*SAMPLE_PARTNERS, *PARTNERS, *load.PARTNERS)
    options = replace(stack_options({"SESSION_TIMEOUT_MS": SESSION_MS}), replicas=REPLICAS, partner_ids=partners)
    with run_stack("scale", options) as started:
        yield started
