"""A batch of an outsider's that cannot be read is kept for a person, and answered."""

import pytest

from conduit_chassis.testing import Harness, raw_record
from conduit_contracts.kits.batches import UnreadableBatch


@pytest.mark.parametrize("held", [b"", b"\x00" * 61 + b"rubbish"])
async def test_a_partners_is_put_aside_and_the_partner_is_told_which_records_to_send_again(
    intake: Harness, held: bytes
) -> None:
    batch = UnreadableBatch(held, 5, 9, "BrokenChecksumError")
    told = await intake.deliver(raw_record("partner.northlight.referrals.v1", None, [], batch)._replace(offset=9))
    (rejected,) = [each.message for each in told if each.topic == "intake.referrals.v1"]
    (problem,) = rejected.problems
    assert (rejected.partner_id, problem.code) == ("northlight", "batch_unreadable")
    assert "offsets 5 to 9" in problem.message
    (letter,) = await intake.dead_letters()
    assert (letter["reason"], letter["error_class"], letter["blamed"]) == (
        "batch_unreadable",
        "BrokenChecksumError",
        "northlight",
    )
