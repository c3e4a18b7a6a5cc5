"""An officer's own passkey (WebAuthn), which signs the gravest decisions, so that the console alone cannot give them.

The register holds the public part of each passkey once an administrator has confirmed its fingerprint. To decline, and to
end a force's part, an officer who has one touches it: it signs the digest of exactly what the signer signs, and its answer
travels in the header `conduit-passkey` beside the signature. Each service checks it against the register; the console, which
makes the page, can neither make an answer nor use one for another decision. An officer without a passkey needs none.

Pure, but for webauthn: `pip install 'conduit-contracts[signing]'`.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import StringConstraints, ValidationError

from conduit_contracts.attributes import Headers
from conduit_contracts.base import Value
from conduit_contracts.envelope import Command
from conduit_contracts.kits.extras import load
from conduit_contracts.programme import HubPersonRegistered, Passkey
from conduit_contracts.routing import StandDownHandoff
from conduit_contracts.signature import Signable, SignatureRefusedError
from conduit_contracts.triage import DecideReview, ReviewOutcome

HEADER = "conduit-passkey"
ALGORITHMS = (-7, -8, -257)
"""ES256, EdDSA and RS256, as COSE numbers them: what authenticators have."""
MOST_BYTES = 8_192
_ABOUT = b"conduit-command-passkey.v1\n"
"""Nothing else that a passkey may ever sign here is taken for a command."""

Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=4_096)]


class Assertion(Value):
    """What a passkey answered: WebAuthn's assertion, its bytes in base64url without padding."""

    credential_id: Base64
    authenticator_data: Base64
    client_data: Base64
    """The browser's JSON, which says on whose page and for which challenge."""
    signature: Base64


class Answered(NamedTuple):
    """A passkey's answer that was found good."""

    assertion: Assertion
    uses: int
    """How often the passkey says that it has been used; 0 where it does not count."""


def asks_passkey(command: Command) -> bool:
    """Whether an officer who has a passkey gives this with it: a decline, and the end of a force's part."""
    declines = isinstance(command, DecideReview) and command.outcome is ReviewOutcome.DECLINE
    return declines or isinstance(command, StandDownHandoff)


def trusted(person: HubPersonRegistered, at: datetime) -> tuple[Passkey, ...]:
    """The passkeys of this person that an administrator had confirmed by then."""
    return tuple(each for each in person.passkeys if each.confirmed_at is not None and each.confirmed_at <= at)


def challenge_of(record: Signable) -> bytes:
    """What a passkey is asked to sign for this record: 32 bytes, over all that the signer's signature says of it."""
    said = json.dumps(record.claims(), sort_keys=True, separators=(",", ":"), default=str)
    return sha256(_ABOUT + said.encode()).digest()


def passkey_of(headers: Headers) -> str | None:
    """The answer of a passkey that a record carries; None where it carries none.

    Raises:
        SignatureRefusedError: it carries more than one, or one that is no text.
    """
    found = [raw or b"" for name, raw in headers if name == HEADER]
    if len(found) > 1 or any(len(raw) > MOST_BYTES or not raw.isascii() for raw in found):
        raise SignatureRefusedError("passkey_unreadable", HEADER)
    return found[0].decode("ascii") if found else None


def check_passkey(
    given: str | None, person: HubPersonRegistered, command: Command, record: Signable, at: datetime
) -> Answered | None:
    """What was answered; None where no passkey is asked for.

    Raises:
        SignatureRefusedError: it is asked for, and this is no answer of this person's passkey to this record.
    """
    known = trusted(person, at) if asks_passkey(command) else ()
    if not known:
        return None
    if given is None:
        raise SignatureRefusedError("passkey_missing", HEADER)
    assertion = _read(given)
    passkey = next((each for each in known if each.credential_id == assertion.credential_id), None)
    if passkey is None:
        raise SignatureRefusedError("passkey_unknown", HEADER)
    return _verify(assertion, passkey, challenge_of(record))


def _read(given: str) -> Assertion:
    try:
        return Assertion.model_validate_json(given)
    except ValidationError:
        raise SignatureRefusedError("passkey_unreadable", HEADER) from None


def _verify(assertion: Assertion, passkey: Passkey, challenge: bytes) -> Answered:
    rp_id = urlsplit(passkey.origin).hostname or ""
    helpers = load("webauthn.helpers", "signing")
    try:
        client = helpers.parse_client_data_json(_bytes(assertion.client_data))
        data = helpers.parse_authenticator_data(_bytes(assertion.authenticator_data))
    except Exception:  # whatever a stranger wrote, and whatever a library makes of it
        raise SignatureRefusedError("passkey_unreadable", HEADER) from None
    if client.challenge != challenge:
        raise SignatureRefusedError("passkey_for_another", HEADER)
    if client.origin != passkey.origin or client.cross_origin or data.rp_id_hash != sha256(rp_id.encode()).digest():
        raise SignatureRefusedError("passkey_elsewhere", HEADER)
    if not (data.flags.up and data.flags.uv):
        raise SignatureRefusedError("passkey_unverified", HEADER)
    if goes_back(data.sign_count, passkey.sign_count):
        raise SignatureRefusedError("passkey_count", HEADER)
    _verify_signature(assertion, passkey, challenge, rp_id)
    return Answered(assertion, data.sign_count)


def _verify_signature(assertion: Assertion, passkey: Passkey, challenge: bytes, rp_id: str) -> None:
    response = {
        "authenticatorData": assertion.authenticator_data,
        "clientDataJSON": assertion.client_data,
        "signature": assertion.signature,
    }
    credential = {"id": passkey.credential_id, "rawId": passkey.credential_id, "type": "public-key", "response": response}
    verify = load("webauthn", "signing").verify_authentication_response
    try:
        verify(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=passkey.origin,
            credential_public_key=_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception:  # the same: an answer that cannot be verified is none
        raise SignatureRefusedError("passkey_wrong", HEADER) from None


def goes_back(count: int, before: int) -> bool:
    """Whether a count that should have risen did not: somebody may have copied the passkey. Many do not count, and say 0."""
    return (count, before) != (0, 0) and count <= before


def offer_text(offered: Passkey) -> str:
    """A passkey in one line, as an officer gives it to an administrator. It is no secret, and trusted by nobody yet."""
    return urlsafe_b64encode(offered.model_dump_json(exclude_none=True).encode()).rstrip(b"=").decode()


def read_offer(text: str) -> Passkey:
    """The passkey that `offer_text` wrote.

    Raises:
        ValueError: it is not one, or its public key is of a kind that is not verified here.
    """
    try:
        offered = Passkey.model_validate_json(_bytes("".join(text.split())))
    except ValueError:
        raise ValueError("this is no passkey that the console made known") from None
    check_usable(offered)
    return offered


def check_usable(passkey: Passkey) -> None:
    """Whether the public key is of a kind that is verified here. Raises ValueError where it is not."""
    decode = load("webauthn.helpers", "signing").decode_credential_public_key
    try:
        key = decode(_bytes(passkey.public_key))
    except Exception:  # the same
        raise ValueError("the public key cannot be read") from None
    if key.alg not in ALGORITHMS:
        raise ValueError("the public key is of a kind that is not verified here")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
