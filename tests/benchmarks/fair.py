"""`make bench-fair`: whom one partner's load delays, and how far. Real servers and services, the broker's quotas off.

Three partners send steadily, and tell of two children in danger a second; so does a fourth, which also sends a lot. Of each
load: how long the others' referrals take from partner to force, how long danger takes, the others' and the fourth's own, and
what the fourth gets through beside what it gets through alone.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from conduit_contracts.topics import FORCE_CASES, SERVICES
from conduit_local.kafka import QUICK_START, THROUGHPUT
from conduit_local.stack import Options, Stack
from conduit_operate.lag import Lag
from conduit_operate.polling import wait_until
from conduit_operate.quotas import EVERYBODY, HUB, set_quotas
from conduit_operate.secured import ADMIN
from tests.benchmarks import floods
from tests.benchmarks.load import PARTNERS, Submission, submissions
from tests.benchmarks.pipelines import open_doors
from tests.benchmarks.registers import publish_registers
from tests.benchmarks.results import circumstances, machine
from tests.benchmarks.streams import Heard, Stream, at_once, quantile
from tests.benchmarks.venv import draw

HOT, OTHERS = PARTNERS[0], PARTNERS[1:]
OTHERS_PER_SECOND, DANGERS_PER_SECOND = 20.0, 2.0
HOT_PER_SECOND = 200.0
PATIENCE_SECONDS, REST_SECONDS = 300.0, 900.0
"""So long nothing arrives, or what a load left behind takes, before a run is given up."""
BEFORE_SECONDS = 3.0
"""The others send alone for so long, before the load begins."""
OTHERS_DANGER, OWN_DANGER, OTHERS_P99, THROUGHPUT_KEPT = 1.0, 5.0, 1.0, 0.8
"""What may be at most, in seconds, and what of its own throughput the sender keeps at least."""
SLOWER_THAN_QUIET, P99_ANYWAY = 2.0, 0.4
"""At a steady rate the others' p99 may be so many times that of the quiet row, or so many seconds."""
QUIET, STEADY, BURST, LARGE = "quiet", "steady", "burst", "large"

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Load:
    """What the fourth partner sends."""

    kind: str
    title: str
    count: int = 0
    per_second: float = 0.0

    def records(self, prefix: str) -> list[Submission]:
        """All of it, made beforehand."""
        if self.kind == LARGE:
            return [floods.everywhere(HOT, f"{prefix}-{number:07d}") for number in range(self.count)]
        return list(submissions(self.count, prefix=prefix, partners=(HOT,)))


def main() -> int:
    """Exit code 0 where every figure is within its limit."""
    arguments = _arguments()
    loads = _loads(arguments)
    state_dir = Path(tempfile.mkdtemp(prefix="conduit-fair-"))
    console.print(f"state in {state_dir}")
    java = QUICK_START if arguments.quick else THROUGHPUT
    options = Options(partner_ids=PARTNERS, jvm_options=java, log_level="WARNING")
    with Stack(state_dir, options, tell=console.print) as stack:
        publish_registers(stack)
        open_doors(stack)
        set_quotas(stack.broker, {EVERYBODY: HUB})
        bench = Bench(stack, arguments.seconds)
        bench.warm_up(1_000 if not arguments.quick else 200)
        turns = [{load.kind: bench.measure(load) for load in loads} for _ in range(arguments.rounds)]
    shutil.rmtree(state_dir, ignore_errors=True)
    rows = [{"kind": load.kind, "title": load.title, **_median([turn[load.kind] for turn in turns])} for load in loads]
    return report({"machine": machine(), **circumstances(), "rows": rows, "turns": turns}, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="the median of them counts")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the rows without an end of their own")
    parser.add_argument("--burst", type=int, default=10_000, help="referrals that one partner sends at once")
    parser.add_argument("--large", type=int, default=60, help="referrals of 226 KB that it sends at once")
    parser.add_argument("--only", nargs="+", choices=(QUIET, STEADY, BURST, LARGE), help="leave the other rows out")
    parser.add_argument("--output", type=Path, default=Path(".conduit/fair.json"))
    parser.add_argument("--docs", type=Path, default=Path("docs/benchmarks"), help="folder for fair.md and the plot")
    parser.add_argument("--quick", action="store_true", help="a trial: a tenth of it once, nothing in docs")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds, arguments.burst, arguments.large = 1, 8.0, 1_000, 6
    return arguments


