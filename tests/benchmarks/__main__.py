"""`make bench`: the same referrals through the conduit and through four other pipelines, on the same servers, in one run.

End to end means: from the partner's publish until the last force concerned has the record on its topic, fetched by a
consumer. Each pipeline runs alone, warmed up, while the others' processes are stopped. The conduit, the bare pipeline and
the plain one take turns, so that what the machine does meanwhile touches all three: a ratio is the median over the turns.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from conduit_local.kafka import QUICK_START, THROUGHPUT
from conduit_local.stack import Options, Stack
from tests.benchmarks import pipelines, results, shapes
from tests.benchmarks.database import count_statements
from tests.benchmarks.load import PARTNERS
from tests.benchmarks.pipelines import Bare, Conduit, Pipeline
from tests.benchmarks.registers import publish_registers
from tests.benchmarks.trial import Bench

POLICIES = {"plain": "NACK_ON_ERROR", "plain_ack_first": "ACK_FIRST"}
"""Commit per record after the handler, which loses nothing on a crash; and FastStream's default, which may."""
PACES = (50, 500)

console = Console(stderr=True)


def main() -> None:
    """Measure, print a table and write bench.json."""
    arguments = _arguments()
    state_dir = Path(tempfile.mkdtemp(prefix="conduit-bench-"))
    console.print(f"state in {state_dir}")
    count_statements(state_dir)
    java = QUICK_START if arguments.quick else THROUGHPUT
    options = Options(partner_ids=PARTNERS, jvm_options=java, log_level="WARNING", observed=True)
    with Stack(state_dir, options, tell=console.print) as stack:
        publish_registers(stack)
        pipelines.open_doors(stack)
        bench = Bench(stack, console)
        figures = _turns(bench, arguments) | _tutorials(bench, arguments)
        drained = {"drain": bench.drain(Conduit(stack), arguments.drain)} if arguments.drain else {}
    results.report(figures, drained, arguments)
    shutil.rmtree(state_dir, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--referrals", type=int, default=20_000, help="through the conduit and the bare pipeline, each round"
    )
    parser.add_argument(
        "--tutorial-referrals", type=int, default=2_000, help="through the three slow pipelines, each round of the plain one"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=20_000, help="referrals before the first round, for Kafka's compiler")
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="length of the open loops of each turn; half of it at 500 a second"
    )
    parser.add_argument("--quiet-seconds", type=float, default=300.0, help="length of the conduit's loop at 1 a second")
    parser.add_argument("--drain", type=int, default=0, help="time to drain so many, sent before the services start")
    parser.add_argument("--quick", action="store_true", help="a trial: small counts, figures of no worth")
    parser.add_argument("--output", type=Path, default=Path(".conduit/bench.json"))
    parser.add_argument("--docs", type=Path, default=Path("docs/benchmarks"), help="folder for results.md and the plot")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.referrals, arguments.tutorial_referrals, arguments.rounds = 1_000, 200, 1
        arguments.warm_up, arguments.seconds, arguments.quiet_seconds = 300, 4.0, 10.0
    return arguments


@contextmanager
def _running(pipeline: Pipeline) -> Iterator[None]:
    pipeline.start()
    try:
        yield
    finally:
        pipeline.stop()


def _turns(bench: Bench, arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The conduit, its limit and the tutorial's pipeline, turn by turn: a burst and open loops. Then the quiet conduit."""
    conduit = Conduit(bench.stack)
    bench.warm_up(conduit, arguments.warm_up)
    console.print("measuring the conduit's hops, and making the bare pipeline's topics")
    bare = Bare(bench.stack, shapes.measure(bench.stack))
    conduit.stop()
    plain = pipelines.plain(bench.stack, "plain", POLICIES["plain"])
    fast = max(500, arguments.warm_up // 20), arguments.referrals
    slow = max(200, arguments.tutorial_referrals // 10), arguments.tutorial_referrals
    counts = {conduit.name: fast, bare.name: fast, plain.name: slow}
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in counts}
    paced: dict[str, list[dict[str, Any]]] = {name: [] for name in counts}
    for _ in range(arguments.rounds):
        for pipeline in (conduit, bare, plain):
            warm_up, count = counts[pipeline.name]
            with _running(pipeline):
                bench.warm_up(pipeline, warm_up)
                rounds[pipeline.name].append(bench.burst(pipeline, count))
                paced[pipeline.name].append(_paced(bench, pipeline, arguments.seconds))
    figures = {name: _typical(found) | _typically_paced(paced[name]) for name, found in rounds.items()}
    with _running(conduit):
        bench.warm_up(conduit, fast[0])
        figures[conduit.name]["paced_1"] = bench.paced(conduit, 1, arguments.quiet_seconds)
    return figures


def _tutorials(bench: Bench, arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    figures: dict[str, dict[str, Any]] = {}
    ack_first = pipelines.plain(bench.stack, "plain_ack_first", POLICIES["plain_ack_first"])
    for pipeline in (ack_first, pipelines.quix(bench.stack)):
        with _running(pipeline):
            bench.warm_up(pipeline, max(200, arguments.tutorial_referrals // 10))
            found = bench.burst(pipeline, arguments.tutorial_referrals)
            figures[pipeline.name] = _typical([found]) | _typically_paced([_paced(bench, pipeline, arguments.seconds)])
    return figures


def _paced(bench: Bench, pipeline: Pipeline, seconds: float) -> dict[str, Any]:
    """Latency in open loops. A rate above what the pipeline can carry would only measure its queue."""
    lengths = zip(PACES, (seconds, seconds / 2), strict=True)
    return {f"paced_{pace}": bench.paced(pipeline, pace, length) for pace, length in lengths}


def _typically_paced(turns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Each quantile's median over the turns, and the turns. None for a rate that was not carried in each of them."""
    typical: dict[str, Any] = {}
    for name in turns[0]:
        found = [turn[name] for turn in turns]
        carried = all(found)
        typical[name] = {key: median(each[key] for each in found) for key in found[0]} if carried else None
        typical[f"{name}_turns"] = found if carried else []
    return typical


def _typical(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The round with the median rate, with all rounds' rates beside it."""
    rates = [found["referrals_per_second"] for found in rounds]
    chosen = min(rounds, key=lambda found: abs(found["referrals_per_second"] - median(rates)))
    return {**chosen, "rounds_referrals_per_second": rates}


if __name__ == "__main__":
    main()
