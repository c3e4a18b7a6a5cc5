"""Who stands for an officer's command: a JWS (RFC 7515) in one header of its record.

An officer's record is taken because of what is signed, and never because of who could write to the topic. The header
`conduit-signature` holds a compact JWS by the signer's Ed25519 key. Its payload says of the record what must not be
exchanged (`value_sha256`, the `ce_` attributes, topic, referral or duty task, and version of the case), who the officer is,
how the officer signed in, and for how long it is good. Neither the value nor anything of it stands in the header.

The value is signed by its digest and not as a detached payload (RFC 7797, `b64: false`): every JOSE library verifies it so,
one signature covers the value and its surroundings alike, and the value stays the bytes that the record has.

`exp` and the key's retirement are judged by the time at which the broker took the record, so that a command which waits, or
is replayed from a dead letter, is as good as when it was given.

Pure, but for joserfc: `pip install 'conduit-contracts[signing]'`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, NamedTuple, cast
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationError

from conduit_contracts.attributes import Attributes, Headers
from conduit_contracts.base import Value
from conduit_contracts.commands import SeenVersion
from conduit_contracts.envelope import Command
from conduit_contracts.ids import OfficerId, ReferralId
from conduit_contracts.kits.extras import load
from conduit_contracts.problems import Origin, Problem
from conduit_contracts.signing_keys import SigningKey, TrustedKey, TrustedKeys

HEADER = "conduit-signature"
ALGORITHM = "Ed25519"
"""The only one (RFC 9864). What a token says of itself is compared with it and decides nothing."""
TYPE = "conduit-command+jws"
"""The token's `typ`: nothing else that the same key may ever sign is taken for a command."""
LIFE = timedelta(minutes=10)
"""For how long a signature is good unless its signer says otherwise: a relay may have to wait for Kafka."""
LONGEST_LIFE = timedelta(hours=1)
LEEWAY = timedelta(minutes=1)
"""By how much the signer's clock may be ahead of the broker's."""
MOST_BYTES = 4_096
_PROTECTED = {"alg", "kid", "typ"}

