"""Who is signed in, in PostgreSQL: sessions, sign-ins on their way, and orders to end sessions that were followed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from conduit_chassis.clock import Clock
from conduit_chassis.postgres import Pool, Row, transaction
from conduit_web.access import Proof
from conduit_web.opaque import hashed, new_secret
from conduit_web.people import Identity
from conduit_web.tokens import LogoutOrder, Vouched

SEEN_EVERY = timedelta(seconds=30)
"""How exactly it is known when somebody was last here. Finer would be a write for every page."""
KEPT = timedelta(days=30)
"""For how long an ended session is kept, so that a question about it can be answered."""
SIGN_IN_WITHIN = timedelta(minutes=10)

_COLUMNS = """session_id, issuer, subject, second_factor, signed_in_at, level, started_at, seen_at, ends_at, ended_at,
    end_reason"""
_FIND = f"SELECT {_COLUMNS} FROM web_sessions WHERE token_hash = $1"  # noqa: S608 - constant
_OF_IDENTITY = f"""
SELECT {_COLUMNS} FROM web_sessions
WHERE issuer = $1 AND subject = $2 AND ended_at IS NULL AND ends_at > $3 AND seen_at > $4
ORDER BY started_at DESC, session_id
"""  # noqa: S608 - constant
_LIVE_AMONG = """
SELECT session_id FROM web_sessions
WHERE session_id = ANY($1::uuid[]) AND ended_at IS NULL AND ends_at > $2 AND seen_at > $3
"""
_KEPT_FOR_SIGN_OUT = "SELECT id_token FROM web_sessions WHERE session_id = $1"
_DROP_ID_TOKENS = """
UPDATE web_sessions SET id_token = NULL WHERE id_token IS NOT NULL AND (ended_at IS NOT NULL OR ends_at < $1)
"""
_BY_ID = f"SELECT {_COLUMNS} FROM web_sessions WHERE session_id = $1"  # noqa: S608 - constant
_START = """
INSERT INTO web_sessions (session_id, token_hash, issuer, subject, provider_session, second_factor, signed_in_at,
    level, id_token, started_at, seen_at, ends_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)
"""
_SEEN = "UPDATE web_sessions SET seen_at = $2 WHERE session_id = $1 AND ended_at IS NULL AND seen_at < $2"
_END = """
UPDATE web_sessions SET ended_at = $2, end_reason = $3, id_token = NULL WHERE session_id = $1 AND ended_at IS NULL
"""
_END_HERE = """
UPDATE web_sessions SET ended_at = $2, end_reason = $3, id_token = NULL WHERE token_hash = $1 AND ended_at IS NULL
"""
_END_OF_IDENTITY = """
UPDATE web_sessions SET ended_at = $3, end_reason = $4, id_token = NULL
WHERE issuer = $1 AND subject = $2 AND ended_at IS NULL
"""
_END_BY_PROVIDER = """
UPDATE web_sessions SET ended_at = $4, end_reason = 'ended_by_provider', id_token = NULL
WHERE issuer = $1 AND ended_at IS NULL
    AND ($2::text IS NULL OR provider_session = $2) AND ($3::text IS NULL OR subject = $3)
