"""A hub's side for each test, on the run's Kafka."""

from __future__ import annotations

import pytest

from tests.kits.broker import Hub, new_hub


@pytest.fixture
def hub(kafka_bootstrap: str) -> Hub:
    return new_hub(kafka_bootstrap)
