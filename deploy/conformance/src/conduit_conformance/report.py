"""Shows a verdict: a table for people, JSON for machines."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table

from conduit_conformance.verdict import Outcome, Verdict

COLOURS = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.NOT_SEEN: "yellow"}


def show(console: Console, verdict: Verdict) -> None:
    """What was tested, and below it what is wrong and how to correct it."""
    table = Table("check", "what must hold", "outcome", title=f"{verdict.kind} {verdict.identity}", title_justify="left")
    for check in verdict.checks:
        table.add_row(check.name, check.about, f"[{COLOURS[check.outcome]}]{check.outcome.value}[/]")
    console.print(table)
    for check in verdict.checks:
        for finding in check.findings:
            console.print(f"{check.name}: {finding.code}", style="red", highlight=False)
            for line in (f"where: {finding.where}", f"what:  {finding.what}", f"fix:   {finding.mend}"):
                console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    if verdict.note:
        console.print(verdict.note, style="yellow", highlight=False, markup=False, soft_wrap=True)
    console.print(_last_line(verdict), highlight=False)


def to_json(verdict: Verdict) -> str:
    """One object."""
    return json.dumps(verdict.as_json(), ensure_ascii=False, indent=2)


def _last_line(verdict: Verdict) -> str:
    counts = {outcome: sum(check.outcome is outcome for check in verdict.checks) for outcome in Outcome}
    counted = ", ".join(f"{number} {outcome.value}" for outcome, number in counts.items() if number)
    return f"{'conforms' if verdict.conforms else 'does not conform'}: {counted}; {verdict.seconds:.0f} s"
