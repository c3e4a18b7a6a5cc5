"""`make bench-flat`: what a referral costs on top of 1,000 to 1,000,000 stored ones. It should not depend on them.

A thousand referrals go through the conduit; then, while the services are stopped, their rows are copied in every store up to
the next size. At each size: CPU per referral in a burst, latency at 50 a second, and the mean time of each statement, which
names the one to look at where a line is not flat.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from conduit_local.kafka import QUICK_START, THROUGHPUT
from conduit_local.stack import Options, Stack
from tests.benchmarks.database import connect, count_statements
from tests.benchmarks.filling import fill
from tests.benchmarks.load import PARTNERS
from tests.benchmarks.pipelines import Conduit, open_doors
from tests.benchmarks.processes import cpu_seconds, spent, stack_children
from tests.benchmarks.registers import publish_registers
from tests.benchmarks.results import circumstances, machine
from tests.benchmarks.trial import Bench
from tests.benchmarks.venv import draw

BASE = 1_000
"""Referrals whose rows are copied."""
FLAT = 1.3
"""CPU per referral at the largest size may be so many times that at the smallest: indexes get a level or two deeper, and the
machine's own noise is about a tenth."""
RESTING_CORES, REST_SECONDS, LONGEST_REST = 0.3, 5.0, 300.0
"""What PostgreSQL uses where no referral is on its way: less than the first, over so long, or else no more is waited for."""
SLOWER, MILLISECONDS = 3.0, 0.5
"""A statement is named where its mean time grew so many times, to more than this."""
_MEANS = """
SELECT datname || ': ' || left(regexp_replace(query, '\\s+', ' ', 'g'), 110), sum(total_exec_time) / sum(calls)
FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid JOIN pg_roles ON pg_roles.oid = userid
WHERE rolname = datname GROUP BY 1 HAVING sum(calls) >= 3
"""
_AT_WORK = """
SELECT backend_type || ' ' || coalesce(datname, '') || ': ' || left(regexp_replace(query, '\\s+', ' ', 'g'), 70)
FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()
"""

console = Console(stderr=True)


def main() -> int:
    """Exit code 0 where the cost is flat."""
    arguments = _arguments()
    state_dir = Path(tempfile.mkdtemp(prefix="conduit-flat-"))
    console.print(f"state in {state_dir}")
    count_statements(state_dir, max_wal_size="8GB", **{"pg_stat_statements.track_planning": "off"})
    java = QUICK_START if arguments.quick else THROUGHPUT
    options = Options(partner_ids=PARTNERS, jvm_options=java, log_level="WARNING", observed=True)
    with Stack(state_dir, options, tell=console.print) as stack:
        publish_registers(stack)
        open_doors(stack)
        points = _points(stack, arguments)
    shutil.rmtree(state_dir, ignore_errors=True)
    return _report(points, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--referrals", type=int, default=3_000, help="in each burst")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each open loop at 50 a second")
    parser.add_argument("--output", type=Path, default=Path(".conduit/flat.json"))
    parser.add_argument("--docs", type=Path, default=Path("docs/benchmarks"), help="folder for the plot and flat.md")
    parser.add_argument("--quick", action="store_true", help="a trial: figures of no worth, nothing in docs")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.stored, arguments.referrals, arguments.seconds = [1_000, 5_000], 500, 3.0
    return arguments


