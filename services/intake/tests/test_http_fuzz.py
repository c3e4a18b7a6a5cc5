"""schemathesis against the OpenAPI document that the API itself serves, all checks on. `make fuzz` runs it at length."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from conduit_intake.api.app import create_app
from services.intake.tests.fuzz_server import Fuzzed, serving

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "15"))
SEED = os.environ.get("FUZZ_SEED", "20261123")
LEAST = int(os.environ.get("FUZZ_LEAST", "600"))


def run(fuzzed: Fuzzed, report: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={HERE / 'schemathesis.toml'}"]
    command += ["run", f"{fuzzed.url}/openapi.json", "--checks=all", f"--max-examples={EXAMPLES}", f"--seed={SEED}"]
    command += ["--continue-on-failure", "--no-color", "--generation-database=none", "--suppress-health-check=all"]
    command += [f"--report-json-path={report}"]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "services.intake.tests.fuzz_hooks",
        "FUZZ_KNOWN": fuzzed.known(),
        "FUZZ_PARTNERS": fuzzed.authorization,
        "FUZZ_SANDBOX": fuzzed.sandbox,
        "FUZZ_FORCES": fuzzed.fetching["authorization"],
    }
    return subprocess.run(  # noqa: S603  our own command
        command, capture_output=True, text=True, check=False, timeout=3_000, env=environment, cwd=HERE.parents[2]
    )


def answers() -> dict[str, Counter[str]]:
    """How many answers of each status this process gave, by method and route."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            if sample.name == "conduit_http_requests_total":
                found[f"{sample.labels['method']} {sample.labels['route']}"][sample.labels["status"]] += int(sample.value)
    return found


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_no_generated_request_gets_an_answer_that_is_not_documented(database: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    before = answers()
    with serving(database) as fuzzed:
        done = run(fuzzed, report)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-4_000:]
    told = json.loads(report.read_text(encoding="utf-8"))
    given = {route: counts - before[route] for route, counts in answers().items()}
    for route, counts in sorted(given.items()):
        sys.stdout.write(f"{route}: {dict(sorted(counts.items()))}\n")
    generated, requests = told["test_cases"]["generated"], sum(map(Counter.total, given.values()))
    sys.stdout.write(f"{generated} generated cases, {requests} requests\n")
    assert generated >= LEAST
    assert not any(status.startswith("5") for counts in given.values() for status in counts)
    for path, methods in json.loads(create_app().state.document)["paths"].items():
        for method in methods:
            counts = given[f"{method.upper()} {path}"]
            assert any(status.startswith("2") for status in counts), f"{method} {path}: nothing got past the refusals"
