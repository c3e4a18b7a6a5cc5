"""What may happen to a notice, from the rules that say what follows from an attempt.

Where the rules have no say, the statements of the queue have: `kept_from` ends what waits for a force that the case is kept
from. A test takes notices through the queue's own statements, from every state, and finds these moves and no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from conduit_contracts.notification import Channel
from conduit_generate.states.world import NOW, Move
from conduit_local.services import POLICY_FILE
from conduit_notification.notices import Claimed
from conduit_notification.outcomes import AttemptOutcome, Verdict, next_step
from conduit_notification.policy import from_file

QUEUED, DROPPED = "queued", "dropped"
_CAUSES = {
    Verdict.SENT: "the other side took it",
    Verdict.AGAIN: "an attempt failed",
    Verdict.FAILED: "the other side refuses it for good",
    Verdict.DROPPED: "nobody there wants it",
}
_TOO_OLD = "it could not be delivered in time"


def moves(policy_file: Path = POLICY_FILE) -> Iterator[Move]:
    """Every move of a notice."""
    policy = from_file(policy_file)
    yield Move("notice", "", QUEUED, "a fact, or a duty task's call")
    yield Move("notice", QUEUED, DROPPED, "the case is kept from its audience")
    for verdict in Verdict:
        outcome = AttemptOutcome(verdict, "synthetic")
        for age in (0.0, policy.keep_trying_seconds):
            step = next_step(outcome, _claimed(), NOW + timedelta(seconds=age), policy, jitter=0.0)
            too_old = verdict is Verdict.AGAIN and step.wait is None
            yield Move("notice", QUEUED, step.state, _TOO_OLD if too_old else _CAUSES[verdict])


def _claimed() -> Claimed:
    return Claimed(UUID(int=1), "hub:", 0, Channel.EMAIL, "hub_duty_task", None, {}, 1, NOW, None)
