"""`conduit conformance` from the outside: a sandbox of its own, exit codes, and JSON that a machine can read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conduit_local.conformance import force_judge, partner_judge
from conduit_local.paths import cache_dir

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "contracts" / "examples_py" / "force.py"


def conformance(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KAFKA_", "POSTGRES_"))}
    command = [sys.executable, "-m", "conduit_local.cli", "conformance", *arguments]
    env = {**kept, "CONDUIT_CACHE": str(cache_dir()), **environ}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.timeout(150)
def test_the_example_connector_conforms_in_a_secured_sandbox_and_survives_kill_9(tmp_path: Path) -> None:
    done = conformance(tmp_path, "force", "essex", "--run", f"{sys.executable} {EXAMPLE} essex")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "conforms: 10 passed" in done.stdout
    assert "now: kill -9 in the middle of a case" in done.stderr


def test_what_fails_is_one_json_object_on_standard_output_and_exit_code_1(tmp_path: Path) -> None:
    done = conformance(tmp_path, "partner", "northlight", "--run", "/bin/true", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    verdict = json.loads(done.stdout)
    assert (verdict["kind"], verdict["identity"], verdict["conforms"]) == ("partner", "northlight", False)
    assert {check["outcome"] for check in verdict["checks"]} == {"not seen"}


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (("force", "essex", "--run", "/not/there"), {}, "connector could not be started"),
        (("force", "Not A Slug"), {}, "lower-case letters"),
        (("force", "essex"), {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, "KAFKA_BOOTSTRAP_SERVERS cannot be used"),
        (
            ("force", "essex"),
            {"KAFKA_BOOTSTRAP_SERVERS": "a:1", "KAFKA_SECURITY_PROTOCOL": "SASL_SSL"},
            "KAFKA_ADMIN_USERNAME",
        ),
    ],
)
def test_a_run_that_cannot_be_made_says_why_and_has_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], environ: dict[str, str], said: str
) -> None:
    done = conformance(tmp_path, *arguments, **environ)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert done.stdout == ""


def test_the_document_names_every_check_and_every_code() -> None:
    text = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    package = ROOT / "deploy" / "local" / "src" / "conduit_local" / "conformance"
    found = "".join((package / name).read_text(encoding="utf-8") for name in ("force_judge.py", "partner_judge.py"))
    codes = set(re.findall(r'(?:Finding\(|seen, )"([a-z_]+)"', found))
    assert len(codes) > 10
    unnamed = [name for name in (*force_judge.ABOUT, *partner_judge.ABOUT, *codes) if f"| `{name}` |" not in text]
    assert unnamed == []
