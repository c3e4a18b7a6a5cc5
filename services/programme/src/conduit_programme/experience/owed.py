"""SQL of payments, for finance alone. It knows a conversation by its reference and its partner, and nothing else of it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from conduit_chassis.postgres import Connection, Row
from conduit_programme.experience.rules import PaymentState
from conduit_web.keys import microseconds, newest_first
from conduit_web.lists import FETCH, ListPage, list_page

_SHOWN = """
SELECT payment_id, state, pence, since, conversations.reference, held_on, organisations.name AS partner
FROM payments JOIN conversations USING (conversation_id) JOIN contributors USING (contributor_id)
JOIN organisations AS written ON written.organisation_id = contributors.organisation_id
JOIN organisations ON organisations.organisation_id = coalesce(written.merged_into, written.organisation_id)
"""
_FIND = f"{_SHOWN} WHERE payment_id = $1"
_HOLD = f"{_FIND} FOR UPDATE OF payments"
_NEWEST = f"{_SHOWN} WHERE {{which}} (since, payment_id) < ($1, $2) ORDER BY since DESC, payment_id DESC LIMIT {FETCH}"
_ALL, _IN_STATE = _NEWEST.format(which=""), _NEWEST.format(which="state = $3 AND")
_CHANGE = "UPDATE payments SET state = $2, pence = $3, since = $4 WHERE payment_id = $1"
_STEP = "INSERT INTO payment_steps (payment_id, state, pence, account, at) VALUES ($1, $2, $3, $4, $5)"
_STEPS = "SELECT state, pence, account, at FROM payment_steps WHERE payment_id = $1 ORDER BY step_id"


@dataclass(frozen=True, slots=True)
class KnownPayment:
    """What is due to a contributor for one conversation, through the partner."""

    payment_id: UUID
    reference: str
    partner: str
    held_on: date
    state: PaymentState
    pence: int | None
    since: datetime


@dataclass(frozen=True, slots=True)
class PaymentStep:
    """What became of it, when, and who noted it."""

    state: PaymentState
    pence: int
    account: str
    at: datetime


async def find(connection: Connection, payment_id: UUID) -> KnownPayment | None:
    """The payment of this id."""
    row = await connection.fetchrow(_FIND, payment_id)
    return _payment(row) if row else None


async def hold(connection: Connection, payment_id: UUID) -> KnownPayment | None:
    """The same, and nobody else changes it until the transaction ends."""
    row = await connection.fetchrow(_HOLD, payment_id)
    return _payment(row) if row else None


async def listed(connection: Connection, state: PaymentState | None, after: str | None) -> ListPage[KnownPayment]:
    """In one state or in all, the newest first."""
    asked, more = (_ALL, []) if state is None else (_IN_STATE, [state.value])
    found = [_payment(row) for row in await connection.fetch(asked, *newest_first(after), *more)]
    return list_page(found, lambda each: (microseconds(each.since), str(each.payment_id)))


async def change(
    connection: Connection, payment_id: UUID, state: PaymentState, pence: int, account: str, now: datetime
) -> None:
    """This became of it. Hold it first, and see that it may."""
    await connection.execute(_CHANGE, payment_id, state.value, pence, now)
    await connection.execute(_STEP, payment_id, state.value, pence, account, now)


async def steps(connection: Connection, payment_id: UUID) -> list[PaymentStep]:
    """All that became of it, the first first."""
    return [
        PaymentStep(PaymentState(row["state"]), row["pence"], row["account"], row["at"])
        for row in await connection.fetch(_STEPS, payment_id)
    ]


def _payment(row: Row) -> KnownPayment:
    return KnownPayment(**{**row, "state": PaymentState(row["state"])})
