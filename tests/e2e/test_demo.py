"""Every sample referral, from its partner to the forces' acknowledgements and back, on real servers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conduit_local.demo.result import Options
from conduit_local.demo.run import run_samples
from conduit_local.demo.samples import load_samples
from tests.e2e.conftest import NewStack

SAMPLES = load_samples()


@pytest.mark.long
def test_the_demo_command_ends_with_every_referral_as_expected(tmp_path: Path) -> None:
    report = tmp_path / "demo.json"
    command = [sys.executable, "-m", "conduit_operate.cli", "demo", "--report", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=560)
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads(report.read_text())
    assert written["as_expected"]
    assert [row["number"] for row in written["referrals"]] == [sample.number for sample in SAMPLES]
    assert f"{len(SAMPLES)} of {len(SAMPLES)} referrals as expected" in done.stdout


@pytest.mark.long
async def test_it_comes_to_the_same_when_every_batch_is_handled_twice_and_everybody_has_but_their_own_rights(
    new_stack: NewStack,
) -> None:
    with new_stack(DELIVER_TWICE="true") as stack:
        result = await run_samples(stack, SAMPLES, Options(name="TWICE"))
    assert result.complaints == []