def _points(stack: Stack, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    bench, conduit = Bench(stack, console), Conduit(stack)
    bench.warm_up(conduit, BASE)
    points, have = [], BASE
    for stored in sorted(arguments.stored):
        conduit.stop()
        console.print(f"filling the stores up to {stored:,} referrals")
        fill(stack, stored, have, BASE)
        have = max(have, stored)
        conduit.start()
        points.append({"stored": stored, **_point(bench, conduit, arguments)})
    return points


def _point(bench: Bench, conduit: Conduit, arguments: argparse.Namespace) -> dict[str, Any]:
    bench.warm_up(conduit, max(200, arguments.referrals // 3))
    _rest(bench.stack)
    with connect(bench.stack.servers.postgres_dsn) as connection:
        connection.execute("SELECT pg_stat_statements_reset()")
        found = bench.burst(conduit, arguments.referrals)
        means = {str(query): float(mean) for query, mean in connection.execute(_MEANS).fetchall()}
    # Whatever it can carry: at a small size and a large one the same rate is asked of it.
    paced = bench.paced(conduit, 50, arguments.seconds) or {"p50_seconds": 0.0, "p99_seconds": 0.0}
    by_process = found["cpu_seconds_per_1000_referrals_by_process"]
    return {
        **found,
        "postgres_cpu_seconds_per_1000_referrals": by_process["postgres"],
        "paced_p50_seconds": paced["p50_seconds"],
        "paced_p99_seconds": paced["p99_seconds"],
        "statement_means_ms": {query: round(mean, 4) for query, mean in sorted(means.items())},
    }


def _rest(stack: Stack) -> None:
    """Wait until PostgreSQL is done with what the copies left to it, which no referral is to be charged for."""
    server = {"postgres": stack_children(stack)["postgres"]}
    seen: set[str] = set()
    began, used = time.monotonic(), REST_SECONDS
    while used > RESTING_CORES * REST_SECONDS and time.monotonic() - began < LONGEST_REST:
        before = cpu_seconds(server)
        time.sleep(REST_SECONDS)
        used = spent(before, cpu_seconds(server))["postgres"]
        with connect(stack.servers.postgres_dsn) as connection:
            seen |= {str(row[0]) for row in connection.execute(_AT_WORK).fetchall()}
    console.print(
        f"PostgreSQL rests after {time.monotonic() - began:.0f} s; at work meanwhile: {'; '.join(sorted(seen)) or '-'}"
    )


def _report(points: list[dict[str, Any]], arguments: argparse.Namespace) -> int:
    first, last = points[0], points[-1]
    ratio = last["cpu_seconds_per_1000_referrals"] / first["cpu_seconds_per_1000_referrals"]
    slower = _slower(first["statement_means_ms"], last["statement_means_ms"])
    result = {"machine": machine(), **circumstances(), "points": points, "cost_ratio": ratio, "slower_statements": slower}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    table = Table("stored", "referrals/s", "CPU s per 1,000", "of it PostgreSQL", "p50 at 50/s", "p99 at 50/s")
    for point in points:
        table.add_row(*_row(point))
    Console().print(table)
    Console().print(f"{ratio:.2f} times the CPU at {last['stored']:,} as at {first['stored']:,}; flat is at most {FLAT}")
    for query, (before, after) in slower.items():
        Console().print(f"slower: {before:.2f} -> {after:.2f} ms {query}", markup=False)
    plots = [arguments.output.with_suffix(".png")]
    if not arguments.quick:
        (arguments.docs / "flat.md").write_text(_page(result, table.columns), encoding="utf-8")
        plots.append(arguments.docs / "flat.svg")
    draw("flat", arguments.output, *plots, tell=console.print)
    return 0 if ratio <= FLAT else 1


def _row(point: Mapping[str, Any]) -> list[str]:
    return [
        f"{point['stored']:,}",
        f"{point['referrals_per_second']:,.0f}",
        f"{point['cpu_seconds_per_1000_referrals']:.2f}",
        f"{point['postgres_cpu_seconds_per_1000_referrals']:.2f}",
        f"{1000 * point['paced_p50_seconds']:.0f} ms",
        f"{1000 * point['paced_p99_seconds']:.0f} ms",
    ]


def _slower(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    both = {query: (before[query], after[query]) for query in before if query in after}
    return {query: pair for query, pair in both.items() if pair[1] > MILLISECONDS and pair[1] > SLOWER * pair[0]}


def _page(result: Mapping[str, Any], columns: Any) -> str:
    head = [str(column.header) for column in columns]
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *map(_row, result["points"]))]
    written = f"Written by `{result['command']}` on {result['at']} at commit {result['commit']}."
    title = "# Cost per referral by referrals already stored"
    verdict = f"{result['cost_ratio']:.2f} times the CPU at the largest size as at the smallest."
    return "\n".join([title, "", written, "", *lines, "", verdict, "", "![The same as lines](flat.svg)", ""])


if __name__ == "__main__":
    sys.exit(main())
