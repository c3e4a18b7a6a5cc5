"""What an officer can decide: what a page asks for each decision, when it is open, and the command that follows. Pure.

A decision is in `DECISIONS` and nowhere else: its pages, its form and its command come from here. Those on triage's question
stand here, those about hand-offs and what is recorded of calls in `deciding_handoffs`.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from conduit_console import deciding_handoffs
from conduit_console.cases import AskedBy, FollowedCase
from conduit_console.deciding_handoffs import HISTORY
from conduit_console.decision_forms import Answers, Offer, OfficersDecision, Question, Shape
from conduit_contracts.envelope import Command
from conduit_contracts.referral import Ground
from conduit_contracts.triage import DecideReview, DeclineReason, ReviewOutcome
from conduit_web.access import Action
from conduit_web.words import N_


def _triage(outcome: ReviewOutcome, **more: Any) -> tuple[type[Command], dict[str, Any]]:
    return DecideReview, {"outcome": outcome, **{name: value for name, value in more.items() if value}}


def _accept(said: Answers) -> tuple[type[Command], dict[str, Any]]:
    grounds = tuple(Ground(each) for each in said["grounds"].split())
    more = {"grounds": grounds, "home_force": said["home_force"], "comment": said["comment"]}
    return _triage(ReviewOutcome.ACCEPT, **more)


def _decline(said: Answers) -> tuple[type[Command], dict[str, Any]]:
    reason = DeclineReason(said["decline_reason"])
    return _triage(ReviewOutcome.DECLINE, decline_reason=reason, comment=said["comment"])


def _asked(case: FollowedCase, _now: datetime) -> bool:
    """Triage asks an officer."""
    return AskedBy.TRIAGE in case.questions


ACCEPT = OfficersDecision(
    "accept",
    "accept",
    Action.ACCEPT,
    N_("Accept this referral"),
    N_("Accept"),
    AskedBy.TRIAGE,
    (
        Question(
            "grounds",
            Shape.SEVERAL,
            N_("On which grounds is it complex?"),
            N_("Choose at least one ground."),
            N_("Choose all that hold."),
            Offer.GROUNDS,
        ),
        Question(
            "home_force",
            Shape.FORCE,
            N_("Home force, if you want to name it"),
            hint=N_("Otherwise the rules choose, or ask."),
            offer=Offer.FORCES,
        ),
        Question("comment", Shape.WORDS, N_("Why, if you want to say more"), hint=HISTORY),
    ),
    _accept,
    _asked,
)
ASK = OfficersDecision(
    "ask",
    "ask",
    Action.ASK_FOR_INFORMATION,
    N_("Ask the partner for information"),
    N_("Ask for information"),
    AskedBy.TRIAGE,
    (
        Question(
            "comment",
            Shape.WORDS,
            N_("What do you need to know?"),
            N_("Write what you ask the partner."),
            N_("The partner reads this as you write it. Name nobody whom they do not know already."),
        ),
    ),
    lambda said: _triage(ReviewOutcome.REQUEST_INFORMATION, comment=said["comment"]),
    _asked,
    partner_reads="comment",
    waits_for_reading=True,
)
DECLINE = OfficersDecision(
    "decline",
    "decline",
    Action.DECLINE,
    N_("Decline this referral"),
    N_("Decline"),
    AskedBy.TRIAGE,
    (
        Question(
            "decline_reason",
            Shape.ONE,
            N_("Why does it not meet the criteria?"),
            N_("Choose a reason."),
            offer=Offer.REASONS,
        ),
        Question(
            "comment",
            Shape.WORDS,
            N_("What should the partner know about it?"),
            N_("Write to the partner why you decline."),
            N_("The partner reads this as you write it, together with what they can do instead."),
        ),
    ),
    _decline,
    _asked,
    partner_reads="comment",
    waits_for_reading=True,
)
DECISIONS = (ACCEPT, ASK, DECLINE, *deciding_handoffs.DECISIONS)
BY_CODE: Mapping[str, OfficersDecision] = {each.code: each for each in DECISIONS}


def is_offered(decision: OfficersDecision, case: FollowedCase, sent: Collection[str], now: datetime) -> bool:
    """Whether it is open, and no answer to the same question waits. `sent` are the codes of the decisions that wait."""
    return decision.fits(case, now) and not is_held(decision, case, sent)


def is_held(decision: OfficersDecision, case: FollowedCase, sent: Collection[str]) -> bool:
    """Whether it answers an open question to which one of these answers was sent."""
    answers = {each.code for each in DECISIONS if each.asked_by is decision.asked_by and not each.aside}
    return decision.asked_by in case.questions and not decision.aside and not answers.isdisjoint(sent)
