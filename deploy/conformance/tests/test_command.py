"""`conduit conformance` from the outside: a sandbox of its own, exit codes, and JSON that a machine can read."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conduit_conformance import force_judge, partner_judge
from conduit_contracts.kits.settings import read_variables
from conduit_operate.paths import cache_dir

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "contracts" / "examples_py" / "force.py"


def conformance(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conduit_operate.cli", "conformance", *arguments]
    env = environment(**environ)
    return subprocess.run(  # noqa: S603  our own command
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=500
    )


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KAFKA_", "POSTGRES_"))}
    return {**kept, "CONDUIT_CACHE": str(cache_dir()), **more}


@pytest.mark.long
def test_the_example_connector_conforms_in_a_secured_sandbox_and_survives_kill_9(tmp_path: Path) -> None:
    done = conformance(tmp_path, "force", "essex", "--run", f"{sys.executable} {EXAMPLE} essex")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "conforms: 10 passed" in done.stdout
    assert "now: kill -9 in the middle of some cases" in done.stderr


@pytest.mark.long
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
    package = ROOT / "deploy" / "conformance" / "src" / "conduit_conformance"
    found = "".join((package / name).read_text(encoding="utf-8") for name in ("force_judge.py", "partner_judge.py"))
    codes = set(re.findall(r'(?:Finding\(|seen, )"([a-z_]+)"', found))
    assert len(codes) > 10
    unnamed = [name for name in (*force_judge.ABOUT, *partner_judge.ABOUT, *codes) if f"| `{name}` |" not in text]
    assert unnamed == []


@pytest.mark.long
def test_a_connector_that_somebody_starts_with_the_credentials_named_conforms(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conduit_operate.cli", "conformance", "force", "essex", "--attach-seconds", "60"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), **pipes) as kit:  # noqa: S603  our own command
        assert kit.stderr is not None
        (named,) = itertools.islice((found for line in kit.stderr if (found := re.search(r"variables of (\S+)", line))), 1)
        connector = [sys.executable, str(EXAMPLE), "essex"]
        known = environment(**read_variables(named[1]))
        with subprocess.Popen(connector, cwd=tmp_path, env=known) as essex:  # noqa: S603  our own example
            said, _ = kit.communicate(timeout=500)
            essex.terminate()
    assert kit.returncode == 0, said
    assert "conforms: 9 passed" in said
