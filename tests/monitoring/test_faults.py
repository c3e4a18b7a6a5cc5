"""A fault of the running stack raises the right alert at Alertmanager, and only that; once it is mended, all is quiet.

The rules are the committed ones with shorter times (see `quick_rules.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

import pytest

from conduit_local.observability.api import Alert, until
from tests.monitoring import quick_rules
from tests.monitoring.faults import FAULTS, Fault
from tests.monitoring.watched import Watched, watched_stack

RAISE_SECONDS = 90.0
LINGER_SECONDS = 240.0
"""Windows of an hour are three minutes here, and an alert on what happened within one lingers so long."""
HOLD_SECONDS = 4.0

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_200)]


@dataclass
class Breakable:
    """A watched stack, and what is known of the faults that it has had: their echoes are none of the next one's."""

    watched: Watched
    lingering: set[tuple[str, str]] = field(default_factory=set)
    """Alerts on what happened within a time, each by its name and when it began. One that begins again is another."""
    aftermath: dict[str, float] = field(default_factory=dict)
    """Alerts that may still come of faults before, and until when."""

    def heard(self, own: frozenset[str] = frozenset()) -> set[str]:
        """What is active and no echo. A fault's `own` alerts are never taken for one of an aftermath."""
        echoes = {name for name, until in self.aftermath.items() if time.monotonic() < until} - own
        return {
            alert.name
            for alert in self._active()
            if alert.name not in echoes and (alert.name, alert.since) not in self.lingering
        }

    def note(self, fault: Fault) -> None:
        """The fault is mended, or was never done."""
        if fault.lingers:
            self.lingering |= {(alert.name, alert.since) for alert in self._active() if alert.name in fault.alerts}
        self.aftermath |= dict.fromkeys(fault.aftermath, time.monotonic() + LINGER_SECONDS)
        self.aftermath |= dict.fromkeys(fault.scar, inf)

    def _active(self) -> list[Alert]:
        return [alert for alert in self.watched.watch.alertmanager.alerts() if alert.state == "active"]


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    """A stack of its own, with quick rules and some harmless referrals behind it."""
    folder = tmp_path_factory.mktemp("quick")
    with watched_stack(rules=quick_rules.write(folder), policy=quick_rules.policy(folder)) as made:
        made.load("BEFORE", ["001", "003", "008"])
        # Intake counts its partners now and then: until it has, an empty register is on its way to be an alert.
        made.watch.prometheus.wait("max(conduit_intake_partners) > 0", RAISE_SECONDS)
        yield Breakable(made)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_raises_the_right_alert_and_only_that(breakable: Breakable, fault: Fault) -> None:
    heard, own = breakable.heard, fault.alerts
    until(lambda: not heard(own), f"not quiet before: {heard(own)}", LINGER_SECONDS)
    try:
        with fault.inject(breakable.watched):
            until(lambda: heard(own) - fault.onset >= fault.alerts, f"{set(fault.alerts)} is not raised", RAISE_SECONDS)
            until(lambda: not heard(own) & fault.onset, f"{set(fault.onset)} does not end", RAISE_SECONDS)
            _holds(breakable, fault)
            for alert in breakable.watched.watch.alertmanager.alerts():
                assert "error" not in alert.annotations["description"], alert.annotations  # a template that failed says so
    finally:
        breakable.note(fault)
    until(lambda: not heard(), f"not quiet again: {heard()}", RAISE_SECONDS)


def _holds(breakable: Breakable, fault: Fault) -> None:
    """Nothing else comes for a while: symptoms follow their cause by seconds."""
    deadline = time.monotonic() + HOLD_SECONDS
    while time.monotonic() < deadline:
        assert breakable.heard(fault.alerts) == fault.alerts
        time.sleep(0.25)
