"""How routing is put together."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conduit_chassis.errors import ConfigurationError
from conduit_chassis.health import Health
from conduit_chassis.policy import load_policy
from conduit_chassis.runtime import Runtime
from conduit_chassis.testing import ManualClock
from conduit_contracts.topics import consumed_by
from conduit_routing.app import SERVICE, create_service
from conduit_routing.policy import RoutingPolicy
from conduit_routing.settings import RoutingSettings
from services.routing.tests.conftest import POLICY_FILE


def settings(**given: Any) -> RoutingSettings:
    return RoutingSettings(kafka_bootstrap_servers="unused:9092", postgres_dsn="postgresql://unused", **given)


def runtime(policy_file: Path) -> Any:
    return SimpleNamespace(settings=settings(policy_file=policy_file), clock=ManualClock(), pool=None)


def test_it_reads_what_the_registry_says() -> None:
    assert SERVICE.reads() == consumed_by("routing")


def test_a_policy_that_cannot_be_used_stops_the_start_and_names_the_key(tmp_path: Path) -> None:
    broken = tmp_path / "policy.toml"
    broken.write_text(
        POLICY_FILE.read_text(encoding="utf-8").replace("chase_every = 300", "chase_evry = 300"), encoding="utf-8"
    )
    with pytest.raises(ConfigurationError, match=r"routing\.clocks\.immediate_danger\.chase_evry"):
        create_service().start(runtime(broken))


async def test_before_its_start_it_handles_nothing() -> None:
    unstarted = Runtime(SERVICE, settings(policy_file=POLICY_FILE), None, ManualClock(), Health())
    with pytest.raises(RuntimeError, match="not started"):
        await SERVICE.handle(unstarted, None, [], None)  # type: ignore[arg-type]


def test_the_deployed_policy_has_a_clock_for_every_priority_class() -> None:
    policy = load_policy(POLICY_FILE, "routing", RoutingPolicy)
    assert set(type(policy.clocks).model_fields) == {"immediate_danger", "urgent", "priority", "routine"}
