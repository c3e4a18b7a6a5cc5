"""`conduit up --observe` on a machine without the programs says what to install, before it starts anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conduit_local.observability.programs import PACKAGES


def test_without_the_programs_it_says_which_packages_have_them_and_starts_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conduit_local.cli", "up", "--observe", "--state-dir", str(tmp_path / "state")]
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path), "COLUMNS": "400"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    for name in {*PACKAGES, *PACKAGES.values()}:
        assert name in done.stdout
    assert "apt-get install" in done.stdout
    assert not (tmp_path / "state").exists()