Seconds = Annotated[int, Field(ge=0, lt=2**33)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Attribute = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


class SignedClaims(Value):
    """What a signature says. Times are in seconds since 1970, as in a JWT."""

    value_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the record's value, in hexadecimal."""
    ce_id: Attribute
    ce_type: Attribute
    ce_source: Attribute
    topic: Attribute
    referral_id: ReferralId | None = None
    """The referral that the command names; absent where it is about a duty task."""
    task_id: UUID | None = None
    """The duty task that the command names; absent where it is about a referral."""
    case_version: SeenVersion | None = None
    """The version of the case that the officer saw, as the command's `seen_version`; absent where the command has none. What
    it has instead, `seen_until`, has no claim of its own: like all of the value, it is covered by `value_sha256`."""
    iss: Name
    """The officer's identity provider, which vouches for `sub`."""
    sub: Name
    officer_id: OfficerId
    """What the register says of `iss` and `sub`; as in the command."""
    acr: Name
    """How the officer signed in, as the provider calls it: its `acr`, or the `amr` that counts where it says none. It is
    evidence, and decides nothing: that there was more than one factor is asked for when an officer signs in."""
    auth_time: Seconds
    """When the provider last asked the officer for credentials."""
    iat: Seconds
    exp: Seconds


class SignatureRefusedError(Exception):
    """The command has no signature that is good for it. `code` says what is wrong, `field` where; no value is in either."""

    def __init__(self, code: str, field: str = HEADER) -> None:
        super().__init__(f"{code} at {field}")
        self.code = code
        self.field = field

    def problem(self) -> Problem:
        """What the officer is told."""
        behind = self.code == "register_behind"
        origin = Origin.HUB if behind else Origin.SENDER
        return Problem(code=self.code, field=self.field, message=_TEXTS[self.code], origin=origin, retryable=behind)


_AGAIN = "Decide again on the console's page."
_TEXTS = {
    "signature_missing": f"No officer has signed this command, so it has no effect and the case waits as before. {_AGAIN}",
    "signature_unreadable": f"The signature cannot be read, so the command has no effect. {_AGAIN}",
    "signature_algorithm": f"The signature is not an {ALGORITHM} signature of a command, so it has no effect. {_AGAIN}",
    "signature_key_unknown": (
        "The key that signed this is not among those that are trusted here, so the command has no effect. Tell an operator: "
        "the trusted keys are to have the signer's new key before it signs."
    ),
    "signature_key_retired": "The key that signed this had been retired, so the command has no effect. Tell an operator.",
    "signature_wrong": f"The signature is not the named key's, so the command has no effect. {_AGAIN}",
    "signature_claim_differs": f"The signature is for another command than this one, so it has no effect. {_AGAIN}",
    "signature_expired": f"The command came too long after it was signed, so it has no effect. {_AGAIN}",
    "signature_too_early": (
        "The signature is of a time that has not come yet, so the command has no effect. Tell an operator: clocks differ."
    ),
    "signature_lasts_too_long": "The signature would be good for too long, so the command has no effect. Tell an operator.",
    "register_behind": (
        "It cannot be told now who is in the register, so the command has no effect and the case waits as before. Decide "
        "again in a few minutes."
    ),
    "officer_not_registered": (
        "Who signed this is not, or no longer, in the register, so the command has no effect and the case waits as before. "
        "Another officer can decide."
    ),
    "officer_differs": (
        "The command names another officer than the one who signed it, so it has no effect and the case waits as before."
    ),
    "role_lacking": (
        "Who signed this is in the register without a role that decides, so the command has no effect. An officer or a "
        "supervisor can decide."
    ),
    "passkey_missing": (
        "This officer has a passkey and did not give the decision with it, so it has no effect. Decide again on the "
        "console's page, with the passkey at hand."
    ),
    "passkey_unreadable": f"What the passkey answered cannot be read, so the command has no effect. {_AGAIN}",
    "passkey_unknown": (
        "The passkey is not one that an administrator has confirmed for this officer, so the command has no effect. Decide "
        "again with a confirmed one, or have this one confirmed."
    ),
    "passkey_for_another": f"The passkey's answer is for another command than this one, so it has no effect. {_AGAIN}",
    "passkey_elsewhere": (
        "The passkey answered on another page than the console's, so the command has no effect. Tell an operator at once."
    ),
    "passkey_unverified": (
        "The passkey did not ask who holds it, so the command has no effect. Decide again, with its PIN or fingerprint."
    ),
    "passkey_count": (
        "The passkey counts fewer uses than before, so somebody may have copied it, and the command has no effect. Tell an "
        "administrator, who removes it from the register."
    ),
    "passkey_wrong": f"The passkey's signature is not good, so the command has no effect. {_AGAIN}",
}


CODES = tuple(_TEXTS)
"""All that may be wrong."""


class Signable(NamedTuple):
    """What of a record is signed."""

    value: bytes
    ce_id: str
    ce_type: str
    ce_source: str
    topic: str
    referral_id: ReferralId | None
    case_version: int | None
    officer_id: str
    task_id: UUID | None = None

    @classmethod
    def of(cls, command: Command, attributes: Attributes, topic: str, value: bytes) -> "Signable":
        """That of an officer's command, as it travels.

        Raises:
            TypeError: it is no officer's command.
        """
        officer_id = getattr(command, "officer_id", None)
        about = {name: getattr(command, name, None) for name in ("referral_id", "task_id")}
        if officer_id is None or not any(about.values()):
            raise TypeError("an officer's command names its referral or its duty task, and its officer")
        version = getattr(command, "seen_version", None)
        place = (attributes.id, attributes.type, attributes.source, topic)
        return cls(value, *place, about["referral_id"], version, officer_id, about["task_id"])

    def claims(self) -> dict[str, Any]:
        """What the signature must say of it."""
        made = self._asdict()
        return {"value_sha256": sha256(made.pop("value")).hexdigest(), **made}


class SignedIn(NamedTuple):
    """Who signs, as the identity provider vouched. `auth_time` is aware."""

    issuer: str
    subject: str
    acr: str
    auth_time: datetime


def sign(record: Signable, by: SignedIn, key: SigningKey, now: datetime, life: timedelta = LIFE) -> str:
    """The header's value for this record, good from `now` for `life`.

    Raises:
        ValueError: `life` is too long, or what it would say is not in order; the text holds no value.
    """
    if not timedelta() < life <= LONGEST_LIFE:
        raise ValueError("a signature is good for an hour at most")
    at = int(now.timestamp())
    person = {"iss": by.issuer, "sub": by.subject, "acr": by.acr, "auth_time": int(by.auth_time.timestamp())}
    said = {**record.claims(), **person, "iat": at, "exp": at + int(life.total_seconds())}
    try:
        claims = SignedClaims.model_validate(said)
    except ValidationError as error:
        fields = sorted({str(each["loc"][0]) for each in error.errors(include_input=False)})
        raise ValueError(f"cannot be signed: {', '.join(fields)}") from None
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}
    payload = claims.model_dump_json(exclude_none=True).encode()
    made: str = load("joserfc.jws", "signing").serialize_compact(header, payload, key.key, algorithms=[ALGORITHM])
    return made


