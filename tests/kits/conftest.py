"""A hub's side for each test, on the run's Kafka; and a secured stack with the real services for this whole folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conduit_local.demo.register_samples import register_samples
from conduit_local.stack import Options, Stack
from tests.kits.broker import Hub, new_hub
from tests.support.scanner import scanner
from tests.support.stacks import RunStack


@pytest.fixture
def hub(kafka_bootstrap: str) -> Hub:
    return new_hub(kafka_bootstrap)


@pytest.fixture(scope="package")
def stack(run_stack: RunStack) -> Iterator[Stack]:
    """As `make up` runs it, and with a scanner."""
    with scanner() as found:
        clamd = {"CLAMD_HOST": found.host, "CLAMD_PORT": str(found.port)}
        with run_stack("kits", Options(prepare=register_samples, extra_env={"intake": clamd})) as started:
            yield started
