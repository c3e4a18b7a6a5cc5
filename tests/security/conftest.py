"""A secured Kafka with partners, forces, services and staff, as `conduit up` makes it, without the services themselves."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conduit_local.demo.engagement import fill_engagement
from conduit_local.demo.register_samples import register_samples
from conduit_local.kafka import EmbeddedKafka
from conduit_local.stack import Options, Stack
from conduit_operate.broker import Broker, local_broker
from conduit_operate.doors import open_doors
from conduit_operate.secured import secure
from tests.support.stacks import RunStack

PARTNERS = ("abc", "abc-d", "abc-d-e", "ab", "northlight")
"""Some begin with the whole name of another, which a careless prefix would mistake for it."""
FORCES = ("surrey", "sussex", "kent", "essex", "north-wales")


@contextmanager
def secured_kafka() -> Iterator[Broker]:
    state_dir = Path(tempfile.mkdtemp(prefix="conduit-test-"))
    kafka = EmbeddedKafka(state_dir, security=secure(state_dir))
    try:
        kafka.start()
        made = local_broker(state_dir, kafka.bootstrap_servers, secured=True)
        open_doors(made, PARTNERS, FORCES)
        yield made
    finally:
        kafka.stop()
        shutil.rmtree(state_dir, ignore_errors=True)


@pytest.fixture(scope="package")
def broker() -> Iterator[Broker]:
    """For tests that change nothing on it."""
    with secured_kafka() as made:
        yield made


@pytest.fixture(scope="module")
def changing_broker() -> Iterator[Broker]:
    """For tests that let others in."""
    with secured_kafka() as made:
        yield made


@pytest.fixture(scope="package")
def desks(run_stack: RunStack) -> Iterator[Stack]:
    """The console and the programme, for people to come in."""
    options = Options(
        services=("console", "programme"),
        partner_ids=("northlight",),
        force_ids=("west-midlands",),
        pages=True,
        prepare=register_samples,
    )
    with run_stack("desks", options) as started:
        fill_engagement(started)
        yield started