def signature_of(headers: Headers) -> str:
    """The signature that a record carries.

    Raises:
        SignatureRefusedError: it carries none, or more than one, or one that is no text.
    """
    found = [raw for name, raw in headers if name == HEADER]
    if not found:
        raise SignatureRefusedError("signature_missing")
    raw = found[0] or b""
    if len(found) > 1 or len(raw) > MOST_BYTES or not raw.isascii():
        raise SignatureRefusedError("signature_unreadable")
    return raw.decode("ascii")


def verify(token: str, record: Signable, keys: TrustedKeys, recorded_at: datetime) -> SignedClaims:
    """What the signature says, once it is found good for this record, which the broker took at `recorded_at`.

    Raises:
        SignatureRefusedError: naming what is wrong, and the claim where it is one.
    """
    key = _trusted(token, keys, recorded_at)
    claims = _claims(_payload(token, key))
    _compare(claims, record)
    _check_times(claims, recorded_at)
    return claims


def _trusted(token: str, keys: TrustedKeys, recorded_at: datetime) -> TrustedKey:
    header = _header(token)
    if (header.get("alg"), header.get("typ")) != (ALGORITHM, TYPE) or header.keys() != _PROTECTED:
        raise SignatureRefusedError("signature_algorithm")
    kid = header["kid"]
    key = keys.find(kid) if isinstance(kid, str) else None
    if key is None:
        raise SignatureRefusedError("signature_key_unknown")
    if key.retired_at is not None and recorded_at >= key.retired_at:
        raise SignatureRefusedError("signature_key_retired")
    return key


def _header(token: str) -> Mapping[str, Any]:
    try:
        header = load("joserfc.jws", "signing").extract_compact(token.encode("ascii")).headers()
    except Exception:  # whatever a stranger wrote, and whatever a library makes of it
        raise SignatureRefusedError("signature_unreadable") from None
    return cast("Mapping[str, Any]", header)


def _payload(token: str, key: TrustedKey) -> bytes:
    try:
        read = load("joserfc.jws", "signing").deserialize_compact(token, key.key, algorithms=[ALGORITHM])
    except Exception:  # the same: a signature that cannot be verified is none
        raise SignatureRefusedError("signature_wrong") from None
    return bytes(read.payload)


def _claims(payload: bytes) -> SignedClaims:
    try:
        return SignedClaims.model_validate_json(payload)
    except ValidationError as error:
        # Names of claims, as the signer wrote them; a trusted key signed them.
        location = error.errors(include_input=False, include_url=False)[0]["loc"]
        known = str(location[0]) if location and location[0] in SignedClaims.model_fields else HEADER
        raise SignatureRefusedError("signature_unreadable", known) from None


def _compare(claims: SignedClaims, record: Signable) -> None:
    for name, wanted in record.claims().items():
        if getattr(claims, name) != wanted:
            raise SignatureRefusedError("signature_claim_differs", name)


def _check_times(claims: SignedClaims, recorded_at: datetime) -> None:
    signed, ends = _moment(claims.iat), _moment(claims.exp)
    if signed > recorded_at + LEEWAY:
        raise SignatureRefusedError("signature_too_early", "iat")
    if _moment(claims.auth_time) > signed + LEEWAY:
        raise SignatureRefusedError("signature_too_early", "auth_time")
    if ends - signed > LONGEST_LIFE:
        raise SignatureRefusedError("signature_lasts_too_long", "exp")
    if recorded_at >= ends:
        raise SignatureRefusedError("signature_expired", "exp")


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