def _loads(arguments: argparse.Namespace) -> list[Load]:
    steadily = int(HOT_PER_SECOND * arguments.seconds)
    found = (
        Load(QUIET, "quiet"),
        Load(STEADY, f"one partner at {HOT_PER_SECOND:.0f}/s", steadily, HOT_PER_SECOND),
        Load(BURST, f"one partner sends {arguments.burst:,} at once", arguments.burst),
        Load(LARGE, f"{arguments.large} referrals of 226 KB at once", arguments.large),
    )
    return [load for load in found if not arguments.only or load.kind in arguments.only]


class Bench:
    """A stack, and its far end."""

    def __init__(self, stack: Stack, seconds: float) -> None:
        self._stack, self._seconds = stack, seconds
        self._kafka = {**stack.broker.librdkafka(ADMIN), "log_level": 0}
        self._topics = [FORCE_CASES.name(force_id) for force_id in stack.options.force_ids]
        self._lag = Lag(stack.broker)
        self._number = 0

    def warm_up(self, count: int) -> None:
        """Connections, plans, code paths."""
        self._alone(Load(BURST, "warm-up", count))

    def measure(self, load: Load) -> dict[str, float]:
        """One row: the load alone first, then beside the others."""
        console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {load.title}")
        alone = self._alone(load) if load.kind in (BURST, LARGE) else load.per_second
        found = self._beside(load)
        if load.count:
            found["alone_per_second"] = round(alone, 2)
            found["kept"] = round(found["per_second"] / alone, 3)
        console.print(f"{load.title}: {found}")
        return found

    def _alone(self, load: Load) -> float:
        """What it gets through with nobody beside it, in referrals a second."""
        records = load.records(self._prefix("alone"))
        with Heard(self._kafka, self._topics) as heard:
            begin = time.time()
            at_once(self._kafka, records)
            heard.wait(records, PATIENCE_SECONDS, self._look)
            per_second = len(records) / (max(map(heard.at, records)) - begin)
        self._rest()
        return per_second

    def _beside(self, load: Load) -> dict[str, float]:
        hot = load.records(self._prefix("hot"))
        streams = self._others(), self._dangers(OTHERS), self._dangers((HOT,))
        with Heard(self._kafka, self._topics) as heard:
            with streams[0], streams[1], streams[2]:
                time.sleep(BEFORE_SECONDS)
                begin, end = self._send(load, hot, heard)
            waits = [self._waits(heard, stream.between(begin, end)) for stream in streams]
        self._rest()
        others, danger, own = waits
        found = {"seconds": end - begin, "others_p50": quantile(others, 0.5), "others_p99": quantile(others, 0.99)}
        for name, values in (("danger", danger), ("own_danger", own)):
            found |= {f"{name}_p50": quantile(values, 0.5), f"{name}_max": max(values)}
        if hot:
            found["per_second"] = len(hot) / (end - begin)
        return {name: round(value, 3) for name, value in found.items()}

    def _send(self, load: Load, hot: Sequence[Submission], heard: Heard) -> tuple[float, float]:
        """Send the load, and wait until it has arrived; returns when it began and when it had."""
        begin = time.time()
        if not hot:
            time.sleep(self._seconds)
            return begin, time.time()
        if load.per_second:
            with Stream(self._kafka, load.per_second, hot.__getitem__, len(hot)) as stream:
                wait_until(lambda: len(stream.sent) == len(hot), "not all is sent", self._seconds + 60, self._look)
            begin = stream.sent[0][1]
        else:
            at_once(self._kafka, hot)
        heard.wait(hot, PATIENCE_SECONDS, self._look)
        return begin, max(map(heard.at, hot))

    def _waits(self, heard: Heard, sent: Sequence[tuple[Submission, float]]) -> list[float]:
        heard.wait([each for each, _ in sent], PATIENCE_SECONDS, self._look)
        return [heard.at(each) - due for each, due in sent]

    def _others(self) -> Stream:
        prefix = self._prefix("others")
        return Stream(
            self._kafka,
            OTHERS_PER_SECOND,
            lambda number: floods.referral(OTHERS[number % len(OTHERS)], f"{prefix}-{number:07d}"),
        )

    def _dangers(self, partners: Sequence[str]) -> Stream:
        prefix = self._prefix("danger")
        return Stream(
            self._kafka,
            DANGERS_PER_SECOND,
            lambda number: floods.in_danger(partners[number % len(partners)], f"{prefix}-{number:07d}"),
        )

    def _prefix(self, word: str) -> str:
        self._number += 1
        return f"fair-{word}-{self._number:03d}"

    def _look(self) -> None:
        for child in self._stack.processes():
            child.ensure_alive()

    def _rest(self) -> None:
        """Until nothing of a load is left anywhere: the next row must not pay for it."""
        for name in SERVICES:
            with psycopg.connect(self._stack.dsns[name], autocommit=True) as database:

                def done(database: psycopg.Connection[Any] = database, name: str = name) -> bool:
                    return not database.execute("SELECT FROM outbox LIMIT 1").fetchone() and not self._lag.of(name)

                wait_until(done, f"{name} has not dealt with its records", REST_SECONDS, self._look)


