"""`make bench-large`: what one partner's floods cost, and whether anybody else feels them. Real servers and services.

`additions`: what an addition to a referral costs each service where 100 and where 2,000 were added before, turn by turn.
`floods`: routing is stopped, the most that one partner may send waits for it, and it is started. What memory does it take at
most, does everything arrive, and when does another partner's child in danger reach its force meanwhile?
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from conduit_contracts.topics import FORCE_CASES
from conduit_local.kafka import QUICK_START, THROUGHPUT
from conduit_local.stack import Options, Stack
from conduit_operate.lag import Lag
from conduit_operate.polling import wait_until
from conduit_operate.secured import ADMIN
from tests.benchmarks import floods
from tests.benchmarks.arrivals import Arrivals, Place
from tests.benchmarks.load import PARTNERS, Submission
from tests.benchmarks.measure import Run, send
from tests.benchmarks.pipelines import open_doors
from tests.benchmarks.registers import publish_registers
from tests.benchmarks.results import circumstances, machine

FEW, MANY = 100, 2_000
MOST_TIMES = 25.0
"""An addition on top of the many may cost at most so many times one on top of the few: 20 would be linear."""
MOST_MIB = 256.0
"""Of routing's memory at any moment."""
MEASURED = 20
"""Additions whose cost is measured: as many before the round number as after it, and the last that are taken."""
MOST_ADDITIONS = 2_000
"""Of one referral, as intake has it: the next one is refused."""
IDLE_SECONDS = 5.0
DANGERS, DANGER_EVERY_SECONDS = 8, 1.0
"""Children in danger that another partner tells of while the flood is dealt with, and as many ordinary referrals."""
PATIENCE_SECONDS, LONGEST_SECONDS = 120.0, 900.0
"""So long nothing arrives, or a service takes for all that waits for it, before a run is given up."""
FLOODER, OTHER = PARTNERS[:2]
HANDLING = ("intake", "triage", "routing")
"""The services between a partner and a force. Notification stands back behind these, and has no part in any figure here."""

console = Console(stderr=True)


def main() -> int:
    """Exit code 0 where every figure is within its limit."""
    arguments = _arguments()
    state_dir = Path(tempfile.mkdtemp(prefix="conduit-large-"))
    console.print(f"state in {state_dir}")
    java = QUICK_START if arguments.quick else THROUGHPUT
    options = Options(services=HANDLING, partner_ids=PARTNERS, jvm_options=java, log_level="WARNING")
    with Stack(state_dir, options, tell=console.print) as stack:
        publish_registers(stack)
        open_doors(stack)
        bench = Bench(stack)
        bench.warm_up()
        quiet = bench.quiet()
        turns = [bench.turn(number, arguments) for number in range(arguments.rounds)]
    shutil.rmtree(state_dir, ignore_errors=True)
    return report({"machine": machine(), **circumstances(), "quiet_danger_seconds": quiet, "turns": turns}, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="the median of them counts")
    parser.add_argument("--additions", type=int, default=200, help="of 194 KB, on one referral")
    parser.add_argument("--referrals", type=int, default=130, help="of 226 KB, in every area")
    parser.add_argument("--only", choices=("additions", "floods"), help="leave the other part out")
    parser.add_argument("--output", type=Path, default=Path(".conduit/large.json"))
    parser.add_argument("--docs", type=Path, default=Path("docs/benchmarks"), help="folder for large.md")
    parser.add_argument("--quick", action="store_true", help="a trial: a tenth of it once, nothing in docs")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.additions, arguments.referrals = 1, 20, 13
    return arguments


