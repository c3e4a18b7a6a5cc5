"""`make bench-scale`: the same load through 1, 2 and 4 processes of each service, on the same servers, in one run.

End to end means: from the partner's publish to the record on every force's topic, fetched by a consumer. CPU is that of the
conduit's processes, of Kafka and of PostgreSQL, each by itself: on a busy machine it still means something, rates do not.
"""

import argparse
import json
import os
import platform
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from confluent_kafka import Consumer, Producer
from rich.console import Console
from rich.table import Table

from conduit_contracts import topics
from conduit_contracts.geography import forces
from conduit_contracts.topics import SERVICES
from conduit_local.stack import Options, Stack
from conduit_operate.polling import wait_until
from conduit_operate.secured import ADMIN
from tests.benchmarks.load import PARTNERS, Submission, submissions
from tests.benchmarks.processes import cpu_seconds, spent, stack_children
from tests.benchmarks.registers import publish_registers

PROCESSES = (1, 2, 4)
WAIT_SECONDS = 600.0
JVM_OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC")
"""With the optimising compiler, which the quick start of the demo and the tests leaves out."""
POLL = 0.05

console = Console(stderr=True)


def main() -> None:
    """Measure, print a table and write scale.json."""
    arguments = _arguments()
    state_dir = Path(tempfile.mkdtemp(prefix="conduit-bench-scale-"))
    options = Options(
        partner_ids=PARTNERS,
        jvm_options=JVM_OPTIONS,
        log_level="WARNING",
        replicas=max(PROCESSES),
        secured=arguments.secured,
    )
    with Stack(state_dir, options, tell=console.print) as stack:
        publish_registers(stack)
        _burst(stack, list(submissions(arguments.warm_up, prefix="warm")))
        figures = {}
        for count in PROCESSES:
            with _processes(stack, count):
                figures[count] = _measure(stack, count, arguments.referrals)
    shutil.rmtree(state_dir, ignore_errors=True)
    _report(figures, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--referrals", type=int, default=10_000, help="of each measurement")
    parser.add_argument("--warm-up", type=int, default=1_000)
    parser.add_argument("--secured", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--output", type=Path, default=Path(".conduit/scale.json"))
    return parser.parse_args()


@contextmanager
def _processes(stack: Stack, count: int) -> Iterator[None]:
    """So many processes of each service; the others are stopped meanwhile."""
    others = [stack.service(name, number) for name in SERVICES for number in range(count + 1, max(PROCESSES) + 1)]
    for child in others:
        child.stop()
    # Until the groups have settled, partitions have no reader.
    wait_until(lambda: _readers(stack, count) == count * len(SERVICES), "the groups did not settle", 60, lambda: None)
    yield
    for child in others:
        child.start()
    stack.wait_ready()


def _readers(stack: Stack, count: int) -> int:
    """How many of the processes that run have partitions."""
    urls = [stack.url(name, number) for name in SERVICES for number in range(1, count + 1)]
    return sum(_metric(url, "conduit_assigned_partitions ") > 0 for url in urls)


def _metric(url: str, start: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:  # noqa: S310 - our own service
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))


def _measure(stack: Stack, count: int, referrals: int) -> dict[str, Any]:
    console.print(f"{count} processes of each service: {referrals} referrals at once")
    children = {name: child for name, child in stack_children(stack).items() if child.alive}
    urls = [stack.url(name, number) for name in SERVICES for number in range(1, count + 1)]
    retried = sum(_metric(url, "conduit_retries_total{") for url in urls)
    before, load = cpu_seconds(children), psutil.getloadavg()[0]
    seconds = _burst(stack, list(submissions(referrals, prefix=f"with-{count}")))
    wait_until(lambda: not _behind(urls), "the services are still behind", WAIT_SECONDS, lambda: None)
    used = spent(before, cpu_seconds(children))
    of_services = {name: sum(used[each] for each in used if each.partition("-")[0] == name) for name in SERVICES}
    cpu = {**of_services, "kafka": used["kafka"], "postgres": used["postgres"]}
    console.print(f"{referrals / seconds:,.0f} referrals a second")
    return {
        "referrals": referrals,
        "seconds": round(seconds, 3),
        "referrals_per_second": round(referrals / seconds, 1),
        "cpu_ms_per_referral": {name: round(1000 * value / referrals, 3) for name, value in cpu.items()},
        "cpu_ms_per_referral_in_all": round(1000 * sum(cpu.values()) / referrals, 3),
        "batches_tried_again": sum(_metric(url, "conduit_retries_total{") for url in urls) - retried,
        "load_average_before": round(load, 2),
    }


def _behind(urls: Sequence[str]) -> bool:
    return any(_metric(url, "conduit_lag_records{") + _metric(url, "conduit_outbox_rows ") for url in urls)


def _burst(stack: Stack, records: Sequence[Submission]) -> float:
    """Seconds from the first publish until every force concerned has every referral."""
    producers = {partner: _producer(stack, partner) for partner in PARTNERS}
    with _Arrivals(stack) as arrivals:
        begin = time.monotonic()
        for record in records:
            producer = producers[topics.PARTNER_REFERRALS.match(record.topic) or ""]
            while True:
                try:
                    producer.produce(record.topic, record.value, record.key, headers=record.headers)
                    break
                except BufferError:
                    producer.poll(POLL)
            producer.poll(0)
        if any(producer.flush(60) for producer in producers.values()):
            raise TimeoutError("the broker did not take every record within 60 s")
        return arrivals.wait_for(sum(record.parts for record in records)) - begin


def _producer(stack: Stack, partner: str) -> Producer:
    return Producer({**stack.broker.librdkafka(f"partner.{partner}"), "enable.idempotence": True, "linger.ms": 5})


class _Arrivals:
    """Counts the cases that come to forces' topics from now on, each event id once."""

    def __init__(self, stack: Stack) -> None:
        self._ids: set[bytes] = set()
        self._last = 0.0
        self._ready, self._stopping = threading.Event(), threading.Event()
        options = {
            "group.id": f"operator.scale.{time.time_ns()}",
            "auto.offset.reset": "latest",
            "enable.auto.commit": False,
        }
        self._consumer = Consumer({**stack.broker.librdkafka(ADMIN), **options})
        names = [topics.FORCE_CASES.name(force_id) for force_id in forces()]
        self._consumer.subscribe(names, on_assign=self._begin)
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(60):
            raise TimeoutError("the measuring consumer got no partitions within 60 s")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._consumer.close()

    def wait_for(self, count: int) -> float:
        """Returns when so many have come, with the moment at which the last one did."""
        wait_until(lambda: len(self._ids) >= count, f"fewer than {count} cases have come", WAIT_SECONDS, lambda: None)
        return self._last

    def _begin(self, consumer: Consumer, partitions: list[Any]) -> None:
        # Their ends are looked up now: what is sent from here on cannot be missed.
        for partition in partitions:
            partition.offset = consumer.get_watermark_offsets(partition, timeout=30)[1]
        consumer.assign(partitions)
        self._ready.set()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            for message in self._consumer.consume(1000, timeout=POLL):
                headers = dict(message.headers() or ()) if message.error() is None else {}
                event_id = headers.get("ce_id")
                if isinstance(event_id, bytes):
                    self._ids.add(event_id)
                    self._last = time.monotonic()


def _report(figures: dict[int, dict[str, Any]], arguments: argparse.Namespace) -> None:
    result = {
        "machine": {
            "cores": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "platform": platform.platform(),
            "python": platform.python_version(),
        },
        "secured": arguments.secured,
        "processes_per_service": figures,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    parts = (*SERVICES, "kafka", "postgres")
    title = "Partner publish to force topic; CPU in ms per referral"
    table = Table("processes", "referrals/s", *parts, "all", "tried again", title=title)
    for count, found in figures.items():
        cpu = [f"{found['cpu_ms_per_referral'][name]:.2f}" for name in parts]
        in_all, again = f"{found['cpu_ms_per_referral_in_all']:.2f}", f"{found['batches_tried_again']:.0f}"
        table.add_row(str(count), f"{found['referrals_per_second']:,.0f}", *cpu, in_all, again)
    Console(width=130).print(table)
    Console().print(f"every figure is in {arguments.output}")


if __name__ == "__main__":
    main()
