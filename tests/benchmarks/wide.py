"""`make bench-wide`: what grows with the number of partners. A stack of its own for each number, real servers and services.

How long set-up takes on empty brokers; how long a restart of every service until all are ready; what an idle system uses,
one process of each; and what a partner that is there notices where another process of intake joins, where one leaves, and
where another partner is onboarded: how long the slowest of its referrals takes to its force. The newcomer's own first
referral too.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from conduit_contracts.topics import FORCE_CASES, SERVICES
from conduit_local.children import Child
from conduit_local.kafka import QUICK_START, THROUGHPUT
from conduit_local.stack import Options, Stack
from conduit_local.together import together
from conduit_operate.health import is_ready
from conduit_operate.polling import wait_until
from conduit_operate.secured import ADMIN
from tests.benchmarks import floods
from tests.benchmarks.load import MOU, Submission
from tests.benchmarks.pipelines import open_doors
from tests.benchmarks.processes import cpu_seconds, spent, stack_children, usage
from tests.benchmarks.registers import register
from tests.benchmarks.results import circumstances, machine
from tests.benchmarks.streams import Heard, Stream, at_once
from tests.benchmarks.venv import draw

WIDEST = 1_500
LIMITS = {
    "set_up_seconds": 60.0,
    "ready_seconds": 20.0,
    "idle_cores": 0.25,
    "leave_seconds": 1.0,
    "join_seconds": 1.0,
    "onboard_seconds": 1.0,
    "newcomer_seconds": 5.0,
}
"""What each may be at most with so many partners."""
ASKED, PER_SECOND = 40, 20.0
"""Partners, spread over all of them, whose referrals are watched, and how many they send in a second."""
BEFORE_SECONDS = 3.0
PATIENCE_SECONDS = 240.0
INTAKE = "intake"
SPARE = {INTAKE: 2}
MAKING, STARTING = "making databases and topics", "starting the services"
"""What a stack says of its steps."""

console = Console(stderr=True)


def main() -> int:
    """Exit code 0 where every figure of the widest is within its limit."""
    arguments = _arguments()
    points = [measure(number, arguments) for number in sorted(arguments.partners)]
    return report({"machine": machine(), **circumstances(), "points": points}, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partners", type=int, nargs="+", default=[50, 500, WIDEST])
    parser.add_argument("--rounds", type=int, default=3, help="of each event, whose median counts; set-up is done once")
    parser.add_argument("--idle", type=float, default=30.0, help="seconds over which the idle system is measured")
    parser.add_argument("--settle", type=float, default=15.0, help="seconds after an event that still belong to it")
    parser.add_argument("--output", type=Path, default=Path(".conduit/wide.json"))
    parser.add_argument("--docs", type=Path, default=Path("docs/benchmarks"), help="folder for wide.md and the plot")
    parser.add_argument("--quick", action="store_true", help="a trial: few partners, each event once, nothing in docs")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.partners, arguments.rounds, arguments.idle, arguments.settle = [5, 50], 1, 5.0, 5.0
    return arguments


def measure(partners: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything with so many partners."""
    state_dir = Path(tempfile.mkdtemp(prefix="conduit-wide-"))
    said: dict[str, float] = {}

    def tell(text: str) -> None:
        said[text] = time.monotonic()
        console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {partners} partners: {text}")

    ids = tuple(f"wide-{number:04d}" for number in range(partners))
    java = QUICK_START if arguments.quick else THROUGHPUT
    options = Options(
        partner_ids=ids,
        jvm_options=java,
        log_level="WARNING",
        replicas=SPARE,
        prepare=partial(register, partner_ids=ids),
    )
    with Stack(state_dir, options, tell=tell) as stack:
        open_doors(stack)
        bench = Wide(stack, ids, arguments, tell)
        found = {"partners": partners, "set_up_seconds": round(said[STARTING] - said[MAKING], 2), **bench.measure()}
    shutil.rmtree(state_dir, ignore_errors=True)
    tell(str(found))
    return found


