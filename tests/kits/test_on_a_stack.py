"""What the documents show, run as it stands there on a secured stack with the real services: nobody copies what fails."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from conduit_contracts.kits import KafkaSettings
from conduit_contracts.kits.force import Delivery, ForceKit
from conduit_contracts.kits.partner import PartnerKit
from conduit_local.stack import Stack
from conduit_operate.env_file import read_env_file
from conduit_operate.secured import ADMIN
from tests.kits.samples import fields
from tests.support.missing import need

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "contracts" / "examples_py"
SECONDS = 60.0


@pytest.fixture
def here(stack: Stack, tmp_path: Path) -> Path:
    """As the repository's folder after `make up`, but empty."""
    (tmp_path / ".conduit").symlink_to(stack.state_dir)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def blocks(document: str, language: str, heading: str = "") -> list[str]:
    """The document's code under a heading, in order."""
    text = (ROOT / document).read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0] if heading else text
    found = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found, f"{document} has no {language} under {heading!r}"
    return list(found)


@contextmanager
def running(folder: Path, name: str, *command: str, **environ: str) -> Iterator[Callable[[str], None]]:
    """Run a program; call what it gives with a text, to wait until the program has said it."""
    said = folder / f"{name}.out"
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", *command],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**outside(), **environ},
        )

    def wait_for(text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in said.read_text():
            assert process.poll() in (None, 0), f"{name} ended:\n{said.read_text()}"
            assert time.monotonic() < deadline, f"{name} did not say {text!r}:\n{said.read_text()}"
            time.sleep(0.1)

    try:
        yield wait_for
    finally:
        process.terminate()
        process.wait(10)


def test_the_readmes_partner_and_force_hand_a_case_over(here: Path) -> None:
    for name, heading in (("partner.py", "How a partner attaches"), ("force.py", "How a force attaches")):
        (code,) = blocks("README.md", "python", heading)
        assert len(code.splitlines()) <= 40
        (here / name).write_text(code)
    with running(here, "force", "force.py"), running(here, "partner", "partner.py") as partner_says:
        for fact in ("referral_received", "referral_accepted", "case_routed", "handoff_received", "case_handed_over"):
            partner_says(fact)
        assert (here / "west-midlands.sqlite3").exists()


def test_the_examples_are_short_and_hand_a_case_over(here: Path, stack: Stack) -> None:
    for path in (EXAMPLES / "partner.py", EXAMPLES / "force.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40
    credentials = {who: read_client(stack, who) for who in ("partner.northlight", "force.essex")}
    force = running(here, "force", str(EXAMPLES / "force.py"), "essex", **credentials["force.essex"])
    partner = running(
        here, "partner", str(EXAMPLES / "partner.py"), "northlight", "NL-EXAMPLE", **credentials["partner.northlight"]
    )
    with force as force_says, partner as partner_says:
        force_says("uk.conduit.routing.case-disseminated.v1")
        partner_says("handed_over case_handed_over")


def read_client(stack: Stack, user: str) -> dict[str, str]:
    folder = stack.state_dir / "clients"
    (folder / "env").unlink(missing_ok=True)
    (folder / "env").symlink_to(f"{user}.env")
    return read_env_file(folder)


def test_the_recipes_for_kcat_hand_a_case_over(here: Path) -> None:
    need("kcat", "kcat")
    headings = ("kcat and Kafka 4", "A partner, by Kafka", "A force, by Kafka")
    said = shell(here, "\n".join(block for heading in headings for block in blocks("docs/attach.md", "sh", heading)))
    for fact in ("referral_received", "referral_accepted", "handoff_received", "handoff_acknowledged", "case_handed_over"):
        assert f'"fact":"{fact}"' in said
    assert "ce_type=uk.conduit.routing.case-disseminated.v1" in said


def test_the_recipes_for_curl_send_ask_add_withdraw_attach_fetch_and_try_the_sandbox(here: Path) -> None:
    need("curl", "curl")
    headings = ("A partner, by HTTP", "Attachments, by HTTP", "The sandbox")
    said = shell(
        here, "\n".join(block for each in headings for block in blocks("docs/attach.md", "sh", each)), USER="tester"
    )
    assert (here / "fetched.txt").read_bytes() == (here / "statement.txt").read_bytes()
    assert [said.count(f'"outcome":"{outcome}"') for outcome in ("received", "forwarded", "repeated")] == [3, 2, 0]
    assert '"facts":["handoff_received","handoff_acknowledged","case_handed_over"]' in said
    assert said.count('"partner_reference":"HT-2026-0001"') >= 5


def test_every_command_in_the_document_is_run() -> None:
    by_http = ("A partner, by HTTP", "Attachments, by HTTP", "The sandbox")
    headings = (*by_http, "kcat and Kafka 4", "A partner, by Kafka", "A force, by Kafka")
    run = [block for heading in headings for block in blocks("docs/attach.md", "sh", heading)]
    assert run == blocks("docs/attach.md", "sh")


def outside() -> dict[str, str]:
    """The environment, without what says where servers are."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("KAFKA_", "POSTGRES_", "CONDUIT_"))}


def shell(folder: Path, script: str, **environ: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**outside(), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS * 2,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_conformance_refuses_a_broker_on_which_a_hub_works(stack: Stack, tmp_path: Path) -> None:
    environ = {
        **stack.broker.address(),
        "KAFKA_ADMIN_USERNAME": ADMIN,
        "KAFKA_ADMIN_PASSWORD": stack.broker.password(ADMIN),
    }
    command = [sys.executable, "-m", "conduit_operate.cli", "conformance", "force", "essex"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**outside(), **environ}, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "a hub has used this broker" in done.stderr


def test_a_kit_that_stops_in_the_middle_of_a_fetch_leaves_no_connection_open(stack: Stack, tmp_path: Path) -> None:
    """With TLS a connection takes a moment to close, and the program may end at once."""
    settings = KafkaSettings.from_environment(read_client(stack, "force.norfolk"))

    async def read_and_stop() -> None:
        async def take(_delivery: Delivery) -> None:
            return

        async with ForceKit("norfolk", settings, tmp_path / "ledger") as kit:
            running = asyncio.create_task(kit.run(take))
            await asyncio.sleep(4)  # it has partitions by then, and waits at the broker for records
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(read_and_stop())
        gc.collect()
    assert [str(each.message) for each in caught if each.category is ResourceWarning] == []


async def test_kits_outlive_a_broker_that_is_killed_and_comes_back(stack: Stack, tmp_path: Path) -> None:
    """The last one: the stack's services have to find their feet again afterwards."""
    kafka, taken = stack.servers.kafka, asyncio.Queue[Delivery]()
    assert kafka is not None
    reference = f"RESTART-{uuid.uuid4().hex[:8]}"
    partner = PartnerKit("northlight", KafkaSettings.from_environment(read_client(stack, "partner.northlight")))
    force = ForceKit("norfolk", KafkaSettings.from_environment(read_client(stack, "force.norfolk")), tmp_path / "ledger")
    places = [{"place_id": "L1", "district_code": "E07000149"}]
    async with partner, force, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(force.run(taken.put))
        for number in (1, 2):
            await partner.submit(partner.referral(f"{reference}-{number}", **fields(persons=[], places=places)))
            async with asyncio.timeout(SECONDS):
                while getattr((await taken.get()).message, "partner_reference", "") != f"{reference}-{number}":
                    pass
            if number == 1:
                await asyncio.to_thread(kafka.kill)
                await asyncio.to_thread(kafka.start)
                await asyncio.to_thread(stack.wait_ready)
        running.cancel()
