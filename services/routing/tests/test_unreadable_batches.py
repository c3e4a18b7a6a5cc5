"""A batch of an outsider's that cannot be read is kept for a person, and answered."""

import pytest

from conduit_chassis.testing import Harness, raw_record
from conduit_contracts.kits.batches import UnreadableBatch


@pytest.mark.parametrize("topic", ["force.kent.responses.v1", "routing.reviews.v1"])
async def test_a_forces_or_an_officers_is_put_aside_and_answered(routing: Harness, topic: str) -> None:
    batch = UnreadableBatch(b"\x00" * 61 + b"rubbish", 5, 9, "UnknownCodecError")
    told = await routing.deliver(raw_record(topic, None, [], batch)._replace(offset=9))
    codes = [problem.code for each in told if each.message is not None for problem in each.message.problems]
    assert codes == ["batch_unreadable"]
    assert [row["reason"] for row in await routing.dead_letters()] == ["batch_unreadable"]
