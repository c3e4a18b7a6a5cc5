"""Who has not upgraded, and what was there before: the published kits, over today's stack and the register that the
published release wrote, hand cases over as they ever did.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Producer

from conduit_contracts.geography import forces
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import Contact, ForceRegistered, PartnerRegistered
from conduit_contracts.topics import FORCES, PARTNERS
from conduit_local.demo.samples import load_partners
from conduit_local.stack import Options, Stack
from conduit_operate.broker import Broker
from conduit_operate.env_file import parse_env
from conduit_operate.register import read_registers
from conduit_operate.secured import ADMIN
from tests.compatibility import released
from tests.compatibility.released import outside
from tests.support.scanner import scanner
from tests.support.stacks import RunStack

pytestmark = pytest.mark.long
SECONDS = 120.0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released.unpacked(tmp_path_factory.mktemp("released"))


@pytest.fixture(scope="module")
def stack(run_stack: RunStack, wheel: Path) -> Iterator[Stack]:
    with scanner() as found:
        clamd = {"CLAMD_HOST": found.host, "CLAMD_PORT": str(found.port)}
        options = Options(prepare=partial(old_register, wheel=wheel), extra_env={"intake": clamd})
        with run_stack("compatibility", options) as started:
            yield started


def old_register(broker: Broker, wheel: Path) -> None:
    """The registers as the published release wrote them: by the command line, of what its contracts know."""
    partners = [
        each.model_dump(mode="json", include={"partner_id", "name", "suspended", "mous"}) for each in load_partners()
    ]
    bodies = [{"type": PartnerRegistered.type, "value": value} for value in partners]
    bodies += [{"type": ForceRegistered.type, "value": {"force_id": force_id}} for force_id in forces()]
    producer = Producer({**broker.librdkafka(ADMIN), "log_level": 0})
    for body, record in zip(bodies, released.ask(wheel, "write", bodies), strict=True):
        value: dict[str, str] = body["value"]
        headers = {**dict(record["headers"]), "ce_id": str(uuid7())}
        of_partner = "partner_id" in value
        topic, key = (PARTNERS, value["partner_id"]) if of_partner else (FORCES, value["force_id"])
        producer.produce(topic.name(), record["value"], key, headers=headers)
    assert producer.flush(30) == 0


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


def test_published_kits_hand_cases_over_on_todays_stack(stack: Stack, wheel: Path, tmp_path: Path) -> None:

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


def test_intake_and_notification_follow_the_new_writer_of_an_old_register_without_a_restart(
    stack: Stack, tmp_path: Path
) -> None:
    before = read_registers(stack.broker).partners["open-door"]
    assert before.contact.email is None
    started = {each.name: each.pid for each in stack.processes()}
    order(stack, tmp_path, "onboard", "open-door", "--email", "team@open-door.example")
    order(stack, tmp_path, "suspend", "open-door", "--wholly")
    after = read_registers(stack.broker).partners["open-door"]
    assert after == before.model_copy(
        update={"suspended": True, "contact": Contact(email="team@open-door.example"), "generation": 1}
    )
    wait_for_row(stack.dsns["intake"], "SELECT 1 FROM partners WHERE partner_id = 'open-door' AND suspended")
    told = "SELECT 1 FROM contacts WHERE ladder::text LIKE '%team@open-door.example%'"
    wait_for_row(stack.dsns["notification"], told)
    assert {each.name: each.pid for each in stack.processes()} == started
    for service in ("intake", "notification", "programme"):
        with psycopg.connect(stack.dsns[service]) as connection:
            assert connection.execute("SELECT count(*) FROM dead_letters").fetchone() == (0,)


def order(stack: Stack, folder: Path, act: str, partner_id: str, *options: str) -> None:
    by = ["--apply", "--actor", "tester", "--reason", "the writer of the register changed"]
    command = [sys.executable, "-m", "conduit_operate.cli", "partner", act, partner_id, *options, *by]
    where = ["--state-dir", str(stack.state_dir)]
    done = subprocess.run([*command, *where], cwd=folder, env=outside(), check=True, capture_output=True, text=True)
    assert "not written yet" not in done.stdout


def wait_for_row(dsn: str, query: str) -> None:
    deadline = time.monotonic() + SECONDS
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute(query).fetchone() is None:  # type: ignore[arg-type]  # written here
            assert time.monotonic() < deadline, query
            time.sleep(0.1)
