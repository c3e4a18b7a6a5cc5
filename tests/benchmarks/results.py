"""What a benchmark found: bench.json with every figure, a table, the plot, and the page in docs/benchmarks."""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from tests.benchmarks.venv import ROOT, draw

_PACKAGES = ("aiokafka", "asyncpg", "confluent-kafka", "faststream", "pydantic", "uvloop")
_WHAT = {
    "conduit": "this conduit, everything on",
    "bare": "bare aiokafka and asyncpg, same hops, bytes and durability, no domain work",
    "plain": "FastStream by its tutorial, offsets committed after the handler",
    "plain_ack_first": "FastStream by its tutorial, its default policy, which may lose records",
    "quix": "quixstreams by its tutorial",
}
HEAD = (
    "pipeline",
    "referrals/s",
    "p50 · p99 · p99.9 at 50/s",
    "p50 · p99 · p99.9 at 500/s",
    "CPU s per 1,000",
    "WAL KiB",
    "statements",
    "Kafka requests",
    "memory MiB",
)


def machine() -> dict[str, Any]:
    """The facts without which no figure means anything."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_bytes": psutil.virtual_memory().total,
        "platform": platform.platform(),
        "python": platform.python_version(),
        "load_average_before_report": os.getloadavg(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def circumstances() -> dict[str, Any]:
    """When, with which command, of which commit."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", _module(), *sys.argv[1:]]),
        "commit": _git("rev-parse", "--short", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--untracked-files=no")),
    }


def report(figures: dict[str, dict[str, Any]], drained: Mapping[str, Any], arguments: argparse.Namespace) -> None:
    """Write and print everything."""
    for found in figures.values():
        paced = found["paced_50"] or {}
        found["paced_p50_seconds"], found["paced_p99_seconds"] = paced.get("p50_seconds"), paced.get("p99_seconds")
    result = {"machine": machine(), **circumstances(), "pipelines": figures, **_ratios(figures), **drained}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    table = Table(*HEAD, title="Partner publish to force topic")
    for name, found in figures.items():
        table.add_row(*row(name, found))
    console = Console()
    console.print(table)
    console.print(", ".join(f"{name} {value:.2f}" for name, value in _ratios(figures).items() if value is not None))
    plots = [arguments.output.with_suffix(".png")]
    if not arguments.quick and arguments.docs is not None:
        arguments.docs.mkdir(parents=True, exist_ok=True)
        (arguments.docs / "results.md").write_text(page(result), encoding="utf-8")
        plots.append(arguments.docs / "bench.svg")
    draw("bench", arguments.output, *plots, tell=console.print)


def row(name: str, found: Mapping[str, Any]) -> list[str]:
    """One pipeline's line in the table."""
    requests = found["kafka_requests_per_referral"]
    return [
        name,
        f"{found['referrals_per_second']:,.0f}",
        _latencies(found["paced_50"]),
        _latencies(found["paced_500"]),
        f"{found['cpu_seconds_per_1000_referrals']:.2f}",
        f"{found['wal_bytes_per_referral'] / 1024:.1f}",
        f"{found['statements_per_referral']:.2f}",
        f"{sum(requests.values()):.2f}",
        f"{sum(found['rss_mib'].values()):,.0f}",
    ]


def page(result: Mapping[str, Any]) -> str:
    """results.md. Made by the command, never by hand."""
    made, facts = result["pipelines"], result["machine"]
    lines = [
        "# Results of the last run",
        "",
        f"Written by `{result['command']}` on {result['at']} at commit {result['commit']}"
        f"{' with uncommitted changes' if result['uncommitted_changes'] else ''}, on {facts['cores']} cores "
        f"({facts['processor']}), {facts['memory_bytes'] / 2**30:.0f} GiB, {facts['platform']}, Python {facts['python']}.",
        "",
        *_markdown(HEAD, [row(name, found) for name, found in made.items()]),
        "",
        *(f"- `{name}`: {_WHAT[name]}; {found['referrals']:,} referrals, "
          f"rounds at {', '.join(f'{rate:,.0f}' for rate in found['rounds_referrals_per_second'])} a second"
          for name, found in made.items()),
        "",
        "`-`: the pipeline cannot carry that rate. Latencies are in ms. A ratio is the median over turns.",
        "",
        *_markdown(("ratio", "value"), [[f"`{k}`", "-" if v is None else f"{v:.2f}"] for k, v in _ratios(made).items()]),
        "",
        "CPU seconds per 1,000 referrals, by process:",
        "",
        *_cpu_table(made),
    ]  # fmt: skip
    conduit = made["conduit"]
    told, handed_off = conduit["seconds_until_told"], conduit["seconds"]
    lines += [
        "",
        f"The conduit puts hand-offs before notices: every force had its cases after {handed_off:.0f} s, and every "
        f"partner its updates after {told:.0f} s, which is {conduit['referrals'] / told:,.0f} referrals a second.",
    ]
    if quiet := conduit.get("paced_1"):
        lines += [
            "",
            f"One referral a second through the conduit, {quiet['referrals']} of them: p50, p99 and p99.9 "
            f"{_latencies(quiet)} ms.",
        ]
    if "drain" in result:
        drained = result["drain"]
        sent = f"{drained['referrals']:,} referrals, sent while the services were stopped, took {drained['seconds']:.0f} s"
        lines += ["", f"{sent} from the start of their processes to the last arrival."]
    return "\n".join([*lines, "", "![The same as bars and ranges](bench.svg)", ""])


def _cpu_table(figures: Mapping[str, Any]) -> list[str]:
    parts = list(next(iter(figures.values()))["cpu_seconds_per_1000_referrals_by_process"])
    rows = [
        [name, *(f"{used[part]:.2f}" if part in used else "-" for part in parts)]  # the conduit has more services
        for name, used in ((name, found["cpu_seconds_per_1000_referrals_by_process"]) for name, found in figures.items())
    ]
    return _markdown(("pipeline", *parts), rows)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _latencies(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "-"
    return " · ".join(f"{1000 * found[f'p{quantile}_seconds']:,.0f}" for quantile in ("50", "99", "99_9"))


def _ratios(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, float | None]:
    """The conduit to each of the others: the median over the turns, each with the other's own, or its only, rate."""
    ours = figures["conduit"]["rounds_referrals_per_second"]
    ratios: dict[str, float | None] = {}
    for name, found in figures.items():
        if name != "conduit":
            theirs = found["rounds_referrals_per_second"]
            paired = zip(ours, theirs if len(theirs) == len(ours) else theirs * len(ours), strict=True)
            ratios[f"ratio_to_{name}"] = median(one / other for one, other in paired)
    conduit, bare = (figures[name]["paced_50_turns"] for name in ("conduit", "bare"))
    for quantile in ("p50", "p99"):
        pairs = [
            (one[f"{quantile}_seconds"], other[f"{quantile}_seconds"]) for one, other in zip(conduit, bare, strict=False)
        ]
        whole = all(other for _, other in pairs) and pairs
        ratios[f"{quantile}_ratio_to_bare"] = median(one / other for one, other in pairs) if whole else None
    return ratios


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _module() -> str:
    main = sys.modules["__main__"].__spec__
    return "tests.benchmarks" if main is None else main.name.removesuffix(".__main__")


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=False, capture_output=True, text=True).stdout.strip()
