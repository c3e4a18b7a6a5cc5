"""Fixtures for every test: one Kafka and one PostgreSQL per run, started when a test first asks for them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(
    0, str(Path(__file__).parent)
)  # `tests.support` is imported by name, also when pytest is not started with `python -m`

pytest_plugins = ["tests.support.servers"]


def pytest_itemcollected(item: pytest.Item) -> None:
    """A folder's tests run in one process, as many of them share a stack that takes a while to start."""
    item.add_marker(pytest.mark.xdist_group(str(item.path.parent.relative_to(item.config.rootpath))))
