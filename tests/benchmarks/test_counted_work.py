"""A referral's counted work may not grow unnoticed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from conduit_local.stack import Options, Stack
from tests.benchmarks.counted import PATIENT, REFERRALS, STEADY, Counter
from tests.benchmarks.database import count_statements
from tests.benchmarks.load import PARTNERS
from tests.benchmarks.registers import publish_registers

pytestmark = pytest.mark.long

BASELINE = Path(__file__).with_name("counted.json")
ACCEPT = "COUNTED_WORK_ACCEPT"
TOLERANCES = {
    "statements_of_a_batch": 0.0,
    "round_trips_of_a_batch": 0.0,
    # Beside the rows themselves each batch has its commit, and indexes split their pages where ids happen to fall.
    "wal_bytes_per_referral": 0.10,
}


def test_a_referral_costs_no_more_statements_round_trips_and_wal_than_the_baseline_says() -> None:
    found = _count()
    if os.environ.get(ACCEPT):
        BASELINE.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    baseline = json.loads(BASELINE.read_text())
    events = {step: figures["events_per_referral"] for step, figures in found.items()}
    assert events == {step: figures["events_per_referral"] for step, figures in baseline.items()}
    dearer = [
        f"{step}: {figure} is {found[step][figure]}, the baseline says {baseline[step][figure]}"
        for step in baseline
        for figure, tolerance in TOLERANCES.items()
        if found[step][figure] > baseline[step][figure] * (1 + tolerance)
    ]
    assert not dearer, (
        "A referral costs more than before:\n  " + "\n  ".join(dearer) + "\nWhere that is what you want, say why in the "
        f"commit that brings the new baseline: {ACCEPT}=1 .venv/bin/python -m pytest tests/benchmarks/{Path(__file__).name}"
    )


def _count() -> dict[str, dict[str, float]]:
    # Outside pytest's own folders, where PostgreSQL's account may not go.
    folder = Path(tempfile.mkdtemp(prefix="conduit-counted-"))
    try:
        count_statements(folder, **STEADY)
        options = Options(partner_ids=PARTNERS, extra_env=dict.fromkeys(Options().services, PATIENT), log_level="WARNING")
        with Stack(folder, options) as stack:
            publish_registers(stack)
            counter = Counter(stack)
            try:
                return counter.count()
            finally:
                counter.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_the_baseline_is_of_full_batches() -> None:
    baseline = json.loads(BASELINE.read_text())
    assert all(step["batches"] <= REFERRALS / 20 for step in baseline.values())
