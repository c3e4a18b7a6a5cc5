"""Partners and forces who have not upgraded: the published kits, over today's stack, hand cases over as they ever did."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from conduit_local.demo.register_samples import register_samples
from conduit_local.stack import Options, Stack
from conduit_operate.env_file import parse_env
from tests.compatibility import released
from tests.compatibility.released import outside
from tests.support.scanner import scanner
from tests.support.stacks import RunStack

pytestmark = pytest.mark.long
SECONDS = 120.0


@pytest.fixture(scope="module")
def stack(run_stack: RunStack) -> Iterator[Stack]:
    with scanner() as found:
        clamd = {"CLAMD_HOST": found.host, "CLAMD_PORT": str(found.port)}
        with run_stack("compatibility", Options(prepare=register_samples, extra_env={"intake": clamd})) as started:
            yield started


@contextmanager
def published(script: str, *arguments: str, wheel: Path, client: Mapping[str, str], folder: Path) -> Iterator[Path]:
    """A program on the published kits while the block runs; gives the file that holds what it said."""
    said = folder / f"{script}.out"
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", str(released.HERE / script), *arguments],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**released.environment(wheel), **client},
        )
    try:
        yield said
    finally:
        process.terminate()
        process.wait(10)


def onboard(stack: Stack, folder: Path, partner_id: str) -> None:
    """As docs/attach.md has it."""
    (folder / ".conduit").symlink_to(stack.state_dir)
    how = ["--http", "--apply", "--actor", "tester", "--reason", "the published kit by HTTP"]
    command = [sys.executable, "-m", "conduit_operate.cli", "partner", "onboard", partner_id, *how]
    subprocess.run(command, cwd=folder, env=outside(), check=True, capture_output=True)


def wait_for(said: Path, *texts: str) -> None:
    deadline = time.monotonic() + SECONDS
    while missing := [text for text in texts if text not in said.read_text()]:
        assert "Traceback" not in said.read_text(), said.read_text()
        assert time.monotonic() < deadline, f"not said: {missing}\n{said.read_text()}"
        time.sleep(0.1)


def test_published_kits_hand_cases_over_on_todays_stack(stack: Stack, tmp_path: Path) -> None:
    wheel = released.unpacked(tmp_path / "released")

    def client(user: str) -> dict[str, str]:
        return parse_env((stack.state_dir / "clients" / f"{user}.env").read_text())

    onboard(stack, tmp_path, "harbour-trust")
    with ExitStack() as running:

        def start(script: str, *arguments: str, user: str) -> Path:
            program = published(script, *arguments, wheel=wheel, client=client(user), folder=tmp_path)
            return running.enter_context(program)

        force = start("released_force.py", "essex", user="force.essex")
        partner = start("released_partner.py", "northlight", "RELEASED-1", user="partner.northlight")
        by_http = start("released_http.py", "harbour-trust", "RELEASED-2", user="http/harbour-trust")
        wait_for(by_http, "submitted received", "supplied forwarded", "attached 1", "handed over after")
        wait_for(partner, "handed_over case_handed_over")
        wait_for(force, "uk.conduit.routing.case-disseminated.v1", "uk.conduit.routing.information-disseminated.v1")
        assert "passed over" not in force.read_text() + partner.read_text()
