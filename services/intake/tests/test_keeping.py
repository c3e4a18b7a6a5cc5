"""What intake says again of its cases: a receipt with the referral as it was published, while the case is open."""

from conduit_chassis import facts
from conduit_chassis.headers import unpack_headers
from conduit_chassis.snapshots import KeptFact
from conduit_chassis.testing import Harness
from conduit_contracts import intake as contract
from conduit_contracts.topics import INTAKE_REFERRALS
from conduit_intake.keeping import KEEPER
from services.intake.tests.samples import sent, submitted


async def test_a_receipt_comes_back_to_the_byte_while_its_case_is_open(intake: Harness) -> None:
    (published,) = await intake.deliver(sent(submitted()))
    row = await intake.pool.fetchrow("SELECT topic, headers, value, fact FROM outbox")
    assert row
    assert row["topic"] == INTAKE_REFERRALS.name()
    assert b'"referral":' not in row["fact"]
    assert isinstance(published.message, contract.ReferralReceived)
    case = published.message.referral_id
    assert facts.concerns(row["topic"])
    headers = {name: value.decode() for name, value in unpack_headers(row["headers"]) if name}
    receipt = KeptFact(1, row["topic"], 0, 0, published.attributes.time, headers, row["fact"])
    other = receipt._replace(headers={**headers, "ce_id": "other", "ce_type": contract.ReferralWithdrawn.type})
    async with intake.pool.acquire() as connection:
        assert KEEPER.words
        assert await KEEPER.words(connection, [receipt, other]) == {published.attributes.id: row["value"]}
        assert await KEEPER.open_ones(connection, {case}) == {case}
        for state in ("handed_over", "declined", "withdrawn"):
            await connection.execute("UPDATE standings SET state = $1, revision = revision + 1", state)
            assert await KEEPER.open_ones(connection, {case}) == set()
