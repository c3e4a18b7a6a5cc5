"""A batch of an outsider's that cannot be read is kept for a person, and answered."""

from conduit_chassis.testing import Harness, raw_record
from conduit_contracts.kits.batches import UnreadableBatch


async def test_an_officers_is_put_aside_and_answered(triage: Harness) -> None:
    batch = UnreadableBatch(b"\x00" * 61 + b"rubbish", 5, 9, "UnknownCodecError")
    told = await triage.deliver(raw_record("triage.reviews.v1", None, [], batch)._replace(offset=9))
    codes = [problem.code for each in told if each.message is not None for problem in each.message.problems]
    assert codes == ["batch_unreadable"]
    assert [row["reason"] for row in await triage.dead_letters()] == ["batch_unreadable"]
