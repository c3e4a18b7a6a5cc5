"""Several slow things at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def together(*calls: Callable[[], object]) -> None:
    """All at once; the first error is raised after all have ended."""
    if calls:
        with ThreadPoolExecutor(len(calls)) as pool:
            for job in [pool.submit(call) for call in calls]:
                job.result()
