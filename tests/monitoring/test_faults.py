"""A fault of the running stack raises the right alert at Alertmanager, and only that; once it is mended, all is quiet.

The rules are the committed ones with shorter times (see `quick_rules.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from conduit_local.observability.api import until
from tests.monitoring import quick_rules
from tests.monitoring.faults import FAULTS, Fault
from tests.monitoring.watched import Watched, watched_stack

RAISE_SECONDS = 60.0
QUIET_SECONDS = 240.0
"""Windows of an hour are three minutes here, and an alert on what happened within one lingers so long."""
HOLD_SECONDS = 4.0

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_200)]


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A stack of its own, with quick rules and some harmless referrals behind it."""
    with watched_stack(rules=quick_rules.write(tmp_path_factory.mktemp("rules"))) as made:
        made.load("BEFORE", ["001", "003", "008"])
        # Intake counts its partners now and then: until it has, an empty register is on its way to be an alert.
        made.watch.prometheus.wait("max(conduit_intake_partners) > 0", RAISE_SECONDS)
        yield made


def heard(watched: Watched) -> set[str]:
    return watched.watch.alertmanager.active()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_raises_the_right_alert_and_only_that(breakable: Watched, fault: Fault) -> None:
    until(lambda: not heard(breakable), f"not quiet before: {heard(breakable)}", QUIET_SECONDS)
    with fault.inject(breakable):
        until(lambda: heard(breakable) >= fault.alerts, f"{set(fault.alerts)} is not raised", RAISE_SECONDS)
        _holds(breakable, fault)
        for alert in breakable.watch.alertmanager.alerts():
            assert "error" not in alert.annotations["description"], alert.annotations  # a template that failed says so
    if not fault.lingers:
        until(lambda: not heard(breakable) - fault.aftermath, f"not quiet again: {heard(breakable)}", RAISE_SECONDS)


def _holds(watched: Watched, fault: Fault) -> None:
    """Nothing else comes for a while: symptoms follow their cause by seconds."""
    deadline = time.monotonic() + HOLD_SECONDS
    while time.monotonic() < deadline:
        assert heard(watched) == fault.alerts
        time.sleep(0.25)
