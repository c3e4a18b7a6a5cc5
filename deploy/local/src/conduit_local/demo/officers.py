"""Named officers who act as a sample says, once they see on the topics that they are asked to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from uuid import UUID

from conduit_contracts import topics
from conduit_contracts.envelope import Command
from conduit_contracts.routing import NameHomeForce, RerouteHandoff, SendToProfessionalStandards, StandDownHandoff
from conduit_contracts.triage import DecideReview, ReviewOutcome
from conduit_local.demo.cases import Act
from conduit_local.demo.observations import Seen
from conduit_local.demo.records import Wire
from conduit_local.demo.samples import Sample
from conduit_local.local_officers import LocalOfficers

_TOPICS: Mapping[type[Command], str] = {
    DecideReview: topics.TRIAGE_REVIEWS.name(),
    NameHomeForce: topics.ROUTING_REVIEWS.name(),
    RerouteHandoff: topics.ROUTING_REVIEWS.name(),
    StandDownHandoff: topics.ROUTING_REVIEWS.name(),
    SendToProfessionalStandards: topics.ROUTING_REVIEWS.name(),
}
_READS = ("intake.referrals", "triage.decisions", "routing.cases")


class Officers:
    """Feed it each record once; it gives the commands that officers publish then."""

    def __init__(self, samples: Mapping[str, Sample], signer: LocalOfficers) -> None:
        self._signer = signer
        self._acts = {number: list(_turns(sample.case.officers)) for number, sample in samples.items()}
        self._counts: dict[str, Counter[str]] = {number: Counter() for number in samples}

    def see(self, number: str, seen: Seen) -> Iterator[Wire]:
        """The commands that this record about a sample moves officers to."""
        if seen.on not in _READS:
            return
        self._counts[number][seen.name] += 1
        turn = (seen.name, self._counts[number][seen.name])
        for waits_for, act in self._acts[number]:
            if waits_for == turn:
                yield _record(act, UUID(seen.value["referral_id"]), self._signer)


def _turns(acts: Iterable[Act]) -> Iterator[tuple[tuple[str, int], Act]]:
    """Each act with the event, and which occurrence of it, that it waits for."""
    before: Counter[str] = Counter()
    for act in acts:
        before[act.when] += 1
        yield (act.when, act.nth or before[act.when]), act


def _record(act: Act, referral_id: UUID, signer: LocalOfficers) -> Wire:
    command = _COMMANDS[act.do](act, referral_id)
    headers, value = signer.command(_TOPICS[type(command)], command)
    if act.do == "send_garbage":
        value = b'{"officer_id": "' + act.officer.encode() + b'"}'
    return Wire(_TOPICS[type(command)], str(referral_id).encode(), headers, value)


def _decide(act: Act, referral_id: UUID, outcome: ReviewOutcome) -> Command:
    return DecideReview(
        referral_id=referral_id,
        officer_id=act.officer,
        outcome=outcome,
        grounds=act.grounds,
        home_force=act.home_force,
        decline_reason=act.reason,
        comment=act.comment,
    )


def _name_home_force(act: Act, referral_id: UUID) -> Command:
    return NameHomeForce(
        referral_id=referral_id, officer_id=act.officer, home_force=act.home_force or "", reason=act.comment
    )


def _reroute(act: Act, referral_id: UUID) -> Command:
    return RerouteHandoff(
        referral_id=referral_id,
        officer_id=act.officer,
        from_force=act.from_force or "",
        to_force=act.to_force or "",
        reason=act.comment,
    )


def _stand_down(act: Act, referral_id: UUID) -> Command:
    return StandDownHandoff(
        referral_id=referral_id, officer_id=act.officer, force_id=act.from_force or "", reason=act.comment
    )


def _send_to_standards(act: Act, referral_id: UUID) -> Command:
    return SendToProfessionalStandards(
        referral_id=referral_id, officer_id=act.officer, force_id=act.to_force or "", reason=act.comment
    )


_COMMANDS: Mapping[str, Callable[[Act, UUID], Command]] = {
    "accept": partial(_decide, outcome=ReviewOutcome.ACCEPT),
    "decline": partial(_decide, outcome=ReviewOutcome.DECLINE),
    "request_information": partial(_decide, outcome=ReviewOutcome.REQUEST_INFORMATION),
    "send_garbage": partial(_decide, outcome=ReviewOutcome.REQUEST_INFORMATION),
    "name_home_force": _name_home_force,
    "reroute": _reroute,
    "stand_down": _stand_down,
    "send_to_standards": _send_to_standards,
}
