"""Watches what a partner sends, and answers it on the partner's updates, until everything was seen or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from conduit_conformance.partner_judge import ABOUT, REJECTED_AT, STEPS, PartnerJudge
from conduit_conformance.subject import Subject
from conduit_conformance.verdict import Checks, Verdict
from conduit_conformance.wire import Ear, Mouth, Put
from conduit_contracts.envelope import Attributes, Event, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.topics import PARTNER_REFERRALS, PARTNER_UPDATES
from conduit_operate.broker import Broker

QUIET_SECONDS = 3.0
TICK_SECONDS = 0.2


def run_partner(
    broker: Broker,
    partner_id: str,
    subject: Subject,
    seconds: float,
    tell: Callable[[str], None] = lambda _: None,
    quiet_seconds: float = QUIET_SECONDS,
) -> Verdict:
    """Raises ChildError where the sender's command cannot be run, and TimeoutError where the broker is silent."""
    checks = Checks(ABOUT)
    judge = PartnerJudge(partner_id, checks)
    mouth = Mouth(broker, PARTNER_UPDATES.name(partner_id))
    ear = Ear(broker, PARTNER_REFERRALS.name(partner_id))
    began = last = time.monotonic()
    told: set[str] = set()
    tell(f"watching for: {', '.join(STEPS)}; new referral no. {REJECTED_AT} will be rejected")
    try:
        subject.start()
        while time.monotonic() - began < seconds:
            still = time.monotonic() - last
            if still > quiet_seconds and (judge.complete or subject.has_ended):
                break
            seen = ear.hear(TICK_SECONDS)
            if seen is not None:
                last = time.monotonic()
                mouth.say(*map(_put, judge.take(seen, datetime.now(UTC))))
            for name in STEPS:
                if checks.seen(name) and name not in told:
                    told.add(name)
                    tell(f"seen: {name}")
    finally:
        ear.close()
    note = f"The sender ended with code {subject.exit_code}:\n{subject.tail()}" if subject.exit_code else ""
    return Verdict("partner", partner_id, checks.all(), time.monotonic() - began, note)


def _put(event: Event) -> Put:
    reference = str(getattr(event, "referral_id", None) or getattr(event, "partner_reference", None) or "none")
    headers, value = encode(event, Attributes(str(uuid7()), "/conduit/notification", event.type, datetime.now(UTC)))
    return Put(reference.encode(), headers, value)