class Wide:
    """A stack with many partners, of whom some send."""

    def __init__(
        self, stack: Stack, partner_ids: Sequence[str], arguments: argparse.Namespace, tell: Callable[[str], None]
    ) -> None:
        self._stack, self._arguments, self._tell = stack, arguments, tell
        self._senders = partner_ids[:: max(1, len(partner_ids) // ASKED)]
        self._kafka = {**stack.broker.librdkafka(ADMIN), "log_level": 0}
        self._topics = [FORCE_CASES.name(force_id) for force_id in stack.options.force_ids]
        self._spare = stack.service(INTAKE, 2)
        self._number = 0

    def measure(self) -> dict[str, Any]:
        """One process of each service, but where a second one comes and goes."""
        self._spare.stop()
        rounds = range(self._arguments.rounds)
        ready = [self._restart() for _ in rounds]
        self._watch(lambda: None)  # the first referrals open connections
        found: dict[str, Any] = {"idle_cores": self._idle(), "partitions": self._partitions(), **self._held()}
        turns: dict[str, list[float]] = {"ready_seconds": ready}
        for _ in rounds:
            for name, event in (("join_seconds", self._join), ("leave_seconds", self._spare.stop)):
                turns.setdefault(name, []).append(self._watch(event))
            waited, newcomer = self._onboarding()
            turns.setdefault("onboard_seconds", []).append(waited)
            turns.setdefault("newcomer_seconds", []).append(newcomer)
        found |= {name: round(median(values), 2) for name, values in turns.items()}
        return {**found, "turns": {name: [round(value, 2) for value in values] for name, values in turns.items()}}

    def _restart(self) -> float:
        """Every service stopped, then all started at once: seconds until all are ready."""
        children = self._running()
        together(*(child.stop for child in children))
        began = time.monotonic()
        together(*(child.start for child in children))
        for name in SERVICES:
            otherwise = f"{name} is not ready"
            wait_until(partial(is_ready, self._stack.url(name)), otherwise, PATIENCE_SECONDS, self._look)
        return time.monotonic() - began

    def _idle(self) -> float:
        time.sleep(self._arguments.settle)
        children = {name: child for name, child in stack_children(self._stack).items() if child.alive}
        before = cpu_seconds(children)
        time.sleep(self._arguments.idle)
        used = spent(before, cpu_seconds(children))
        self._tell(f"idle: { ({name: round(value / self._arguments.idle, 3) for name, value in used.items()}) }")
        return round(float(sum(used.values()) / self._arguments.idle), 3)

    def _partitions(self) -> int:
        topics = self._stack.broker.admin().list_topics(timeout=30).topics
        return sum(len(topic.partitions) for topic in topics.values())

    def _held(self) -> dict[str, int]:
        """Open files of the broker, and of the service that has most; and what memory that has."""
        used = usage(stack_children(self._stack))
        services = [used[name] for name in SERVICES]
        return {
            "kafka_files": used["kafka"].files,
            "service_files": max(each.files for each in services),
            "service_mib": round(max(each.rss_bytes for each in services) / 2**20),
        }

    def _join(self) -> None:
        self._spare.start()
        wait_until(partial(is_ready, self._stack.url(INTAKE, 2)), "intake-2 is not ready", PATIENCE_SECONDS, self._look)

    def _onboarding(self) -> tuple[float, float]:
        newcomer, answered = f"newcomer-{self._number:03d}", [0.0]

        def onboard() -> None:
            self._command(newcomer)
            first = floods.referral(newcomer, f"{newcomer}-first")
            began = time.time()
            with Heard(self._kafka, self._topics) as heard:
                at_once(self._kafka, [first])
                heard.wait([first], PATIENCE_SECONDS, self._look)
                answered[0] = heard.at(first) - began

        return self._watch(onboard), answered[0]

    def _command(self, partner_id: str) -> None:
        """As an operator types it."""
        days = ("--valid-from", "2026-01-01", "--valid-to", "2036-01-01")
        agreement = ("--name", "Synthetic", "--mou", MOU, *days)
        by = ("--apply", "--actor", "bench", "--reason", "a benchmark", "--state-dir", str(self._stack.state_dir))
        command = [str(Path(sys.executable).with_name("conduit")), "partner", "onboard", partner_id, *agreement, *by]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{partner_id} was not onboarded: {done.stdout} {done.stderr}")

    def _watch(self, event: Callable[[], None]) -> float:
        """Seconds that the slowest referral of a partner that is there took, of those sent while this happened."""
        self._number += 1
        prefix = f"wide-{self._number:03d}"

        def make(number: int) -> Submission:
            return floods.referral(self._senders[number % len(self._senders)], f"{prefix}-{number:06d}")

        with Heard(self._kafka, self._topics) as heard, Stream(self._kafka, PER_SECOND, make) as stream:
            time.sleep(BEFORE_SECONDS)
            event()
            time.sleep(self._arguments.settle)
            sent = list(stream.sent)
            heard.wait([each for each, _ in sent], PATIENCE_SECONDS, self._look)
            slowest = max(heard.at(each) - due for each, due in sent)
        self._tell(f"{len(sent)} referrals, the slowest took {slowest:.2f} s")
        return slowest

    def _running(self) -> list[Child]:
        return [self._stack.service(name) for name in SERVICES]

    def _look(self) -> None:
        for child in self._running():
            child.ensure_alive()


HEAD = (
    "partners", "partitions in all", "open files of Kafka, of the service with most", "its memory",
    "set-up on empty brokers", "ready after a restart of everything", "idle cores, one process of each",
    "slowest referral while a replica leaves", "while one joins", "while a partner is onboarded",
    "the newcomer's first, after the command",
)  # fmt: skip
_FIGURES = (
    "set_up_seconds", "ready_seconds", "idle_cores", "leave_seconds", "join_seconds", "onboard_seconds", "newcomer_seconds",
)  # fmt: skip


def cells(point: Mapping[str, Any]) -> list[str]:
    """One number of partners' line."""
    return [
        f"{point['partners']:,}",
        f"{point['partitions']:,}",
        f"{point['kafka_files']:,}, {point['service_files']:,}",
        f"{point['service_mib']:,} MiB",
        *(f"{point[name]:.2f}{'' if name == 'idle_cores' else ' s'}" for name in _FIGURES),
    ]


def beyond(points: Sequence[Mapping[str, Any]]) -> list[tuple[str, float]]:
    """What is more with the widest than it may be."""
    widest = [point for point in points if point["partners"] >= WIDEST]
    return [(name, most) for point in widest for name, most in LIMITS.items() if point[name] > most]


def report(result: dict[str, Any], arguments: argparse.Namespace) -> int:
    """Write and print everything; 0 where every figure is within its limit."""
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    table = Table(*HEAD)
    for point in result["points"]:
        table.add_row(*cells(point))
    Console().print(table)
    limits = beyond(result["points"])
    for name, most in limits:
        Console().print(f"beyond its limit of {most:g}: {name}")
    plots = [arguments.output.with_suffix(".png")]
    if not arguments.quick and WIDEST in arguments.partners:
        (arguments.docs / "wide.md").write_text(page(result), encoding="utf-8")
        plots.append(arguments.docs / "wide.svg")
    draw("wide", arguments.output, *plots, tell=console.print)
    return int(bool(limits))


def page(result: Mapping[str, Any]) -> str:
    """wide.md. Made by the command, never by hand."""
    facts = result["machine"]
    changed = " with uncommitted changes" if result["uncommitted_changes"] else ""
    rows = [list(HEAD), ["---"] * len(HEAD), *map(cells, result["points"])]
    limits = [f"- beyond its limit of {most:g}: `{name}`" for name, most in beyond(result["points"])]
    times = len(result["points"][0]["turns"]["ready_seconds"])
    lines = [
        "# What grows with the number of partners",
        "",
        f"Written by `{result['command']}` on {result['at']} at commit {result['commit']}{changed}, on {facts['cores']} "
        f"cores ({facts['processor']}), {facts['memory_bytes'] / 2**30:.0f} GiB, {facts['platform']}, "
        f"Python {facts['python']}; load average {facts['load_average_before_report'][0]:.1f} at the end. "
        f"Medians of {times}; set-up once.",
        "",
        *(f"| {' | '.join(each)} |" for each in rows),
        "",
        *(limits or [f"Every figure with {WIDEST:,} partners is within its limit."]),
        "",
        "Set-up: databases, topics, permissions, users, quotas and the register's entries, of all partners at once. "
        f"{ASKED} of the partners send {PER_SECOND:.0f} referrals a second in all; the slowest of those sent from before an "
        "event until it is over counts, from partner to force. A replica is one of intake, which reads two topics of each "
        "partner. The time of the newcomer's first referral begins when `conduit partner onboard` has ended.",
        "",
        "![The same as lines](wide.svg)",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