class Bench:
    """A stack, and its far end."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._kafka = {**stack.broker.librdkafka(ADMIN), "log_level": 0}
        self._topics = [FORCE_CASES.name(force_id) for force_id in stack.options.force_ids]
        self._lag = Lag(stack.broker)
        self._reference = 0

    def warm_up(self) -> None:
        """Connections, plans, code paths."""
        with self._arrivals() as arrivals:
            self._fill(arrivals, self._refer(arrivals), 100)

    def quiet(self) -> float:
        """Seconds until a child in danger reaches its force while nothing else happens; the median of several."""
        with self._arrivals() as arrivals:
            return round(median(self._in_danger(arrivals) for _ in range(DANGERS)), 3)

    def turn(self, number: int, arguments: argparse.Namespace) -> dict[str, Any]:
        """Everything once."""
        found: dict[str, Any] = {}
        if arguments.only != "floods":
            many = MANY // 10 if arguments.quick else MANY
            for count in (FEW, many):
                found[f"cpu_ms_at_{count}"] = self._cost(count)
                console.print(f"turn {number + 1}: {count} additions: {found[f'cpu_ms_at_{count}']}")
            found["times"] = {
                name: round(found[f"cpu_ms_at_{many}"][name] / found[f"cpu_ms_at_{FEW}"][name], 2) for name in HANDLING
            }
        if arguments.only != "additions":
            found["additions"] = self._flood_of_additions(arguments.additions)
            console.print(f"turn {number + 1}: large additions: {found['additions']}")
            found["referrals"] = self.flood_of_referrals(arguments.referrals)
            console.print(f"turn {number + 1}: referrals in every area: {found['referrals']}")
        return found

    def _cost(self, count: int) -> dict[str, float]:
        """Milliseconds of CPU for one addition where so many were added before, by service."""
        with self._arrivals() as arrivals:
            reference = self._refer(arrivals)
            first = min(count - MEASURED // 2, MOST_ADDITIONS - MEASURED)
            self._fill(arrivals, reference, first)
            self._rest()
            idle, began = self._cpu(), time.monotonic()
            time.sleep(IDLE_SECONDS)
            resting = {name: used / (time.monotonic() - began) for name, used in self._cpu_since(idle).items()}
            before, began = self._cpu(), time.monotonic()
            # One by one, so that each is a batch that needs the whole case.
            for each in floods.small_additions(FLOODER, reference, range(first, first + MEASURED)):
                self._send([each.submission])
                arrivals.wait([(FORCE_CASES.name(floods.HOME), each.marker)], PATIENCE_SECONDS, self._look, 0.005)
            self._rest()
            seconds = time.monotonic() - began
            used = self._cpu_since(before)
            return {name: round(1000 * (used[name] - seconds * resting[name]) / MEASURED, 2) for name in HANDLING}

    def _flood_of_additions(self, count: int) -> dict[str, Any]:
        with self._arrivals() as arrivals:
            reference = self._refer(arrivals)
            additions = list(floods.large_additions(FLOODER, reference, range(count)))
            awaited = {(FORCE_CASES.name(floods.HOME), each.marker) for each in additions}
            return self._flood(arrivals, [each.submission for each in additions], awaited)

    def flood_of_referrals(self, count: int) -> dict[str, Any]:
        """So many of 226 KB wait for routing when it starts."""
        with self._arrivals() as arrivals:
            sent = [floods.everywhere(FLOODER, self._next()) for _ in range(count)]
            awaited = {(FORCE_CASES.name(force), each.reference) for force in floods.districts() for each in sent}
            return self._flood(arrivals, sent, awaited)

    def _flood(self, arrivals: Arrivals, sent: Sequence[Submission], awaited: Iterable[Place]) -> dict[str, Any]:
        """What waits for routing when it starts, and what becomes of it."""
        routing = self._stack.service("routing")
        routing.stop()
        for name in ("intake", "triage"):
            forget_peak(self._stack.service(name).pid)
        self._send(sent)
        for name in ("intake", "triage"):
            self._wait_until_done(name)
        started = time.time()
        routing.start()
        self._stack.wait_ready("routing")
        dangers, ordinary = self._others(arrivals)
        arrivals.wait(awaited, PATIENCE_SECONDS, self._look)
        seconds = max(map(arrivals.at, awaited)) - started
        self._rest()
        peaks = {name: round(peak_mib(self._stack.service(name).pid), 1) for name in HANDLING}
        return {
            "sent": len(sent),
            "sent_mib": round(sum(len(each.value) for each in sent) / 2**20, 1),
            "arrived": len(set(awaited)),
            "seconds": round(seconds, 1),
            "peak_mib": peaks,
            "danger_seconds": dangers,
            "ordinary_seconds": ordinary,
        }

    def _others(self, arrivals: Arrivals) -> tuple[list[float], list[float]]:
        """Of another partner's children in danger and ordinary referrals, what each took: not one after the other's arrival,
        but one of both a second."""
        begun: tuple[list[tuple[float, Place]], list[tuple[float, Place]]] = ([], [])
        for _ in range(DANGERS):
            since = time.time()
            danger, ordinary = floods.in_danger(OTHER, self._next()), floods.referral(OTHER, self._next())
            begun[0].append((since, (FORCE_CASES.name(floods.ELSEWHERE), danger.reference)))
            begun[1].append((since, (FORCE_CASES.name(floods.HOME), ordinary.reference)))
            self._send([danger, ordinary])
            time.sleep(max(0.0, since + DANGER_EVERY_SECONDS - time.time()))
        arrivals.wait([place for each in begun for _, place in each], LONGEST_SECONDS, self._look)
        first, second = ([round(arrivals.at(place) - since, 2) for since, place in each] for each in begun)
        return first, second

    def _in_danger(self, arrivals: Arrivals) -> float:
        each = floods.in_danger(OTHER, self._next())
        since, place = time.time(), (FORCE_CASES.name(floods.ELSEWHERE), each.reference)
        self._send([each])
        arrivals.wait([place], PATIENCE_SECONDS, self._look)
        return arrivals.at(place) - since

    def _refer(self, arrivals: Arrivals) -> str:
        each = floods.referral(FLOODER, self._next())
        self._send([each])
        arrivals.wait([(FORCE_CASES.name(floods.HOME), each.reference)], PATIENCE_SECONDS, self._look)
        return each.reference

    def _fill(self, arrivals: Arrivals, reference: str, count: int) -> None:
        additions = list(floods.small_additions(FLOODER, reference, range(count)))
        self._send([each.submission for each in additions])
        awaited = [(FORCE_CASES.name(floods.HOME), each.marker) for each in additions]
        arrivals.wait(awaited, PATIENCE_SECONDS, self._look)

    def _next(self) -> str:
        self._reference += 1
        return f"large-{self._reference:05d}"

    def _arrivals(self) -> Arrivals:
        return Arrivals(self._kafka, self._topics)

    def _send(self, records: Sequence[Submission]) -> None:
        send(self._kafka, records, Run("large", len(records)))

    def _look(self) -> None:
        """Raises where a service has ended: the floods must end none of them."""
        for child in self._stack.processes():
            child.ensure_alive()

    def _rest(self) -> None:
        for name in HANDLING:
            self._wait_until_done(name)

    def _wait_until_done(self, name: str) -> None:
        with psycopg.connect(self._stack.dsns[name], autocommit=True) as database:

            def done() -> bool:
                return not database.execute("SELECT FROM outbox LIMIT 1").fetchone() and not self._lag.of(name)

            alive = self._stack.service(name).ensure_alive
            wait_until(done, f"{name} has not dealt with its records", LONGEST_SECONDS, alive)

    def _cpu(self) -> dict[str, float]:
        return {name: cpu_of(self._stack.service(name).pid) for name in HANDLING}

    def _cpu_since(self, before: Mapping[str, float]) -> dict[str, float]:
        return {name: now - before[name] for name, now in self._cpu().items()}


def cpu_of(pid: int) -> float:
    """Seconds of CPU that all threads of a process used, to the nanosecond: a batch takes less than a tick."""
    return time.clock_gettime(~pid << 3 | 2)


def forget_peak(pid: int) -> None:
    """Let a process' peak be counted from now on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def peak_mib(pid: int) -> float:
    """The most memory that a process ever had at a time."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def report(result: dict[str, Any], arguments: argparse.Namespace) -> int:
    """Write and print everything; 0 where every figure is within its limit."""
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    figures = _figures(result["turns"])
    table = Table("figure", "median", "turns", "at most")
    for figure in figures:
        table.add_row(*_cells(figure))
    Console().print(table)
    Console().print(
        f"a child in danger reaches its force after {result['quiet_danger_seconds']} s where nothing else happens"
    )
    if not arguments.quick and arguments.only is None:
        (arguments.docs / "large.md").write_text(page(result), encoding="utf-8")
    return int(any(most is not None and median(values) > most for _, values, most in figures))


Figure = tuple[str, Sequence[float], float | None]
"""What it is, its value in each turn, and what its median may be at most."""


def _figures(turns: Sequence[Mapping[str, Any]]) -> list[Figure]:
    return [*_costs(turns), *_of_flood(turns, "additions", "additions on one referral"),
            *_of_flood(turns, "referrals", "referrals in every area")]  # fmt: skip


def _costs(turns: Sequence[Mapping[str, Any]]) -> list[Figure]:
    if "times" not in turns[0]:
        return []
    keys = [key for key in turns[0] if key.startswith("cpu_ms_at_")]
    few, many = (int(key.rpartition("_")[2]) for key in keys)
    found: list[Figure] = [
        (f"routing: ms of CPU for an addition of 2 KB on top of {count:,}", [turn[key]["routing"] for turn in turns], None)
        for key, count in zip(keys, (few, many), strict=True)
    ]
    return found + [
        (
            f"{name}: CPU on top of {many:,}, divided by that on top of {few}",
            [turn["times"][name] for turn in turns],
            MOST_TIMES,
        )
        for name in HANDLING
    ]


def _of_flood(turns: Sequence[Mapping[str, Any]], key: str, title: str) -> list[Figure]:
    if key not in turns[0]:
        return []
    floods_found = [turn[key] for turn in turns]
    first = floods_found[0]
    dangers = [each["danger_seconds"] for each in floods_found]
    what = f"{first['sent']} {title}, {first['sent_mib']:.1f} MiB"
    return [
        (f"{what}: routing's memory at most, MiB", [each["peak_mib"]["routing"] for each in floods_found], MOST_MIB),
        ("the same: triage's memory at most, MiB", [each["peak_mib"]["triage"] for each in floods_found], None),
        ("the same: intake's memory at most, MiB", [each["peak_mib"]["intake"] for each in floods_found], None),
        (f"the same: s until all {first['arrived']:,} arrived", [each["seconds"] for each in floods_found], None),
        ("the same: s until others' danger arrived, median", list(map(median, dangers)), None),
        ("the same: s until others' danger arrived, longest", list(map(max, dangers)), None),
        (
            "the same: s until others' ordinary arrived, longest",
            [max(each["ordinary_seconds"]) for each in floods_found],
            None,
        ),
    ]


def _cells(figure: Figure) -> list[str]:
    title, values, most = figure
    return [
        title,
        f"{median(values):.1f}",
        " · ".join(f"{value:.1f}" for value in values),
        "-" if most is None else f"{most:.0f}",
    ]


def page(result: Mapping[str, Any]) -> str:
    """large.md. Made by the command, never by hand."""
    facts = result["machine"]
    changed = " with uncommitted changes" if result["uncommitted_changes"] else ""
    rows = [["figure", "median", "turns", "at most"], ["---"] * 4, *map(_cells, _figures(result["turns"]))]
    lines = [
        "# What one partner's floods cost",
        "",
        f"Written by `{result['command']}` on {result['at']} at commit {result['commit']}{changed}, on "
        f"{facts['cores']} cores ({facts['processor']}), {facts['memory_bytes'] / 2**30:.0f} GiB, "
        f"{facts['platform']}, Python {facts['python']}; "
        f"load average {facts['load_average_before_report'][0]:.1f} at the end.",
        "",
        *(f"| {' | '.join(cells)} |" for cells in rows),
        "",
        "Where nothing else happens, a child in danger reaches its force after "
        f"{result['quiet_danger_seconds']:.2f} s (median). What waits for routing when it starts was sent while it was "
        "stopped; the others' danger is told of once a second, from the moment at which routing is ready again.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
