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


@pytest.fixture
def hub(kafka_bootstrap: str) -> Hub:
    return new_hub(kafka_bootstrap)


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """As `make up` runs it; it lies outside pytest's own folders, as `state_dir` does."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-kits-"))
    with Stack(folder, Options(prepare=register_samples)) as started:
        yield started
    shutil.rmtree(folder, ignore_errors=True)
