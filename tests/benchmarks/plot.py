"""Draws what the other commands measured, in .conduit/bench-venv: `python -m tests.benchmarks.plot KIND SOURCE TARGETS`."""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot

SERVICES = ("intake", "triage", "routing", "notification")
COLOURS = dict(zip(SERVICES, ("#0072b2", "#e69f00", "#009e73", "#cc79a7"), strict=True))
"""Of Okabe and Ito, which people with any colour vision tell apart."""
GREY = "#555555"


def soak(source: Path) -> Any:
    """Eight panels over minutes: each should lie flat, or saw up and down between the same two lines."""
    with source.open(newline="") as file:
        rows = list(csv.DictReader(file))
    minutes = [float(row["seconds"]) / 60 for row in rows]

    def column(name: str) -> list[float]:
        return [float(row[name]) for row in rows]

    figure, axes = pyplot.subplots(4, 2, figsize=(12, 13), sharex=True)
    panels: Sequence[tuple[str, str]] = (
        ("Memory of services, MiB", "rss_mib"),
        ("Outbox rows", "outbox_rows"),
        ("Inbox rows", "inbox_rows"),
        ("Lag, records", "lag_records"),
        ("Dead tuples", "dead_tuples"),
        ("Open files of services", "files"),
        ("Connections to PostgreSQL", "connections"),
    )
    for axis, (title, what) in zip(axes.flat, panels, strict=False):
        for name in SERVICES:
            axis.plot(minutes, column(f"{name}_{what}"), label=name, color=COLOURS[name], linewidth=1.2)
        _dress(axis, title)
    servers = axes.flat[-1]
    servers.plot(minutes, column("kafka_rss_mib"), label="kafka, resident", color=GREY)
    servers.plot(minutes, column("postgres_own_mib"), label="postgres, not shared", color="#d55e00")
    _dress(servers, "Memory of servers, MiB")
    for axis in axes[-1]:
        axis.set_xlabel("minutes")
    figure.suptitle(f"{column('sent')[-1]:,.0f} referrals in {minutes[-1]:.0f} minutes")
    return figure


def bench(source: Path) -> Any:
    """Rates, CPU and latencies of every pipeline."""
    pipelines = json.loads(source.read_text())["pipelines"]
    figure, (rates, cpu, latencies) = pyplot.subplots(1, 3, figsize=(15, 5))
    names = list(pipelines)
    labels = [name.replace("_", "\n", 1).replace("_", " ") for name in names]
    bars = rates.bar(labels, [found["referrals_per_second"] for found in pipelines.values()], color=COLOURS["intake"])
    rates.bar_label(bars, fmt="{:,.0f}")
    _dress(rates, "Referrals a second, end to end", legend=False)
    _stack_cpu(cpu, labels, pipelines)
    for place, (pace, colour) in enumerate((("paced_50", COLOURS["intake"]), ("paced_500", COLOURS["triage"]))):
        for number, name in enumerate(names):
            found = pipelines[name].get(pace)
            if found:
                values = [1000 * found[f"p{q}_seconds"] for q in ("50", "99", "99_9")]
                at = number + 0.3 * place - 0.15
                latencies.plot([at] * 3, values, "-", color=colour, label=f"{pace[6:]} a second" if number == 0 else None)
                latencies.plot([at], values[1:2], "o", color=colour)
    latencies.set_xticks(range(len(names)), labels)
    latencies.set_yscale("log")
    _dress(latencies, "Partner to force in ms: p50, p99 (dot), p99.9")
    return figure


def _stack_cpu(axis: Any, labels: Sequence[str], pipelines: dict[str, Any]) -> None:
    parts = ("kafka", "postgres", *SERVICES)
    shades = {"kafka": GREY, "postgres": "#d55e00", **COLOURS}
    below = [0.0] * len(labels)
    for part in parts:
        heights = [found["cpu_seconds_per_1000_referrals_by_process"].get(part, 0.0) for found in pipelines.values()]
        axis.bar(labels, heights, bottom=below, label=part, color=shades[part])
        below = [low + height for low, height in zip(below, heights, strict=True)]
    _dress(axis, "CPU seconds per 1,000 referrals")


