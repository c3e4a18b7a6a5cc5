"""`make bench`: the same referrals through the conduit and through a plain pipeline, on the same servers, in one run.

End to end means: from the partner's publish to the record on a force's topic, fetched by a consumer. Each pipeline is
warmed up first and runs alone; the other one's processes are stopped meanwhile.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from conduit_contracts import topics
from conduit_contracts.geography import forces
from conduit_local.children import Child
from conduit_local.databases import keep_passwords, provision
from conduit_local.stack import Options, Stack
from conduit_local.topics import create_topics
from tests.benchmarks import plain
from tests.benchmarks.load import PARTNERS, Submission, submissions
from tests.benchmarks.measure import Run, Watch, send
from tests.benchmarks.registers import publish_registers

WAIT_SECONDS = 600.0
PER_SECOND = 50.0
JVM_OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC")
"""With the optimising compiler, which the quick start of the demo and the tests leaves out."""
POLICIES = {"plain": "NACK_ON_ERROR", "plain_ack_first": "ACK_FIRST"}
"""Commit per record after the handler, which loses nothing on a crash; and FastStream's default, which may."""

console = Console(stderr=True)


def main() -> None:
    """Measure, print a table and write bench.json."""
    arguments = _arguments()
    state_dir = Path(tempfile.mkdtemp(prefix="conduit-bench-"))
    options = Options(partner_ids=PARTNERS, jvm_options=JVM_OPTIONS, secured=False)
    with Stack(state_dir, options, tell=console.print) as stack:
        publish_registers(stack)
        figures = {"conduit": _measure(stack, "conduit", arguments.referrals, arguments.seconds)}
        for name in topics.SERVICES:
            stack.service(name).stop()
        for name, policy in POLICIES.items():
            with _plain_pipeline(stack, name, policy):
                figures[name] = _measure(stack, name, arguments.plain_referrals, arguments.seconds)
    _report(figures, arguments.output)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--referrals", type=int, default=10_000)
    parser.add_argument("--plain-referrals", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the open loop at 50 referrals a second")
    parser.add_argument("--output", type=Path, default=Path(".conduit/bench.json"))
    return parser.parse_args()


def _measure(stack: Stack, name: str, count: int, seconds: float) -> dict[str, float]:
    """Throughput of a burst of `count`, then latency of an open loop, after a warm-up."""
    console.print(f"{name}: warm-up")
    _burst(stack, name, list(submissions(max(200, count // 10), prefix=f"{name}-warm")))
    console.print(f"{name}: {count} referrals at once")
    burst, used = _timed(stack, name, list(submissions(count, prefix=f"{name}-burst")))
    console.print(f"{name}: {PER_SECOND:.0f} referrals a second for {seconds:.0f} s")
    paced = _burst(stack, name, list(submissions(int(PER_SECOND * seconds), prefix=f"{name}-paced")), PER_SECOND)
    console.print(f"{name}: {burst.rate:,.0f} referrals a second")
    return {
        "referrals": count,
        "seconds": burst.seconds,
        "referrals_per_second": burst.rate,
        "cpu_seconds_per_1000_referrals": 1000 * used / count,
        "burst_p50_seconds": burst.latency(0.5),
        "burst_p99_seconds": burst.latency(0.99),
        "paced_p50_seconds": paced.latency(0.5),
        "paced_p99_seconds": paced.latency(0.99),
    }


def _timed(stack: Stack, name: str, records: list[Submission]) -> tuple[Run, float]:
    before = _cpu_seconds()
    run = _burst(stack, name, records)
    return run, _cpu_seconds() - before


def _cpu_seconds() -> float:
    """Of all that this process started: the servers and the pipeline's processes, without the measurer itself."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _burst(stack: Stack, name: str, records: list[Submission], per_second: float | None = None) -> Run:
    run = Run()
    bootstrap = stack.servers.kafka_bootstrap_servers
    if name != "conduit":
        records = [replace(record, topic="plain.submitted") for record in records]
    with Watch(bootstrap, _far_end(name), run) as watch:
        send(bootstrap, records, run, per_second=per_second)
        watch.wait_for((record.reference for record in records), WAIT_SECONDS)
    run.arrived = {reference: moment for reference, moment in run.arrived.items() if reference in run.sent}
    return run


def _far_end(name: str) -> list[str]:
    if name == "conduit":
        return [topics.FORCE_CASES.name(force_id) for force_id in forces()]
    return ["plain.cases"]


@contextmanager
def _plain_pipeline(stack: Stack, name: str, policy: str) -> Iterator[None]:
    names = [f"{name}_{stage}" for stage in plain.STAGES]
    dsns = provision(stack.servers.postgres_dsn, keep_passwords(stack.state_dir, names))
    create_topics(stack.servers.kafka_bootstrap_servers, [topics.TopicSpec(topic, 6, {}) for topic in plain.TOPICS])
    children = [
        Child(
            database,
            [sys.executable, "-m", "tests.benchmarks.plain", stage],
            state_dir=stack.state_dir,
            env={
                **os.environ,
                "KAFKA_BOOTSTRAP_SERVERS": stack.servers.kafka_bootstrap_servers,
                "POSTGRES_DSN": dsns[database],
                "PLAIN_ACK_POLICY": policy,
            },
        )
        for stage, database in zip(plain.STAGES, names, strict=True)
    ]
    try:
        for child in children:
            child.start()
        yield
    finally:
        for child in children:
            child.stop()


def _report(figures: dict[str, dict[str, float]], output: Path) -> None:
    rate = figures["conduit"]["referrals_per_second"]
    result: dict[str, Any] = {
        "machine": {
            "cores": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "platform": platform.platform(),
            "python": platform.python_version(),
        },
        "pipelines": figures,
        "ratio_to_plain": rate / figures["plain"]["referrals_per_second"],
        "ratio_to_plain_ack_first": rate / figures["plain_ack_first"]["referrals_per_second"],
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    table = Table(
        "pipeline", "referrals/s", "p50 at 50/s", "p99 at 50/s", "CPU s per 1,000", title="Partner publish to force topic"
    )
    for name, found in figures.items():
        table.add_row(
            name,
            f"{found['referrals_per_second']:,.0f}",
            f"{1000 * found['paced_p50_seconds']:.0f} ms",
            f"{1000 * found['paced_p99_seconds']:.0f} ms",
            f"{found['cpu_seconds_per_1000_referrals']:.2f}",
        )
    Console().print(table)
    Console().print(f"ratio_to_plain {result['ratio_to_plain']:.1f}; every figure is in {output}")


if __name__ == "__main__":
    main()
