"""What rules make of all that was told, for who decides: by the functions that triage and routing decide by. Pure.

What triage counted when it put the case to an officer or accepted it goes before what the console counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from conduit_console.cases import FollowedCase, RoutingWord, TriageWord
from conduit_console.grounds import ShownPolicy
from conduit_contracts.concerned.content import Content
from conduit_contracts.concerned.proposal import Proposal, forecast
from conduit_contracts.referral import Ground, Numbers, Referral, Supplement
from conduit_contracts.told import Told, count_grounds


@dataclass(frozen=True, slots=True)
class JudgedGround:
    """A counted ground as it was judged, and how many are known by now."""

    ground: Ground
    known: int
    at_least: int
    is_met: bool
    known_now: int

    @property
    def is_met_by_now(self) -> bool:
        """Whether it is not met as it was judged, and would be by what was told since."""
        return not self.is_met and self.known_now >= self.at_least


@dataclass(frozen=True, slots=True)
class Judged:
    """What an officer sees of it."""

    grounds: tuple[JudgedGround, ...]
    policy_version: str
    counted_at: datetime | None
    """When triage counted. None: triage did not say, and the console counts by its own copy of the policy."""
    numbers: Numbers
    would: Proposal | None
    """Where it would go; None once routing has sent it, and where it goes nowhere."""

    @property
    def is_outdated(self) -> bool:
        """Whether something was added that counts."""
        return any(each.known != each.known_now for each in self.grounds)


def judge(
    case: FollowedCase, referral: Referral, supplements: Sequence[Supplement], policy: ShownPolicy, today: date
) -> Judged:
    """What rules make of the case by now."""
    told = Told(referral, supplements)
    counted, said = count_grounds(policy, told), case.assessment
    known_now = {each.ground: each.known for each in counted}
    grounds = tuple(
        JudgedGround(each.ground, each.known, each.at_least, each.is_met, known_now.get(each.ground, each.known))
        for each in (said.grounds if said else counted)
    )
    return Judged(
        grounds,
        said.policy_version if said else policy.version,
        said.at if said else None,
        told.numbers,
        forecast(Content(referral, supplements, size=0), today, policy.safeguarding) if _may_still_go(case) else None,
    )


def _may_still_go(case: FollowedCase) -> bool:
    """Whether routing has still to say where it goes, at least of some forces."""
    sent = case.routing in (RoutingWord.WITH_FORCES, RoutingWord.HANDED_OVER)
    return not sent and not case.withdrawn and case.triage is not TriageWord.DECLINED