def _median(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(median(each[name] for each in found), 3) for name in found[0]}


Limit = tuple[str, str, float]
"""Which figure of which row is beyond what it may be."""


def beyond(rows: Sequence[Mapping[str, Any]]) -> list[Limit]:
    """What is not as it must be."""
    quiet = next((row["others_p99"] for row in rows if row["kind"] == QUIET), P99_ANYWAY)
    found: list[Limit] = []
    for row in rows:
        steady = row["kind"] == STEADY
        most_p99 = max(SLOWER_THAN_QUIET * quiet, P99_ANYWAY) if steady else OTHERS_P99
        limits = {"danger_max": OTHERS_DANGER, "own_danger_max": OWN_DANGER, "others_p99": most_p99}
        found += [(row["title"], name, most) for name, most in limits.items() if row[name] > most]
        if row.get("kept", 1.0) < THROUGHPUT_KEPT:
            found.append((row["title"], "kept", THROUGHPUT_KEPT))
    return found


HEAD = (
    "load", "others p50", "others p99", "others' danger p50 · max", "its own danger p50 · max",
    "its throughput, of that alone",
)  # fmt: skip


def cells(row: Mapping[str, Any]) -> list[str]:
    """One load's line."""
    kept = f"{row['per_second']:,.1f}/s, {100 * row['kept']:.0f} %" if "kept" in row else "-"
    return [
        row["title"],
        _said(row["others_p50"]),
        _said(row["others_p99"]),
        f"{_said(row['danger_p50'])} · {_said(row['danger_max'])}",
        f"{_said(row['own_danger_p50'])} · {_said(row['own_danger_max'])}",
        kept,
    ]


def _said(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def report(result: dict[str, Any], arguments: argparse.Namespace) -> int:
    """Write and print everything; 0 where every figure is within its limit."""
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    table = Table(*HEAD)
    for row in result["rows"]:
        table.add_row(*cells(row))
    Console().print(table)
    limits = beyond(result["rows"])
    for title, name, most in limits:
        Console().print(f"beyond its limit of {most:g}: {name} of {title}")
    plots = [arguments.output.with_suffix(".png")]
    if not arguments.quick and not arguments.only:
        arguments.docs.mkdir(parents=True, exist_ok=True)
        (arguments.docs / "fair.md").write_text(page(result), encoding="utf-8")
        plots.append(arguments.docs / "fair.svg")
    draw("fair", arguments.output, *plots, tell=console.print)
    return int(bool(limits))


def _medians(turns: int) -> str:
    return "One turn" if turns == 1 else f"Medians of {turns} turns"


def page(result: Mapping[str, Any]) -> str:
    """fair.md. Made by the command, never by hand."""
    facts = result["machine"]
    changed = " with uncommitted changes" if result["uncommitted_changes"] else ""
    rows = [list(HEAD), ["---"] * len(HEAD), *map(cells, result["rows"])]
    limits = [f"- beyond its limit of {most:g}: `{name}` of {title}" for title, name, most in beyond(result["rows"])]
    lines = [
        "# Whom one partner's load delays",
        "",
        f"Written by `{result['command']}` on {result['at']} at commit {result['commit']}{changed}, on {facts['cores']} "
        f"cores ({facts['processor']}), {facts['memory_bytes'] / 2**30:.0f} GiB, {facts['platform']}, "
        f"Python {facts['python']}; load average {facts['load_average_before_report'][0]:.1f} at the end. "
        f"{_medians(len(result['turns']))}.",
        "",
        *(f"| {' | '.join(each)} |" for each in rows),
        "",
        *(limits or ["Every figure is within its limit."]),
        "",
        f"Others: three partners with {OTHERS_PER_SECOND:.0f} referrals a second in all. Danger: two children in danger a "
        "second, told of by the others in turn, and two by the sender itself. From partner to force, by the broker's time; "
        "what was sent while the load was on its way counts. The broker's quotas are off.",
        "",
        "![The same as bars](fair.svg)",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
