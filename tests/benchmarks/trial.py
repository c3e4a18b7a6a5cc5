"""One pipeline under one load, with everything counted meanwhile."""

import re
import time
import urllib.request
from typing import Any

from rich.console import Console

from conduit_local.observability import jmx
from conduit_local.stack import Stack
from conduit_operate.secured import ADMIN
from tests.benchmarks.database import connect, work
from tests.benchmarks.load import submissions
from tests.benchmarks.measure import Run, Watch, send
from tests.benchmarks.pipelines import Conduit, Pipeline
from tests.benchmarks.processes import cpu_seconds, spent, stack_children, usage

PATIENCE_SECONDS = 60.0
"""So long nothing arrives before a run is given up."""
SUSTAINED = 0.9
"""A pipeline must have carried this share of a rate at once before it is asked to carry it steadily."""
_REQUESTS = re.compile(r'^kafka_requests_total\{.*?request="(Produce|FetchConsumer|OffsetCommit)".*?\} (\S+)$', re.MULTILINE)


class Bench:
    """A stack with its counters."""

    def __init__(self, stack: Stack, console: Console) -> None:
        self.stack = stack
        self._console = console
        self._kafka = {**stack.broker.librdkafka(ADMIN), "log_level": 0}
        self._database = connect(stack.servers.postgres_dsn)
        self._rates: dict[str, float] = {}
        self._number = 0

    def warm_up(self, pipeline: Pipeline, count: int) -> None:
        """So many referrals whose figures are thrown away."""
        self._tell(pipeline, f"warm-up, {count:,}")
        self._send(pipeline, count)

    def burst(self, pipeline: Pipeline, count: int) -> dict[str, Any]:
        """All at once: the rate, and what a referral costs."""
        self._tell(pipeline, f"{count:,} at once")
        servers = {name: child for name, child in stack_children(self.stack).items() if name in ("kafka", "postgres")}
        children = {**servers, **pipeline.children}
        before, worked, asked = cpu_seconds(children), work(self._database), self._requests()
        run = self._send(pipeline, count)
        used, done = spent(before, cpu_seconds(children)), work(self._database).since(worked)
        requests = {name: value - asked.get(name, 0.0) for name, value in self._requests().items()}
        self._rates[pipeline.name] = run.rate
        self._tell(pipeline, f"{run.rate:,.0f} a second")
        latencies = run.latencies()
        rss = {name: round(found.rss_bytes / 2**20, 1) for name, found in usage(children).items()}
        return {
            "referrals": count,
            "seconds": round(run.seconds, 3),
            "seconds_until_told": self._told(pipeline, run),
            "referrals_per_second": round(run.rate, 1),
            "cpu_seconds_per_1000_referrals": round(1000 * sum(used.values()) / count, 4),
            "cpu_seconds_per_1000_referrals_by_process": {name: round(1000 * u / count, 4) for name, u in used.items()},
            "wal_bytes_per_referral": round(done.wal_bytes / count, 1),
            "statements_per_referral": round(done.statements / count, 4),
            "transactions_per_referral": round(done.commits / count, 4),
            "kafka_requests_per_referral": {name: round(value / count, 4) for name, value in requests.items()},
            "rss_mib": rss,
            "burst_p50_seconds": latencies["p50_seconds"],
            "burst_p99_seconds": latencies["p99_seconds"],
        }

    def _told(self, pipeline: Pipeline, run: Run) -> float | None:
        """From the first send until partners know as well; None for pipelines that do not put hand-offs first."""
        if not isinstance(pipeline, Conduit):
            return None
        pipeline.wait_until_told()
        return round(time.time() - min(run.sent), 1)

    def paced(self, pipeline: Pipeline, per_second: int, seconds: float) -> dict[str, Any] | None:
        """Latency at a steady rate; None where the pipeline cannot carry it."""
        if self._rates[pipeline.name] * SUSTAINED < per_second:
            self._tell(pipeline, f"cannot carry {per_second} a second")
            return None
        self._tell(pipeline, f"{per_second} a second for {seconds:.0f} s")
        count = int(per_second * seconds)
        run = self._send(pipeline, count, float(per_second))
        return {"referrals": count, **run.latencies()}

    def drain(self, pipeline: Conduit, count: int) -> dict[str, Any]:
        """Send all while the services are stopped; then the time from their start to the last arrival."""
        self._tell(pipeline, f"{count:,} sent beforehand")
        run = Run(self._prefix(pipeline), count)
        with Watch(self._kafka, pipeline.far_end, run) as watch:
            send(self._kafka, submissions(count, prefix=self._prefix(pipeline, again=True)), run)
            started = time.time()
            pipeline.start()
            watch.wait(PATIENCE_SECONDS, lambda: _all_alive(pipeline))
        seconds = max(run.arrived) - started
        self._tell(pipeline, f"drained in {seconds:.0f} s, start-up of the services included")
        memory = {name: round(found.rss_bytes / 2**20, 1) for name, found in usage(stack_children(self.stack)).items()}
        pipeline.stop()
        return {"referrals": count, "seconds": round(seconds, 1), "rss_mib": memory}

    def _send(self, pipeline: Pipeline, count: int, per_second: float | None = None) -> Run:
        prefix = self._prefix(pipeline)
        records = [pipeline.address(record) for record in submissions(count, prefix=prefix)]
        run = Run(prefix, count)
        with Watch(self._kafka, pipeline.far_end, run) as watch:
            send(self._kafka, records, run, per_second)
            self._tell(pipeline, f"sent, {run.waiting:,} still to arrive")
            watch.wait(PATIENCE_SECONDS, lambda: _all_alive(pipeline))
        return run

    def _prefix(self, pipeline: Pipeline, *, again: bool = False) -> str:
        """New for each load, so that no record of one counts for another."""
        self._number += not again
        return f"{pipeline.name.replace('_', '-')}-{self._number:03d}"

    def _requests(self) -> dict[str, float]:
        with urllib.request.urlopen(f"http://{jmx.address(self.stack.state_dir)}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        found: dict[str, float] = {}
        for name, value in _REQUESTS.findall(text):
            found[name] = found.get(name, 0.0) + float(value)
        return found

    def _tell(self, pipeline: Pipeline, text: str) -> None:
        self._console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {pipeline.name}: {text}")


def _all_alive(pipeline: Pipeline) -> None:
    for child in pipeline.children.values():
        child.ensure_alive()
