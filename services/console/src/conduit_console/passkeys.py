"""Passkeys as officers make them: read from what the browser sent, and kept until an administrator confirms them.

Nothing here is trusted by anybody. What is trusted stands in the register, which the console reads and cannot write.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection, Pool
from conduit_console import desk
from conduit_console.desk import DeskAct
from conduit_contracts.passkeys import ALGORITHMS, offer_text, read_offer
from conduit_contracts.programme import HubPersonRegistered, Passkey
from conduit_web.acts import ActKind

MOST_WAITING = 5
_ADD = """
INSERT INTO passkey_offers (credential_id, officer_id, offer, made_at)
SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM passkey_offers WHERE officer_id = $2) < $5
ON CONFLICT (credential_id) DO NOTHING
"""
_WAITING = "SELECT offer, made_at FROM passkey_offers WHERE officer_id = $1 ORDER BY made_at"
_SETTLE = "DELETE FROM passkey_offers WHERE credential_id = ANY($1::text[])"
_REMOVE = "DELETE FROM passkey_offers WHERE credential_id = $1 AND officer_id = $2 RETURNING offer"


class NotMadeError(Exception):
    """What the browser sent is no passkey that was just made on this page."""


@dataclass(frozen=True, slots=True)
class ShownPasskey:
    """A passkey as its officer's page has it."""

    credential_id: str
    fingerprint: str
    offer: str
    at: datetime | None
    """When it was made; of a trusted one, since when it is trusted."""


def rp_id_of(origin: str) -> str | None:
    """The name for which browsers keep passkeys at this address; None where it has a number instead of a name."""
    host = urlsplit(origin).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host
    return None


def challenge_to_make(form_token: str) -> bytes:
    """What a new passkey of this session is asked to repeat."""
    return sha256(b"conduit-passkey-made.v1\n" + form_token.encode()).digest()


def read_made(sent: str, challenge: bytes, origin: str) -> Passkey:
    """The passkey that the browser made.

    Raises:
        NotMadeError: it made none, or for another page or session, or without asking who is there.
    """
    try:
        said: Mapping[str, str] = json.loads(sent)
        response = {"clientDataJSON": said["client_data"], "attestationObject": said["attestation"]}
        found = webauthn.verify_registration_response(
            credential={
                "id": said["credential_id"],
                "rawId": said["credential_id"],
                "type": "public-key",
                "response": response,
            },
            expected_challenge=challenge,
            expected_rp_id=rp_id_of(origin) or "",
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(each) for each in ALGORITHMS],
        )
        return Passkey(
            credential_id=bytes_to_base64url(found.credential_id),
            public_key=bytes_to_base64url(found.credential_public_key),
            origin=origin,
            sign_count=found.sign_count,
            aaguid=UUID(found.aaguid) if found.aaguid else None,
        )
    except Exception:  # whatever a browser sent, and whatever a library makes of it
        raise NotMadeError from None


async def keep(pool: Pool, officer: HubPersonRegistered, officer_id: str, made: Passkey, now: datetime) -> bool:
    """Keep it until an administrator confirms it, with its act; False where it is there, or too many wait."""
    async with postgres.transaction(pool) as connection:
        await settle(connection, [officer])
        values = (made.credential_id, officer_id, offer_text(made), now, MOST_WAITING)
        if not postgres.affected(await connection.execute(_ADD, *values)):
            return False
        act = DeskAct(ActKind.ALTERATION, "made_passkey", about=made.fingerprint(officer.person_id))
        await desk.note(connection, officer_id, act, now)
    return True


async def remove(pool: Pool, officer: HubPersonRegistered, officer_id: str, credential_id: str, now: datetime) -> None:
    """Forget one that this officer made. Whether it is trusted is the register's to say, and stays as it is."""
    async with postgres.transaction(pool) as connection:
        offer = await connection.fetchval(_REMOVE, credential_id, officer_id)
        if offer is not None:
            fingerprint = read_offer(offer).fingerprint(officer.person_id)
            await desk.note(connection, officer_id, DeskAct(ActKind.ALTERATION, "removed_passkey", about=fingerprint), now)


async def settle(connection: Connection, officers: Iterable[HubPersonRegistered]) -> int:
    """Forget the offers that the register has by now; returns how many.

    They wait for nobody. One that an administrator takes out again, because its officer lost it, must not stand here as one
    that could be confirmed.
    """
    known = [each.credential_id for officer in officers for each in officer.passkeys]
    return postgres.affected(await connection.execute(_SETTLE, known)) if known else 0


async def waiting(connection: Connection, officer: HubPersonRegistered, officer_id: str) -> list[ShownPasskey]:
    """Those that this officer made and the register does not have, oldest first."""
    there = {each.credential_id for each in officer.passkeys}
    rows = [(read_offer(row["offer"]), row["made_at"]) for row in await connection.fetch(_WAITING, officer_id)]
    return [_shown(made, officer, at) for made, at in rows if made.credential_id not in there]


def confirmed(officer: HubPersonRegistered) -> list[ShownPasskey]:
    """Those that the register has."""
    return [_shown(each, officer, each.confirmed_at) for each in officer.passkeys]


def _shown(passkey: Passkey, officer: HubPersonRegistered, at: datetime | None) -> ShownPasskey:
    plain = passkey.model_copy(update={"confirmed_at": None})
    return ShownPasskey(passkey.credential_id, passkey.fingerprint(officer.person_id), offer_text(plain), at)
