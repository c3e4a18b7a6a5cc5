"""The benchmark without servers runs through every service as it is today, and calls no more functions than it did."""

import json
import os
from pathlib import Path

import pytest

from conduit_chassis import yielding
from conduit_contracts.topics import INTAKE_REFERRALS, TRIAGE_DECISIONS
from tests.benchmarks.pieces import Calls, through

BASELINE = Path(__file__).with_name("calls.json")
ACCEPT = "CALLS_ACCEPT"
TOLERANCE = 1.05
"""Of all that a referral needs; what a batch needs by itself is shared by those that are in it."""


def test_a_referral_goes_through_every_service_that_hears_of_it_without_servers() -> None:
    spent = through(50)
    reached = {service for (service, part), value in spent.items() if part == "records read" and value > 0}
    assert reached >= {"intake", *INTAKE_REFERRALS.consumers, *TRIAGE_DECISIONS.consumers}
    assert spent["routing", "events"] > 1, "a referral has a case, and a record for each force"


def test_a_referral_calls_no_more_functions_than_the_baseline_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, so that a busy machine says the same as a quiet one."""
    monkeypatch.setattr(yielding, "LONGEST_SECONDS", 3600.0)  # how often others get their turn follows the clock
    through(50)  # what is kept from the first time on
    calls = Calls()
    with calls.counted():
        spent = through(500, lambda: calls.number)
    found = {f"{service}: {part}": round(value, 1) for (service, part), value in spent.items() if part in ("read", "handle")}
    if os.environ.get(ACCEPT):
        BASELINE.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    baseline = json.loads(BASELINE.read_text())
    assert found.keys() == baseline.keys()
    dearer = [f"{each}: {found[each]}, was {baseline[each]}" for each in found if found[each] > baseline[each] * TOLERANCE]
    accept = f"{ACCEPT}=1 .venv/bin/python -m pytest tests/benchmarks/{Path(__file__).name}"
    assert not dearer, (
        "A referral calls more functions of Python than before:\n  " + "\n  ".join(dearer) + "\nWhere that is what you "
        f"want, say why in the commit that brings the new baseline: {accept}"
    )