"""
_NOTE_ORDER = """
INSERT INTO web_logout_tokens (issuer, token_id, ends_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING token_id
"""
_FORGET = (
    "DELETE FROM web_sessions WHERE ends_at < $1",
    "DELETE FROM web_sign_ins WHERE ends_at < $1",
    "DELETE FROM web_logout_tokens WHERE ends_at < $1",
)
_BEGIN = """
INSERT INTO web_sign_ins (state_hash, browser_hash, provider, nonce, code_verifier, return_to, fresh, ends_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_TAKE = """
DELETE FROM web_sign_ins WHERE state_hash = $1 AND browser_hash = $2 AND provider = $3
RETURNING provider, nonce, code_verifier, return_to, fresh, ends_at
"""


class EndReason(StrEnum):
    """Why a session is over."""

    SIGNED_OUT = "signed_out"
    ENDED_BY_PERSON = "ended_by_person"
    ENDED_BY_PROVIDER = "ended_by_provider"
    SIGNED_IN_AGAIN = "signed_in_again"
    IDLE = "idle"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in of one person at one browser."""

    session_id: UUID
    identity: Identity
    proof: Proof
    started_at: datetime
    seen_at: datetime
    end_reason: EndReason | None
    """None while it is live."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """What must be known when a person comes back from the provider."""

    provider: str
    nonce: str
    code_verifier: str
    return_to: str
    fresh: bool


class Sessions:
    """The store. Times are the clock's, which is the database's."""

    def __init__(self, pool: Pool, clock: Clock, *, idle: timedelta, longest: timedelta) -> None:
        self._pool, self._clock, self._idle, self._longest = pool, clock, idle, longest

    async def start(self, vouched: Vouched, previous_secret: str | None) -> str:
        """A new session; returns its secret, which is new whatever the browser held. What it held ends."""
        now, secret = self._clock.now(), new_secret()
        identity, proof = vouched.identity, vouched.proof
        async with transaction(self._pool) as connection:
            if previous_secret:
                await connection.execute(_END_HERE, hashed(previous_secret), now, EndReason.SIGNED_IN_AGAIN)
            await connection.execute(
                _START, uuid4(), hashed(secret), *identity, vouched.provider_session, proof.second_factor,
                proof.signed_in_at, proof.level, vouched.id_token, now, now + self._longest,
            )  # fmt: skip
            await connection.execute(_FORGET[0], now - KEPT)
            # Of sessions that ran out by themselves, or that a release ended which knows of no such thing.
            await connection.execute(_DROP_ID_TOKENS, now)
        return secret

    async def find(self, secret: str, *, here: bool = True) -> Session | None:
        """The session of this secret, live or ended. `here` is whether its person did something, as a poll is not."""
        row = await self._pool.fetchrow(_FIND, hashed(secret))
        if row is None:
            return None
        session, now = self._session(row), self._clock.now()
        if here and session.end_reason is None and now - session.seen_at >= SEEN_EVERY:
            await self._pool.execute(_SEEN, session.session_id, now)
        return session

    async def live_of(self, identity: Identity) -> list[Session]:
        """Where this person is signed in, the latest first."""
        now = self._clock.now()
        return [self._session(row) for row in await self._pool.fetch(_OF_IDENTITY, *identity, now, now - self._idle)]

    async def live_among(self, session_ids: Collection[UUID]) -> set[UUID]:
        """Those of these that have not ended. Asking does not say that anybody is here."""
        now = self._clock.now()
        rows = await self._pool.fetch(_LIVE_AMONG, list(session_ids), now, now - self._idle)
        return {row["session_id"] for row in rows}

    async def by_id(self, session_id: UUID) -> Session | None:
        """A session by what others may know of it."""
        row = await self._pool.fetchrow(_BY_ID, session_id)
        return None if row is None else self._session(row)

    async def id_token_of(self, session_id: UUID) -> str | None:
        """What the provider said when this session began, where it is kept."""
        found: str | None = await self._pool.fetchval(_KEPT_FOR_SIGN_OUT, session_id)
        return found

    async def end(self, session_id: UUID, reason: EndReason) -> None:
        """End one. What has ended stays as it is."""
        await self._pool.execute(_END, session_id, self._clock.now(), reason)

    async def end_all_of(self, identity: Identity) -> None:
        """End all of a person."""
        await self._pool.execute(_END_OF_IDENTITY, *identity, self._clock.now(), EndReason.ENDED_BY_PERSON)

    async def follow(self, order: LogoutOrder) -> bool:
        """End what a provider says, once; False where this order came before."""
        now = self._clock.now()
        async with transaction(self._pool) as connection:
            await connection.execute(_FORGET[2], now)
            if await connection.fetchval(_NOTE_ORDER, order.issuer, order.token_id, order.ends_at) is None:
                return False
            await connection.execute(_END_BY_PROVIDER, order.issuer, order.provider_session, order.subject, now)
        return True

    async def begin(self, sign_in: SignIn, *, state: str, browser: str) -> None:
        """A sign-in sets out."""
        now = self._clock.now()
        async with transaction(self._pool) as connection:
            await connection.execute(_FORGET[1], now)
            await connection.execute(
                _BEGIN, hashed(state), hashed(browser), sign_in.provider, sign_in.nonce, sign_in.code_verifier,
                sign_in.return_to, sign_in.fresh, now + SIGN_IN_WITHIN,
            )  # fmt: skip

    async def take(self, provider: str, *, state: str, browser: str) -> SignIn | None:
        """The sign-in that comes back, once, to the browser in which it set out; None if there is none or it took long."""
        row = await self._pool.fetchrow(_TAKE, hashed(state), hashed(browser), provider)
        if row is None or row["ends_at"] <= self._clock.now():
            return None
        return SignIn(row["provider"], row["nonce"], row["code_verifier"], row["return_to"], row["fresh"])

    def _session(self, row: Row) -> Session:
        return Session(
            session_id=row["session_id"],
            identity=Identity(row["issuer"], row["subject"]),
            proof=Proof(row["second_factor"], row["signed_in_at"], row["level"]),
            started_at=row["started_at"],
            seen_at=row["seen_at"],
            end_reason=self._end_reason(row, self._clock.now()),
        )

    def _end_reason(self, row: Row, now: datetime) -> EndReason | None:
        if row["end_reason"] is not None:
            return EndReason(row["end_reason"])
        if row["ends_at"] <= now:
            return EndReason.TOO_LONG
        return EndReason.IDLE if now - row["seen_at"] >= self._idle else None
