"""`conduit up --observe` on a machine without the programs says what to install, before it starts anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conduit_local.observability.programs import PACKAGES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("ci", "outcome"), [("", "skipped"), ("true", "failed")])
def test_without_the_programs_their_tests_are_skipped_alike_with_what_to_install_and_in_ci_they_fail(
    tmp_path: Path, ci: str, outcome: str
) -> None:
    chosen = ["tests/monitoring/test_watching.py", "tests/monitoring/test_alertmanager.py", "tests/monitoring/test_rules.py"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-m", "not long", *chosen]
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path), "CI": ci, "COLUMNS": "400"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=500)
    last = done.stdout.splitlines()[-1]
    assert outcome in last, done.stdout[-4000:]
    assert ("failed" in last or "error" in last) is (ci == "true"), done.stdout[-4000:]
    assert "apt-get install --no-install-recommends prometheus" in done.stdout


def test_without_the_programs_it_says_which_packages_have_them_and_starts_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conduit_operate.cli", "up", "--observe", "--state-dir", str(tmp_path / "state")]
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path), "COLUMNS": "400"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 1
    for name in {*PACKAGES, *PACKAGES.values()}:
        assert name in done.stdout
    assert "apt-get install" in done.stdout
    assert not (tmp_path / "state").exists()
