"""Whose word a command is: its signature is good, and whoever signed it stands in the register with a role that decides.
Where they have a passkey there, it signed the gravest of their commands as well.

What a record says of itself, and who could write it, decides nothing. The keys come from a mounted file, never from a topic.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from conduit_chassis import metrics
from conduit_chassis.errors import ConfigurationError
from conduit_chassis.people import KnownPeople, RegisterBehindError, account_of
from conduit_contracts.attributes import Attributes
from conduit_contracts.passkeys import check_passkey, passkey_of
from conduit_contracts.programme import HubPersonRegistered, HubRole, PersonRegistered
from conduit_contracts.signature import Signable, SignatureRefusedError, SignedClaims, signature_of, verify
from conduit_contracts.signing_keys import KeysUnusableError, TrustedKeys

_log = structlog.get_logger()

GOOD = "good"
DECIDING_ROLES = frozenset({HubRole.OFFICER, HubRole.SUPERVISOR})
"""Of the hub's people, those whose commands are taken."""


class Signed(NamedTuple):
    """A signature that was found good, as it stood in the header, and what it says."""

    claims: SignedClaims
    signature: str
    passkey: str | None = None
    """What the officer's passkey answered, where the record carries that."""


class Verifier:
    """Asked of every record of a topic that is signed."""

    def __init__(self, keys: Callable[[], TrustedKeys], people: KnownPeople) -> None:
        self._keys = keys
        self._people = people

    def verify(self, command: Any, attributes: Attributes, record: Any) -> Signed:
        """Who stands for this command, as the broker took it.

        Raises:
            SignatureRefusedError: nobody does.
        """
        try:
            signed = self._verify(command, attributes, record)
        except SignatureRefusedError as error:
            metrics.SIGNATURES.labels(error.code).inc()
            raise
        metrics.SIGNATURES.labels(GOOD).inc()
        return signed

    def _verify(self, command: Any, attributes: Attributes, record: Any) -> Signed:
        token, passkey = signature_of(record.headers), passkey_of(record.headers)
        signable = Signable.of(command, attributes, record.topic, record.value)
        claims = verify(token, signable, self._keys(), record.timestamp)
        officer = check_standing(self._people, claims.iss, claims.sub, claims.officer_id)
        check_passkey(passkey, officer, command, signable, record.timestamp)
        return Signed(claims, token, passkey)


def check_standing(people: KnownPeople, issuer: str, subject: str, officer_id: str) -> HubPersonRegistered:
    """The person who is that officer now, and decides.

    Raises:
        SignatureRefusedError: the register says otherwise, or cannot be asked. Commands alone wait for it: a referral, and
            what says danger, goes on.
    """
    try:
        person = people.find(issuer, subject)
    except RegisterBehindError:
        raise SignatureRefusedError("register_behind", "sub") from None
    if not isinstance(person, HubPersonRegistered):
        raise SignatureRefusedError("officer_not_registered", "sub")
    if account_of(person) != officer_id:
        raise SignatureRefusedError("officer_differs", "officer_id")
    if DECIDING_ROLES.isdisjoint(person.roles):
        raise SignatureRefusedError("role_lacking", "sub")
    return person


class KeysFile:
    """The trusted keys of a mounted JWKS, read again when the file changes. One that cannot be used leaves those before."""

    def __init__(self, path: Path, *, local: bool = False) -> None:
        self._path = path
        self._local = local
        self._complained: object = None
        try:
            self._stamp = self._look()
            self._keys = self._read()
        except (OSError, KeysUnusableError) as error:
            raise ConfigurationError(f"SIGNING_KEYS_FILE: {_said(error)}") from None

    def __call__(self) -> TrustedKeys:
        """The keys as the file has them now."""
        try:
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                self._keys = self._read()
                _log.info("signing_keys_read", count=len(list(self._keys)))
        except (OSError, KeysUnusableError) as error:
            self._complain(_said(error))
        return self._keys

    def _look(self) -> tuple[int, ...]:
        found = self._path.stat()
        return (found.st_mtime_ns, found.st_ino, found.st_size)

    def _read(self) -> TrustedKeys:
        return TrustedKeys.read(self._path.read_bytes(), local=self._local)

    def _complain(self, reason: str) -> None:
        if self._complained != (self._stamp, reason):
            self._complained = (self._stamp, reason)
            _log.error("signing_keys_unusable", reason=reason)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, KeysUnusableError) else str(getattr(error, "strerror", None) or "cannot be read")


class _Nobody:
    def find(self, issuer: str, subject: str) -> PersonRegistered | None:
        """Nobody."""
        del issuer, subject
        return None


def trusting_nobody() -> Verifier:
    """By which no command is taken: for readers that are told of no keys."""
    return Verifier(TrustedKeys, _Nobody())
