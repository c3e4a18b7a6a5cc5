"""The wiring: what stops a start."""

from pathlib import Path

import pytest

from conduit_chassis.errors import ConfigurationError
from conduit_chassis.outbox import Outbox
from conduit_chassis.runtime import Runtime
from conduit_chassis.testing import Harness, harness
from conduit_triage.app import create_service
from services.triage.tests.builders import NOW
from services.triage.tests.conftest import POLICY_FILE


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("victims_at_least = 5", "victims_at_least = 0"), "triage.victims_at_least"),
        (("suspects_at_least = 3", "suspects_atleast = 3"), "triage.suspects_atleast"),
        (("[triage.decline_reasons.duplicate]", "[triage.decline_reasons.double]"), "triage.decline_reasons.double"),
        (("[triage]", "[tirage]"), "triage.victims_at_least"),
    ],
)
async def test_a_policy_that_cannot_be_used_stops_the_start_and_names_the_key(
    database: str, tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    broken = tmp_path / "policy.toml"
    broken.write_text(POLICY_FILE.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    service = create_service()
    with pytest.raises(ConfigurationError, match=complaint):
        async with harness(service, database, policy_file=broken):
            pass


async def test_without_a_policy_nothing_is_decided(triage: Harness) -> None:
    runtime = triage.runtime
    before = Runtime(runtime.service, runtime.settings, runtime.pool, runtime.clock, runtime.health)
    with pytest.raises(RuntimeError, match="not started"):
        await before.service.handle(before, None, [], Outbox("triage", NOW))
