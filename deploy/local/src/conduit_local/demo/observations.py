"""What the topics show of one referral: a pure fold over the records seen, in the order in which each topic has them.

A record may be seen twice, after a relay's retry; it is then the same to the event id, and counts once. Two records of the
same content under two ids are two effects, and the counts show it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conduit_contracts import topics
from conduit_contracts.routing import HandoffState


@dataclass(frozen=True, slots=True)
class Seen:
    """One record on a topic. `name` is its event type without prefix and version, as in `handoff_received`."""

    topic: str
    principal: str
    """Whose topic it is: a partner, a force, or "" within the hub."""
    name: str
    event_id: str
    at: float
    """Unix seconds, by the producer's clock."""
    value: Mapping[str, Any]
    text: str
    """The whole value as it travelled."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def on(self) -> str:
        """The topic without its principal, for example `force.cases`."""
        parts = self.topic.split(".")
        return ".".join(parts[:1] + parts[-2:-1])


@dataclass
class Outcome:
    """Everything that came of one referral, as far as it has been seen."""

    referral_ids: set[str] = field(default_factory=set)
    accepted_by: str | None = None
    declined_by: str | None = None
    reviewed: set[str] = field(default_factory=set)
    grounds: set[str] = field(default_factory=set)
    routing_reviews: set[str] = field(default_factory=set)
    home: str | None = None
    basis: str | None = None
    handoffs: dict[str, str] = field(default_factory=dict)
    state: str | None = None
    revisions: list[int] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    next_steps: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    dead_letters: set[str] = field(default_factory=set)
    repeated: int = 0
    chased: Counter[str] = field(default_factory=Counter)
    escalated: Counter[str] = field(default_factory=Counter)
    ignored: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    warned: list[str] = field(default_factory=list)
    kept_from: set[str] = field(default_factory=set)
    standards_told: set[str] = field(default_factory=set)
    responses_rejected: Counter[str] = field(default_factory=Counter)
    got: dict[str, Counter[str]] = field(default_factory=dict)
    """By force, how many records of each name it got."""
    force_records: dict[str, list[str]] = field(default_factory=dict)
    """By force, all that it was ever sent about the case, as `plain_json`."""
    sent_twice: set[str] = field(default_factory=set)
    """Records of the same content under two event ids."""
    partner_records: list[str] = field(default_factory=list)
    moments: dict[tuple[str, str], float] = field(default_factory=dict)
    """When something was first so: `sent`, or a leg of one force's hand-off, or the partner told of one state."""
    first_forces: tuple[str, ...] = ()
    """Those that the case went to first."""

    @property
    def decision(self) -> str:
        """In the words of the samples."""
        if self.accepted_by:
            return f"accepted by {self.accepted_by}"
        if self.declined_by:
            return f"declined by {self.declined_by}"
        if self.state == "withdrawn":
            return "withdrawn"
        if self.reviewed:
            return "under review"
        if self.rejected and not self.referral_ids:
            return "rejected"
        return "dead-lettered" if self.dead_letters else "nothing yet"


def fold(outcome: Outcome, seen: Seen) -> None:
    """What one record adds to an outcome. Records of one topic come in its order; those of different topics in any."""
    if referral_id := seen.value.get("referral_id"):
        outcome.referral_ids.add(referral_id)
    FOLDS.get(seen.on, _nothing)(outcome, seen)


def _nothing(_outcome: Outcome, _seen: Seen) -> None:
    """Topics that say nothing about what became of a referral."""


def _by_partner(outcome: Outcome, seen: Seen) -> None:
    outcome.moments.setdefault(("sent", ""), seen.at)


def _by_intake(outcome: Outcome, seen: Seen) -> None:
    outcome.repeated += seen.name == "submission_repeated"
    outcome.warned += [f"{warning['code']} at {warning['field']}" for warning in seen.value.get("warnings", ())]


def _by_triage(outcome: Outcome, seen: Seen) -> None:
    value = seen.value
    if seen.name == "review_opened":
        outcome.reviewed |= set(value["reasons"])
        outcome.declined_by = None
    elif seen.name == "referral_accepted":
        outcome.accepted_by = value["decided_by"].get("officer_id", "rules")
        outcome.grounds = set(value["grounds"])
    elif seen.name == "referral_declined":
        outcome.declined_by = value["officer_id"]
    else:
        _to_officer(outcome, seen)


