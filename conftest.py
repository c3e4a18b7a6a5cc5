"""Fixtures for every test: one Kafka and one PostgreSQL per run, started when a test first asks for them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).parent)
)  # `tests.support` is imported by name, also when pytest is not started with `python -m`

pytest_plugins = ["tests.support.servers"]
