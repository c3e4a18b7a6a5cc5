"""A hub's side for each test, on the run's Kafka; and a secured stack with the real services for this whole folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conduit_local.demo.register_samples import register_samples
from conduit_local.stack import Options, Stack
from tests.kits.broker import Hub, new_hub
from tests.support.scanner import scanner


@pytest.fixture
def hub(kafka_bootstrap: str) -> Hub:
    return new_hub(kafka_bootstrap)


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """As `make up` runs it, and with a scanner; it lies outside pytest's own folders, as `state_dir` does."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-kits-"))
    with scanner() as found:
        clamd = {"CLAMD_HOST": found.host, "CLAMD_PORT": str(found.port)}
        with Stack(folder, Options(prepare=register_samples, extra_env={"intake": clamd})) as started:
            yield started
    shutil.rmtree(folder, ignore_errors=True)
