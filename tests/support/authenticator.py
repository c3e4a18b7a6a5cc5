"""An authenticator in software: what a passkey and a browser say together, honestly or not."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_bytes
from struct import pack
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from conduit_chassis.records import Record
from conduit_contracts.envelope import Command, decode
from conduit_contracts.passkeys import HEADER, challenge_of
from conduit_contracts.programme import Passkey
from conduit_contracts.signature import Signable
from conduit_contracts.topics import REGISTRY

ORIGIN = "https://desk.hub.example"
CONFIRMED = datetime(2026, 1, 1, tzinfo=UTC)
PRESENT, VERIFIED, NEW = 0x01, 0x04, 0x40
_MODEL = UUID("2fc0579f-8113-47ea-b116-bb5a8db9202a")


def text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class Authenticator:
    """One passkey. `count` is what it says next; None where it does not count."""

    def __init__(self, origin: str = ORIGIN, *, count: int | None = 1) -> None:
        self.origin, self.count = origin, count
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = token_bytes(16)

    @property
    def public_key(self) -> bytes:
        point = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})

    def offered(self) -> Passkey:
        key, credential = text(self.public_key), text(self.credential_id)
        return Passkey(credential_id=credential, public_key=key, origin=self.origin, aaguid=_MODEL)

    def passkey(self, confirmed_at: datetime = CONFIRMED, **changes: Any) -> Passkey:
        return Passkey(**{**self.offered().model_dump(), "confirmed_at": confirmed_at, **changes})

    def made(self, challenge: bytes, /, *, flags: int = PRESENT | VERIFIED, **client: Any) -> dict[str, str]:
        """What the page sends of a passkey that was just made."""
        about = _MODEL.bytes + pack(">H", len(self.credential_id)) + self.credential_id + self.public_key
        data = self._data(flags | NEW) + about
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._client("webauthn.create", challenge, client)
        return {"credential_id": text(self.credential_id), "client_data": text(said), "attestation": text(attestation)}

    def answer(self, challenge: bytes, /, *, flags: int = PRESENT | VERIFIED, rp_id: str = "", **client: Any) -> str:
        """What goes into the header. `client` is what the browser says otherwise."""
        data = self._data(flags, rp_id)
        said = self._client("webauthn.get", challenge, client)
        signature = self.key.sign(data + sha256(said).digest(), ec.ECDSA(SHA256()))
        parts = {"authenticator_data": text(data), "client_data": text(said), "signature": text(signature)}
        return json.dumps({"credential_id": text(self.credential_id), **parts})

    def touched_for(self, made: Record) -> Record:
        """An officer's record with the answer to it."""
        topic = next(each for each in REGISTRY if each.match(made.topic) is not None)
        attributes, command = decode(made.headers, made.value, {each.type: each for each in topic.messages}, closed=True)
        assert isinstance(command, Command)
        challenge = challenge_of(Signable.of(command, attributes, made.topic, made.value or b""))
        return made._replace(headers=[*made.headers, (HEADER, self.answer(challenge).encode())])

    def _client(self, kind: str, challenge: bytes, other: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": text(challenge), "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | other).encode()

    def _data(self, flags: int, rp_id: str = "") -> bytes:
        count, host = self.count or 0, rp_id or urlsplit(self.origin).hostname or ""
        if self.count is not None:
            self.count += 1
        return sha256(host.encode()).digest() + bytes([flags]) + pack(">I", count)
