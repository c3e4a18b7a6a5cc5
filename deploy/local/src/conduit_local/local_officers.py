"""Officers of one machine: synthetic people, who sign with a key that no other deployment takes.

They stand in the register under an identity provider that does not exist, so that nobody can sign in as one of them.
Whatever plays officers here signs by `LocalOfficers`, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from conduit_contracts.envelope import Attributes, Command, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import HubPersonRegistered, HubRole
from conduit_contracts.signature import HEADER, LIFE, Signable, SignedIn, sign
from conduit_contracts.signing_keys import LOCAL, SigningKey, TrustedKeys
from conduit_operate.paths import write_private

ISSUER = "https://officers.local.invalid"
"""It vouches for nobody: no such host can exist (RFC 2606)."""
OFFICERS = ("a.okafor", "b.lindqvist", "c.marsh")
"""Who decides in the samples."""
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def registered(officer_id: str) -> HubPersonRegistered:
    """The officer in the register, the same at each start."""
    digest = sha256(officer_id.encode()).digest()
    return HubPersonRegistered(
        person_id="p-" + "".join(_DIGITS[byte % 32] for byte in digest[:16]),
        issuer=ISSUER,
        subject=officer_id,
        shown_as="Officer of the samples",
        valid_from=SINCE,
        roles=(HubRole.OFFICER,),
        officer_id=officer_id,
    )


class LocalOfficers:
    """Gives the records of officers' commands, signed as each officer."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    @classmethod
    def of(cls, state_dir: Path) -> LocalOfficers:
        """Those of the stack that keeps its state there."""
        return cls(keep_key(state_dir))

    def headers(
        self, topic: str, command: Command, attributes: Attributes, now: datetime | None = None
    ) -> tuple[list[tuple[str, bytes | None]], bytes]:
        """Headers and value of the record, signed now by the officer whom it names."""
        headers, value = encode(command, attributes)
        at = now or datetime.now(UTC)
        signable = Signable.of(command, attributes, topic, value)
        officer = SignedIn(ISSUER, signable.officer_id, "synthetic", at - timedelta(minutes=1))
        token = sign(signable, officer, self._key, at, LIFE)
        return [*headers, (HEADER, token.encode())], value

    def command(self, topic: str, command: Command) -> tuple[list[tuple[str, bytes | None]], bytes]:
        """The same, under attributes of its own."""
        officer, about = getattr(command, "officer_id", ""), getattr(command, "referral_id", None)
        attributes = Attributes(str(uuid7()), f"/officers/{officer}", command.type, datetime.now(UTC), str(about))
        return self.headers(topic, command, attributes)


def private_key_path(state_dir: Path) -> Path:
    """This machine's private key, which its signer alone is told of."""
    return state_dir / "secrets" / "local-signing-key.json"


def intake_token_path(state_dir: Path) -> Path:
    """What the console shows to intake, to fetch files."""
    return state_dir / "secrets" / "intake-token"


def signer_token_path(state_dir: Path) -> Path:
    """What the console shows to the signer."""
    return state_dir / "secrets" / "signer-token"


def trusted_keys_path(state_dir: Path) -> Path:
    """The JWKS that this machine's services are told of."""
    return state_dir / "signing" / "trusted-keys.json"


def keep_key(state_dir: Path) -> SigningKey:
    """This machine's key, made on first use, and in its services' JWKS."""
    private, trusted = private_key_path(state_dir), trusted_keys_path(state_dir)
    for folder in (private.parent, trusted.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not private.exists():
        write_private(private, SigningKey.generate(f"{LOCAL}{uuid7().hex[-12:]}").text())
    key = SigningKey.read(private.read_bytes())
    known = TrustedKeys.read(trusted.read_bytes(), local=True) if trusted.exists() else TrustedKeys()
    if known.find(key.kid) is None:
        write_private(trusted, TrustedKeys([*known, key.public()]).text())
    return key


def everybody(officers: Iterable[str] = OFFICERS) -> list[HubPersonRegistered]:
    """These officers in the register."""
    return [registered(each) for each in officers]
