"""The keys that sign officers' commands: made, changed by overlap, and retired without ever leaving the set.

Two files: the private key, which the signer alone may read, and the JWKS of public keys, which triage, routing and
notification trust. A key that signs no more stays in the JWKS with `retired_at`: what it signed can be verified for as long
as history is kept.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from conduit_contracts.ids import uuid7
from conduit_contracts.signature import LONGEST_LIFE
from conduit_contracts.signing_keys import KeysUnusableError, SigningKey, TrustedKey, TrustedKeys
from conduit_operate.onboarding import MisuseError, OnboardingError, UnknownError
from conduit_operate.paths import write_private

TRUSTED, CURRENT, NEXT = "trusted-keys.json", "signing-key.json", "next-signing-key.json"


class SigningFiles(NamedTuple):
    """Where they are."""

    trusted: Path
    current: Path
    next: Path

    @classmethod
    def within(cls, trusted: Path, private: Path | None = None) -> SigningFiles:
        """Those of these folders, or all in one."""
        private = private or trusted
        return cls(trusted / TRUSTED, private / CURRENT, private / NEXT)


def new_kid(now: datetime) -> str:
    """A name that tells keys apart, and when each was made."""
    return f"signer.{now:%Y-%m-%d}.{uuid7(now).hex[-6:]}"


def read_trusted(files: SigningFiles) -> TrustedKeys:
    """The trusted keys. Raises UnknownError where there are none, OnboardingError where they cannot be used."""
    if not files.trusted.exists():
        raise UnknownError(f"there is no {files.trusted}; `conduit signing-key new` makes the first key")
    try:
        return TrustedKeys.read(files.trusted.read_bytes(), local=True)
    except (KeysUnusableError, OSError) as error:
        raise OnboardingError(f"{files.trusted} cannot be used: {error}") from None


def make_first(files: SigningFiles, now: datetime | None = None) -> str:
    """The first key; returns its `kid`. Raises MisuseError where there is one already."""
    if files.current.exists() or files.trusted.exists():
        raise MisuseError("there is a key already; `conduit signing-key rotate` makes the next one")
    key = SigningKey.generate(new_kid(now or datetime.now(UTC)))
    for folder in {files.trusted.parent, files.current.parent}:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(files.current, key.text())
    _write_trusted(files, TrustedKeys([key.public()]))
    return key.kid


def keep(files: SigningFiles) -> str:
    """The key that there is, or else the first one: for whoever sets up one machine, perhaps again."""
    if not files.current.exists():
        return make_first(files)
    key = _private(files.current)
    trusted = TrustedKeys() if not files.trusted.exists() else read_trusted(files)
    if trusted.find(key.kid) is None:
        _write_trusted(files, TrustedKeys([*trusted, key.public()]))
    return key.kid


def begin_rotation(files: SigningFiles, now: datetime) -> str:
    """The next key, trusted at once and used by nobody yet; returns its `kid`. Raises MisuseError where one waits."""
    trusted = read_trusted(files)
    if files.next.exists():
        raise MisuseError(f"{files.next.name} waits already; end that rotation with --finish")
    key = SigningKey.generate(new_kid(now))
    _write_trusted(files, TrustedKeys([*trusted, key.public()]))
    write_private(files.next, key.text())
    return key.kid


def finish_rotation(files: SigningFiles, now: datetime) -> tuple[str, str]:
    """Sign with the next key from now on; returns its `kid` and the earlier one's, which is retired an hour from now.

    Raises MisuseError where none waits.
    """
    if not files.next.exists():
        raise MisuseError("no key waits; begin with `conduit signing-key rotate`")
    before, after = _private(files.current), _private(files.next)
    trusted = read_trusted(files)
    files.next.replace(files.current)
    _write_trusted(files, _retired(trusted, before.kid, now + LONGEST_LIFE))
    return after.kid, before.kid


def retire(files: SigningFiles, kid: str, now: datetime) -> None:
    """Trust nothing that the broker takes from now on under this key. Raises UnknownError where there is none."""
    trusted = read_trusted(files)
    if trusted.find(kid) is None:
        raise UnknownError(f"there is no key {kid}; `conduit signing-key list` lists them")
    _write_trusted(files, _retired(trusted, kid, now))


def _retired(trusted: TrustedKeys, kid: str, at: datetime) -> TrustedKeys:
    """A key that is retired already keeps the earlier time."""
    at = at.replace(microsecond=0)
    return TrustedKeys(
        TrustedKey(each.kid, each.key, min(at, each.retired_at or at)) if each.kid == kid else each for each in trusted
    )


def _private(path: Path) -> SigningKey:
    try:
        return SigningKey.read(path.read_bytes())
    except (KeysUnusableError, OSError) as error:
        raise OnboardingError(f"{path} cannot be used: {error}") from None


def _write_trusted(files: SigningFiles, keys: TrustedKeys) -> None:
    write_private(files.trusted, keys.text())
    files.trusted.chmod(0o644)


def state_of(key: TrustedKey, signing: str | None, waiting: str | None, now: datetime) -> str:
    """What the key does, in a word or two."""
    if key.retired_at is not None:
        return "retired" if key.retired_at <= now else f"until {key.retired_at:%Y-%m-%d %H:%M}"
    if key.kid == signing:
        return "signs"
    return "waits" if key.kid == waiting else "trusted"


def kid_of(path: Path) -> str | None:
    """The name of a private key, where it can be read here."""
    return _private(path).kid if path.exists() else None
