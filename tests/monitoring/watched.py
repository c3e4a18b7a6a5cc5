"""A stack under load with Prometheus and Alertmanager beside it: what every test in this folder looks at."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx

from conduit_local.demo.command import stack_options
from conduit_local.demo.result import Options
from conduit_local.demo.run import run_samples
from conduit_local.demo.samples import load_samples
from conduit_local.observability.api import until
from conduit_local.observability.observed import Observed
from conduit_local.stack import Stack
from tests.support.missing import need_watchers

SCRAPE_SECONDS = 2.0
SEEN_SECONDS = 60.0
LOAD = (
    *("001", "003", "004", "008", "012", "013", "016", "019", "021", "026", "034", "036", "038", "039", "041"),
    *("042", "045", "053", "066", "067", "069", "070", "071", "077"),
)
"""Samples that together bring about every outcome: accepted by rules and by people, declined, danger, refused, duplicates,
one force and several, silent, late and absent ones."""


@dataclass
class Watched:
    """`stack` runs, `watch` looks at it, and `load` sends it referrals."""

    stack: Stack
    watch: Observed

    def load(self, run: str, numbers: Sequence[str] = LOAD, *, patience_seconds: float = 120.0) -> None:
        """Send these samples and wait until each has come to what is expected of it. `run` must be new on this stack."""
        samples = [sample for sample in load_samples() if sample.number in numbers]
        options = Options(
            name=run, pace_seconds=0.05, patience_seconds=patience_seconds, notice_seconds=patience_seconds / 2
        )
        with ThreadPoolExecutor(1) as pool:  # a loop of its own: pytest's may be running in this thread
            result = pool.submit(lambda: asyncio.run(run_samples(self.stack, samples, options))).result()
        assert result.complaints == []

    def seen(self) -> None:
        """Until Prometheus has scraped every part of the stack after this call, and evaluated every rule after that."""
        now = time.time()
        prometheus = self.watch.prometheus
        until(lambda: (prometheus.value("min(timestamp(up))") or 0) > now, "a target was not scraped", SEEN_SECONDS)
        scraped = datetime.now(UTC)
        until(lambda: prometheus.evaluated() > scraped, "a rule was not evaluated", SEEN_SECONDS)

    def visit(self) -> None:
        """Ask a door of HTTP once: a partner's, without a token."""
        with httpx.Client(trust_env=False, timeout=10) as client:
            answer = client.post(f"{self.stack.url('intake')}/v1/referrals", json={})
        assert answer.status_code == 401, answer.text


@contextmanager
def watched_stack(
    *, extra_env: dict[str, str] | None = None, rules: Sequence[Path] | None = None, policy: Path | None = None
) -> Iterator[Watched]:
    """A stack of its own; it lies outside pytest's own folders, where PostgreSQL's account may not go."""
    need_watchers()
    folder = Path(tempfile.mkdtemp(prefix="conduit-monitoring-"))
    try:
        options = replace(stack_options(extra_env), observed=True)
        options = options if policy is None else replace(options, policy_file=policy)
        with (
            Stack(folder, options) as stack,
            Observed(stack, scrape_seconds=SCRAPE_SECONDS, rules=rules, quick_alerts=True) as watch,
        ):
            yield Watched(stack, watch)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
