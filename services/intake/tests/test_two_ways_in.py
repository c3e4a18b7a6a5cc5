"""What a partner sends by Kafka and by HTTP about one referral takes effect in the order in which it was sent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit_chassis.testing import Harness, Published
from conduit_contracts.danger import CALL_999
from conduit_contracts.envelope import dump
from conduit_contracts.ids import uuid7
from conduit_contracts.intake import (
    DangerReported,
    InformationSupplied,
    ReferralReceived,
    ReferralWithdrawn,
    SubmissionRejected,
)
from services.intake.tests.api import added, code, post, refer
from services.intake.tests.samples import sent, submitted, supplied, withdrawn

_numbers = count(1)


class Act(NamedTuple):
    """One of the things that a partner sends about one referral."""

    what: str
    """`referral`, `withdrawal`, or the words that are added."""
    by_http: bool
    danger: bool = False


class Told:
    """What the hub published and answered, whichever way it was asked."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.alarms: set[str] = set()
        self.refused: list[str] = []

    def take(self, published: Sequence[Published]) -> None:
        for message in (each.message for each in published):
            match message:
                case ReferralReceived():
                    self.effects.append("referral")
                case InformationSupplied(supplement=supplement):
                    self.effects.append(supplement.text)
                    if supplement.immediate_danger:
                        self.alarms.add(supplement.text)
                case ReferralWithdrawn():
                    self.effects.append("withdrawal")
                case DangerReported():
                    self.alarms.add(message.submission_id)
                case SubmissionRejected():
                    self.refused.append(message.submission_id)


@st.composite
def _arrivals(draw: st.DrawFn) -> tuple[Act, ...]:
    """In the order in which they reach the hub. By HTTP nothing can be said of a referral that has no id yet."""
    updates = [Act(f"words {number}", draw(st.booleans()), draw(st.booleans())) for number in range(draw(st.integers(1, 4)))]
    if draw(st.booleans()):
        updates.insert(draw(st.integers(0, len(updates))), Act("withdrawal", draw(st.booleans())))
    first = draw(st.integers(0, len(updates)))
    early = [each._replace(by_http=False) for each in updates[:first]]
    return (*early, Act("referral", draw(st.booleans())), *updates[first:])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals=_arrivals(), ticks=st.lists(st.booleans(), min_size=6, max_size=6))
async def test_in_whatever_order_they_come_they_take_effect_as_sent_and_danger_is_heard_at_once(
    intake: Harness, north: httpx.AsyncClient, arrivals: tuple[Act, ...], ticks: list[bool]
) -> None:
    told, reference = Told(), f"NL-{next(_numbers)}"
    for act, tick in zip(arrivals, ticks, strict=False):
        heard = len(told.alarms)
        told.take(await _sent(intake, north, act, reference))
        assert not act.danger or len(told.alarms) > heard, "danger waits for nothing"
        if tick:
            told.take(await intake.tick("settle_early_updates"))
    told.take(await intake.tick("settle_early_updates"))
    assert await intake.pool.fetchval("SELECT count(*) FROM early_updates") == 0
    updates = [each.what for each in arrivals if each.what != "referral"]
    gone = updates.index("withdrawal") + 1 if "withdrawal" in updates else len(updates)
    assert told.effects == ["referral", *updates[:gone]]
    assert len(told.refused) == len(updates[gone:])


async def test_an_id_that_was_never_given_out_is_not_found_and_danger_said_there_is_heard(
    intake: Harness, north: httpx.AsyncClient
) -> None:
    answer = await post(north, f"/v1/referrals/{uuid7()}/information", added(immediate_danger=True))
    assert code(answer) == (404, "referral_not_found")
    assert answer.json()["detail"].startswith(CALL_999)
    (reported,) = [each.message for each in await intake.published() if isinstance(each.message, DangerReported)]
    assert reported.waits_until is None, "nothing of it is kept"


async def _sent(intake: Harness, client: httpx.AsyncClient, act: Act, reference: str) -> list[Published]:
    if act.by_http:
        seen = len(await intake.published())
        assert (await _post(client, act, reference)).status_code in {202, 409}
        return (await intake.published())[seen:]
    if act.what == "referral":
        return await intake.deliver(sent(submitted(partner_reference=reference)))
    if act.what == "withdrawal":
        return await intake.deliver(sent(withdrawn(reference=reference)))
    words = {"text": act.what, "immediate_danger": act.danger or None}
    return await intake.deliver(sent(supplied(partner_reference=reference, **words)))


async def _post(client: httpx.AsyncClient, act: Act, reference: str) -> httpx.Response:
    if act.what == "referral":
        return await refer(client, partner_reference=reference)
    listed = await client.get("/v1/referrals", params={"partner_reference": reference})
    (found,) = listed.json()["items"]
    path = f"/v1/referrals/{found['referral_id']}"
    if act.what == "withdrawal":
        return await post(client, f"{path}/withdrawal", dump(withdrawn(reference=reference)))
    words = {"text": act.what, "immediate_danger": act.danger or None}
    return await post(client, f"{path}/information", added(partner_reference=reference, **words))
