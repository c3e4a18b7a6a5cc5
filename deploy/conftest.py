"""Fixtures for the tests of every room here."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Names of its own for each test: all tests share one Kafka and one PostgreSQL."""
    return lambda prefix: f"{prefix}_{uuid.uuid4().hex[:10]}"
