"""What is sent to a force's connector: synthetic cases, and everything around them that a connector must bear."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from conduit_conformance.wire import Put
from conduit_contracts.envelope import Attributes, Event, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.problems import sender_problem
from conduit_contracts.referral import (
    Caseworker,
    Concern,
    HandlingCaveat,
    Numbers,
    OffencePeriod,
    OffencePlace,
    Person,
    Pseudonymous,
    Role,
    Setting,
    Urgency,
)
from conduit_contracts.routing import (
    AcceptanceDisseminated,
    CaseDisseminated,
    CaseSummary,
    DeclineDisseminated,
    ForcesChanged,
    HandoffChased,
    HandoffClosed,
    HomeForceChanged,
    InformationDisseminated,
    Leg,
    ResponseRejected,
    WithdrawalDisseminated,
)

LATER_TYPE = "uk.conduit.routing.conformance-of-a-later-version.v1"
LATER_FIELD = "conformance_of_a_later_version"
CASES_AT_A_CRASH = 5
"""So that one of them is in hand whenever it comes."""
OTHER_FORCE = "conformance-other-force"


@dataclass(frozen=True, slots=True)
class Step:
    """Records sent together, and the cases whose receipt shows that the connector has come through."""

    check: str
    about: str
    records: Sequence[Put]
    cases: Sequence[UUID]
    """Receipt of these is awaited, and an answer in the end."""
    answered: bool = True
    """Whether people are to answer these cases."""
    crash: bool = False
    """Whether the connector is killed as soon as the records are there. `afterwards` come while it is down."""
    afterwards: Sequence[Put] = ()


def script(force_id: str, *, crash: bool) -> list[Step]:
    """In order; each step gives the connector cases that nobody has seen before."""
    first, twice, passing, poisoned, later = (_case(force_id) for _ in range(5))
    first_record, twice_record = put(first), put(twice)
    steps = [
        Step("receipt", "a case", [first_record], [first.referral_id]),
        Step("receipt_once", "the same record twice", [twice_record, twice_record], [twice.referral_id]),
        _other_messages(force_id, first),
        Step("unknown_type", "a message of a later type", [_of_a_later_type(), put(passing)], [passing.referral_id]),
        Step("poison", "records that cannot be read", [*_poison(first), put(poisoned)], [poisoned.referral_id]),
        Step("later_field", "a case with fields of a later version", [_with_later_fields(later)], [later.referral_id]),
    ]
    return [*steps, _crash(force_id, first_record)] if crash else steps


def put(event: Event, event_id: str | None = None) -> Put:
    """The record of an event, as routing writes it."""
    referral_id = str(getattr(event, "referral_id", None) or uuid7())
    attributes = Attributes(event_id or str(uuid7()), "/conduit/routing", event.type, datetime.now(UTC), referral_id)
    headers, value = encode(event, attributes)
    return Put(referral_id.encode(), headers, value)


def _case(force_id: str) -> CaseDisseminated:
    now = datetime.now(UTC)
    return CaseDisseminated(
        force_id=force_id,
        referral_id=uuid7(),
        partner_id="conformance",
        partner_reference=f"CONFORMANCE-{now:%H%M%S%f}",
        caseworker=Caseworker(name="Synthetic caseworker", email="casework@conformance.example"),
        urgency=Urgency.ROUTINE,
        immediate_danger=False,
        provisional=False,
        home_force=OTHER_FORCE,
        interim_safeguarding_owner=OTHER_FORCE,
        forces=(OTHER_FORCE, force_id),
        summary=CaseSummary(
            concerns=(Concern.GROOMING,),
            setting=Setting.ONLINE,
            offence_period=OffencePeriod(),
            numbers=Numbers(victims_known=6),
            persons_elsewhere=5,
        ),
        persons=(Person(person_id="V1", role=Role.VICTIM, identity=Pseudonymous(pseudonym="Synthetic"), place_ids=("L1",)),),
        places=(OffencePlace(place_id="L1", force_id=force_id, description="Synthetic place"),),
        handling=HandlingCaveat(),
        receipt_due_at=now + timedelta(hours=1),
        acknowledgement_due_at=now + timedelta(days=1),
    )


def _other_messages(force_id: str, first: CaseDisseminated) -> Step:
    """Every other message there is. The last three end a case, so they are about one that nobody need answer."""
    now, ended, marker = datetime.now(UTC), _case(force_id), _case(force_id)
    about: dict[str, Any] = {"force_id": force_id, "referral_id": first.referral_id}
    ends: dict[str, Any] = {"force_id": force_id, "referral_id": ended.referral_id}
    problem = sender_problem("field_missing", "team")
    events = [
        InformationDisseminated(**about, corrects=False, supplied_at=now),
        HomeForceChanged(**about, home_force=force_id),
        ForcesChanged(**about, forces=(force_id,)),
        AcceptanceDisseminated(**about),
        HandoffChased(**about, leg=Leg.ACKNOWLEDGEMENT, due_at=now, escalation_level=0),
        ResponseRejected(**about, response_id="conformance/0/0", problems=(problem,)),
        ended,
        WithdrawalDisseminated(**ends, reason=WithdrawalReason.SENT_IN_ERROR),
        DeclineDisseminated(**ends),
        HandoffClosed(**ends),
        marker,
    ]
    records = [put(event) for event in events]
    cases = [ended.referral_id, marker.referral_id]
    return Step("other_messages", "every other message to forces", records, cases, answered=False)


def _of_a_later_type() -> Put:
    referral_id = str(uuid7())
    attributes = Attributes(str(uuid7()), "/conduit/routing", LATER_TYPE, datetime.now(UTC), referral_id)
    headers, _ = encode(DeclineDisseminated(force_id="conformance", referral_id=uuid7()), attributes)
    return Put(referral_id.encode(), headers, b'{"anything": ["that", {"came": "later"}]}')


def _poison(case: CaseDisseminated) -> list[Put]:
    """Not JSON; no CloudEvent; a case without what a case must have."""
    good = put(case)
    return [
        Put(good.key, put(case).headers, b"\xff\xfe not JSON"),
        Put(good.key, [], good.value),
        Put(good.key, put(case).headers, b'{"force_id": 1}'),
    ]


def _with_later_fields(case: CaseDisseminated) -> Put:
    record = put(case)
    body = json.loads(record.value)
    body[LATER_FIELD] = body["summary"][LATER_FIELD] = {"of": "no concern"}
    return Put(record.key, record.headers, json.dumps(body).encode())


def _crash(force_id: str, first_record: Put) -> Step:
    """Some cases just before the end, one while it is down; and the first one, which it must remember, once more."""
    before, meanwhile = [_case(force_id) for _ in range(CASES_AT_A_CRASH)], _case(force_id)
    return Step(
        check="crash",
        about="kill -9 in the middle of some cases",
        records=[put(case) for case in before],
        cases=[*(case.referral_id for case in before), meanwhile.referral_id],
        crash=True,
        afterwards=[first_record, put(meanwhile)],
    )
