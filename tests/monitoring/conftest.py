"""One watched stack, with load behind it, for this whole folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.monitoring.watched import Watched, watched_stack


@pytest.fixture(scope="package")
def watched() -> Iterator[Watched]:
    """Prometheus has seen a run of the samples from first to last. Tests that break something start a stack of their own.

    `watched.watch.query("up")` asks Prometheus, `watched.watch.url` is its address, `watched.load("A-NAME")` sends more.
    """
    with watched_stack() as made:
        made.visit()
        made.load("LOAD")
        made.visit()
        made.seen()
        yield made