def flat(source: Path) -> Any:
    """Cost by rows already stored: flat lines are the aim."""
    points = json.loads(source.read_text())["points"]
    stored = [point["stored"] for point in points]
    figure, axes = pyplot.subplots(1, 3, figsize=(15, 4.5))
    panels = (
        ("CPU seconds per 1,000 referrals, all processes", "cpu_seconds_per_1000_referrals", 1),
        ("of these PostgreSQL", "postgres_cpu_seconds_per_1000_referrals", 1),
        ("Partner to force at a steady rate, ms", "paced_p50_seconds", 1000),
    )
    for axis, (title, what, factor) in zip(axes, panels, strict=True):
        axis.plot(stored, [factor * point[what] for point in points], "o-", color=COLOURS["intake"], label=what)
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_xlabel("referrals already stored")
        _dress(axis, title, legend=False)
    axes[2].plot(stored, [1000 * point["paced_p99_seconds"] for point in points], "s-", color=COLOURS["triage"], label="p99")
    axes[2].legend(["p50", "p99"])
    axes[2].set_ylim(bottom=0)
    return figure


def fair(source: Path) -> Any:
    """What others wait for, and what danger does, load by load."""
    rows = json.loads(source.read_text())["rows"]
    figure, axis = pyplot.subplots(figsize=(11, 5))
    kinds = (("others_p50", "others, p50"), ("others_p99", "others, p99"), ("danger_max", "others' danger, longest"),
             ("own_danger_max", "its own danger, longest"))  # fmt: skip
    for place, ((name, label), colour) in enumerate(zip(kinds, COLOURS.values(), strict=True)):
        at = [number + 0.2 * place - 0.3 for number in range(len(rows))]
        bars = axis.bar(at, [1000 * row[name] for row in rows], 0.19, label=label, color=colour)
        axis.bar_label(bars, fmt="{:,.0f}", fontsize=7)
    axis.axhline(1000, color=GREY, linewidth=0.8, linestyle="--")
    axis.set_xticks(range(len(rows)), [row["title"] for row in rows], fontsize=8)
    axis.set_yscale("log")
    _dress(axis, "Partner to force, ms; the line is one second")
    return figure


def wide(source: Path) -> Any:
    """What grows with the number of partners."""
    points = json.loads(source.read_text())["points"]
    partners = [point["partners"] for point in points]
    figure, axes = pyplot.subplots(1, 3, figsize=(15, 4.5))
    panels = (
        ("Set-up and readiness, s", (("set_up_seconds", "set-up on empty brokers"),
                                     ("ready_seconds", "ready after a restart"))),
        ("Idle cores, one process of each", (("idle_cores", "all of it"),)),
        ("Longest wait of a partner that is there, s", (("leave_seconds", "a replica leaves"), ("join_seconds", "one joins"),
                                                     ("onboard_seconds", "another partner is onboarded"))),
    )  # fmt: skip
    for axis, (title, lines) in zip(axes, panels, strict=True):
        for (name, label), colour in zip(lines, COLOURS.values(), strict=False):
            axis.plot(partners, [point[name] for point in points], "o-", label=label, color=colour)
        axis.set_ylim(bottom=0)
        axis.set_xlabel("partners")
        _dress(axis, title)
    return figure


def _dress(axis: Any, title: str, *, legend: bool = True) -> None:
    axis.set_title(title, fontsize=10)
    axis.grid(visible=True, alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    if legend:
        axis.legend(fontsize=7)


KINDS: dict[str, Callable[[Path], Any]] = {"soak": soak, "bench": bench, "flat": flat, "fair": fair, "wide": wide}


def main() -> None:
    """The same figure into every target, in the format of its suffix."""
    kind, source, *targets = sys.argv[1:]
    # The same figures give the same file: no date, no random ids in it.
    mpl.rcParams["svg.hashsalt"] = "conduit"
    figure = KINDS[kind](Path(source))
    figure.tight_layout()
    for target in targets:
        figure.savefig(target, dpi=110, metadata={"Date": None} if target.endswith(".svg") else None)


if __name__ == "__main__":
    main()
