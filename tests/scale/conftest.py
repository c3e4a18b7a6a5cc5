"""A secured stack with several replicas of every service."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conduit_local.demo.command import stack_options
from conduit_local.services import SAMPLE_PARTNERS
from conduit_local.stack import Stack
from tests.benchmarks import load
from tests.scale.stories import PARTNERS

REPLICAS = int(os.environ.get("SCALE_REPLICAS", "2"))
SESSION_MS = "6000"
"""A group notices soon that a member was killed."""


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """One for all tests of scale, and no longer: idle, it takes a third of a core. After a failure its logs stay."""
    failed = request.session.testsfailed
    folder = Path(tempfile.mkdtemp(prefix="conduit-scale-"))
    partners = (*SAMPLE_PARTNERS, *PARTNERS, *load.PARTNERS)
    options = replace(stack_options({"SESSION_TIMEOUT_MS": SESSION_MS}), replicas=REPLICAS, partner_ids=partners)
    with Stack(folder, options) as started:
        yield started
    if request.session.testsfailed == failed:
        shutil.rmtree(folder, ignore_errors=True)
