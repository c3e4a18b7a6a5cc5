"""What stands in a register is read by people: an entry that shows nothing is not written."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from conduit_contracts.programme import Mou, PartnerRegistered
from conduit_contracts.referral import LegalGround
from conduit_operate.broker import external_broker
from conduit_operate.register import RegisterError, _wrong, publish


def test_an_entry_that_shows_nothing_is_refused_at_its_field_before_anything_is_written(tmp_path: Path) -> None:
    nowhere = external_broker(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    with pytest.raises(RegisterError, match="name: This contains only spaces"):
        publish(nowhere, [PartnerRegistered(partner_id="example-haven", name="\u200b")], actor="a.person")


def test_a_day_that_stands_for_no_end_is_refused_but_an_agreement_that_has_one_can_still_be_suspended() -> None:
    days = {"signed_on": date(2026, 1, 5), "valid_from": date(2026, 1, 5), "valid_to": date(9999, 12, 31)}
    for_ever = Mou(reference="M-1", scope="all", review_on=date(2027, 1, 5), legal_ground=LegalGround.PUBLIC_TASK, **days)
    stands = PartnerRegistered(partner_id="example-haven", name="Example Haven", mous=(for_ever,))
    (said,) = _wrong([stands], ())
    assert said.startswith("mous[0].valid_to: Send the real date, from 1900-01-01 to 2099-12-31")
    suspended = stands.model_copy(update={"mous": (for_ever.model_copy(update={"suspended": True}),)})
    assert _wrong([suspended], [stands]) == []
    assert _wrong([suspended], [stands.model_copy(update={"partner_id": "harbour-trust"})]) == [said]
    worse = suspended.model_copy(update={"mous": (*suspended.mous, for_ever.model_copy(update={"reference": "M-2"}))})
    assert [each.partition(":")[0] for each in _wrong([worse], [stands])] == ["mous[1].valid_to"]
