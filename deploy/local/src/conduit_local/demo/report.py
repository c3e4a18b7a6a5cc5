"""What a run shows: counts while it goes, a table at its end, and the same as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conduit_local.demo.observations import LEGS, Outcome, legs
from conduit_local.demo.result import Result, Row

STAGES = ("sent", "received", "under_review", "information_requested", "accepted", "with_forces", "handed_over")
ENDS = ("declined", "withdrawn", "rejected", "dead-lettered")


def stages(outcomes: Mapping[str, Outcome]) -> dict[str, int]:
    """How many referrals stand where."""
    counts = Counter(_stage(outcome) for outcome in outcomes.values())
    return {stage: counts[stage] for stage in (*STAGES, *ENDS) if counts[stage]}


def _stage(outcome: Outcome) -> str:
    if outcome.state:
        return outcome.state
    return outcome.decision if outcome.decision in ENDS else "sent"


def stage_line(outcomes: Mapping[str, Outcome]) -> str:
    """The counts on one line."""
    return "  ".join(f"{stage.replace('_', ' ')} {count}" for stage, count in stages(outcomes).items())


WIDE = 150
"""Columns from which on all is shown, on a line per referral; on fewer, what became of it, on as many lines as it takes."""


def table(rows: Iterable[Row], width: int = WIDE) -> Table:
    """What became of each referral. The last columns, where there is room, are seconds since the partner sent it."""
    wide = width >= WIDE
    found = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("no.", "referral", "decision", "home force", *(("other forces", "hand-offs") if wide else ())):
        found.add_column(name, overflow="fold")
    found.add_column("partner told (updates)" if wide else "partner told", overflow="fold")
    for name in ("→ force", "→ received", "→ acknowledged", "→ told") if wide else ():
        found.add_column(name, justify="right")
    found.add_column("")
    for row in rows:
        cells = list(_cells(row))
        found.add_row(*(cells if wide else [*cells[:4], cells[6], cells[-1]]))
    return found


def _cells(row: Row) -> Iterator[str | Text]:
    outcome = row.outcome
    yield row.sample.number
    yield row.sample.name.replace("-", " ")
    yield outcome.decision
    yield outcome.home or ""
    yield _others(outcome)
    yield _handoffs(outcome)
    yield _told(outcome)
    done = dict(legs(outcome))
    yield from (f"{done[leg]:.2f}" if leg in done else "" for leg in LEGS)
    yield Text("✘", "bold red") if row.differences else Text("✔", "green")


def _others(outcome: Outcome) -> str:
    others = [force_id for force_id in outcome.handoffs if force_id != outcome.home]
    return f"{len(others)} more" if len(others) > 1 else "".join(others)


def _handoffs(outcome: Outcome) -> str:
    counts = Counter(map(str, outcome.handoffs.values()))
    return ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts.items())


def _told(outcome: Outcome) -> str:
    problems = dict.fromkeys(problem.split(" at ")[0] for problem in outcome.rejected)
    state = [f"{outcome.state.replace('_', ' ')} ({outcome.told.total()})"] if outcome.state else []
    return ", ".join([*problems, *state])


def show(console: Console, result: Result) -> None:
    """The table, and below it every difference in words."""
    console.print(table(result.rows, console.width))
    for row in result.rows:
        for difference in row.differences:
            console.print(
                f"✘ {row.sample.number} {row.sample.name}: {difference}", style="red", markup=False, highlight=False
            )
    for problem in result.problems:
        console.print(f"✘ {problem}", style="red", markup=False, highlight=False)
    good = sum(not row.differences for row in result.rows)
    console.print(
        f"{good} of {len(result.rows)} referrals as expected, {result.seen.total()} records seen, {result.seconds:.1f} s"
    )


def write(path: Path, result: Result, **more: Any) -> None:
    """The same as JSON. It holds references and states, nothing of a case."""
    document = {
        "as_expected": result.as_expected,
        "seconds": round(result.seconds, 3),
        "records_seen": dict(result.seen),
        "problems": result.problems,
        **more,
        "referrals": [_row(row) for row in result.rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _row(row: Row) -> dict[str, Any]:
    outcome = row.outcome
    return {
        "number": row.sample.number,
        "name": row.sample.name,
        "about": row.sample.case.about,
        "decision": outcome.decision,
        "grounds": sorted(outcome.grounds),
        "home_force": outcome.home,
        "basis": outcome.basis,
        "handoffs": outcome.handoffs,
        "state": outcome.state,
        "told": dict(outcome.told),
        "rejected": outcome.rejected,
        "seconds_after_sending": {leg: round(seconds, 3) for leg, seconds in legs(outcome)},
        "differences": row.differences,
    }
