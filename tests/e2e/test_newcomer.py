"""A partner joins while everything runs, is suspended, and goes on: nothing is restarted, and it uses what it was given.

The partner here is a common Kafka client with the file that the command wrote for it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, Producer

from conduit_contracts import topics
from conduit_local.demo.records import Wire, partner_record
from conduit_local.demo.samples import Sample, load_samples
from conduit_local.stack import Stack
from conduit_operate.env_file import parse_env

NEWCOMER = "newcomer"
MOU = f"MOU-{NEWCOMER.upper()}"
FIRST_REFERRAL_SECONDS = 60.0
STOPPED_SECONDS = 60.0
ANSWER_SECONDS = 30.0


class Partner:
    """Somebody else's system: it knows the file that it was handed, and its own topics."""

    def __init__(self, options: Path, sample: Sample) -> None:
        login = dict(line.split("=", 1) for line in options.read_text().splitlines())
        self._sample = sample
        self._producer = Producer(login)
        group = {"group.id": f"partner.{NEWCOMER}.desk", "auto.offset.reset": "earliest", "log_level": 0}
        self._consumer = Consumer({**login, **group})
        self._consumer.subscribe([topics.PARTNER_UPDATES.name(NEWCOMER)])
        self._heard: list[tuple[str, dict[str, Any]]] = []

    def close(self) -> None:
        self._consumer.close()

    def refer(self) -> str:
        """A new referral; returns its reference."""
        run = uuid.uuid4().hex[:8]
        self._send(partner_record(self._sample, 0, run))
        return self._sample.reference(run)

    def add_information(self, reference: str) -> None:
        run = reference.removesuffix(f"-{self._sample.number}")
        self._send(partner_record(self._sample, 1, run))

    def answer_to(self, reference: str, fact: str | None = None) -> tuple[str, dict[str, Any]]:
        """The first that the hub says about this referral, or about this fact of it."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            for name, body in self._heard:
                if body.get("partner_reference") == reference and fact in (None, body.get("fact")):
                    return name, body
            assert time.monotonic() < deadline, f"nothing was said about {reference}"
            message = self._consumer.poll(1)
            if message is not None and message.error() is None:
                kind = dict(message.headers() or ())["ce_type"]
                assert isinstance(kind, bytes)
                self._heard.append((kind.decode(), json.loads(message.value() or b"")))

    def _send(self, wire: Wire) -> None:
        failures: list[object] = []
        self._producer.produce(
            wire.topic,
            wire.value,
            wire.key,
            headers=[(name, value) for name, value in wire.headers],
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
        assert self._producer.flush(20) == 0
        assert failures == []


Conduit = Callable[..., str]


@pytest.fixture(scope="module")
def conduit(stack: Stack) -> Conduit:
    """The command line, in a process of its own."""

    def run(*arguments: str) -> str:
        by = ("--apply", "--actor", "jo.smith", "--reason", "a test", "--state-dir", str(stack.state_dir))
        command = [sys.executable, "-m", "conduit_operate.cli", *arguments, *by]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def sample() -> Sample:
    """A referral that qualifies, followed by information, as this partner sends it."""
    samples = (each for each in load_samples() if [step.send for step in each.case.steps][:2] == ["referral", "information"])
    found = next(each for each in samples if not any(step.damage or step.misshapen for step in each.case.steps))
    return Sample(found.number, found.name, found.case.model_copy(update={"partner": NEWCOMER}), found.base)


@pytest.fixture(scope="module")
def onboarded(stack: Stack, conduit: Conduit) -> float:
    """The moment at which the command that lets the partner in was given."""
    given = time.monotonic()
    days = ("--valid-from", "2026-01-01", "--valid-to", "2044-01-01")
    conduit("partner", "onboard", NEWCOMER, "--name", "Newcomer (synthetic)", "--mou", MOU, *days, "--http")
    return given


@pytest.fixture(scope="module")
def partner(stack: Stack, onboarded: float, sample: Sample) -> Iterator[Partner]:
    made = Partner(stack.state_dir / "clients" / f"partner.{NEWCOMER}.conf", sample)
    yield made
    made.close()


def test_its_first_referral_is_received_within_a_minute_of_the_command_and_nothing_was_restarted(
    stack: Stack, onboarded: float, partner: Partner
) -> None:
    before = {name: stack.service(name).pid for name in stack.options.services}
    # Its acceptance may be told first: the two come from two services.
    name, answer = partner.answer_to(partner.refer(), "referral_received")
    assert time.monotonic() - onboarded < FIRST_REFERRAL_SECONDS
    assert name.split(".")[-2] == "referral-status-updated"
    assert answer["state"] in ("received", "accepted", "with_forces")
    assert {name: stack.service(name).pid for name in stack.options.services} == before
    assert all(stack.service(name).alive for name in stack.options.services)


def test_a_suspension_stops_new_referrals_within_seconds_and_running_cases_go_on(conduit: Conduit, partner: Partner) -> None:
    running = partner.refer()
    _, received = partner.answer_to(running)
    conduit("partner", "suspend", NEWCOMER)
    suspended = time.monotonic()
    name, answer = partner.answer_to(partner.refer())
    while "rejected" not in name:
        name, answer = partner.answer_to(partner.refer())
        assert time.monotonic() - suspended < STOPPED_SECONDS
    assert {problem["code"] for problem in answer["problems"]} == {"mou_not_in_force"}
    partner.add_information(running)
    assert partner.answer_to(running, "information_supplied")[1]["referral_id"] == received["referral_id"]
    conduit("partner", "resume", NEWCOMER)
    deadline = time.monotonic() + STOPPED_SECONDS
    while "rejected" in partner.answer_to(partner.refer())[0]:
        assert time.monotonic() < deadline


def test_its_secret_of_the_http_api_is_rotated_with_an_overlap_and_ends_with_it(
    stack: Stack, conduit: Conduit, onboarded: float
) -> None:
    file = stack.state_dir / "clients" / "http" / f"{NEWCOMER}.env"
    assert file.stat().st_mode & 0o777 == 0o600
    old = parse_env(file.read_text())
    assert asks_for_a_token(old) == 200
    conduit("partner", "rotate", NEWCOMER)
    new = parse_env(file.read_text())
    assert (asks_for_a_token(old), asks_for_a_token(new)) == (200, 200)
    conduit("partner", "rotate", NEWCOMER, "--finish")
    assert (asks_for_a_token(old), asks_for_a_token(new)) == (401, 200)
    conduit("partner", "offboard", NEWCOMER)
    assert asks_for_a_token(new) == 401


def asks_for_a_token(client: dict[str, str]) -> int:
    login = (client["CONDUIT_CLIENT_ID"], client["CONDUIT_CLIENT_SECRET"])
    form = {"grant_type": "client_credentials"}
    return httpx.post(f"{client['CONDUIT_URL']}/oauth/token", data=form, auth=login, trust_env=False).status_code