def _by_routing(outcome: Outcome, seen: Seen) -> None:
    value = seen.value
    force_id = value.get("force_id", "")
    if seen.name == "case_routed":
        outcome.home, outcome.basis = value.get("home_force"), value.get("basis")
        outcome.first_forces = outcome.first_forces or tuple(value["added"])
        for added in value["added"]:
            outcome.handoffs[added] = HandoffState.DISSEMINATED
    elif seen.name == "home_force_named":
        outcome.home, outcome.basis = value["home_force"], "named_by_officer"
    elif seen.name == "routing_review_opened":
        outcome.routing_reviews |= set(value["reasons"])
    elif seen.name in _HANDOFFS:
        outcome.handoffs[force_id] = _HANDOFFS[seen.name]
        outcome.moments.setdefault((_HANDOFFS[seen.name], force_id), seen.at)
    elif seen.name == "handoff_overdue":
        outcome.chased[force_id] += 1
    elif seen.name == "handoff_escalated":
        outcome.escalated[force_id] += 1
    else:
        _to_officer(outcome, seen)
        _of_police_suspects(outcome, seen)


def _to_officer(outcome: Outcome, seen: Seen) -> None:
    if seen.name == "command_ignored":
        outcome.ignored.add(seen.value["code"])
    elif seen.name == "command_refused":
        outcome.refused |= {f"{problem['code']} at {problem['field']}" for problem in seen.value["problems"]}


def _of_police_suspects(outcome: Outcome, seen: Seen) -> None:
    if seen.name == "case_restricted":
        outcome.kept_from |= set(seen.value["kept_from"])
    elif seen.name == "professional_standards_informed":
        outcome.standards_told.add(seen.value["force_id"])


_HANDOFFS = {
    "handoff_received": HandoffState.RECEIVED,
    "handoff_acknowledged": HandoffState.ACKNOWLEDGED,
    "handoff_acknowledged_by_telephone": HandoffState.ACKNOWLEDGED,
    "handoff_declined": HandoffState.DECLINED,
    "handoff_stood_down": HandoffState.STOOD_DOWN,
}


def _to_force(outcome: Outcome, seen: Seen) -> None:
    outcome.got.setdefault(seen.principal, Counter())[seen.name] += 1
    text = plain_json(seen.value)
    if seen.name != "handoff_chased" and text in outcome.force_records.get(seen.principal, ()):
        outcome.sent_twice.add(f"{seen.name} to {seen.principal}")
    outcome.force_records.setdefault(seen.principal, []).append(text)
    outcome.responses_rejected[seen.principal] += seen.name == "response_rejected"
    if seen.name == "case_disseminated":
        outcome.moments.setdefault(("disseminated", seen.principal), seen.at)


def _to_partner(outcome: Outcome, seen: Seen) -> None:
    value = seen.value
    outcome.partner_records.append(plain_json(seen.value))
    if seen.name == "submission_rejected":
        outcome.rejected += [f"{problem['code']} at {problem['field']}" for problem in value["problems"]]
        return
    outcome.state = value["state"]
    outcome.revisions.append(value["revision"])
    outcome.told[value["fact"]] += 1
    outcome.next_steps.append(value.get("next_step", ""))
    outcome.moments.setdefault(("told", value["state"]), seen.at)


def _dead(outcome: Outcome, seen: Seen) -> None:
    outcome.dead_letters.add(f"{seen.headers.get('conduit-service')}: {seen.headers.get('conduit-reason')}")


def plain_json(value: object) -> str:
    """One spelling of a JSON value, in which a text can be looked for."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


FOLDS: Mapping[str, Callable[[Outcome, Seen], None]] = {
    "partner.referrals": _by_partner,
    "intake.referrals": _by_intake,
    "triage.decisions": _by_triage,
    "routing.cases": _by_routing,
    "force.cases": _to_force,
    "partner.updates": _to_partner,
    **{f"{service}.dead-letters": _dead for service in topics.SERVICES},
}


LEGS = ("disseminated", "received", "acknowledged", "told")


def legs(outcome: Outcome) -> list[tuple[str, float]]:
    """Seconds from the partner's sending until all the first forces were at each leg, and the partner heard the end."""
    sent = outcome.moments.get(("sent", ""))
    if sent is None:
        return []
    wanted = {leg: [(leg, force) for force in outcome.first_forces] for leg in LEGS}
    wanted["told"] = [("told", outcome.state or "")]
    return [
        (leg, max(outcome.moments[key] for key in keys) - sent)
        for leg, keys in wanted.items()
        if keys and all(key in outcome.moments for key in keys)
    ]
